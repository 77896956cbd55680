"""The files of a shop beside `shop.toml`: products, pages, coupons and prices, and every problem of them at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from kramik import catalogue, conditions, frontmatter, written
from kramik.catalogue import Catalogue
from kramik.coupons import Coupon
from kramik.errors import ConfigurationError, Problem
from kramik.pricelist import PriceList

Found = TypeVar("Found")


class Files(NamedTuple):
    """What was read."""

    catalogue: Catalogue
    pages: dict[str, str]
    coupons: dict[str, Coupon]
    prices: PriceList


class Reading:
    """One pass over the files of a folder, which collects problems as it goes."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[Problem] = []
        self._folder = folder

    def files(self, lang: str | None, currency: str, clock: tzinfo | None) -> Files | None:
        """Read every file; without a language only to find what is wrong in them."""
        products, pages = self._catalogue(lang or "", currency, clock), self._texts("pages")
        for name, text in pages.items():
            self._read(partial(frontmatter.parsed, f"pages/{name}", text))
        known = None if products is None else products.products
        prices = self._read(lambda: conditions.read_prices(self._folder))
        coupons = self._read(
            lambda: conditions.read_coupons(self._folder, products=known, currency=currency, clock=clock)
        )
        if lang is None or products is None:
            return None
        return Files(products, pages, coupons or {}, prices or PriceList())

    def _read(self, read: Callable[[], Found]) -> Found | None:
        """Read one of the files beside the catalogue."""
        try:
            return read()
        except ConfigurationError as error:
            self.problems += error.problems
        except OSError as error:
            file = Path(error.filename or self._folder).name
            self.problems.append(unreadable(file, error))
        return None

    def _catalogue(self, lang: str, currency: str, clock: tzinfo | None) -> Catalogue | None:
        try:
            products = catalogue.read(self._texts("products"), lang=lang, currency=currency, zone=clock)
        except ConfigurationError as error:
            self.problems += error.problems
            return None
        if not products.products:
            message = "holds no product; write one, such as products/my-course.md"
            self.problems.append(Problem(field="products/", code="missing_file", message=message))
            return None
        return products

    def _texts(self, folder: str) -> dict[str, str]:
        texts = {}
        # Editors lock a file by `.#course.md`, and other systems put `._course.md` beside it.
        for path in sorted((self._folder / folder).glob("[!.]*.md")):
            try:
                texts[path.name] = written.text(self._folder, f"{folder}/{path.name}")
            except OSError as error:
                self.problems.append(unreadable(f"{folder}/{path.name}", error))
            except ConfigurationError as error:
                self.problems += error.problems
        return texts


def unreadable(file: str, error: OSError) -> Problem:
    """Say that a file can not be read."""
    return Problem(field=file, code="unreadable", message=f"can not be read: {error.strerror}")
