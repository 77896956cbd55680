"""Every page of the site with what it is made of: the builder makes only those whose ingredients changed.

The pages of a course are made of the course, its offer of the moment and its pictures, and of what all pages share:
settings, texts, templates and this program. Templates of a shop may ask for anything, so its pages are always made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path

import msgspec

from kramik.catalogue import Product, Words
from kramik.offer import offer
from kramik.site import illustrated, switches, versions
from kramik.site.pages import Pages
from kramik.site.source import Source
from kramik.site.theme import HERE


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page: its path, what it is made of (empty: not known, make it), and how it is made."""

    path: str
    made_of: str = ""
    make: Callable[[], str]


class Plan:
    """The pages of one source."""

    def __init__(self, source: Source, templates: Path | None) -> None:
        self.pages = Pages(source, templates, api=False)
        self._source, self._templates = source, templates

    def __iter__(self) -> Iterator[Page]:
        for lang in self._source.langs:
            prefix = f"{self._source.prefix(lang)}/".lstrip("/")
            for product in self._source.catalogue:
                yield from self._course(prefix, product, lang)
            for path, make in self._others(lang):
                yield Page(path=f"{prefix}{path}", make=make)

    def _course(self, prefix: str, product: Product, lang: str) -> Iterator[Page]:
        for name, now, then in self._moments([product]):
            pages, made_of = self.pages.at(now, then), self._made_of(product, lang, now, then)
            order = partial(pages.order_form, product.slug, lang, {}, ())
            yield Page(path=f"{prefix}{product.slug}/order/{name}", made_of=made_of, make=order)
            sales = partial(pages.sales, product, lang)
            yield Page(path=f"{prefix}{product.slug}/{name}", made_of=made_of, make=sales)

    def _moments(self, products: Iterable[Product]) -> Iterator[tuple[str, datetime, datetime | None]]:
        """Yield the file of a page at each moment from now on, that moment, and the one that follows."""
        now, *later = self._source.now, *self._source.switches(products)
        names = ["index.html", *map(switches.file, later)]
        yield from zip(names, [now, *later], [*later, None], strict=True)

    def _others(self, lang: str) -> Iterator[tuple[str, Callable[[], str]]]:
        pages, source = self.pages, self._source
        for name in source.page_names():
            yield f"{name}/index.html", partial(pages.text, name, lang)
            for version in versions.of(source, name):
                yield f"{name}/{version}/index.html", partial(pages.text, name, lang, version)
        yield "thanks/index.html", partial(pages.thanks, lang)
        yield "resend/index.html", partial(pages.resend, lang)
        yield "withdraw/index.html", partial(pages.withdrawal, {}, (), lang)
        yield "404.html", partial(pages.message, "not_found", lang)
        for name, now, then in self._moments(source.catalogue):
            yield name, partial(pages.at(now, then).shop, lang)

    def _made_of(self, product: Product, lang: str, now: datetime, then: datetime | None) -> str:
        if not self._shared:
            return ""
        shown = (
            offer(product, self._source.conditions, now=now),
            product.on_sale(now),
            then,
            lang,
            self._stamps(product),
        )
        whole = msgspec.json.encode((product, shown))
        return sha256(self._shared + whole).hexdigest()[:32]

    def _stamps(self, product: Product) -> list[tuple[str, int, int]]:
        files = {file for words in product.words.values() for file in _pictures(words)}
        folder = self._source.pictures
        return [_stamp(folder / file) for file in sorted(files)] if folder else []

    @cached_property
    def _shared(self) -> bytes:
        """Return the hash of what all pages share; empty where the shop has templates of its own."""
        if self._templates and any(self._templates.rglob("*.html")):
            return b""
        source, theme = self._source, self.pages.theme
        told = (
            [source.name, source.site, source.api, source.langs, source.currency, source.seller],
            [source.consents, source.pay_ways, bool(source.conditions.coupons), source.conditions.countries],
            [asset.path for asset in theme.assets.values()],
            [(theme.titles(lang), source.version("terms", lang)) for lang in source.langs],
            [_stamp(file) for file in sorted(HERE.rglob("*")) if file.suffix in {".py", ".html", ".toml"}],
        )
        return sha256(msgspec.json.encode(told)).digest()


def _pictures(words: Words) -> Iterator[str]:
    blocks = words.blocks
    yield from illustrated.named(msgspec.json.encode(words).decode())
    if blocks.picture:
        yield blocks.picture.file
    if blocks.author and blocks.author.picture:
        yield blocks.author.picture
    yield from (each.picture for each in blocks.testimonials if each.picture)


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        found = file.stat()
    except OSError:
        return file.name, 0, 0
    return file.name, found.st_size, found.st_mtime_ns
