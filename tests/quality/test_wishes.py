"""What readers ask of their machine: colours of their own, paper, no motion, the keyboard alone."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.quality import sight
from tests.quality.sight import seeing
from tests.quality.states import SLUG
from tests.site.world import Running

FORCED = (f"/{SLUG}/", "/answered/order-wrong-odd")


def edgeless(page: Page) -> list[str]:
    """Return the controls whose upper edge is not drawn: its row of pixels is as those right above it."""
    shot = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
    found = []
    for each in sight.asked(page, "controls()"):
        x, top = int(each["x"]), round(each["y"])
        above = shot.getpixel((x, top - 3))
        if all(shot.getpixel((x, y)) == above for y in range(top - 1, top + 3)):
            found.append(each["name"])
    return found


def test_controls_in_forced_colours(chromium: Browser, running: Running) -> None:
    """With a reader's own few colours every control keeps its edge, and every focus its outline."""
    with seeing(chromium, forced="active", scheme="dark") as page:
        for path in FORCED:
            page.goto(running.url + path)
            sight.unfold(page)
            assert len(sight.asked(page, "controls()")) > 2, path
            assert [] == edgeless(page), path
        assert all(shown for _, _, shown in sight.walked(page, "Tab"))
        sight.wear(page, ".field input { border: 0 !important; }")
        assert len(edgeless(page)) > 2


def test_states_in_forced_colours(chromium: Browser, running: Running) -> None:
    """An error keeps its bar and its sign, the step of now its line, and a cover its shapes."""
    with seeing(chromium, forced="active", scheme="dark") as page:
        page.goto(f"{running.url}/answered/order-wrong")
        bars = sight.asked(page, "borders('.bad')")
        now, *others = sight.asked(page, "borders('.steps li')")
        canvas = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.goto(running.url)

        assert len(bars) > 4
        assert all(("solid", 4) == (style, wide) and colour != canvas for style, wide, colour, _ in bars)
        assert {canvas} == {below for *_, below in others}
        assert canvas != now[-1]
        for cover in page.locator(".cover").all():
            expect(cover).to_be_visible()


def test_more_contrast(chromium: Browser, running: Running) -> None:
    """Who asks for more contrast reads every text in ink, and sees every line in it."""
    inks = """() => ["body", ".lead", ".small", ".facts dt"]
        .map(of => getComputedStyle(document.querySelector(of)).color)"""
    line = "() => getComputedStyle(document.querySelector('.ticket')).borderBottomColor"
    with seeing(chromium, contrast="more") as page:
        page.goto(f"{running.url}/{SLUG}/")
        more = page.evaluate(inks), page.evaluate(line)
    with seeing(chromium) as page:
        page.goto(f"{running.url}/{SLUG}/")
        plain = page.evaluate(inks)

    assert 1 == len({*more[0], more[1]})
    assert 2 == len(set(plain))


def test_the_programme_on_paper(chromium: Browser, running: Running) -> None:
    """Printed, folds are open, nothing is there to press or painted, dark is light, and it needs few sheets."""
    with seeing(chromium, scheme="dark") as page:
        page.goto(f"{running.url}/{SLUG}/")
        page.emulate_media(media="print", color_scheme="dark")
        paper = sight.asked(page, "printed()")
        sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
        lost = sight.lost(page)
        sight.wear(page, "details::details-content { content-visibility: hidden !important; }")

        assert (40, 4, 0) == (paper["lessons"], paper["answers"], paper["pressed"])
        assert ([], "rgb(0, 0, 0)") == (paper["painted"], paper["ink"])
        assert 3 <= sheets <= 9
        assert [] == lost
        assert 0 == sight.asked(page, "printed()")["lessons"]


def test_where_links_lead_on_paper(chromium: Browser, running: Running) -> None:
    """Printed, a link to another site says its address; one within the shop does not."""
    said = "(part) => getComputedStyle(document.querySelector(part), '::after').content"
    with seeing(chromium) as page:
        page.goto(f"{running.url}/terms/")
        page.evaluate("""() => {
            for (const to of ["https://elsewhere.example/", "/privacy/"]) {
                const link = document.createElement("a");
                link.href = to;
                document.querySelector(".prose p").append(link);
            }
        }""")
        page.emulate_media(media="print")

        assert "elsewhere.example" in page.evaluate(said, ".prose a[href^=http]")
        assert "none" == page.evaluate(said, ".prose a[href^='/']")


def test_nothing_moves_for_whom_it_hurts(chromium: Browser, running: Running) -> None:
    """Who asked for less motion sees none; who did not sees some."""
    moved = {}
    for moves in ("reduce", "no-preference"):
        with seeing(chromium, moves=moves) as page:
            moved[moves] = 0
            for path in (f"/{SLUG}/", "/thanks/"):
                page.goto(running.url + path)
                page.evaluate("document.querySelector('[data-state=waiting]')?.removeAttribute('hidden')")
                moved[moves] += sight.asked(page, "moving()")

    assert 0 == moved["reduce"]
    assert moved["no-preference"] > 4


@pytest.mark.parametrize(
    ("path", "window"), [(f"/{SLUG}/", (360, 640)), ("/answered/order-wrong", (1280, 720))]
)
def test_focus_is_never_hidden(
    chromium: Browser, running: Running, path: str, window: tuple[int, int]
) -> None:
    """Forwards and backwards, whatever has the focus is in sight and shows it, beside the bar that stays below, too."""
    with seeing(chromium, *window) as page:
        page.goto(running.url + path)
        sight.unfold(page)
        for key in ("Tab", "Shift+Tab"):
            stops = sight.walked(page, key)
            assert len(stops) > 15, path
            assert [] == [name for name, seen, shown in stops if not (seen and shown)], key


def test_hidden_focus_is_noticed(chromium: Browser, running: Running) -> None:
    """Negative control: with a bar that is as high as the window, or without outlines, the walk is not clean."""
    with seeing(chromium, 360, 640) as page:
        for style in (".buybar { height: 70vh; }", ":focus-visible { outline: none !important; }"):
            page.goto(f"{running.url}/{SLUG}/")
            sight.wear(page, style)
            stops = sight.walked(page, "Tab")
            assert [] != [name for name, seen, shown in stops if not (seen and shown)], style
