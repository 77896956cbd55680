from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from kramik.catalogue import Product, Words, read
from kramik.errors import ConfigurationError
from kramik.frontmatter import split
from kramik.money import Money
from tests.story.example import COURSE, NOON

GOOD = """---
title: Agregaty
price: 299.00 PLN
course: course-7
sequence: 42
access_days: 365
opens: 2026-11-01T00:00:00+01:00
---
# Kup mnie
"""


def _problems(**files: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read({name.replace("_", "."): text for name, text in files.items()}, lang="pl", currency="PLN")
    return [str(problem) for problem in caught.value.problems]


def _front(**fields: str) -> str:
    all_fields = {"title": "Agregaty", "price": "299.00 PLN", "course": "c", **fields}
    return (
        "---\n"
        + "".join(f"{name}: {value}\n" for name, value in all_fields.items() if value != "-")
        + "---\n"
    )


def test_a_product_file_is_a_product() -> None:
    """Front matter and Markdown become one value."""
    product = read({"agregaty.md": GOOD}, lang="pl", currency="PLN").products["agregaty"]
    assert product == Product(
        slug="agregaty",
        lang="pl",
        words={"pl": Words(title="Agregaty", body="# Kup mnie\n")},
        price=Money(minor=29900, currency="PLN"),
        course="course-7",
        sequence="42",
        access_days=365,
        opens=datetime(2026, 10, 31, 23, tzinfo=UTC),
    )


def test_a_translation_adds_words_and_nothing_else() -> None:
    """The title in each language, and the product's own where there is none."""
    files = {"a.en.md": "---\ntitle: Aggregates\n---\nBuy me\n", "a.md": GOOD}
    product = read(files, lang="pl").products["a"]
    assert [product.title(lang) for lang in ("en", "pl", "de")] == ["Aggregates", "Agregaty", "Agregaty"]


def test_every_problem_of_every_file_is_told_with_its_line() -> None:
    """Nobody mends one line, runs again, and finds the next."""
    problems = _problems(
        a_md=_front(price="1e3 PLN", access_days="0", opne="x"),
        b_md="# no front matter",
        c_md="---\ntitle: a\nprice: @x\n---\n",
    )
    where = [problem.partition(" ")[0] for problem in problems]
    assert where == [
        "products/a.md:6:",
        "products/a.md:5:",
        "products/a.md:3:",
        "products/b.md:1:",
        "products/c.md:3:",
    ]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"price": "299,00 PLN"}, "not an amount"),
        ({"price": '"299.00"'}, "not a price"),
        ({"price": "299.00 EUR"}, "the shop sells in PLN"),
        ({"price": "299"}, "write an amount and a currency"),
        ({"price": ""}, "write an amount and a currency"),
        ({"title": '""'}, "is empty"),
        ({"title": "2026"}, "put quotes around it"),
        ({"course": '""'}, "is empty"),
        ({"course": "-"}, "missing"),
        ({"access_days": "-3"}, "must be 1 or more"),
        ({"access_days": "a year"}, "must be a whole number, not text"),
        ({"legal_kind": "gift"}, "choose one of content, service, event"),
        ({"lang": "Polish"}, "two small letters"),
        ({"opens": "2026-13-40"}, "no moment that exists"),
        ({"opens": "2026-11-01T00:00:00"}, "timezone"),
        ({"opens": "2026-11-02T00:00:00Z", "closes": "2026-11-01T00:00:00Z"}, "never on sale"),
        ({"pirce": "1"}, "did you mean 'price'?"),
    ],
)
def test_a_wrong_field_is_a_problem(fields: dict[str, str], word: str) -> None:
    """Each says what is wrong, beside its file and line."""
    problems = _problems(a_md=_front(**fields))
    assert len(problems) == 1
    assert problems[0].startswith("products/a.md:")
    assert word in problems[0]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("A.md", "small ASCII"),
        ("a b.md", "small ASCII"),
        ("../a.md", "small ASCII"),
        ("a.txt", "small ASCII"),
        ("a-.md", "small ASCII"),
        ("a.eng.md", "small ASCII"),
    ],
)
def test_a_file_name_must_make_a_good_address(name: str, word: str) -> None:
    """It becomes part of a URL."""
    with pytest.raises(ConfigurationError, match=word):
        read({name: GOOD}, lang="pl")


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"a.en.md": "---\ntitle: A\n---\n"}, "which is missing"),
        ({"a.md": GOOD, "a.pl.md": "---\ntitle: A\n---\n"}, "into its own language"),
        (
            {"a.md": GOOD, "a.en.md": "---\ntitle: A\nprice: 1.00 PLN\n---\n"},
            r"a\.en\.md:3: price can not be translated: it is read from products/a\.md",
        ),
    ],
)
def test_a_translation_translates_something_into_another_language(files: dict[str, str], word: str) -> None:
    """It may not change the price either."""
    with pytest.raises(ConfigurationError, match=word):
        read(files, lang="pl")


@pytest.mark.parametrize("text", [GOOD, GOOD.replace("\n", "\r\n"), "\N{BOM}" + GOOD])
def test_a_file_from_any_editor_is_read(text: str) -> None:
    """Windows line ends and a byte order mark are no problem."""
    assert split("a.md", text)[1] == "# Kup mnie\n"


def test_products_stand_where_they_are_put() -> None:
    """Those with a position first, the smallest in front; the others behind them by name."""
    places = {"a": "-", "b": "2", "c": "-", "d": "1", "e": "-1"}
    files = {f"{name}.md": _front(position=place) for name, place in places.items()}
    assert ["e", "d", "b", "a", "c"] == list(read(files, lang="pl").products)


def test_the_hash_changes_with_the_products() -> None:
    """Equal files, equal hash; another price, another one."""
    same, again, other = (
        read({"a.md": text}, lang="pl").hash for text in (GOOD, GOOD, GOOD.replace("299", "298"))
    )
    assert same == again
    assert same != other


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [(0, 1, True), (1, 2, False), (-2, 0, False), (-1, None, True), (None, None, True)],
)
def test_the_sale_window_has_its_first_and_not_its_last_moment(
    opens: int | None, closes: int | None, *, expected: bool
) -> None:
    """It opens at its first second and is closed at its last."""
    window = {
        name: None if hours is None else NOON + timedelta(hours=hours)
        for name, hours in (("opens", opens), ("closes", closes))
    }
    assert expected is msgspec.structs.replace(COURSE, **window).on_sale(NOON)
