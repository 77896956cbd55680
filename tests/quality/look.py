"""How a page looks, in little: where its parts lie, and a picture so small that no letter can be told.

Letters are boxes of one font, so neither depends on the fonts of a machine.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TypeAlias

from PIL import Image, ImageChops, ImageOps, ImageStat
from playwright.sync_api import Page

from tests.quality import boxes

PARTS = (
    ".top", ".wordmark", "main", "h1", ".lead", ".button", ".cover", ".trust", ".part", ".part > h2", ".within",
    ".modules", ".page", ".voices", ".ticket", ".ticket .price", ".promise", ".asked", ".course", ".steps", ".summary",
    "form[data-order]", ".field input", ".box", ".total", ".bottom",
)  # fmt: skip
"""The parts whose places are kept; of each the first one of a page."""
GRAIN = 16
"""How many CSS pixels become one."""
BITS = 5
"""How finely a colour is kept, so that the files stay small."""
FARTHEST, FARTHER = 2.0, 0.005
"""A part may lie this many pixels, and this share of its place, away from where it lay."""
OTHER, OTHERWISE = 2.0, 30.0
"""How much pictures may differ on average, and in their worst spot of 64 pixels, of 255."""

_DRESS = """async (font) => {
    const bytes = Uint8Array.from(atob(font), (each) => each.charCodeAt(0));
    document.fonts.add(await new FontFace("Boxes", bytes, {weight: "1 1000"}).load());
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`*, ::before, ::after, ::marker { font-family: Boxes !important;
        text-rendering: geometricPrecision !important; text-wrap: wrap !important; hyphens: none !important; }`);
    document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];
}"""
_PLACES = """(parts) => {
    const found = parts.map(part => [part, document.querySelector(part)]).filter(([, each]) => each);
    const placed = (box) => [box.x + scrollX, box.y + scrollY, box.width, box.height].map(Math.round);
    return Object.fromEntries(found.map(([part, each]) => [part, placed(each.getBoundingClientRect())]));
}"""

Places: TypeAlias = dict[str, list[int]]


def dress(page: Page) -> None:
    """Write every letter of the page as a box of exact width, and break lines where any browser would.

    Without `geometricPrecision` a letter is as wide as the machine's hinting makes it.
    """
    page.evaluate(_DRESS, b64encode(boxes.font()).decode())


def places(page: Page) -> Places:
    """Return where each part lies: left, top, width and height in CSS pixels."""
    return dict(page.evaluate(_PLACES, list(PARTS)))


def picture(page: Page) -> Image.Image:
    """Return the whole page, so small that a square of `GRAIN` pixels is one."""
    seen = Image.open(BytesIO(page.screenshot(full_page=True, type="jpeg", quality=90))).convert("RGB")
    little = seen.resize((seen.width // GRAIN, seen.height // GRAIN), Image.Resampling.BOX)
    return ImageOps.posterize(little, BITS)


def moved(before: Places, now: Places) -> Iterator[str]:
    """Say which parts lie elsewhere, have another size, came or went."""
    for part in sorted(before.keys() | now.keys()):
        was, lies = before.get(part, []), now.get(part, [])
        near = all(abs(a - b) <= FARTHEST + FARTHER * a for a, b in zip(was, lies, strict=False))
        if len(was) != len(lies) or not near:
            yield f"{part}: {was} is {lies}"


def apart(
    before: Mapping[str, Image.Image], now: Mapping[str, Image.Image]
) -> dict[str, tuple[float, float]]:
    """Return which pictures differ by more than is allowed, and how much."""
    gaps = {way: differing(before[way], now[way]) for way in now}
    return {way: gap for way, gap in gaps.items() if gap[0] > OTHER or gap[1] > OTHERWISE}


def differing(before: Image.Image, now: Image.Image) -> tuple[float, float]:
    """Return how much two pictures differ on average and in the worst spot; only what both show is compared."""
    size = min(before.width, now.width), min(before.height, now.height)
    gap = ImageChops.difference(before.crop((0, 0, *size)), now.crop((0, 0, *size)))
    spots = gap.resize((max(1, size[0] // 4), max(1, size[1] // 4)), Image.Resampling.BOX)
    worst = max(high for _, high in ImageStat.Stat(spots).extrema)
    return sum(ImageStat.Stat(gap).mean) / 3, float(worst)
