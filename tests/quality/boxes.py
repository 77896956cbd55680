"""A font in which every letter is the same box: with it a page is laid out alike on machines with different fonts.

Written table by table, with one glyph for all letters and one for spaces. Source: the OpenType specification 1.9.
"""

from __future__ import annotations

from itertools import pairwise
from struct import pack

EM, ASCENT, DESCENT = 1000, 900, 250
LETTER, SPACE = 540, 270
"""How wide a letter and a space are; a book face is about as wide."""
_BOX = (50, 0, 490, 520)
_SPACES = (0x20, 0xA0, 0x202F)
_LAST = 0x2FFFF
_MAGIC = 0x5F0F3CF5


def font() -> bytes:
    """Return the font as a TrueType file."""
    glyph = _glyph()
    tables = {
        b"OS/2": _os2(),
        b"cmap": _cmap(),
        b"glyf": glyph,
        b"head": pack(">4L2H2q4h2H3h", 0x10000, 0x10000, 0, _MAGIC, 3, EM, 0, 0, *_BOX, 0, 8, 2, 0, 0),
        b"hhea": pack(">L3hH11hH", 0x10000, ASCENT, -DESCENT, 0, LETTER, 0, 0, LETTER, 1, *[0] * 7, 3),
        b"hmtx": pack(">6h", LETTER, _BOX[0], LETTER, _BOX[0], SPACE, 0),
        b"loca": pack(">4H", 0, 0, len(glyph) // 2, len(glyph) // 2),
        b"maxp": pack(">L14H", 0x10000, 3, 4, 1, 0, 0, 2, *[0] * 8),
        b"name": _name(),
        b"post": pack(">2L2h5L", 0x30000, 0, -100, 50, 0, 0, 0, 0, 0),
    }
    return _file(tables)


def _glyph() -> bytes:
    left, low, right, high = _BOX
    xs, ys = (left, 0, right - left, 0), (low, high - low, 0, low - high)
    outline = pack(">5h", 1, *_BOX) + pack(">2H", 3, 0) + bytes([1] * 4)
    made = outline + pack(">8h", *xs, *ys)
    return made + bytes(-len(made) % 4)


def _cmap() -> bytes:
    edges = [0x1F, *_SPACES, _LAST + 1]
    letters = [(before + 1, after - 1, 1) for before, after in pairwise(edges)]
    groups = sorted([each for each in letters if each[0] <= each[1]] + [(each, each, 2) for each in _SPACES])
    inside = b"".join(pack(">3L", *group) for group in groups)
    return pack(">4HL", 0, 1, 3, 10, 12) + pack(">2H3L", 13, 0, 16 + len(inside), 0, len(groups)) + inside


def _os2() -> bytes:
    return pack(
        ">H h 2H 11h h 10s 4L 4s 3H 3h 2H 2L 2h 3H",
        4, LETTER, 400, 5, *[0] * 11, 0, bytes(10), 0, 0, 0, 0, b"    ", 0x40, 0x20, 0xFFFF,
        ASCENT, -DESCENT, 0, ASCENT, DESCENT, 1, 0, 520, 700, 0, 0x20, 2,
    )  # fmt: skip


def _name() -> bytes:
    texts = {1: "Boxes", 2: "Regular", 3: "Boxes", 4: "Boxes", 6: "Boxes"}
    heads, kept = b"", b""
    for number, text in texts.items():
        raw = text.encode("utf-16-be")
        heads += pack(">6H", 3, 1, 0x409, number, len(raw), len(kept))
        kept += raw
    return pack(">3H", 0, len(texts), 6 + len(heads)) + heads + kept


def _file(tables: dict[bytes, bytes]) -> bytes:
    """Return the tables behind their index; browsers compute the sums of a font themselves, so those here are 0."""
    offset, index, body = 12 + 16 * len(tables), b"", b""
    for tag, table in sorted(tables.items()):
        index += pack(">4s3L", tag, 0, offset + len(body), len(table))
        body += table + bytes(-len(table) % 4)
    power = len(tables).bit_length() - 1
    return (
        pack(">L4H", 0x10000, len(tables), 16 << power, power, 16 * len(tables) - (16 << power))
        + index
        + body
    )
