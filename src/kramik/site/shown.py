"""How money, moments and words look to a reader; the only place of the site that knows typography of a language.

Source of the forms: Unicode CLDR 48, locales `pl` and `en-GB`; tests hold them against Babel.
"""

from __future__ import annotations

import re
from datetime import datetime

from kramik.money import Money

NO_BREAK = "\N{NO-BREAK SPACE}"
_AFTER = {"PLN": "zł", "EUR": "€"}
_BEFORE = {"EUR": "€", "GBP": "£", "USD": "US$"}
_POLISH_GROUPS_FROM = 10_000
_COUNTED = r"(?<=[0-9] )(?=\w)"
_ORPHAN = r"(?<=\b[AIOUWZaiouwz] )(?=\S)"
_KEPT = {"pl": re.compile(f" (?:{_COUNTED}|{_ORPHAN})"), "": re.compile(f" {_COUNTED}")}
"""The spaces at which a line must not break; each pattern begins with the space, which is found quickly."""


def price(money: Money, lang: str) -> str:
    """Return `299,00 zł` in Polish, and `PLN 299.00` or `€49.00` in any other language."""
    whole, point, rest = money.amount.partition(".")
    if lang == "pl":
        grouped = f"{int(whole):,}".replace(",", NO_BREAK) if int(whole) >= _POLISH_GROUPS_FROM else whole
        return f"{grouped}{point and ','}{rest}{NO_BREAK}{_AFTER.get(money.currency, money.currency)}"
    sign = _BEFORE.get(money.currency) or f"{money.currency}{NO_BREAK}"
    return f"{sign}{int(whole):,}{point}{rest}"


def moment(when: datetime, lang: str) -> str:
    """Return day, time and offset as the author wrote them, such as `1.12.2026, 10:00 (UTC+01:00)`."""
    day = f"{when.day}.{when:%m.%Y}" if lang == "pl" else f"{when:%Y-%m-%d}"
    return f"{day}, {when:%H:%M} ({when:%Z})"


def typeset(text: str, lang: str) -> str:
    """Keep a number with what it counts, and a Polish one-letter word with the next word, on one line."""
    return _KEPT.get(lang, _KEPT[""]).sub(NO_BREAK, text)


def plural(count: int, lang: str) -> str:
    """Return which form of a noun follows a number: `one`, `few` or `many`."""
    if count == 1:
        return "one"
    few = lang == "pl" and count % 10 in range(2, 5) and count % 100 not in range(12, 15)
    return "few" if few else "many"


def duration(minutes: int, lang: str) -> str:
    """Return minutes as hours and minutes, such as `7 h 4 min`."""
    hours, rest = divmod(minutes, 60)
    hour = "godz." if lang == "pl" else "h"
    parts = [f"{hours}{NO_BREAK}{hour}"] if hours else []
    parts += [f"{rest}{NO_BREAK}min"] if rest or not hours else []
    return " ".join(parts)


def size(count: int, lang: str) -> str:
    """Return a number of bytes in the largest unit that leaves something before the point."""
    number, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004 - a thousand of one unit is one of the next
            break
        number, unit = number / 1000, larger
    text = f"{number:.0f}" if unit == "B" or number >= 100 else f"{number:.1f}"  # noqa: PLR2004 - three digits tell enough
    return f"{text.replace('.', ',') if lang == 'pl' else text}\N{NO-BREAK SPACE}{unit}"
