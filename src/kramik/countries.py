"""The countries that a shop sells to, by their codes of two letters (ISO 3166-1); `EU` stands for all of its members.

A shop that names none asks no buyer for one.
Source: https://european-union.europa.eu/principles-countries-history/eu-countries_en (27 members).
"""

from __future__ import annotations

from collections.abc import Iterable

EU = tuple("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
KNOWN = frozenset(
    (
        *EU,
        *"AD AE AL AM AR AU BA BR BY CA CH CL CN CO GB GE HK IL IN IS JP KR LI".split(),
        *"MC MD ME MK MX MY NO NZ PH RS SG TH TR TW UA US VN ZA".split(),
    )
)
"""Those whose names the theme knows in every language."""

SPOKEN = {"pl": "PL"}
"""The country in which most of those live who read a language; for others the buyer has to choose."""


def listed(codes: Iterable[str]) -> tuple[str, ...]:
    """Return the countries of a setting, each once."""
    return tuple(dict.fromkeys(code for named in codes for code in (EU if named == "EU" else (named,))))
