"""The price with a coupon on the shop's own order page, in a real Chromium: seen before anything is ordered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from kramik.coupons import Coupon
from kramik.errors import Problem
from kramik.offer import Conditions, offer
from kramik.site.pages import Pages
from tests.site.visit import visiting
from tests.site.world import Running, example, serving

SLUG = "agregaty-w-praktyce"
ORDER = f"/{SLUG}/order/"
CONDITIONS = Conditions(coupons={"WIOSNA": Coupon(code="WIOSNA", percent=50)})
HALF, WHOLE = "149,50\N{NO-BREAK SPACE}zł", "299,00\N{NO-BREAK SPACE}zł"
UNKNOWN = Problem(field="coupon", code="unknown_coupon", message="x")


def quotes(shop: Running) -> Mapping[str, str]:
    """Return what the API answers to each code."""
    source = example(site=shop.url, api=shop.url, form_action_origins=(), conditions=CONDITIONS)
    product, pages = source.catalogue.products[SLUG], Pages(source)
    return {
        code: pages.order_form(
            SLUG,
            "pl",
            {"coupon": code},
            problems,
            offer=offer(product, CONDITIONS, now=source.now, coupon=code),
        )
        for code, problems in {
            "": [],
            "wiosna": [],
            "WIOSNA": [],
            "zima": [UNKNOWN],
            "zim": [UNKNOWN],
        }.items()
    }


@contextmanager
def selling(chromium: Browser) -> Iterator[tuple[Page, Running]]:
    """Serve the shop with a coupon and open a page."""
    with serving(conditions=CONDITIONS) as shop, visiting(chromium, shop, wrong="422") as page:
        shop.priced.update(quotes(shop))
        yield page, shop


def shown(page: Page, price: str, text: str) -> None:
    """Expect a price in the form, beside the button and in what is sent."""
    expect(page.locator("input[name=price_shown]")).to_have_value(price)
    expect(page.locator(".total .price")).to_have_text(text)
    expect(page.locator("#price")).to_have_text(text)


@pytest.mark.parametrize("key", ["Tab", "Enter"])
def test_the_price_with_a_code_is_seen_at_once(chromium: Browser, key: str) -> None:
    """A code changes price and total, an empty one undoes it, a wrong one says so; Enter orders nothing either."""
    with selling(chromium) as (page, shop):
        page.goto(f"{shop.url}{ORDER}")
        page.click("text=Mam kod rabatowy")
        for code, price, text in (("wiosna", "149.50 PLN", HALF), ("", "299.00 PLN", WHOLE)):
            page.fill("#coupon", code)
            page.keyboard.press(key)
            shown(page, price, text)
        page.fill("#coupon", "zima")
        page.keyboard.press(key)
        expect(page.locator("#coupon-wrong")).to_have_text(
            "Nie znamy takiego kodu. Sprawdź pisownię albo zostaw puste pole."
        )
        shown(page, "299.00 PLN", WHOLE)
        page.fill("#coupon", "zim")
        expect(page.locator("#coupon-wrong")).to_have_count(0)

        assert ([], f"{shop.url}{ORDER}") == (shop.posts, page.url)


def test_a_link_brings_a_code_along(chromium: Browser) -> None:
    """`?code=` fills the field, unfolds it and shows the price, without a press."""
    with selling(chromium) as (page, shop):
        page.goto(f"{shop.url}{ORDER}?code=WIOSNA")
        shown(page, "149.50 PLN", HALF)

        expect(page.locator("#coupon")).to_be_visible()
        expect(page.locator("#coupon")).to_have_value("WIOSNA")


def test_coupons_cost_no_request(chromium: Browser) -> None:
    """The page asks for its style and one script, with coupons as without."""
    asked: list[str] = []
    with selling(chromium) as (page, shop):
        page.on("request", lambda request: asked.append(urlsplit(request.url).path))
        page.goto(f"{shop.url}{ORDER}", wait_until="networkidle")

    assert ["css", "js"] == sorted(
        path.rpartition(".")[2] for path in asked if path.startswith("/assets/") and not path.endswith(".svg")
    )
