"""When a page switches by itself: at each moment at which a sale or a window of what it shows begins or ends.

Beside a page lies what it will be from such a moment on, and `switch.js` puts that into its place when the moment
comes: a launch needs nobody at a keyboard and no server. Without script the page stays as it is until the next build,
and the order form is held against the price of its moment, as always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from kramik.catalogue import Product

AHEAD = timedelta(days=400)
"""What comes later than this is left to a later build."""

MOST = 12
"""Moments that are prepared of one page; the front page has those of all courses."""


def moments(products: Iterable[Product]) -> set[datetime]:
    """Return every moment, of the past too, at which something that is shown of these products changes."""
    return {moment for product in products for moment in _moments(product)}


def following(products: Iterable[Product], now: datetime) -> tuple[datetime, ...]:
    """Return the moments that are prepared, in their order."""
    return tuple(sorted(moment for moment in moments(products) if now < moment <= now + AHEAD)[:MOST])


def file(moment: datetime) -> str:
    """Name what a page is from this moment on; it lies beside the page."""
    utc = moment.astimezone(UTC)
    fraction = f".{utc:%f}" if utc.microsecond else ""
    return f"from-{utc:%Y%m%dT%H%M%S}{fraction}Z.html"


def _moments(product: Product) -> Iterator[datetime]:
    yield from filter(None, (product.opens, product.closes))
    for sale in product.sales:
        yield from (sale.opens, sale.closes)
