"""The history of prices, and the lowest one of the thirty days before a sale.

`prices.csv` in the shop's folder has a line for each change, `moment,product,price`, and only grows: `kramik build`
adds what changed. Sale windows of the product files belong to the history, too, whether or not somebody built then.
Source of the rule: Directive 98/6/EC art. 6a (Omnibus), C-330/23; the last day counted is the one before the sale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.money import Money, parse_price
from kramik.sale import Sale, current

FILE = "prices.csv"
HEAD = "since,product,price"
DAYS = timedelta(days=30)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """From this moment on a product cost this."""

    since: datetime
    product: str
    price: Money

    @property
    def line(self) -> str:
        """Return it as a line of the file."""
        return f"{self.since.isoformat(timespec='seconds')},{self.product},{self.price}"


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """What was written down: changes by product, oldest first."""

    changes: Mapping[str, tuple[Change, ...]] = {}

    def last(self, product: str) -> Money | None:
        """Return the price that was written down last."""
        changes = self.changes.get(product, ())
        return changes[-1].price if changes else None

    def lowest(self, product: str, sales: Iterable[Sale], *, before: datetime) -> Money | None:
        """Return the lowest price of the thirty days before a moment, or since it is sold; None when it was not.

        A price that was written down in a sale ends with it, whether or not somebody built then; one in another
        currency than that of the sales can not be compared.
        """
        windows, since = tuple(sales), before - DAYS
        lines = self.changes.get(product, ())
        asked = list(_within((each for each in lines if not _of_sale(each, windows)), since, before))
        asked += [sale.price for sale in windows if sale.opens < before and sale.closes > since]
        spoken = {sale.price.currency for sale in windows}
        known = (price for price in asked if not spoken or price.currency in spoken)
        return min(known, key=lambda price: price.minor, default=None)

    def sold(self, product: str, sales: Sequence[Sale], *, before: datetime) -> bool:
        """Say whether a product was sold before a moment for a price that was not that of a sale."""
        lines = self.changes.get(product, ())
        return any(each.since < before and not _of_sale(each, sales) for each in lines)

    def supposed(self, sold: Iterable[tuple[str, Money, Sequence[Sale], datetime | None]]) -> PriceList:
        """Return the list as if a product without a line had been sold for its regular price before its first sale.

        One that opens with a sale is given with the moment since when it costs its regular price.
        """
        told = {
            product: (
                Change(
                    since=since or min(sale.opens for sale in sales) - 2 * DAYS,
                    product=product,
                    price=regular,
                ),
            )
            for product, regular, sales, since in sold
            if sales and product not in self.changes
        }
        return PriceList(changes={**self.changes, **told})

    def changed(self, product: str, regular: Money, sales: Iterable[Sale], *, now: datetime) -> Change | None:
        """Return the line that is to be added now; None when the file says the same."""
        sale = current(sales, now)
        price = regular if sale is None else sale.price
        return None if self.last(product) == price else Change(since=now, product=product, price=price)


def _of_sale(change: Change, sales: Iterable[Sale]) -> bool:
    """Say whether a line tells the price of a sale that was open then."""
    return any(sale.open(change.since) and sale.price == change.price for sale in sales)


def _within(changes: Iterable[Change], since: datetime, before: datetime) -> Iterator[Money]:
    """Yield every price that was asked at some moment of a window."""
    standing: Money | None = None
    for change in changes:
        if change.since >= before:
            break
        if change.since <= since:
            standing = change.price
            continue
        yield change.price
    if standing is not None:
        yield standing


def read(text: str) -> PriceList:
    """Read the file.

    Raises:
        ConfigurationError: every line that can not be read, or is out of order.
    """
    problems: list[Problem] = []
    changes: dict[str, tuple[Change, ...]] = {}
    for number, line in enumerate(text.removeprefix("\N{BOM}").splitlines(), start=1):
        if not line.strip() or (number == 1 and line.strip() == HEAD):
            continue
        try:
            change = _change(line)
        except (ValueError, Rejected):
            message = f"is no line such as 2026-11-01T09:00:00+01:00,my-course,299.00 PLN: {line[:80]!r}"
            problems.append(_wrong(number, message))
            continue
        earlier = changes.get(change.product, ())
        if earlier and change.since < earlier[-1].since:
            problems.append(
                _wrong(number, "is older than a line above it; the history only grows at its end")
            )
        changes[change.product] = (*earlier, change)
    if problems:
        raise ConfigurationError(*problems)
    return PriceList(changes=changes)


def _change(line: str) -> Change:
    since, product, price = (part.strip() for part in line.split(","))
    moment = datetime.fromisoformat(since)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return Change(since=moment, product=product, price=parse_price(price))


def _wrong(line: int, message: str) -> Problem:
    return Problem(field=f"{FILE}:{line}", code="wrong", message=message)
