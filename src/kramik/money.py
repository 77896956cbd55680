"""Money is an integer of minor units and a currency; it is never a float.

Text is parsed exactly or refused: no exponents, no signs, no digits outside ASCII, no rounding.
Source of the exponents: ISO 4217, the list of active codes (currencies that are absent have two digits).
"""

from __future__ import annotations

import re

import msgspec

from kramik.errors import Problem, Rejected

EXPONENTS = {
    **dict.fromkeys(
        ("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF").split(),
        0,
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
"""Digits behind the point, where they are not two."""

LIMIT = 10**12
"""No price is this many minor units; a larger number is a mistake or an attack."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,3}))?")


class Money(msgspec.Struct, frozen=True, kw_only=True, order=False):
    """An amount in minor units (grosz, cent) of one currency; never negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            raise _refused("currency", "write the currency as three capital letters such as PLN")
        if not 0 <= self.minor < LIMIT:
            raise _refused("amount", f"the amount must lie between 0 and {LIMIT} minor units")

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @property
    def amount(self) -> str:
        """Return the amount as text with a point and all digits of the currency: `299.00`, `1000` for JPY."""
        digits = exponent(self.currency)
        if digits == 0:
            return str(self.minor)
        whole, rest = divmod(self.minor, 10**digits)
        return f"{whole}.{rest:0{digits}d}"


def exponent(currency: str) -> int:
    """Return how many digits stand behind the point in this currency."""
    return EXPONENTS.get(currency, 2)


def parse_price(text: str) -> Money:
    """Read `"299.00 PLN"`.

    Raises:
        Rejected: the text is not an amount, a space and a currency; show it to whoever wrote it.
    """
    amount, space, currency = text.partition(" ")
    if not space:
        raise _refused(
            "price", f'{text!r} is not a price; write an amount and a currency such as "299.00 PLN"'
        )
    return parse_amount(amount, currency)


def parse_amount(text: str, currency: str) -> Money:
    """Read an amount such as `299.00`; fewer digits than the currency has are fine, more are refused.

    Raises:
        Rejected: the text is not an exact amount in this currency.
    """
    digits = exponent(currency)
    match = _AMOUNT.fullmatch(text)
    if match is None or len(match[2] or "") > digits:
        raise _refused(
            "amount", f"{text!r} is not an amount in {currency}; write digits and a point such as 299.00"
        )
    return Money(
        minor=int(match[1]) * 10**digits + int((match[2] or "").ljust(digits, "0") or 0), currency=currency
    )


def _refused(field: str, message: str) -> Rejected:
    return Rejected(Problem(field=field, code="not_money", message=message))
