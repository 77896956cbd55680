"""The academies of real vendors as this world plays them: one file a vendor, written from its documents.

Each is loaded when somebody first asks for it, so that a world starts fast and needs only what it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kramik.sandbox.stage import Vendor

OPERATIONS = ("grant", "find", "link", "revoke", "open", "token", "setup", "member")
"""What the faults call the requests of a shop, whatever the vendor calls them.

`link` is a fresh link, `open` a buyer at the course, `token` an OAuth token, `setup` what `check --live` asks,
`member` a new account of a buyer that opens nothing yet.
"""


def _circle() -> Vendor:
    from kramik.sandbox.academies import circle

    return circle


def _discourse() -> Vendor:
    from kramik.sandbox.academies import discourse

    return discourse


def _heartbeat() -> Vendor:
    from kramik.sandbox.academies import heartbeat

    return heartbeat


def _kajabi() -> Vendor:
    from kramik.sandbox.academies import kajabi

    return kajabi


def _learnworlds() -> Vendor:
    from kramik.sandbox.academies import learnworlds

    return learnworlds


def _moodle() -> Vendor:
    from kramik.sandbox.academies import moodle

    return moodle


def _teachable() -> Vendor:
    from kramik.sandbox.academies import teachable

    return teachable


def _files() -> Vendor:
    from kramik.sandbox.academies import files

    return files


def _ghost() -> Vendor:
    from kramik.sandbox.academies import ghost

    return ghost


def _thinkific() -> Vendor:
    from kramik.sandbox.academies import thinkific

    return thinkific


_PLATFORMS: Mapping[str, Callable[[], Vendor]] = {
    "files": _files,
    "ghost": _ghost,
    "thinkific": _thinkific,
    "teachable": _teachable,
    "circle": _circle,
    "kajabi": _kajabi,
    "heartbeat": _heartbeat,
    "moodle": _moodle,
    "learnworlds": _learnworlds,
    "discourse": _discourse,
}

NAMES = tuple(_PLATFORMS)
"""The vendors; each is mounted at `/<name>`."""


def platform(name: str) -> Vendor:
    """Load the file of a vendor."""
    return _PLATFORMS[name]()
