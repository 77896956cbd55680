from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik.errors import Rejected
from kramik.money import EXPONENTS, LIMIT, Money, parse_amount, parse_price

CURRENCIES = st.sampled_from(["PLN", "EUR", "USD", "JPY", "KWD", *EXPONENTS])


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("299.00", "PLN", 29900),
        ("299", "PLN", 29900),
        ("1000.0", "PLN", 100000),
        ("0.01", "PLN", 1),
        ("0", "PLN", 0),
        ("1000", "JPY", 1000),
        ("1.234", "KWD", 1234),
        ("1.2", "KWD", 1200),
        ("9999999999.99", "PLN", LIMIT - 1),
    ],
)
def test_an_exact_amount_is_read(text: str, currency: str, minor: int) -> None:
    """Fewer digits than the currency has are fine, because nothing is rounded."""
    assert Money(minor=minor, currency=currency) == parse_amount(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "1e3",
            "1E3",
            "-1",
            "+1",
            "-0",
            "NaN",
            "nan",
            "inf",
            "Infinity",
            "0x10",
            "1_000",
            "1,00",
            "1 000",
        ),
        *(
            "\uff11\uff10\uff10\uff10",
            "\u0663",
            "1\u066b5",
            "299.00 ",
            " 299.00",
            "299.00\n",
            "299.",
            ".50",
            "0299",
            "00",
            "299.001",
            "1.2.3",
        ),
        *("10000000000.00", "9" * 13, "9" * 14, "9" * 5000, "299.00PLN", "299.0½", "1\x00"),
    ],
)
def test_what_is_no_exact_amount_is_refused(text: str) -> None:
    """No exponents, signs, foreign digits, blanks, separators, rounding, or sums beyond all prices."""
    with pytest.raises(Rejected):
        parse_amount(text, "PLN")


@pytest.mark.parametrize(("text", "currency"), [("1.5", "JPY"), ("1.0", "JPY"), ("1.2345", "KWD")])
def test_more_digits_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    """Half a yen does not exist."""
    with pytest.raises(Rejected):
        parse_amount(text, currency)


@pytest.mark.parametrize(
    "text",
    ["299.00", "299.00PLN", "299.00  PLN", "PLN 299.00", "299.00 pln", "299.00 PLNX", "299.00 ZŁO", " PLN"],
)
def test_what_is_no_price_is_refused(text: str) -> None:
    """A price is an amount, one space and three capital letters."""
    with pytest.raises(Rejected):
        parse_price(text)


@pytest.mark.parametrize(
    ("minor", "currency"), [(-1, "PLN"), (LIMIT, "PLN"), (1, "pln"), (1, ""), (1, "PLN\n"), (1, "ŻŁO")]
)
def test_money_that_cannot_be_is_never_made(minor: int, currency: str) -> None:
    """The bounds hold wherever money is made, not only where text is read."""
    with pytest.raises(Rejected):
        Money(minor=minor, currency=currency)


@given(minor=st.integers(0, LIMIT - 1), currency=CURRENCIES)
def test_text_and_money_are_the_same(minor: int, currency: str) -> None:
    """What is written can be read again, in every currency."""
    money = Money(minor=minor, currency=currency)
    assert money == parse_price(str(money)) == msgspec.json.decode(msgspec.json.encode(money), type=Money)


@given(text=st.text(max_size=20))
def test_any_text_is_money_or_refused(text: str) -> None:
    """Hostile text ends in a refusal, never in another error."""
    try:
        money = parse_amount(text, "PLN")
    except Rejected:
        return
    assert text.isascii()
    assert money == parse_amount(money.amount, "PLN")
