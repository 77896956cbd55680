"""What a site is made from: the catalogue, the author's pages and the addresses, all of it already read.

This package opens no file of the shop but its templates and pictures; whoever builds hands the texts over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from kramik import frontmatter, written
from kramik.catalogue import Catalogue, Product
from kramik.errors import Problem
from kramik.intent import ConsentText
from kramik.offer import Conditions, introduces
from kramik.pricelist import DAYS, FILE
from kramik.sale import current
from kramik.site import switches

RESERVED = frozenset({"access", "api", "assets", "healthz", "index", "order", "resend", "thanks", "withdraw"})
"""Folders of the site and the API; no product and no page may take their names."""

_FIRST = ("terms", "privacy")
_NAME = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)(?:\.(?P<lang>[a-z]{2}))?\.md")


class PageFront(msgspec.Struct, forbid_unknown_fields=True):
    """The front matter of a page; `version` is a date or another name under which a text can be kept."""

    title: str
    version: object = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One text of the author; `body` is Markdown, `lang` the language it is really written in."""

    title: str
    body: str
    lang: str
    version: str = ""

    @property
    def named(self) -> str:
        """Return what names this very text: its version, if it has one, and the hash of what stands there."""
        digest = sha256(f"{self.title}\n{self.body}".encode()).hexdigest()
        return f"{self.version} sha256:{digest}".strip()


class PayWay(msgspec.Struct, frozen=True, kw_only=True):
    """One way to pay that a buyer may choose: a gateway, and a method of it or none, so that the gateway asks."""

    gateway: str
    title: str
    method: str = ""

    @property
    def value(self) -> str:
        """Return what the form sends."""
        return f"{self.gateway}/{self.method}" if self.method else self.gateway


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a site says; `site` and `api` are absolute URLs without a slash at the end.

    The first of `langs` and of `pay_ways` is the default; prices are those of `now`, and what comes after it is
    prepared where the site is `switching` by itself.
    `pictures` is a folder, `theme` a set of tokens; `pages` maps file names such as `terms.en.md` to texts.
    """

    name: str
    site: str
    api: str
    langs: tuple[str, ...]
    currency: str
    catalogue: Catalogue
    pages: Mapping[str, str]
    consents: Mapping[str, ConsentText]
    pay_ways: tuple[PayWay, ...]
    seller: Mapping[str, str]
    form_action_origins: tuple[str, ...]
    now: datetime
    conditions: Conditions = Conditions()
    pictures: Path | None = None
    versions: Mapping[str, str] = {}
    theme: str = "zeszyt"
    zone: tzinfo | None = None
    """The shop's clock, by which a reader is told when something happened."""
    switching: bool = False

    def language(self, wanted: str) -> str:
        """Return the wanted language if the shop speaks it, else its default."""
        return wanted if wanted in self.langs else self.langs[0]

    def prefix(self, lang: str) -> str:
        """Return the folder of a language: empty for the default, else such as `/en`."""
        return "" if lang == self.langs[0] else f"/{lang}"

    def switches(self, products: Iterable[Product]) -> tuple[datetime, ...]:
        """Return the moments at which a page that shows these products is to switch by itself."""
        return switches.following(products, self.now) if self.switching else ()

    def page_names(self) -> list[str]:
        """Return the names of the pages but `index`: the terms, the privacy notice, then the others by name.

        A page that is only written in languages that the shop does not speak is none.
        """
        names = {parts["name"] for parts in self._parts() if (parts["lang"] or self.langs[0]) in self.langs}
        names.discard("index")
        return sorted(names, key=lambda name: (*(name != first for first in _FIRST), name))

    def page(self, name: str, lang: str) -> Page | None:
        """Return a page in this language, or in the default one, or in the first that it is written in, or None.

        Raises:
            ConfigurationError: the front matter is wrong; show file and line to the author.
        """
        wanted = [(f"{name}.{lang}.md", lang), (f"{name}.md", self.langs[0])]
        wanted += [(f"{name}.{each}.md", each) for each in self.langs]
        return next((self._read(file, spoken) for file, spoken in wanted if file in self.pages), None)

    def version(self, name: str, lang: str) -> str:
        """Name a text of today: its version, if it has one, and the hash of what stands there; empty without a text."""
        page = self.page(name, lang)
        return page.named if page else ""

    def problems(self) -> Iterator[Problem]:
        """Yield what would make pages collide or vanish."""
        taken = RESERVED | set(self.langs)
        for product in self.catalogue:
            if product.slug in taken:
                yield _wrong(
                    f"products/{product.slug}.md:1", "takes the name of a folder of the site; rename it"
                )
            sale = current(product.sales, self.now)
            prices = self.conditions.prices
            before = sale and prices.lowest(product.slug, product.sales, before=sale.opens)
            if sale is not None and before is None and not introduces(product, sale, prices):
                line = f"{(sale.opens - 2 * DAYS).isoformat()},{product.slug},{product.price}"
                why = (
                    f"sales needs the price from before it: write into {FILE}, in the order of time, since when "
                    f"{product.price} was asked, such as {line}; what was never sold for more has no sale"
                )
                folder = self.pictures.parent if self.pictures else Path()
                yield _wrong(written.keyed(folder, product.slug, "sales"), why)
        for name in self.page_names():
            if name in taken or name in self.catalogue.products:
                yield _wrong(
                    f"pages/{name}.md:1", "takes the name of a product or a folder of the site; rename it"
                )
        for file in self.pages:
            if not _NAME.fullmatch(file):
                yield _wrong(
                    f"pages/{file}:1", "is no page name; use small ASCII letters, such as terms.en.md"
                )

    def _parts(self) -> Iterator[re.Match[str]]:
        return filter(None, map(_NAME.fullmatch, self.pages))

    def _read(self, file: str, lang: str) -> Page:
        return page_of(self.pages, file, lang)


def page_of(texts: Mapping[str, str], file: str, lang: str = "") -> Page:
    """Read one of the pages.

    Raises:
        ConfigurationError: the front matter is wrong; show file and line to the author.
    """
    return _parsed(file, texts[file], lang)


@lru_cache(maxsize=256)
def _parsed(file: str, text: str, lang: str) -> Page:
    front, body = frontmatter.split(f"pages/{file}", text)
    read = frontmatter.read(f"pages/{file}", front, PageFront)
    return Page(title=read.title, body=body, lang=lang, version=str(read.version))


def origin(url: str) -> str:
    """Return scheme and host of a URL, as a Content-Security-Policy names it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _wrong(field: str, message: str) -> Problem:
    return Problem(field=field, code="wrong", message=message)
