"""What the shop sells today: one product a file, `products/<slug>.md`.

A file is YAML front matter between two lines `---`, then the sales page in Markdown.
`products/<slug>.<language>.md` translates the words of a product and may change nothing else.
This module is handed the texts of the files; it opens none. An order never looks back here: it keeps its intent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Literal, NamedTuple

import msgspec

from kramik import blocks, frontmatter
from kramik.blocks import Blocks, Filled
from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.frontmatter import split
from kramik.money import Money, parse_price
from kramik.sale import Sale, overlapping

LegalKind = Literal["content", "service", "event"]

_NAME = re.compile(r"(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)(?:\.(?P<lang>[a-z]{2}))?\.md")
_REMEMBERED = 8192
_FOLDER = "products"


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a product says in one language; `body` is Markdown."""

    title: str
    summary: str = ""
    body: str = ""
    blocks: Blocks = Blocks()


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One course for sale; times are aware, `access_days` is None for access without end."""

    slug: str
    lang: str
    words: Mapping[str, Words]
    price: Money
    course: str
    sequence: str = ""
    access_days: int | None = None
    legal_kind: LegalKind = "content"
    opens: datetime | None = None
    closes: datetime | None = None
    sales: tuple[Sale, ...] = ()
    seats: int | None = None
    position: int | None = None
    """Where it stands on the front page; without one behind all that have one, by name."""

    def title(self, lang: str) -> str:
        """Return the title in this language, or in the product's own."""
        return self.in_language(lang).title

    def in_language(self, lang: str) -> Words:
        """Return the words in this language, or in the product's own."""
        return self.words.get(lang) or self.words[self.lang]

    @property
    def regular_from(self) -> datetime | None:
        """Return since when it costs its regular price, if it opened with a sale; None when it did not."""
        reached = self.opens
        if reached is None:
            return None
        for each in sorted(self.sales, key=lambda sale: sale.opens):
            if each.opens > reached:
                break
            reached = max(reached, each.closes)
        return reached if reached != self.opens else None

    def on_sale(self, now: datetime) -> bool:
        """Say whether `now` lies in the sale window; an open end never closes."""
        return (self.opens is None or self.opens <= now) and (self.closes is None or now < self.closes)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Every product by its slug, and a hash over all of them."""

    products: Mapping[str, Product]
    hash: str

    def __iter__(self) -> Iterator[Product]:
        return iter(self.products.values())

    def get(self, slug: str) -> Product | None:
        """Return the product of this slug."""
        return self.products.get(slug)


class Front(Blocks, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front matter of a product file, as written."""

    title: Filled
    price: object
    course: Filled
    summary: str = ""
    sequence: str | int = ""
    access_days: Annotated[int, msgspec.Meta(ge=1)] | None = None
    legal_kind: LegalKind = "content"
    lang: Annotated[str, msgspec.Meta(pattern="^([a-z]{2})?$")] = ""
    opens: object = None
    closes: object = None
    sales: tuple[dict[str, object], ...] = ()
    seats: Annotated[int, msgspec.Meta(ge=1)] | None = None
    position: int | None = None


