"""Reads how a shop sells beside its catalogue: its clock, `coupons.toml` and `prices.csv`; every problem at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from kramik import coupons, pricelist, table, written
from kramik.catalogue import Product
from kramik.coupons import Coupon
from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.money import Money, parse_price
from kramik.pricelist import PriceList

COUPONS = "coupons.toml"


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of `coupons.toml`, as written."""

    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    amount: str | None = None
    products: list[str] = []
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    since: object = msgspec.field(default=None, name="from")
    until: object = None


def zone(name: str) -> tzinfo | None:
    """Return the zone of the shop's clock; None when it names none.

    Raises:
        Rejected: there is no such zone.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        message = f"{name!r} is no time zone; write one such as Europe/Warsaw"
        raise Rejected(Problem(field="timezone", code="unknown_zone", message=message)) from None


def read_prices(folder: Path) -> PriceList:
    """Read the history of prices; an empty one when there is no file.

    Raises:
        ConfigurationError: every line that is wrong.
    """
    file = folder / pricelist.FILE
    return pricelist.read(written.text(folder, pricelist.FILE)) if file.exists() else PriceList()


def news(products: Iterable[Product], prices: PriceList, *, now: datetime) -> list[str]:
    """Return the lines that the history of prices lacks: what the products cost now, where it says something else.

    What can not be ordered now costs nothing: a price that is only announced was never asked.
    """
    sold = (each for each in products if each.on_sale(now))
    asked = (prices.changed(each.slug, each.price, each.sales, now=now) for each in sold)
    return [change.line for change in asked if change is not None]


def record_prices(
    folder: Path, products: Iterable[Product], prices: PriceList, *, now: datetime
) -> list[str]:
    """Add what the products cost now to the history, where that is news; return the lines that were added."""
    lines = news(products, prices, now=now)
    if lines:
        file = folder / pricelist.FILE
        begun = written.text(folder, pricelist.FILE) if file.exists() else f"{pricelist.HEAD}\n"
        whole = begun if begun.endswith("\n") else f"{begun}\n"
        _replace(file, whole + "".join(f"{line}\n" for line in lines))
    return lines


def _replace(file: Path, text: str) -> None:
    """Write a file so that whoever reads it sees all of the old one or all of the new one."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text, "utf-8")
    fresh.replace(file)


def read_coupons(
    folder: Path, *, products: Mapping[str, object] | None, currency: str, clock: tzinfo | None
) -> dict[str, Coupon]:
    """Read the coupons by their code; none when there is no file.

    Without `products` or `currency` these are not known, because something else is wrong, and are not compared.

    Raises:
        ConfigurationError: every problem of every code.
    """
    file = folder / COUPONS
    if not file.exists():
        return {}
    text = written.text(folder, COUPONS)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(written.not_toml(COUPONS, text, error)) from None
    reading = _Coupons(text, None if products is None else {*products}, currency, clock)
    found = [reading.coupon(code, each) for code, each in raw.items()]
    if reading.problems:
        raise ConfigurationError(*reading.problems)
    return {coupon.code: coupon for coupon in found if coupon is not None}


class _Coupons:
    """One pass over the codes, which collects what is wrong."""

    def __init__(self, text: str, products: set[str] | None, currency: str, clock: tzinfo | None) -> None:
        self.problems: list[Problem] = []
        self._lines, self._products = text.splitlines(), products
        self._currency, self._clock = currency, clock
        self._seen: set[str] = set()

    def coupon(self, name: str, raw: object) -> Coupon | None:
        code = coupons.spelled(name)
        if not coupons.is_code(code):
            self._wrong(name, "is no code; use letters, digits and hyphens")
        if code in self._seen:
            self._wrong(name, "is written twice; letters count the same in any case")
        self._seen.add(code)
        if not isinstance(raw, dict):
            self._wrong(name, "must be a table such as [SPRING] with percent = 20")
            return None
        try:
            row = table.read(raw, Row)
        except Rejected as error:
            for each in error.problems:
                self._wrong(name, f"{each.field} {each.message}")
            return None
        return self._made(name, code, row)

    def _made(self, name: str, code: str, row: Row) -> Coupon:
        amount = self._amount(name, row.amount)
        if (row.percent is None) == (row.amount is None):
            self._wrong(name, "needs percent or amount, and one of them alone")
        for product in row.products:
            if self._products is not None and product not in self._products:
                hint = table.nearest(product, self._products)
                self._wrong(name, f"is for {product!r}, which is no product; {hint}")
        opens, closes = (
            self._moment(name, key, raw) for key, raw in (("from", row.since), ("until", row.until))
        )
        if opens and closes and closes <= opens:
            self._wrong(name, "ends before it begins; mend from or until")
        return Coupon(
            code=code,
            percent=row.percent or 0,
            amount=amount,
            products=tuple(row.products),
            limit=row.limit,
            opens=opens,
            closes=closes,
        )

    def _amount(self, name: str, text: str | None) -> Money | None:
        if text is None:
            return None
        try:
            amount = parse_price(text)
        except Rejected as error:
            self._wrong(name, f"amount {error.problems[0].message}")
            return None
        if self._currency and amount.currency != self._currency:
            self._wrong(name, f"gives {amount}, but the shop sells in {self._currency}")
        return amount

    def _moment(self, name: str, key: str, raw: object) -> datetime | None:
        if raw is None:
            return None
        if isinstance(raw, date) and not isinstance(raw, datetime):
            raw = datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001 - the shop's clock is put in below
        if not isinstance(raw, datetime):
            self._wrong(name, f"{key} is no moment such as 2026-12-01T09:00:00")
            return None
        if raw.tzinfo is None and self._clock is None:
            self._wrong(
                name, f"{key} names no zone; write timezone in [shop], or an offset such as +01:00 behind it"
            )
        if raw.tzinfo is not None:
            return raw
        early, late = (raw.replace(tzinfo=self._clock, fold=fold) for fold in (0, 1))
        if early.utcoffset() != late.utcoffset():
            self._wrong(
                name, f"{key} happens twice or never, as the clocks are changed; write an offset behind it"
            )
        return early

    def _wrong(self, name: str, message: str) -> None:
        line = next(self._line(name), 1)
        self.problems.append(
            Problem(field=f"{COUPONS}:{line}", code="wrong", message=f"[{name[:60]}] {message}")
        )

    def _line(self, name: str) -> Iterator[int]:
        for number, line in enumerate(self._lines, start=1):
            if line.strip().strip("[]").strip('" ') == name:
                yield number
