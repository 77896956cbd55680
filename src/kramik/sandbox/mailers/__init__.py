"""The mailing tools of real vendors as this world plays them: one file a vendor, written from its documents.

Each is loaded when somebody first asks for it, so that a world starts fast and needs only what it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kramik.sandbox.stage import Vendor


def _kit() -> Vendor:
    from kramik.sandbox.mailers import kit

    return kit


def _kit_v3() -> Vendor:
    from kramik.sandbox.mailers.kit import v3

    return v3


def _mailchimp() -> Vendor:
    from kramik.sandbox.mailers import mailchimp

    return mailchimp


def _mailerlite() -> Vendor:
    from kramik.sandbox.mailers import mailerlite

    return mailerlite


def _brevo() -> Vendor:
    from kramik.sandbox.mailers import brevo

    return brevo


def _listmonk() -> Vendor:
    from kramik.sandbox.mailers import listmonk

    return listmonk


def _buttondown() -> Vendor:
    from kramik.sandbox.mailers import buttondown

    return buttondown


OPERATIONS = ("purchase", "sequence", "message", "find", "person", "token", "setup")
"""What the faults call the requests of a shop, whatever the vendor calls them.

`person` is everything about one person but the sequence, `token` an OAuth refresh, `setup` what `check --live` asks.
"""

_TOOLS: Mapping[str, Callable[[], Vendor]] = {
    "kit": _kit,
    "kit-v3": _kit_v3,
    "mailchimp": _mailchimp,
    "mailerlite": _mailerlite,
    "brevo": _brevo,
    "listmonk": _listmonk,
    "buttondown": _buttondown,
}

NAMES = tuple(_TOOLS)
"""The vendors; each is mounted at `/<name>`."""


def tool(name: str) -> Vendor:
    """Load the file of a vendor."""
    return _TOOLS[name]()