class TranslatedFront(Blocks, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front matter of a translation: words and blocks only."""

    title: Filled
    summary: str = ""


_ONLY_ORIGINAL = frozenset(Front.__struct_fields__) - frozenset(TranslatedFront.__struct_fields__)


def read(files: Mapping[str, str], *, lang: str, currency: str = "", zone: tzinfo | None = None) -> Catalogue:
    """Read the product files: name below `products/` to text.

    `lang` is the language of files that name none; with `currency`, a price in another one is a problem.
    `zone` is where the clock hangs that moments without a zone of their own are read from.

    Raises:
        ConfigurationError: every problem of every file, each with file and line.
    """
    problems: list[Problem] = []
    products: dict[str, Product] = {}
    for name in sorted(files, key=_originals_first):
        original = f"{name.partition('.')[0]}.md"
        try:
            if name != original and original in files and original.removesuffix(".md") not in products:
                _translation(name, files[name])  # what is wrong with the original was told already
                continue
            product = _one(name, files[name], products, lang=lang, currency=currency, zone=zone)
        except ConfigurationError as error:
            problems += error.problems
        else:
            products[product.slug] = product
    if problems:
        raise ConfigurationError(*problems)
    products = dict(sorted(products.items(), key=_as_shown))
    return Catalogue(products=products, hash=_hash(products))


def fingerprint(product: Product) -> str:
    """Return the hash of everything that the catalogue says of a product."""
    return sha256(msgspec.json.encode(product, order="deterministic")).hexdigest()


def _as_shown(named: tuple[str, Product]) -> tuple[bool, int, str]:
    slug, product = named
    return product.position is None, product.position or 0, slug


def _originals_first(name: str) -> tuple[int, str]:
    return name.count("."), name


def _one(
    name: str,
    text: str,
    products: Mapping[str, Product],
    *,
    lang: str,
    currency: str,
    zone: tzinfo | None,
) -> Product:
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise _problem(
            name, "is no product name; use small ASCII letters, digits and hyphens, such as my-course.md"
        )
    if parts["lang"] is None:
        return _original(name, text, _Where(lang, currency, zone))
    original = products.get(parts["slug"])
    if original is None:
        raise _problem(name, f"translates {parts['slug']}.md, which is missing; write that first")
    if parts["lang"] == original.lang:
        raise _problem(name, f"translates {parts['slug']}.md into its own language; name another one")
    words = {**original.words, parts["lang"]: _translation(name, text)}
    return msgspec.structs.replace(original, words=words)


class _Where(NamedTuple):
    """What a product file is read with: its language, its money and its clock."""

    lang: str
    currency: str
    zone: tzinfo | None


@lru_cache(_REMEMBERED)
def _original(name: str, text: str, where: _Where) -> Product:
    """Read a product; the same text is read once, since a preview reads a thousand of them at each change."""
    file = f"{_FOLDER}/{name}"
    front, body = split(file, text)
    reading = _Front(file, front, where.currency, where.zone)
    return _product(reading, name.removesuffix(".md"), body, lang=where.lang)


@lru_cache(_REMEMBERED)
def _translation(name: str, text: str) -> Words:
    file = f"{_FOLDER}/{name}"
    raw, body = split(file, text)
    fields = frontmatter.fields(file, raw)
    alone = [_only_original(name, key) for key in fields if key in _ONLY_ORIGINAL]
    if alone:
        raise ConfigurationError(*(frontmatter.located(file, raw, each) for each in alone))
    front = frontmatter.shaped(file, raw, fields, TranslatedFront)
    wrong = [frontmatter.located(file, raw, _wrong(*each)) for each in front.wrong()]
    if wrong:
        raise ConfigurationError(*wrong)
    return Words(title=front.title, summary=front.summary, body=body, blocks=blocks.of(front))


def _only_original(name: str, key: str) -> Problem:
    original = f"{_FOLDER}/{name.partition('.')[0]}.md"
    return _wrong(key, f"can not be translated: it is read from {original}; take it out here")


def _product(front: _Front, slug: str, body: str, *, lang: str) -> Product:
    fields, price = front.read()
    own = fields.lang or lang
    return Product(
        slug=slug,
        lang=own,
        words={own: Words(title=fields.title, summary=fields.summary, body=body, blocks=blocks.of(fields))},
        price=price,
        course=fields.course,
        sequence=str(fields.sequence),
        access_days=fields.access_days,
        legal_kind=fields.legal_kind,
        opens=front.opens,
        closes=front.closes,
        sales=front.sales,
        seats=fields.seats,
        position=fields.position,
    )


class _Front:
    """One pass over the front matter of a product, which collects what is wrong with prices and moments."""

    def __init__(self, file: str, front: str, currency: str, zone: tzinfo | None) -> None:
        self._file, self._front, self._currency, self._zone = file, front, currency, zone
        self._problems: list[Problem] = []
        self.opens: datetime | None = None
        self.closes: datetime | None = None
        self.sales: tuple[Sale, ...] = ()

    def read(self) -> tuple[Front, Money]:
        """Return the fields and the price.

        Raises:
            ConfigurationError: every problem.
        """
        raw = frontmatter.fields(self._file, self._front)
        price = self._price("price", raw["price"]) if "price" in raw else None
        self.opens, self.closes = (self._moment(key, raw.get(key)) for key in ("opens", "closes"))
        if self.opens and self.closes and self.closes <= self.opens:
            self._wrong("closes", "is not after opens, so it is never on sale; mend one of them")
        listed = raw.get("sales")
        found = [self._sale(each, price, f"sales[{n}]") for n, each in enumerate(_list(listed))]
        self.sales = tuple(sorted(filter(None, found), key=lambda sale: sale.opens))
        if overlapping(self.sales):
            self._wrong("sales", "overlap; let each one end before the next begins")
        try:
            fields = frontmatter.shaped(self._file, self._front, raw, Front)
        except ConfigurationError as error:
            raise ConfigurationError(*error.problems, *self._problems) from None
        for key, message in fields.wrong():
            self._wrong(key, message)
        if self._problems or price is None:
            raise ConfigurationError(*self._problems)
        return fields, price

    def _sale(self, raw: object, regular: Money | None, place: str) -> Sale | None:
        if not isinstance(raw, dict) or raw.keys() != {"price", "from", "until"}:
            self._wrong(place, "needs price, from and until, and nothing else")
            return None
        price = self._price(f"{place}.price", raw["price"])
        opens, closes = (self._moment(f"{place}.{key}", raw[key], required=True) for key in ("from", "until"))
        if price is None or opens is None or closes is None:
            return None
        if closes <= opens:
            self._wrong(place, f"of {price} ends before it begins; mend from or until")
            return None
        if regular is not None and regular.minor <= price.minor:
            self._wrong(place, f"of {price} is no sale: the price is {regular}; mend one of them")
        return Sale(price=price, opens=opens, closes=closes)

    def _price(self, field: str, written: object) -> Money | None:
        text = "" if written is None else str(written).strip()
        try:
            price = parse_price(" ".join(text.split()))
        except Rejected as error:
            for each in error.problems:
                self._wrong(field, each.message)
            return None
        if self._currency and price.currency != self._currency:
            self._wrong(field, f"is in {price.currency}, but the shop sells in {self._currency}")
        return price

    def _moment(self, field: str, raw: object, *, required: bool = False) -> datetime | None:
        """Read a moment; one without a zone is of the shop's clock, and has to exist on it exactly once."""
        if raw is None and not required:
            return None
        moment = _moment(raw)
        if moment is None:
            self._wrong(field, "is no moment such as 2026-12-01 09:00")
            return None
        if moment.tzinfo is not None:
            return moment
        if self._zone is None:
            self._wrong(
                field, "names no zone; write timezone in [shop], or an offset such as +01:00 behind it"
            )
            return None
        early, late = (moment.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        if early.utcoffset() != late.utcoffset():
            self._wrong(field, "happens twice or never, as the clocks are changed; write an offset behind it")
        return early

    def _wrong(self, field: str, message: str) -> None:
        self._problems.append(frontmatter.located(self._file, self._front, _wrong(field, message)))


def _list(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else []


def _wrong(field: str, message: str) -> Problem:
    return Problem(field=field, code="wrong", message=message)


def _moment(raw: object) -> datetime | None:
    if isinstance(raw, datetime):
        return raw
    if isinstance(raw, date):
        return datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001 - the zone is the caller's
    try:
        return datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def _hash(products: Mapping[str, Product]) -> str:
    return sha256(msgspec.json.encode(products, order="deterministic")).hexdigest()


def _problem(name: str, message: str) -> ConfigurationError:
    return ConfigurationError(Problem(field=f"{_FOLDER}/{name}:1", code="wrong", message=message))
