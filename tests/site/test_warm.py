"""The request that wakes the server, as a real Chromium sends it: when somebody is near the form."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.site.visit import visiting
from tests.site.world import Running

ORDER = "/agregaty-w-praktyce/order/"
FOUR_MINUTES = 240_000
BACK = """() => [true, false].forEach(hidden => {
    Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
})"""
SAVING = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})"


def woken(shop: Running) -> int:
    """Return how often the server was woken."""
    return shop.gets.count("/api/warm")


def opened(page: Page, shop: Running) -> None:
    """Open the order page and wait until it woke the server."""
    with page.expect_response("**/api/warm"):
        page.goto(f"{shop.url}{ORDER}")


def test_it_says_nothing(chromium: Browser, shop: Running) -> None:
    """A plain GET without cookie, origin, referrer and body, which no other site could read and no cache keeps."""
    with visiting(chromium, shop) as page:
        with page.expect_request("**/api/warm") as asked:
            page.goto(f"{shop.url}{ORDER}?ref=newsletter")
        sent = asked.value.all_headers()

    assert ("GET", f"{shop.url}/api/warm", None) == (
        asked.value.method,
        asked.value.url,
        asked.value.post_data,
    )
    assert {"cookie", "origin", "referer", "authorization"}.isdisjoint(sent)
    assert ("no-cors", "no-cache") == (sent["sec-fetch-mode"], sent["cache-control"])


def test_it_comes_again_after_four_minutes(chromium: Browser, shop: Running) -> None:
    """Not earlier, whatever is touched; then when a field is visited."""
    with visiting(chromium, shop) as page:
        page.clock.install()
        opened(page, shop)
        page.clock.fast_forward(FOUR_MINUTES - 10_000)
        page.locator("#name").focus()
        page.evaluate(BACK)
        assert 1 == woken(shop)
        page.clock.fast_forward(11_000)
        with page.expect_response("**/api/warm"):
            page.locator("#email").focus()

    assert 2 == woken(shop)


@pytest.mark.parametrize("begun", [True, False])
def test_who_comes_back_to_the_tab_wakes_it(chromium: Browser, shop: Running, *, begun: bool) -> None:
    """Only when something was typed: a tab that was forgotten costs nothing."""
    with visiting(chromium, shop) as page:
        page.clock.install()
        opened(page, shop)
        if begun:
            page.fill("#email", "ania@example.org")
        page.clock.fast_forward(FOUR_MINUTES + 1_000)
        if begun:
            with page.expect_response("**/api/warm"):
                page.evaluate(BACK)
        else:
            page.evaluate(BACK)
            page.evaluate(
                "fetch('/robots.txt').then(answer => answer.text())"
            )  # behind whatever was asked before

    assert 1 + begun == woken(shop)


def test_who_saves_data_is_left_alone(chromium: Browser, shop: Running) -> None:
    """And orders all the same."""
    with visiting(chromium, shop) as page:
        page.add_init_script(SAVING)
        page.goto(f"{shop.url}{ORDER}", wait_until="networkidle")
        page.locator("#email").focus()
        expect(page.locator("button[type=submit]")).to_be_visible()
        page.wait_for_load_state("networkidle")

    assert 0 == woken(shop)


def test_it_waits_until_the_form_comes_near(chromium: Browser, shop: Running) -> None:
    """In a long page of somebody else nothing is asked until the form is nearly seen."""
    tall = (
        '<!DOCTYPE html><html lang="pl"><title>Blog</title><link rel="icon" href="data:,">'
        + "<p>Akapit.</p>" * 150
    )
    form = shop.files[f"{ORDER.strip('/')}/index.html"].decode()
    element = form[form.index("<course-order") : form.index("</course-order>")] + "</course-order>"
    script = next(path for path in shop.files if "course-order" in path)
    shop.extra["/blog/"] = f'{tall}{element}<script src="/{script}" defer></script>'
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}/blog/", wait_until="networkidle")
        assert 0 == woken(shop)
        with page.expect_response("**/api/warm"):
            page.evaluate("scrollTo(0, document.querySelector('form').offsetTop - innerHeight - 300)")

    assert 1 == woken(shop)
