"""What a product costs at a moment, for whoever brings this coupon: the one place that knows.

Pages show it, the order form is held against it, and the order keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from kramik import coupons
from kramik.catalogue import Product
from kramik.coupons import Coupon
from kramik.money import Money
from kramik.pricelist import PriceList
from kramik.sale import Sale, current


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The price to pay; `regular` and `lowest` (of the thirty days before) in a sale that lasts `until` then.

    A price that is no reduction has no `lowest`, and what follows it is `later`: an introductory one, as nobody ever
    paid more, and one that is not below what was asked in the thirty days before (C-330/23).
    """

    price: Money
    regular: Money | None = None
    lowest: Money | None = None
    later: Money | None = None
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
        lowest, following = (
            reduced_from(product, sale, conditions.prices),
            current(product.sales, sale.closes),
        )
        later = product.price if following is None else following.price
        shown = Offer(
            price=sale.price,
            regular=product.price,
            lowest=lowest,
            later=later if lowest is None else None,
            until=sale.closes,
        )
    code = coupons.spelled(coupon)
    why = coupons.problem(code, conditions.coupons, product.slug, now=now, currency=product.price.currency)
    if not code or why is not None:
        return shown
    return replace(shown, price=conditions.coupons[code].off(shown.price), coupon=code)


def reduced_from(product: Product, sale: Sale, prices: PriceList) -> Money | None:
    """Return the lowest price of the thirty days before a sale, if the sale is below it; None when it is not."""
    if introduces(product, sale, prices):
        return None
    lowest = prices.lowest(product.slug, product.sales, before=sale.opens) or product.price
    return lowest if sale.price.minor < lowest.minor else None


def introduces(product: Product, sale: Sale, prices: PriceList) -> bool:
    """Say whether a product opens with this sale, or with sales up to it, and was never sold for more before.

    Then there is no price to compare with, and one that is struck out would be invented (Directive 98/6/EC art. 6a).
    """
    since = product.regular_from
    if since is None or product.opens is None or sale.opens >= since:
        return False
    return not prices.sold(product.slug, product.sales, before=product.opens)
