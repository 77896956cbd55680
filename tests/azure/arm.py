"""A reader of ARM template expressions: enough to know that each one is well formed and what it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator

TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([A-Za-z_]\w*)|(\d+)|([()\[\].,]))")

FUNCTIONS = {
    "concat": (1, 99),
    "environment": (0, 0),
    "guid": (1, 9),
    "listKeys": (2, 3),
    "parameters": (1, 1),
    "reference": (1, 3),
    "resourceGroup": (0, 0),
    "resourceId": (2, 9),
    "subscription": (0, 0),
    "subscriptionResourceId": (2, 9),
    "uniqueString": (1, 9),
    "variables": (1, 1),
}
"""The functions of ARM that our template uses, and how many arguments each takes.

Source: learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.
"""


class Call:
    """A function with its arguments."""

    def __init__(self, name: str, arguments: list[object]) -> None:
        self.name, self.arguments = name, arguments

    def __str__(self) -> str:
        return f"{self.name}({', '.join(repr(a) if isinstance(a, str) else str(a) for a in self.arguments)})"


def strings(value: object) -> Iterator[str]:
    """Yield every text of a template, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def parsed(text: str) -> object:
    """Read one expression, with its brackets around it; raises ValueError where it is not well formed."""
    reader = _Reader(text[1:-1])
    found = reader.value()
    if reader.place != len(reader.text):
        msg = f"{text!r} goes on after its end"
        raise ValueError(msg)
    return found


def calls(value: object) -> Iterator[Call]:
    """Yield every call inside of an expression."""
    if isinstance(value, Call):
        yield value
        for each in value.arguments:
            yield from calls(each)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    def value(self) -> object:
        string, name, number, sign = self._next()
        if string is not None:
            return string
        if number is not None:
            return int(number)
        if name is None:
            msg = f"{self.text!r} has {sign!r} where a value should be"
            raise ValueError(msg)
        made = Call(name, list(self._arguments()))
        least, most = FUNCTIONS[name]
        if not least <= len(made.arguments) <= most:
            msg = f"{name} takes {least} to {most} arguments"
            raise ValueError(msg)
        self._steps()
        return made

    def _arguments(self) -> Iterator[object]:
        self._expect("(")
        while self._peek() != ")":
            yield self.value()
            if self._peek() != ")":
                self._expect(",")
        self._expect(")")

    def _steps(self) -> None:
        while self._peek() in (".", "["):
            if self._next()[3] == "[":
                self._next()
                self._expect("]")
            elif self._next()[1] is None:
                msg = f"{self.text!r} has no name after a dot"
                raise ValueError(msg)

    def _peek(self) -> str:
        found = TOKEN.match(self.text, self.place)
        return (found[4] or "") if found else ""

    def _expect(self, sign: str) -> None:
        if self._next()[3] != sign:
            msg = f"{self.text!r} lacks {sign!r} before {self.place}"
            raise ValueError(msg)

    def _next(self) -> tuple[str | None, str | None, str | None, str | None]:
        found = TOKEN.match(self.text, self.place)
        if found is None:
            msg = f"{self.text!r} is not well formed at {self.place}"
            raise ValueError(msg)
        self.place = found.end()
        return found[1], found[2], found[3], found[4]
