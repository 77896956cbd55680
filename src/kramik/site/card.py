"""The cover as a picture of 1200x630, for previews in messengers and networks; it needs Pillow.

Each shape is drawn once, large, made smaller so that its edges are soft, and then pasted; a thousand cards are quick.
"""

from __future__ import annotations

from functools import cache, reduce
from io import BytesIO
from typing import TYPE_CHECKING

from kramik.site.cover import tiles

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_TILE, _COLUMNS = 200, 4
_UNIT = 20
_LARGE = 40 * _UNIT
_SHADES, _STEP = 8, 28
_LEFT, _TOP = 200, 15
_PAPER = (252, 250, 245)
_COLOURS = {"ink": (26, 31, 44), "accent": (43, 75, 173), "mark": (247, 226, 122), "rule": (220, 216, 206)}


def drawn(slug: str) -> bytes:
    """Return the card of a slug as a PNG; the same slug always has the same one."""
    from PIL import Image  # noqa: PLC0415 - an extra, and slow to load

    picture = Image.new("P", (1200, 630), 0)
    picture.putpalette(_palette())
    for number, shape, turns, colour in tiles(slug):
        row, column = divmod(number, _COLUMNS)
        picture.paste(_tile(shape, turns, colour), (_LEFT + column * _TILE, _TOP + row * _TILE))
    out = BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


@cache
def _tile(shape: int, turns: int, colour: str) -> Picture:
    from PIL import Image  # noqa: PLC0415 - an extra, and slow to load

    mask = _mask(shape).resize((_TILE, _TILE), Image.Resampling.BOX).rotate(-90 * turns)
    first = 1 + list(_COLOURS).index(colour) * _SHADES
    levels = [0 if level < _STEP else first + min(level // _STEP, _SHADES) - 1 for level in range(256)]
    tile = Image.frombytes("P", mask.size, mask.point(levels).tobytes())
    tile.putpalette(_palette())
    return tile


def _mask(shape: int) -> Picture:
    """Return a shape of the cover, drawn large; the numbers are those of its path."""
    from PIL import Image, ImageChops, ImageDraw  # noqa: PLC0415 - an extra, and slow to load

    def circle(x: int, y: int, radius: int) -> Picture:
        disc = Image.new("L", (_LARGE, _LARGE), 0)
        box = [unit * _UNIT for unit in (x - radius, y - radius, x + radius, y + radius)]
        ImageDraw.Draw(disc).ellipse(box, fill=255)
        return disc

    def filled(*corners: tuple[int, int]) -> Picture:
        surface = Image.new("L", (_LARGE, _LARGE), 0)
        ImageDraw.Draw(surface).polygon([(x * _UNIT, y * _UNIT) for x, y in corners], fill=255)
        return surface

    def band(top: int, bottom: int) -> Picture:
        return filled((0, top), (40, top), (40, bottom), (0, bottom))

    return (
        lambda: circle(0, 0, 40),
        lambda: ImageChops.darker(circle(0, 40, 40), circle(40, 0, 40)),
        lambda: ImageChops.darker(circle(20, 20, 20), band(0, 20)),
        lambda: circle(20, 20, 16),
        lambda: reduce(ImageChops.lighter, (band(top, top + 4) for top in (2, 12, 22, 32))),
        lambda: filled((0, 0), (40, 0), (0, 40)),
        lambda: circle(20, 20, 6),
    )[shape]()


@cache
def _palette() -> list[int]:
    """Return the paper, then each colour from nearly paper to itself."""
    shades = [_PAPER]
    for colour in _COLOURS.values():
        for step in range(1, _SHADES + 1):
            mixed = (round(p + (c - p) * step / _SHADES) for p, c in zip(_PAPER, colour, strict=True))
            red, green, blue = mixed
            shades.append((red, green, blue))
    return [part for shade in shades for part in shade]
