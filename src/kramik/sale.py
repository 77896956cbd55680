"""A price for a while: the sale windows of a product, and what it costs at a moment.

A window is half open: its first moment belongs to it, its last one does not. Windows never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

import msgspec

from kramik.money import Money


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """One window in which a product costs less; times are aware."""

    price: Money
    opens: datetime
    closes: datetime

    def open(self, now: datetime) -> bool:
        """Say whether this moment lies in the window."""
        return self.opens <= now < self.closes


def current(sales: Iterable[Sale], now: datetime) -> Sale | None:
    """Return the sale of this moment."""
    return next((sale for sale in sales if sale.open(now)), None)


def overlapping(sales: Iterable[Sale]) -> bool:
    """Say whether two windows have a moment in common."""
    ordered = sorted(sales, key=lambda sale: sale.opens)
    return any(later.opens < earlier.closes for earlier, later in pairwise(ordered))
