"""What the shop sells today: one product a file, `products/<slug>.md`.

A file is YAML front matter between two lines `---`, then the sales page in Markdown.
`products/<slug>.<language>.md` translates the words of a product and may change nothing else.
This module is handed the texts of the files; it opens none. An order never looks back here: it keeps its intent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal

import msgspec

from kramik import table
from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.money import Money, parse_price
from kramik.table import Shape

LegalKind = Literal["content", "service", "event"]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Filled = Annotated[str, msgspec.Meta(min_length=1)]

_NAME = re.compile(r"(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)(?:\.(?P<lang>[a-z]{2}))?\.md")
_FRONT = re.compile(r"\A---[ \t]*\n(?P<front>.*?)^---[ \t]*$\n?(?P<body>.*)\Z", re.DOTALL | re.MULTILINE)


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a product says in one language; `body` is Markdown."""

    title: str
    summary: str = ""
    body: str = ""


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

    def title(self, lang: str) -> str:
        """Return the title in this language, or in the product's own."""
        return self.in_language(lang).title

    def in_language(self, lang: str) -> Words:
        """Return the words in this language, or in the product's own."""
        return self.words.get(lang) or self.words[self.lang]

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


class Front(msgspec.Struct, forbid_unknown_fields=True):
    """The front matter of a product file, as written."""

    title: Filled
    price: str
    course: Filled
    summary: str = ""
    sequence: str | int = ""
    access_days: Annotated[int, msgspec.Meta(ge=1)] | None = None
    legal_kind: LegalKind = "content"
    lang: str = ""
    opens: Moment | None = None
    closes: Moment | None = None


class TranslatedFront(msgspec.Struct, forbid_unknown_fields=True):
    """The front matter of a translation: words only."""

    title: Filled
    summary: str = ""


def read(files: Mapping[str, str], *, lang: str, currency: str = "") -> Catalogue:
    """Read the product files: name below `products/` to text.

    `lang` is the language of files that name none; with `currency`, a price in another one is a problem.

    Raises:
        ConfigurationError: every problem of every file, each with file and line.
    """
    problems: list[Problem] = []
    products: dict[str, Product] = {}
    for name in sorted(files, key=_originals_first):
        try:
            product = _one(name, files[name], products, lang=lang, currency=currency)
        except ConfigurationError as error:
            problems += error.problems
        else:
            products[product.slug] = product
    if problems:
        raise ConfigurationError(*problems)
    return Catalogue(products=products, hash=_hash(products))


def split(name: str, text: str) -> tuple[str, str]:
    """Split a page into its front matter and its Markdown.

    Raises:
        ConfigurationError: the two lines `---` are missing.
    """
    match = _FRONT.match(text.replace("\r\n", "\n").removeprefix("\N{BOM}"))
    if match is None:
        raise _problem(
            name, 1, "", "starts without front matter; begin it with a line ---, the fields, and a line ---"
        )
    return match["front"], match["body"]


def _originals_first(name: str) -> tuple[int, str]:
    return name.count("."), name


def _one(name: str, text: str, products: Mapping[str, Product], *, lang: str, currency: str) -> Product:
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise _problem(
            name,
            1,
            "",
            "is no product name; use small ASCII letters, digits and hyphens, such as my-course.md",
        )
    front, body = split(name, text)
    if parts["lang"] is None:
        return _product(name, parts["slug"], front, body, lang=lang, currency=currency)
    original = products.get(parts["slug"])
    if original is None:
        raise _problem(
            name, 1, "", f"translates {parts['slug']}.md, which is missing or has problems of its own"
        )
    if parts["lang"] == original.lang:
        raise _problem(name, 1, "", f"translates {parts['slug']}.md into its own language; name another one")
    return _translated(original, parts["lang"], front_matter(name, front, TranslatedFront), body)


def _translated(product: Product, lang: str, front: TranslatedFront, body: str) -> Product:
    words = Words(title=front.title, summary=front.summary, body=body)
    return msgspec.structs.replace(product, words={**product.words, lang: words})


def _product(name: str, slug: str, front: str, body: str, *, lang: str, currency: str) -> Product:
    fields = _priced(name, front, currency)
    own = fields.lang or lang
    return Product(
        slug=slug,
        lang=own,
        words={own: Words(title=fields.title, summary=fields.summary, body=body)},
        price=parse_price(fields.price),
        course=fields.course,
        sequence=str(fields.sequence),
        access_days=fields.access_days,
        legal_kind=fields.legal_kind,
        opens=fields.opens,
        closes=fields.closes,
    )


def front_matter(name: str, front: str, shape: type[Shape]) -> Shape:
    """Read YAML front matter into a struct.

    Raises:
        ConfigurationError: every problem, with file and line.
    """
    try:
        return table.read(_yaml(name, front), shape)
    except Rejected as error:
        raise ConfigurationError(*(_located(name, front, problem) for problem in error.problems)) from None


def _priced(name: str, front: str, currency: str) -> Front:
    problems = [
        _at(name, front, "price", why) for why in _price_problems(_yaml(name, front).get("price"), currency)
    ]
    try:
        fields = front_matter(name, front, Front)
    except ConfigurationError as error:
        raise ConfigurationError(*error.problems, *problems) from None
    if fields.opens and fields.closes and fields.closes <= fields.opens:
        problems.append(
            _at(name, front, "closes", "is not after opens, so it is never on sale; mend one of them")
        )
    if problems:
        raise ConfigurationError(*problems)
    return fields


def _price_problems(text: object, currency: str) -> list[str]:
    if not isinstance(text, str):
        return []
    try:
        price = parse_price(text)
    except Rejected as error:
        return [each.message for each in error.problems]
    if currency and price.currency != currency:
        return [f"is in {price.currency}, but the shop sells in {currency}"]
    return [] if price.minor else ["is zero, and nothing can be paid; write what it costs"]


def _yaml(name: str, front: str) -> dict[str, object]:
    try:
        return msgspec.yaml.decode(front.encode(), type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise _problem(name, _yaml_line(error), "", f"is not front matter: {_first_line(error)}") from None


def _hash(products: Mapping[str, Product]) -> str:
    return sha256(msgspec.json.encode(products, order="deterministic")).hexdigest()


def _located(name: str, front: str, problem: Problem) -> Problem:
    return _at(name, front, problem.field, problem.message, code=problem.code)


def _at(name: str, front: str, field: str, message: str, *, code: str = "wrong") -> Problem:
    lines = front.splitlines()
    line = next((n for n, text in enumerate(lines, start=2) if text.startswith(f"{field}:")), 1)
    return Problem(field=f"products/{name}:{line}", code=code, message=f"{field} {message}".strip())


def _problem(name: str, line: int, field: str, message: str) -> ConfigurationError:
    return ConfigurationError(
        Problem(field=f"products/{name}:{line}", code="wrong", message=f"{field} {message}".strip())
    )


def _yaml_line(error: Exception) -> int:
    mark = getattr(error.__context__, "problem_mark", None)
    return 2 if mark is None else int(mark.line) + 2


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
