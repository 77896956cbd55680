"""Every kind of page in every state, judged by axe in a real Chromium, wide and light, narrow and dark."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.quality.conftest import showing
from tests.quality.eye import judged, seeing
from tests.quality.states import COLOURFUL, kinds
from tests.site.world import Running

_FAULTY = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Page</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/faulty.css"></head>
<body><main><h1>Page</h1><form method="post"><p><input type="text" name="a"></p></form><p class="pale">Pale</p>
</main></body></html>
"""
_PALE = b"""
:root { color-scheme: light dark; background: light-dark(oklch(98% .01 85), oklch(20% .01 265)); }
.pale { color: light-dark(oklch(25% .02 265), oklch(35% .02 265)); }
"""


def test_every_kind_of_page(chromium: Browser, running: Running) -> None:
    """One page of each kind that is on the disk, with every fold open."""
    found = kinds(running.files)

    assert {"shop", "product", "product/order", "thanks", "resend", "withdraw", "terms", "privacy"} <= set(
        found
    )
    with seeing(chromium, running) as page:
        for path in found.values():
            page.goto(running.url + path)
            page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
            assert [] == judged(page), path


def test_every_answer(chromium: Browser, running: Running) -> None:
    """The pages that the API answers with: forms with errors, ways to pay, withdrawal, messages."""
    with seeing(chromium, running) as page:
        for path in running.extra:
            page.goto(running.url + path)
            assert [] == judged(page), path


def test_the_other_theme(chromium: Browser, extremes: Path) -> None:
    """A theme of tokens alone keeps every contrast, also of errors."""
    with showing(extremes, "warsztat") as shop, seeing(chromium, shop) as page:
        for path in COLOURFUL:
            page.goto(shop.url + path)
            assert [] == judged(page), path


def test_a_fault_is_found(chromium: Browser, running: Running) -> None:
    """A field without a label is named, and a colour that is too pale in one scheme is named in that one."""
    before = running.files, running.extra
    running.files = {**running.files, "faulty.css": _PALE}
    running.extra = {**running.extra, "/faulty": _FAULTY}
    with seeing(chromium, running) as page:
        page.goto(f"{running.url}/faulty")
        found = judged(page)
    running.files, running.extra = before

    assert {"light: label", "dark: label", "dark: color-contrast"} == {each.split(": <")[0] for each in found}
