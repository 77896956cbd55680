"""A cover for a course without a picture: twelve tiles whose shapes and colours come from the slug.

The same slug always has the same cover. Colours are classes, so that the theme decides them, in light and dark.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from markupsafe import Markup

_SIZE, _COLUMNS, _ROWS = 40, 4, 3
_SHAPES = (
    "M0 0h40a40 40 0 0 1-40 40z",
    "M0 0a40 40 0 0 1 40 40a40 40 0 0 1-40-40z",
    "M0 20a20 20 0 0 1 40 0z",
    "M20 4a16 16 0 1 1 0 32a16 16 0 1 1 0-32z",
    "M0 2h40v4h-40zM0 12h40v4h-40zM0 22h40v4h-40zM0 32h40v4h-40z",
    "M0 0h40l-40 40z",
    "M20 14a6 6 0 1 1 0 12a6 6 0 1 1 0-12z",
)
_COLOURS = ("ink", "accent", "accent", "mark", "rule", "mark", "accent")
_EMPTY_BELOW = 20


def cover(slug: str) -> Markup:
    """Return the cover as inline SVG without meaning for a screen reader."""
    width, height = _COLUMNS * _SIZE, _ROWS * _SIZE
    inside = "".join(_tile(number, byte) for number, byte in enumerate(_bytes(slug)) if byte >= _EMPTY_BELOW)
    return Markup(  # noqa: S704 - numbers and constants only
        f'<svg class="cover" viewBox="0 0 {width} {height}" aria-hidden="true" focusable="false">{inside}</svg>'
    )


def _bytes(slug: str) -> bytes:
    return sha256(slug.encode()).digest()[-_COLUMNS * _ROWS :]


def _tile(number: int, byte: int) -> str:
    row, column = divmod(number, _COLUMNS)
    half = _SIZE // 2
    place = f"translate({column * _SIZE} {row * _SIZE}) rotate({90 * (byte % 4)} {half} {half})"
    shape, colour = _SHAPES[byte // 4 % len(_SHAPES)], _COLOURS[byte // 3 % len(_COLOURS)]
    return f'<path class="{colour}" transform="{place}" d="{shape}"/>'


def tiles(slug: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield number of the tile, number of its shape, quarter turns and colour, as in `cover`, for whoever draws it."""
    for number, byte in enumerate(_bytes(slug)):
        if byte >= _EMPTY_BELOW:
            yield number, byte // 4 % len(_SHAPES), byte % 4, _COLOURS[byte // 3 % len(_COLOURS)]
