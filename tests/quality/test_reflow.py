"""Every page in small windows, with large text, wide spacing, from right to left: all is read, all can be hit."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.quality import sight
from tests.quality.sight import seeing
from tests.quality.states import SLUG, kinds
from tests.site.world import Running

PHONE, HALF, DESK = (320, 256), (640, 450), (1280, 900)
VIEWS: dict[str, tuple[tuple[int, int], Literal["ltr", "rtl"], str]] = {
    "at 400 %": (PHONE, "ltr", ""),
    "from right to left": (PHONE, "rtl", ""),
    "spaced on a phone": (PHONE, "ltr", sight.SPACED),
    "spaced on a desk": (DESK, "ltr", sight.SPACED),
    "on a desk": (DESK, "ltr", ""),
    "at 200 %": (HALF, "ltr", ""),
}
"""Windows in CSS pixels: one of 1280 by 1024 at 400 % is 320 by 256. Source: WCAG 2.2, success criterion 1.4.10.

Those of one size stand together: a window is slow to change.
"""
BROKEN = {
    "sideways": ".lead { width: 60rem; }",
    "outside": ".lead { white-space: nowrap; }",
    "cut below": "h1 { height: 1.5rem; overflow: hidden; }",
    "out of its box": ".pay .button { width: 6rem; white-space: nowrap; }",
    "one over the other": ".part > h2 { margin-block-end: -3rem; }",
}


@pytest.fixture(scope="module")
def found(chromium: Browser, running: Running) -> dict[str, list[str]]:
    """What is lost or too small, by view: each page is opened once and looked at in every way.

    Answers of the API are the same pages with other words, so they are looked at where there is least room.
    """
    narrow = {view: how for view, how in VIEWS.items() if how[0] == PHONE}
    paths = {**dict.fromkeys(kinds(running.files).values(), VIEWS), **dict.fromkeys(running.extra, narrow)}
    seen: dict[str, list[str]] = {view: [] for view in (*VIEWS, "hit")}
    with seeing(chromium) as page:
        for path, views in paths.items():
            page.goto(running.url + path)
            sight.unfold(page)
            for view, (window, way, style) in views.items():
                sight.resize(page, *window)
                sight.wear(page, style, way)
                seen[view] += [f"{path}: {each}" for each in sight.lost(page)]
                if not style:
                    seen["hit"] += [f"{path} {view}: {each}" for each in sight.small(page)]
    assert len(paths) > 20
    return seen


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_lost(found: dict[str, list[str]], view: str) -> None:
    """No page scrolls sideways, and no text is cut, lies outside, or over another."""
    assert [] == found[view]


def test_everything_can_be_hit(found: dict[str, list[str]]) -> None:
    """What can be pressed is 24 pixels high and wide, or has nothing else near."""
    assert [] == found["hit"]


@pytest.mark.parametrize("path", [f"/en/{SLUG}/", f"/en/{SLUG}/order/"])
def test_no_price_is_broken_between_two_digits(chromium: Browser, running: Running, path: str) -> None:
    """From the phone to the desk, and with as many digits as a course may cost."""
    longer = "each => { each.textContent = 'PLN\\u00a012,999.00'; each.classList.add('long', 'longer') }"
    torn = {}
    with seeing(chromium) as page:
        page.goto(running.url + path)
        assert "PLN\u00a0299.00" == page.locator("#price").text_content()
        assert "price long" == page.locator("#price").get_attribute("class")
        for text in ("as it is", "longer"):
            for width in (320, 360, 768, 960, 1280):
                sight.resize(page, width, 900)
                torn[text, width] = sight.torn(page)
            page.locator("#price").evaluate(longer)
    assert dict.fromkeys(torn, 0) == torn


def test_a_picture_beside_a_long_text_has_no_second_frame(chromium: Browser, running: Running) -> None:
    """On the front page the text of a course may be higher than its picture; nothing of the frame hangs below it."""
    with seeing(chromium) as page:
        page.goto(f"{running.url}/odd/")
        course = page.locator(".course:has(> picture)").first
        course.locator("p").first.evaluate(
            "each => { each.textContent = 'Długie słowa o kursie. '.repeat(60) }"
        )
        for width in (768, 1280):
            sight.resize(page, width, 900)
            boxes = [course.locator(each).bounding_box() for each in ("> div", "> picture", "img")]
            text, frame, picture = (round(box["height"]) for box in boxes if box)
            assert (True, picture) == (text > picture, frame)


def test_who_follows_a_link_to_a_field_sees_its_label(chromium: Browser, running: Running) -> None:
    """On a phone the label, its hint and the remark are in the window; without room above, the label is not."""
    tops = []
    with seeing(chromium, 360, 640) as page:
        for style in ("", ".field > * { scroll-margin: 0 !important; }"):
            page.goto(f"{running.url}/{SLUG}/order/")
            sight.wear(page, style)
            page.click("button[type=submit]")
            page.click(".remarks a[href='#email']")
            page.wait_for_function("document.activeElement.id === 'email'")
            tops.append(
                page.evaluate("document.querySelector('label[for=email]').getBoundingClientRect().top")
            )
    assert [True, False] == [top >= 0 for top in tops], tops


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
