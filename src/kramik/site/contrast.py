"""The contrast of a theme's colours, computed from its style sheets as a browser would lay them over each other.

Source: WCAG 2.2, success criteria 1.4.3 (4.5 to 1 for text) and 1.4.6 (7 to 1); oklch to sRGB by CSS Color 4.
A colour that is written in another way than `#rrggbb`, `rgb()`, `oklch()`, `light-dark()` or `var()` can not be judged
and is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

Scheme = Literal["light", "dark"]
Colour = tuple[float, float, float]

ENOUGH, AMPLE = 4.5, 7.0
"""What any text needs (AA), and what the theme gives (AAA)."""
PAIRS = (
    ("ink", "paper"),
    ("ink", "surface"),
    ("ink", "mark"),
    ("muted", "paper"),
    ("muted", "surface"),
    ("accent", "paper"),
    ("accent", "surface"),
    ("ok", "surface"),
    ("error", "paper"),
    ("error", "surface"),
)
"""What is written on what: text, and the ground below it."""

_PIECE = re.compile(r"/\*.*?\*/|[^{};]+|[{};]", re.DOTALL)
_ELSEWHERE = ("prefers-contrast", "forced-colors", "print")


class Declared(msgspec.Struct, frozen=True):
    """One token as it is declared: in which schemes, with which text, in which line."""

    name: str
    value: str
    line: int
    schemes: tuple[Scheme, ...]


class Low(msgspec.Struct, frozen=True):
    """Two tokens that can not be told apart well enough."""

    text: str
    ground: str
    scheme: Scheme
    ratio: float


def low(tokens: Mapping[Scheme, Mapping[str, str]], enough: float = ENOUGH) -> Iterator[Low]:
    """Yield every pair below so much to 1."""
    for scheme, values in tokens.items():
        for text, ground in PAIRS:
            pair = _colour(text, values), _colour(ground, values)
            if pair[0] is None or pair[1] is None:
                continue
            ratio = contrast(pair[0], pair[1])
            if ratio < enough:
                yield Low(text, ground, scheme, ratio)


def laid_over(*sheets: str) -> dict[Scheme, dict[str, str]]:
    """Return the value of each token in each scheme, later sheets over earlier ones."""
    found: dict[Scheme, dict[str, str]] = {"light": {}, "dark": {}}
    for sheet in sheets:
        for each in declared(sheet):
            for scheme in each.schemes:
                found[scheme][each.name] = _of_scheme(each.value, scheme)
    return found


def declared(sheet: str) -> Iterator[Declared]:
    """Yield every token of a style sheet, in its order."""
    around: list[str] = []
    text, line, begun = "", 1, 1
    for piece in _PIECE.findall(sheet):
        if piece == "{":
            around.append(text.strip())
        elif piece in {"}", ";"}:
            name, colon, value = text.strip().partition(":")
            if colon and name.startswith("--") and not any(word in " ".join(around) for word in _ELSEWHERE):
                dark = any("prefers-color-scheme: dark" in each for each in around)
                schemes: tuple[Scheme, ...] = ("dark",) if dark else ("light", "dark")
                yield Declared(name.removeprefix("--"), " ".join(value.split()), begun, schemes)
            if piece == "}" and around:
                around.pop()
        elif not piece.startswith("/*"):
            text = piece
            begun = line + len(piece[: len(piece) - len(piece.lstrip())].splitlines() or [""]) - 1
        if piece in {"{", "}", ";"}:
            text = ""
        line += piece.count("\n")


def contrast(one: Colour, other: Colour) -> float:
    """Return the ratio of two colours in linear light, from 1 to 21."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _colour(name: str, values: Mapping[str, str], depth: int = 0) -> Colour | None:
    text = values.get(name, "")
    reference = re.fullmatch(r"var\(--([\w-]+)\)", text)
    if reference and depth < len(values):
        return _colour(reference[1], values, depth + 1)
    text = re.sub(r"var\(--([\w-]+)\)", lambda match: values.get(match[1], "?"), text)
    return _hex(text) or _rgb(text) or _oklch(text)


def _of_scheme(value: str, scheme: Scheme) -> str:
    if not value.startswith("light-dark("):
        return value
    inside, depth = value.removeprefix("light-dark(").removesuffix(")"), 0
    for place, sign in enumerate(inside):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            return (inside[:place] if scheme == "light" else inside[place + 1 :]).strip()
    return value


def _hex(text: str) -> Colour | None:
    match = re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text)
    if match is None:
        return None
    digits = match[1] if len(match[1]) == 6 else "".join(2 * each for each in match[1])  # noqa: PLR2004 - two a channel
    red, green, blue = (_linear(int(digits[place : place + 2], 16) / 255) for place in (0, 2, 4))
    return red, green, blue


def _rgb(text: str) -> Colour | None:
    match = re.fullmatch(r"rgba?\((\d+)[ ,]+(\d+)[ ,]+(\d+)\)", text)
    if match is None:
        return None
    red, green, blue = (_linear(min(int(each), 255) / 255) for each in match.groups())
    return red, green, blue


def _oklch(text: str) -> Colour | None:
    match = re.fullmatch(r"oklch\(([\d.]+)(%?) ([\d.]+) ([\d.]+)(?:deg)?\)", text)
    if match is None:
        return None
    light = float(match[1]) / (100 if match[2] else 1)
    chroma, hue = float(match[3]), math.radians(float(match[4]))
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    red, green, blue = (min(max(each, 0.0), 1.0) for each in linear)
    return red, green, blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB


def _luminance(colour: Colour) -> float:
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
