"""Coupons: a code that makes a product cheaper for whoever knows it.

A code is letters, digits and hyphens, in any case. The shop's file `coupons.toml` holds one table a code.
An individual code that is not published needs no note of the lowest price; a public one is a sale, not a coupon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from kramik.errors import Problem
from kramik.money import Money

_CODE = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,38}[A-Z0-9])?")


class Coupon(msgspec.Struct, frozen=True, kw_only=True):
    """One code: `percent` or an `amount` off, for some products or all, so many times, in a window (aware times)."""

    code: str
    percent: int = 0
    amount: Money | None = None
    products: tuple[str, ...] = ()
    limit: int | None = None
    opens: datetime | None = None
    closes: datetime | None = None

    def off(self, price: Money) -> Money:
        """Return what is left to pay; parts of a minor unit are the buyer's."""
        if self.amount is not None:
            return Money(minor=max(0, price.minor - self.amount.minor), currency=price.currency)
        return Money(minor=price.minor * (100 - self.percent) // 100, currency=price.currency)


def spelled(text: str) -> str:
    """Return a code as it is compared: without spaces, in capital letters."""
    return "".join(text.split()).upper()


def is_code(text: str) -> bool:
    """Say whether this is the spelling of a code."""
    return _CODE.fullmatch(text) is not None


def problem(
    code: str, coupons: Mapping[str, Coupon], product: str, *, now: datetime, currency: str
) -> Problem | None:
    """Say why a code gives nothing off this product now; None when it does."""
    coupon = coupons.get(spelled(code))
    why = "unknown_coupon" if coupon is None else next(_reasons(coupon, product, now, currency), "")
    return Problem(field="coupon", code=why, message=_SENTENCES[why]) if why else None


def _reasons(coupon: Coupon, product: str, now: datetime, currency: str) -> Iterator[str]:
    if coupon.opens is not None and now < coupon.opens:
        yield "unknown_coupon"
    if coupon.closes is not None and now >= coupon.closes:
        yield "coupon_over"
    if coupon.products and product not in coupon.products:
        yield "coupon_elsewhere"
    if coupon.amount is not None and coupon.amount.currency != currency:
        yield "coupon_elsewhere"


_SENTENCES = {
    "unknown_coupon": "this code is not known; check its spelling or leave it out",
    "coupon_over": "this code is over; leave it out",
    "coupon_elsewhere": "this code is not for this product; leave it out",
}
