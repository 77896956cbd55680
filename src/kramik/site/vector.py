"""The size of a drawing in SVG, so that a page keeps its place before it has come.

`width` and `height` count where both are plain numbers or pixels, else the shape of the `viewBox`.
Source: SVG 2, chapters 7 (`viewBox`) and 8 (sizing).
"""

from __future__ import annotations

import re

_ROOT = re.compile(rb"<(?:\w+:)?svg\b[^>]*>")
_NUMBER = rb"\s*([0-9]*\.?[0-9]+)"
_SIDE = {
    name: re.compile(rb"\s" + name + rb"\s*=\s*[\"']" + _NUMBER + rb"(?:px)?\s*[\"']")
    for name in (b"width", b"height")
}
_BOX = re.compile(
    rb"\sviewBox\s*=\s*[\"']\s*[-+0-9.eE]+[\s,]+[-+0-9.eE]+[\s,]+([0-9.]+)[\s,]+([0-9.]+)\s*[\"']"
)


def size(content: bytes) -> tuple[int, int]:
    """Return width and height of a drawing in pixels; zeros where it says neither."""
    root = _ROOT.search(content)
    if root is None:
        return 0, 0
    sides = [pattern.search(root[0]) for pattern in _SIDE.values()]
    box = _BOX.search(root[0])
    found = [each[1] for each in sides if each] if all(sides) else list(box.groups()) if box else []
    width, height = (max(1, round(float(each))) for each in found) if found else (0, 0)
    return width, height
