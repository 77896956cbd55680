"""Every page in small windows, with large text, wide spacing, from right to left: all is read, all can be hit."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.quality import sight
from tests.quality.sight import seeing
from tests.quality.states import SLUG, kinds
from tests.site.world import Running

WINDOWS = {
    "at 400 %": (320, 256),
    "on a phone": (360, 740),
    "at 200 %": (640, 450),
    "on a desk": (1280, 900),
}
"""Sizes in CSS pixels. A window of 1280 by 1024 at 400 % is 320 by 256. Source: WCAG 2.2, success criterion 1.4.10."""
SPACED, MIRRORED = "spaced", "mirrored"
BROKEN = {
    "sideways": ".lead { width: 60rem; }",
    "outside": ".lead { white-space: nowrap; }",
    "cut below": "h1 { height: 1.5rem; overflow: hidden; }",
    "out of its box": ".pay .button { width: 6rem; white-space: nowrap; }",
    "one over the other": ".part > h2 { margin-block-end: -3rem; }",
}


@pytest.fixture(scope="module")
def found(chromium: Browser, running: Running) -> dict[str, list[str]]:
    """What is lost or too small, by the way of looking: each page is opened once and looked at in every way."""
    paths = [*kinds(running.files).values(), *running.extra]
    seen: dict[str, list[str]] = {way: [] for way in (*WINDOWS, SPACED, MIRRORED, "hit")}
    with seeing(chromium) as page:
        for path in paths:
            page.goto(running.url + path)
            sight.unfold(page)
            for way, (wide, high) in WINDOWS.items():
                page.set_viewport_size({"width": wide, "height": high})
                seen[way] += [f"{path}: {each}" for each in sight.lost(page)]
                seen["hit"] += [f"{path} {way}: {each}" for each in sight.small(page)]
            page.evaluate("document.documentElement.dir = 'rtl'")
            for wide in (1280, 360):
                page.set_viewport_size({"width": wide, "height": 740})
                seen[MIRRORED] += [f"{path} {wide}: {each}" for each in sight.lost(page)]
            page.evaluate("document.documentElement.dir = 'ltr'")
            sight.wear(page, sight.SPACED)
            for wide in (320, 1280):
                page.set_viewport_size({"width": wide, "height": 740})
                seen[SPACED] += [f"{path} {wide}: {each}" for each in sight.lost(page)]
    assert len(paths) > 20
    return seen


@pytest.mark.parametrize("way", [*WINDOWS, SPACED, MIRRORED])
def test_nothing_is_lost(found: dict[str, list[str]], way: str) -> None:
    """No page scrolls sideways, and no text is cut, lies outside, or over another."""
    assert [] == found[way]


def test_everything_can_be_hit(found: dict[str, list[str]]) -> None:
    """What can be pressed is 24 pixels high and wide, or has nothing else near."""
    assert [] == found["hit"]


def test_with_letters_of_twice_the_size(chromium: Browser, running: Running) -> None:
    """Who has set their browser to letters of 32 pixels sees every word of the shop."""
    large = chromium.browser_type.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox", "--blink-settings=defaultFontSize=32"]
    )
    with seeing(large) as page:
        for path in ("/", f"/{SLUG}/", f"/{SLUG}/order/", "/answered/order-wrong"):
            page.goto(running.url + path)
            sight.unfold(page)
            assert "32px" == page.evaluate("getComputedStyle(document.documentElement).fontSize")
            assert [] == sight.lost(page), path
    large.close()


def test_a_broken_page_is_noticed(chromium: Browser, running: Running) -> None:
    """Negative control: each wrong line of style is said for what it is."""
    with seeing(chromium, 360) as page:
        page.goto(f"{running.url}/{SLUG}/")
        for what, style in BROKEN.items():
            sight.wear(page, style)
            assert any(what in each for each in sight.lost(page)), (what, sight.lost(page))


def test_targets_side_by_side_are_noticed(chromium: Browser, running: Running) -> None:
    """Negative control: low links, one close below the other, are too small to hit."""
    with seeing(chromium, 360) as page:
        page.goto(running.url)
        sight.wear(page, ".bottom li a { padding: 0; line-height: 1; } .bottom li { line-height: 1; }")

        assert len(sight.small(page)) > 3
