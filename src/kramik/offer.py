"""What a product costs at a moment, for whoever brings this coupon: the one place that knows.

Pages show it, the order form is held against it, and the order keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from kramik import coupons
from kramik.catalogue import Product
from kramik.coupons import Coupon
from kramik.money import Money
from kramik.pricelist import PriceList
from kramik.sale import current


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The price to pay; `regular` and `lowest` (of the thirty days before) in a sale that lasts `until` then."""

    price: Money
    regular: Money | None = None
    lowest: Money | None = None
    until: datetime | None = None
    coupon: str = ""

    @property
    def free(self) -> bool:
        """Say whether there is nothing to pay."""
        return self.price.minor == 0

    @property
    def percent(self) -> int:
        """Return how many per cent a sale is below the lowest price of the thirty days before; 0 when it is not.

        What a coupon takes off besides is for its holder alone and announces no lower price.
        """
        if self.coupon or self.lowest is None or self.lowest.minor <= self.price.minor:
            return 0
        return (self.lowest.minor - self.price.minor) * 100 // self.lowest.minor


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """How a shop sells beside its catalogue.

    `methods` are the ways to pay that are offered of each gateway; `terms` names the terms of each language, by
    version and hash. `countries` are those that are sold to, and asked for; none: nobody is asked.
    """

    coupons: Mapping[str, Coupon] = {}
    prices: PriceList = PriceList()
    methods: Mapping[str, Collection[str]] = {}
    terms: Mapping[str, str] = {}
    countries: tuple[str, ...] = ()


def offer(product: Product, conditions: Conditions, *, now: datetime, coupon: str = "") -> Offer:
    """Return what a product costs; a coupon that gives nothing now changes nothing."""
    sale = current(product.sales, now)
    shown = Offer(price=product.price)
    if sale is not None:
        lowest = conditions.prices.lowest(product.slug, product.sales, before=sale.opens)
        shown = Offer(
            price=sale.price, regular=product.price, lowest=lowest or product.price, until=sale.closes
        )
    code = coupons.spelled(coupon)
    why = coupons.problem(code, conditions.coupons, product.slug, now=now, currency=product.price.currency)
    if not code or why is not None:
        return shown
    return msgspec.structs.replace(shown, price=conditions.coupons[code].off(shown.price), coupon=code)
