"""What a style sheet leaves open: a browser says nothing and drops, or takes in, whatever stands behind it.

Only brackets, texts and comments are looked at; a browser knows best which properties there are.
Source: CSS Syntax Level 3, sections 4.3 and 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_PAIRS = {"{": "}", "(": ")", "[": "]"}
_SIGN = re.compile(
    r"/\*(?:.*?\*/)?|url\(\s*[^\"'\s)][^)]*\)|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|\\.|[][{}()]",
    re.DOTALL,
)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and the line on which it begins."""

    line: int
    why: str


def faults(sheet: str) -> Iterator[Fault]:
    """Yield what is opened and never closed, or closed and never opened."""
    opened: list[tuple[str, int]] = []
    for match in _SIGN.finditer(sheet):
        sign, line = match[0], sheet.count("\n", 0, match.start()) + 1
        if sign == "/*":
            yield Fault(line, "begins a comment that nothing ends; end it with */")
            return
        if sign[0] in "\"'" and (len(sign) == 1 or sign[-1] != sign[0]):
            yield Fault(line, f"begins a text that its line does not end; end it with {sign[0]}")
        elif sign in _PAIRS:
            opened.append((sign, line))
        elif sign in _PAIRS.values():
            yield from _closed(opened, sign, line)
    yield from map(_left, opened)


def _closed(opened: list[tuple[str, int]], sign: str, line: int) -> Iterator[Fault]:
    """Take from what is opened whatever this sign closes, and yield what it does not close."""
    if sign not in (_PAIRS[each] for each, _ in opened):
        yield Fault(line, f"closes with {sign} what nothing opened; take it out")
        return
    while _PAIRS[opened[-1][0]] != sign:
        yield _left(opened.pop())
    opened.pop()


def _left(one: tuple[str, int]) -> Fault:
    sign, line = one
    return Fault(line, f"opens {sign} and never closes it; write {_PAIRS[sign]} where it ends")
