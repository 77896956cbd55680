from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter

import pytest
from babel import Locale
from babel.numbers import format_currency

from kramik import countries
from kramik.errors import ConfigurationError
from kramik.money import Money, parse_price
from kramik.site import headers, shown
from kramik.site.cover import cover
from kramik.site.pages import MESSAGES
from kramik.site.texts import Texts, languages
from kramik.site.theme import HERE
from tests.site.world import EXAMPLE, example

TEMPLATES = {file.name: file.read_text("utf-8") for file in (HERE / "theme").glob("*.html")}
CODES = """
missing invalid_email too_long invalid_tax_id consent_missing unknown_product not_on_sale
price_changed price_with_code words_changed
unknown_country unknown_gateway unknown_language conflict bad_characters
""".split()
COMPUTED = {"count", "country", "problem", "field", "message", "method", "price", "thanks"}


@pytest.mark.parametrize("lang", languages())
def test_languages_are_complete(lang: str) -> None:
    """Every language has the texts of the first one, none empty, with the same names in braces."""
    own, first = Texts(lang).all, Texts("pl").all
    names = {key: {name for _, name, _, _ in Formatter().parse(text)} for key, text in own.items()}

    assert first.keys() == own.keys()
    assert [] == [key for key, text in own.items() if not text.strip()]
    assert {key: {name for _, name, _, _ in Formatter().parse(text)} for key, text in first.items()} == names


def test_every_text_is_used_and_every_used_text_exists() -> None:
    """Templates ask for texts that exist, and no text is left over."""
    asked = {
        name for text in TEMPLATES.values() for name in re.findall(r"""\bt\(["']([a-z_.]+)["'][,)]""", text)
    }
    view = (HERE / "view.py").read_text("utf-8")
    asked |= set(re.findall(r"\"(course\.[a-z_]+)\"", view))
    known = set(Texts("pl").all) - {"language.name"}

    assert set() == asked - known
    assert set() == {name for name in known - asked if name.partition(".")[0] not in COMPUTED}


@pytest.mark.parametrize(("lang", "locale"), [("pl", "pl"), ("en", "en_GB")])
def test_countries_are_called_as_cldr_calls_them(lang: str, locale: str) -> None:
    """Each country that a shop can name has its name, in the order of the alphabet; Babel knows both."""
    names = Locale.parse(locale).territories
    said = {code: Texts(lang)(f"country.{code}") for code in Texts(lang).under("country")}
    letters = "aąbcćdeęfghijklłmnńoópqrsśtuüvwxyzźż"

    assert said.keys() == countries.KNOWN
    assert {code: names[code] for code in said} == said
    assert list(said.values()) == sorted(
        said.values(), key=lambda name: [letters.find(letter) for letter in name.lower()]
    )


def test_every_code_of_a_problem_and_every_message_has_words() -> None:
    """The known codes and messages are said in our words."""
    known = Texts("pl").all

    assert set() == {f"problem.{code}" for code in CODES} - known.keys()
    assert (
        set() == {f"message.{name}_{part}" for name in MESSAGES for part in ("title", "text")} - known.keys()
    )


def test_an_unknown_language_is_a_problem_of_the_shop() -> None:
    """A language without texts is named together with those that exist."""
    with pytest.raises(ConfigurationError, match="does not speak 'de'; choose from en, pl"):
        Texts("de")


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("299.00 PLN", "pl", "299,00 zł"),
        ("1299.00 PLN", "pl", "1299,00 zł"),
        ("12999.50 PLN", "pl", "12 999,50 zł"),
        ("49.00 EUR", "pl", "49,00 €"),
        ("1000 JPY", "pl", "1000 JPY"),
        ("299.00 PLN", "en", "PLN 299.00"),
        ("1299.00 PLN", "en", "PLN 1,299.00"),
        ("49.00 EUR", "en", "€49.00"),
        ("1000 JPY", "en", "JPY 1,000"),
    ],
)
def test_prices(text: str, lang: str, expected: str) -> None:
    """A price looks as its reader writes it, and never breaks over two lines."""
    assert expected.replace(" ", "\N{NO-BREAK SPACE}") == shown.price(parse_price(text), lang)


@pytest.mark.parametrize("currency", ["PLN", "EUR", "USD", "GBP", "CZK", "JPY", "CHF"])
@pytest.mark.parametrize(("lang", "locale"), [("pl", "pl"), ("en", "en_GB")])
@pytest.mark.parametrize("minor", [0, 5, 4900, 29900, 129900, 1299950, 123456789])
def test_prices_are_those_of_cldr(minor: int, currency: str, lang: str, locale: str) -> None:
    """Digits, signs and their order are Babel's; the spaces are ours, since Babel leaves out what CLDR wants there."""
    money = Money(minor=minor, currency=currency)
    babel = format_currency(Decimal(money.amount), currency, locale=locale)

    assert re.sub(r"\s", "", babel).replace("JP¥", "JPY") == re.sub(r"\s", "", shown.price(money, lang))


def test_moments() -> None:
    """A moment names its offset, so that nobody has to guess it."""
    when = datetime(2026, 12, 1, 9, 5, tzinfo=UTC)

    assert ("1.12.2026, 09:05 (UTC)", "2026-12-01, 09:05 (UTC)") == (
        shown.moment(when, "pl"),
        shown.moment(when, "en"),
    )


def test_typeset() -> None:
    """Polish one-letter words and numbers stay with the next word; English ones may break."""
    text = "A kot i pies w 40 lekcji"

    assert "A~kot i~pies w~40~lekcji" == shown.typeset(text, "pl").replace("\N{NO-BREAK SPACE}", "~")
    assert "A kot i pies w 40~lekcji" == shown.typeset(text, "en").replace("\N{NO-BREAK SPACE}", "~")


def test_covers() -> None:
    """A slug always has the same cover, and another slug another one."""
    assert cover("a") == cover("a")
    assert cover("a") != cover("b")


def test_the_policy_lists_every_origin_of_the_payment() -> None:
    """Forms may go to the site, the API and the gateway; scripts come from the site alone."""
    rules = dict(rule.split(" ", 1) for rule in headers.policy(example()).split("; ") if " " in rule)

    assert "'self' https://api.kurs.example https://pay.example" == rules["form-action"]
    assert ("'self'", "'self' https://api.kurs.example") == (rules["script-src"], rules["connect-src"])


def test_pages_of_the_api_may_load_the_assets_of_the_site() -> None:
    """The policy for pages of the API names the site where that is another, and lets forms lead to any bank."""
    rules = dict(rule.split(" ", 1) for rule in headers.policy(example(), "api").split("; ") if " " in rule)

    assert "'self' https://kurs.example" == rules["style-src"] == rules["script-src"]
    assert "'self' https://kurs.example https://pay.example https:" == rules["form-action"]


def test_the_example_speaks_both_languages() -> None:
    """Every course and page of the example shop has its translation."""
    names = {file.name for folder in ("products", "pages") for file in (EXAMPLE / folder).glob("*.md")}
    originals = {name for name in names if name.count(".") == 1}

    assert names == originals | {name.replace(".md", ".en.md") for name in originals}
