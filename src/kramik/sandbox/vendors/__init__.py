"""The gateways of real vendors as this world plays them: one file a vendor, written from its documents.

Each is loaded when somebody first asks for it, so that a world starts fast and needs only what it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kramik.sandbox.dialect import CalledDialect, Dialect, Panel


class Vendor(Protocol):
    """What the file of a vendor offers."""

    @property
    def DEMO(self) -> Mapping[str, object]:  # noqa: N802 - a constant of a module
        """Return the settings of its one account, as our adapter names them, without `base_url`."""
        ...

    def dialect(self, panel: Panel) -> Dialect | CalledDialect:
        """Make the vendor's side, for a shop that set this panel."""
        ...


def _imoje() -> Vendor:
    from kramik.sandbox.vendors import imoje

    return imoje


def _autopay() -> Vendor:
    from kramik.sandbox.vendors import autopay

    return autopay


def _payu() -> Vendor:
    from kramik.sandbox.vendors import payu

    return payu


def _payu_rest() -> Vendor:
    from kramik.sandbox.vendors import payu_rest

    return payu_rest


def _tpay() -> Vendor:
    from kramik.sandbox.vendors import tpay

    return tpay


def _tpay_api() -> Vendor:
    from kramik.sandbox.vendors import tpay_api

    return tpay_api


def _dotpay() -> Vendor:
    from kramik.sandbox.vendors import dotpay

    return dotpay


def _twocheckout() -> Vendor:
    from kramik.sandbox.vendors import twocheckout

    return twocheckout


def _paynow() -> Vendor:
    from kramik.sandbox.vendors import paynow

    return paynow


def _redsys() -> Vendor:
    from kramik.sandbox.vendors import redsys

    return redsys


def _przelewy24() -> Vendor:
    from kramik.sandbox.vendors import przelewy24

    return przelewy24


def _stripe() -> Vendor:
    from kramik.sandbox.vendors import stripe

    return stripe


def _stripe_checkout() -> Vendor:
    from kramik.sandbox.vendors import stripe_checkout

    return stripe_checkout


_VENDORS: Mapping[str, Callable[[], Vendor]] = {
    "imoje": _imoje,
    "autopay": _autopay,
    "payu": _payu,
    "payu_rest": _payu_rest,
    "tpay": _tpay,
    "tpay_api": _tpay_api,
    "dotpay": _dotpay,
    "twocheckout": _twocheckout,
    "paynow": _paynow,
    "redsys": _redsys,
    "przelewy24": _przelewy24,
    "stripe": _stripe,
    "stripe_checkout": _stripe_checkout,
}

NAMES = tuple(_VENDORS)
"""The vendors; each is mounted at `/<name>`."""


def vendor(name: str) -> Vendor:
    """Load the file of a vendor."""
    return _VENDORS[name]()
