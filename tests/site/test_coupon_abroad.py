"""The price with a coupon in a page of another site, on another origin than the shop: seen at once, and then charged.

The shop is served for real; its ledger tells what the buyer paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.hosts import served
from tests.hosts.asking import post_form
from tests.hosts.served import Shop
from tests.site import generators
from tests.site.visit import PATIENCE

ONE, TWO = "kolejki-bez-strachu", "agregaty-w-praktyce"
COUPONS = '[WIOSNA]\npercent = 50\n\n[TYLKO-KOLEJKI]\npercent = 10\nproducts = ["kolejki-bez-strachu"]\n'
CORS = ("access-control-allow-origin", "vary")
HALF, WHOLE = "149,50\N{NO-BREAK SPACE}zł", "299,00\N{NO-BREAK SPACE}zł"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with coupons, served by a process of its own, and the sandbox world."""
    with served.world() as world:
        made = served.make(tmp_path_factory.mktemp("coupons") / "shop", world)
        (made.folder / "coupons.toml").write_text(COUPONS, "utf-8")
        made.start()
        try:
            yield made
        finally:
            made.end()


@pytest.fixture(scope="module")
def blog(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that holds the forms of two courses, as `kramik export json` gives them."""
    folder = tmp_path_factory.mktemp("blog")
    done = shop.command("export", "json", "--out", str(folder))
    assert 0 == done.returncode, done.stderr
    forms = "".join((folder / "orders" / f"{slug}.pl.html").read_text("utf-8") for slug in (ONE, TWO))
    head = '<!DOCTYPE html><html lang="pl"><meta charset="utf-8"><title>Blog</title><link rel="icon" href="data:,">'
    (folder / "index.html").write_text(f'{head}<p class="price" id="my-price">1 zł</p>{forms}', "utf-8")
    with generators.shown(folder) as address:
        yield address


@contextmanager
def reading(chromium: Browser, blog: str, *, script: bool = True) -> Iterator[Page]:
    """Open the page with the form of the second course unfolded and filled."""
    context = chromium.new_context(java_script_enabled=script)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    try:
        page.goto(f"{blog}/?code=WIOSNA")
        page.locator(f"course-order[product={TWO}] summary", has_text="Mam kod rabatowy").click()
        page.fill(f"#{TWO}-pl-email", "ania@example.org")
        page.fill(f"#{TWO}-pl-name", "Ania")
        for box in ("terms", "immediate"):
            page.check(f"#{TWO}-pl-consent_{box}")
        yield page
        assert [] == context.cookies()
    finally:
        context.close()


def prices(page: Page, slug: str) -> list[str]:
    """Return every price that the form of a course shows, above it and beside its button."""
    around = page.locator(".course-order", has=page.locator(f"course-order[product={slug}]"))
    return around.locator("strong.price").all_inner_texts()


def button(page: Page) -> Locator:
    """Return the button of the second course."""
    return page.locator(f"course-order[product={TWO}] button[type=submit]")


def paid(shop: Shop, page: Page) -> str | int:
    """Pay at the gateway and return how much its ledger says it was, in minor units."""
    page.wait_for_url(f"{shop.world.url}/gateway/**")
    page.click("button[value=pay]")
    page.wait_for_url(f"{shop.url}/thanks/**")
    return shop.world.world.ledger.entries(effect="payment")[-1].facts["amount"]


def test_the_price_with_a_code_is_seen_and_charged(chromium: Browser, blog: str, shop: Shop) -> None:
    """Enter applies the code and orders nothing; the other form and the page around keep their prices."""
    with reading(chromium, blog) as page:
        sent: list[str] = []
        page.on("request", lambda asked: sent.append(asked.post_data or asked.url))
        page.fill(f"#{TWO}-pl-coupon", "wiosna")
        page.keyboard.press("Enter")
        expect(page.locator(f"#{TWO}-pl-price")).to_have_text(HALF)
        assert [f"product={TWO}&lang=pl&coupon=wiosna"] == sent
        assert ([HALF, HALF], {"199,00\N{NO-BREAK SPACE}zł"}) == (prices(page, TWO), set(prices(page, ONE)))
        assert "1 zł" == page.inner_text("#my-price")
        button(page).click()

        assert 14950 == paid(shop, page)


def test_a_code_of_another_course_is_refused_in_words(chromium: Browser, blog: str) -> None:
    """The remark stands at the field of this form, the button leads to it, and without the code all is as before."""
    with reading(chromium, blog) as page:
        page.fill(f"#{TWO}-pl-coupon", "tylko-kolejki")
        page.keyboard.press("Tab")
        expect(page.locator(f"#{TWO}-pl-coupon-wrong")).to_have_text(
            "Ten kod nie dotyczy tego kursu. Zostaw puste pole."
        )
        button(page).click()
        expect(page.locator(".remarks")).to_be_focused()
        page.fill(f"#{TWO}-pl-coupon", "")
        page.keyboard.press("Enter")
        expect(page.locator(f"#{TWO}-pl-coupon-wrong")).to_have_count(0)

        assert ([WHOLE, WHOLE], blog + "/?code=WIOSNA") == (prices(page, TWO), page.url)


@pytest.mark.parametrize("how", ["no script", "no answer", "in a hurry"])
def test_without_a_quote_the_server_asks(chromium: Browser, blog: str, shop: Shop, how: str) -> None:
    """No script, a line that broke, or straight from the code to the button: the price is confirmed, then charged."""
    with reading(chromium, blog, script=how != "no script") as page:
        if how == "no answer":
            page.route(
                "**/api/orders",
                lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_(),
            )
        page.locator(f"#{TWO}-pl-coupon").focus()
        page.keyboard.type("WIOSNA")
        if how == "no answer":
            with page.expect_event("requestfailed"):
                page.keyboard.press("Enter")
            assert [WHOLE, WHOLE] == prices(page, TWO)
        button(page).click()
        page.wait_for_url(f"{shop.url}/api/orders")
        expect(page.locator(".remarks")).to_contain_text("To cena z Twoim kodem")
        expect(page.locator("#price")).to_have_text(HALF)
        page.click("button[type=submit]")

        assert 14950 == paid(shop, page)


def test_any_site_may_read_what_a_code_is_worth(shop: Shop) -> None:
    """And nothing else: an order that was placed, with its payment link, is read by the shop's own site alone."""
    stranger = {"origin": "https://blog.example"}
    quoted = post_form(f"{shop.url}/api/orders", {"product": TWO, "coupon": "WIOSNA"}, **stranger)
    placed = post_form(f"{shop.url}/api/orders", served.fields(), **stranger)
    own = post_form(f"{shop.url}/api/orders", {"product": TWO}, origin=shop.url)

    assert (422, "*", "origin") == (quoted.status, *(quoted.headers[name] for name in CORS))
    assert (303, False) == (placed.status, CORS[0] in placed.headers)
    assert (422, shop.url) == (own.status, own.headers[CORS[0]])
    assert "set-cookie" not in quoted.headers
