"""Impatient fingers on the order form in a real Chromium: a press that was meant for the button is never lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.site.visit import visiting
from tests.site.world import Running

ORDER = "/agregaty-w-praktyce/order/"
BUTTON = "button[type=submit]"


@contextmanager
def nearly_done(chromium: Browser, shop: Running, *, touch: bool = False) -> Iterator[Page]:
    """Open the order page with everything filled in but what the test types last.

    The window shows the whole form: in a scrolled page this browser, and not each, holds still what is seen.
    """
    with visiting(chromium, shop, high=2_000, touch=touch) as page:
        page.emulate_media(reduced_motion="reduce")  # what unfolds slowly would still be moving by itself
        page.goto(f"{shop.url}{ORDER}")
        page.fill("#name", "Ania Żółw")
        page.check("#consent_terms")
        page.check("#consent_immediate")
        page.fill("#email", "ania@example.org")
        page.click("summary")
        page.fill("#company", "Firma")
        page.fill("#tax_id", "526-000-12-46")
        yield page


def last(page: Page, field: str, text: str) -> None:
    """Type into a field and leave the cursor there."""
    page.locator(field).press("ControlOrMeta+a")
    page.keyboard.type(text)


def edge(page: Page, share: float = 0.05) -> tuple[float, float]:
    """Return a place on the button, near its upper edge, that the button leaves when something pushes it down."""
    box = page.locator(BUTTON).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] * share


def press(page: Page, place: tuple[float, float], *, touch: bool) -> None:
    """Press there as people do: down, a moment, up."""
    page.touchscreen.tap(*place) if touch else page.mouse.click(*place, delay=150)


def ordered(page: Page, shop: Running) -> dict[str, str]:
    """Wait for the answer and return the fields of the only order."""
    page.wait_for_url("**/api/orders")
    assert 1 == len(shop.posts)
    return dict(parse_qsl(shop.posts[0][1]))


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
@pytest.mark.parametrize("address", ["ania@gmial.com"])
def test_straight_from_a_mistyped_address(
    chromium: Browser, shop: Running, address: str, *, touch: bool
) -> None:
    """The hint about the address does not push the button from under the press: the order is sent."""
    with nearly_done(chromium, shop, touch=touch) as page:
        last(page, "#email", address)
        press(page, edge(page), touch=touch)

        assert address == ordered(page, shop)["email"]


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
@pytest.mark.parametrize(("field", "text"), [("#email", "ania@"), ("#tax_id", "526-000-12-47")])
def test_straight_from_what_is_wrong(
    chromium: Browser, shop: Running, field: str, text: str, *, touch: bool
) -> None:
    """The remark waits for the end of the press, and the press is answered: with the summary, and with no order."""
    with nearly_done(chromium, shop, touch=touch) as page:
        last(page, field, text)
        press(page, edge(page), touch=touch)
        expect(page.locator(".remarks")).to_be_focused()
        expect(page.locator(f"{field}-wrong")).to_be_visible()

    assert [] == shop.posts


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_straight_from_what_was_mended(chromium: Browser, shop: Running, *, touch: bool) -> None:
    """A remark that goes does not pull the button away either."""
    with nearly_done(chromium, shop, touch=touch) as page:
        last(page, "#email", "ania@gmial.com")
        page.locator("#name").focus()
        expect(page.locator(".meant")).to_be_visible()
        last(page, "#email", "ania@firma.example")
        press(page, edge(page, 0.95), touch=touch)

        assert "ania@firma.example" == ordered(page, shop)["email"]


def test_what_waited_is_said_afterwards(chromium: Browser, shop: Running) -> None:
    """A press that ends elsewhere, or never ends because it drags a link away, keeps nothing back for long."""
    with nearly_done(chromium, shop) as page:
        page.clock.install()
        last(page, "#email", "ania@gmial.com")
        page.mouse.move(*edge(page))
        page.mouse.down()
        page.clock.fast_forward(4_000)
        expect(page.locator(".meant")).to_have_count(0)
        page.clock.fast_forward(2_000)
        expect(page.locator(".meant button")).to_have_text("Czy chodziło o ania@gmail.com?")
        page.mouse.move(5, 5)
        page.mouse.up()

    assert [] == shop.posts


def test_a_double_click_is_one_order(chromium: Browser, shop: Running) -> None:
    """Two real clicks in a row, as people do on everything that looks like a button."""
    with nearly_done(chromium, shop) as page:
        page.locator(BUTTON).dblclick(no_wait_after=True)

        assert "Ania Żółw" == ordered(page, shop)["name"]
