"""What somebody sees of a page, asked in the browser: text that is lost, targets too small, focus that is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page

from tests.hosts.witness import witnessed
from tests.site.visit import PATIENCE, witness

Scheme = Literal["light", "dark"]
SPACED = """
* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
p { margin-block-end: 2em !important; }
"""
"""The text spacing that a reader may set. Source: WCAG 2.2, success criterion 1.4.12."""

_SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
_SETTLED = """async ({wide, high, scheme}) => {
    const frame = () => new Promise(requestAnimationFrame);
    const yet = () => scheme ? matchMedia(`(prefers-color-scheme: ${scheme})`).matches
        : innerWidth == wide && innerHeight == high;
    for (let frames = 0; frames < 600 && !yet(); frames++) await frame();
    if (!yet()) throw new Error("the window never became as it was asked");
    await frame();
}"""
_WEAR = """([style, way]) => {
    document.documentElement.dir = way;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    document.adoptedStyleSheets = [sheet];
}"""


@contextmanager
def seeing(
    chromium: Browser,
    wide: int = 1280,
    high: int = 900,
    *,
    forced: Literal["active", "none"] = "none",
    moves: Literal["reduce", "no-preference"] = "reduce",
    contrast: Literal["more", "no-preference"] = "no-preference",
    scheme: Scheme = "light",
) -> Iterator[Page]:
    """Open a window of this size in CSS pixels, whose owner wishes for other colours, contrast or motion."""
    context = chromium.new_context(
        viewport={"width": wide, "height": high},
        forced_colors=forced,
        reduced_motion=moves,
        contrast=contrast,
        color_scheme=scheme,
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    try:
        with witnessed(lambda: witness(page)):
            yield page
    finally:
        context.close()


def resize(page: Page, wide: int, high: int) -> None:
    """Make the window as large as this in CSS pixels, and wait until the page knows; a busy machine is late."""
    if page.viewport_size == {"width": wide, "height": high}:
        return
    page.set_viewport_size({"width": wide, "height": high})
    page.evaluate(_SETTLED, {"wide": wide, "high": high})


def recolour(page: Page, scheme: Scheme) -> None:
    """Let the owner of the window like it light or dark, and wait until the page knows."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(_SETTLED, {"scheme": scheme})


def wear(page: Page, style: str, way: Literal["ltr", "rtl"] = "ltr") -> None:
    """Lay a style sheet over the page, in place of the last one, and turn its way; no policy of the page forbids it."""
    page.evaluate(_WEAR, [style, way])


def unfold(page: Page) -> None:
    """Open every fold of the page."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


def asked(page: Page, question: str) -> Any:  # noqa: ANN401 - each question has an answer of its own shape
    """Return what the page says to a question of `sight.js`, such as `controls()`."""
    return page.evaluate(f"({_SCRIPT.strip()}).{question}")


def lost(page: Page) -> list[str]:
    """Return where text is cut, lies outside the window or its box, or over another text."""
    return list(asked(page, "lost()"))


def torn(page: Page) -> int:
    """Return how many prices stand on more than one line."""
    return int(asked(page, "torn()"))


def small(page: Page) -> list[str]:
    """Return the targets that are hard to hit. Source: WCAG 2.2, success criterion 2.5.8."""
    return list(asked(page, "small()"))


def walked(page: Page, key: str) -> list[tuple[str, bool, bool]]:
    """Press a key until the focus left the page: each stop, whether it is in sight, whether it shows its focus."""
    stops: list[tuple[str, bool, bool]] = []
    for _ in range(200):
        page.keyboard.press(key)
        stop = asked(page, "focused()")
        if stop is None or (stops and tuple(stop) == stops[0]):
            return stops
        stops.append((stop[0], stop[1], stop[2]))
    raise AssertionError(f"the focus never leaves {page.url}")
