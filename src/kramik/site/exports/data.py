"""What another generator is told about the shop: one value, whatever file it is written to.

Texts and prices are those of the source's moment, and the order form is the theme's own, ready to be printed.
Nothing here is trusted when it comes back: the server reads the price from its catalogue and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kramik.blocks import Blocks
from kramik.catalogue import Product, fingerprint
from kramik.money import Money
from kramik.offer import Offer, offer
from kramik.site import markdown
from kramik.site.pages import Pages
from kramik.site.pictures import Pictures
from kramik.site.source import Source
from kramik.site.texts import of
from kramik.site.theme import Asset
from kramik.site.view import View

SCHEMA_VERSION = 1
"""Grows when a field is renamed or removed; new fields come without notice."""
FOLDER = "courses"
"""Where the pages of the courses lie in the other site, below the folder of their language."""

_HERE = Path(__file__).parent
_IDS = re.compile(r'(?<=\s)(id|for|aria-describedby|aria-labelledby)="([^"]+)"')
_BLANK = re.compile(r"\n\s*\n")


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """An amount: exact, and as the readers of each language write it."""

    amount: str
    currency: str
    shown: Mapping[str, str]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the shop."""

    title: str
    url: str


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A product in one language of the shop; `language` is the one that its author's words are in."""

    language: str
    title: str
    summary: str
    html: str
    access: str
    lowest: str
    url: str
    order_url: str
    blocks: Blocks


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """One product: what it costs now, and its words by language."""

    slug: str
    catalogue: str
    on_sale: bool
    free: bool
    price: Price
    regular: Price | None
    lowest: Price | None
    percent: int
    until: datetime | None
    opens: datetime | None
    closes: datetime | None
    access_days: int | None
    words: Mapping[str, Words]


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """The shop and its addresses; `links` are the pages that the law wants within reach, by language."""

    name: str
    language: str
    languages: tuple[str, ...]
    currency: str
    url: str
    orders_url: str
    warm_url: str
    seller: Mapping[str, str]
    links: Mapping[str, list[Link]]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page that the other site makes: one product in one language."""

    product: str
    language: str
    path: str
    title: str
    summary: str


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Everything; `orders` holds the order form of a product and a language as HTML."""

    schema_version: int
    generated_at: datetime
    catalogue: str
    shop: Shop
    assets: Mapping[str, str]
    products: list[Sold]
    pages: list[Page]
    orders: Mapping[str, Mapping[str, str]]

    @property
    def text(self) -> str:
        """Return it as JSON that reads well and differs in few lines from that of yesterday."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1).decode() + "\n"


class Export:
    """The shop at the moment of its source, for another site."""

    def __init__(self, source: Source, templates: Path | None = None) -> None:
        self._source = source
        self._pictures = Pictures(source.pictures, source.site)
        self._pages = Pages(source, templates, abroad=True)
        theme = self._pages.theme
        self._views = {
            lang: View(theme, of(lang), source, path=None, api=True, abroad=True) for lang in source.langs
        }
        self._texts = {lang: of(lang) for lang in source.langs}

    @property
    def assets(self) -> Mapping[str, Asset]:
        """Return the script and the style of the form, each under a name with its hash."""
        style = (_HERE / "course-order.css").read_bytes()
        return {
            "script": self._pages.theme.assets["course-order.js"],
            "style": Asset("course-order.css", style),
        }

    def data(self) -> Exported:
        """Return the whole value.

        Raises:
            ConfigurationError: products collide, or a template of the shop is wrong.
        """
        source = self._source
        products = list(source.catalogue)
        return Exported(
            schema_version=SCHEMA_VERSION,
            generated_at=source.now.astimezone(UTC),
            catalogue=source.catalogue.hash,
            shop=self._shop(),
            assets={name: asset.path for name, asset in self.assets.items()},
            products=[self._sold(product) for product in products],
            pages=[
                self._page(product, product.title(lang), lang)
                for lang in source.langs
                for product in products
            ],
            orders={
                product.slug: {lang: self._order(product, lang) for lang in source.langs}
                for product in products
            },
        )

    def _shop(self) -> Shop:
        source = self._source
        return Shop(
            name=source.name,
            language=source.langs[0],
            languages=source.langs,
            currency=source.currency,
            url=source.site,
            orders_url=f"{source.api}/api/orders",
            warm_url=f"{source.api}/api/warm",
            seller={name: text for name, text in source.seller.items() if text},
            links={lang: list(self._links(lang)) for lang in source.langs},
        )

    def _links(self, lang: str) -> Iterator[Link]:
        for name, title in self._pages.theme.titles(lang):
            yield Link(title=title, url=self._views[lang].link(f"/{name}/"))
        for name in ("resend", "withdraw"):
            yield Link(title=self._texts[lang](f"site.{name}"), url=self._views[lang].link(f"/{name}/"))

    def _sold(self, product: Product) -> Sold:
        asked = offer(product, self._source.conditions, now=self._source.now)
        return Sold(
            slug=product.slug,
            catalogue=fingerprint(product),
            on_sale=product.on_sale(self._source.now),
            free=asked.free,
            price=self._price(asked.price),
            regular=self._price(asked.regular) if asked.regular and asked.lowest else None,
            lowest=self._price(asked.lowest) if asked.lowest else None,
            percent=asked.percent,
            until=asked.until,
            opens=product.opens,
            closes=product.closes,
            access_days=product.access_days,
            words={lang: self._words(product, asked, lang) for lang in self._source.langs},
        )

    def _price(self, money: Money) -> Price:
        written = {lang: view.price(money) for lang, view in self._views.items()}
        return Price(amount=money.amount, currency=money.currency, shown=written)

    def _words(self, product: Product, asked: Offer, lang: str) -> Words:
        words, view = product.in_language(lang), self._views[lang]
        spoken, lowest = view.language_of(product), asked.lowest
        return Words(
            language=spoken,
            title=words.title,
            summary=words.summary,
            html=str(markdown.render(words.body, spoken, self._pictures)),
            access=view.access(product),
            lowest=self._texts[lang]("course.lowest", price=view.price(lowest)) if lowest else "",
            url=view.link(f"/{product.slug}/"),
            order_url=view.link(f"/{product.slug}/order/"),
            blocks=words.blocks,
        )

    def _page(self, product: Product, title: str, lang: str) -> Page:
        path = f"{self._source.prefix(lang)}/{FOLDER}/{product.slug}/"
        summary = product.in_language(lang).summary
        return Page(product=product.slug, language=lang, path=path, title=title, summary=summary)

    def _order(self, product: Product, lang: str) -> str:
        """Return the form, without blank lines: Markdown would take what follows one for its own."""
        html = _BLANK.sub("\n", self._pages.embedded(product, lang)).strip()
        return _IDS.sub(lambda found: _apart(found, f"{product.slug}-{lang}-"), html)


def _apart(found: re.Match[str], prefix: str) -> str:
    """Give the ids of a form names of their own: the page around it has an `email` already, or a second form."""
    names = " ".join(f"{prefix}{name}" for name in found[2].split())
    return f'{found[1]}="{names}"'
