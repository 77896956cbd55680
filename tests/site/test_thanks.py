"""The page behind the payment in a real Chromium, in front of a server that takes its time."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.site.visit import visiting
from tests.site.world import Running

STATUS = {
    "order": "o7k2m9",
    "status": "waiting",
    "product": "agregaty-w-praktyce",
    "title": "Agregaty w praktyce",
    "email": "h***a@example.org",
    "access": None,
}


def test_thanks_follows_the_order(chromium: Browser, shop: Running) -> None:
    """The page goes from waiting over paid to completed, shows the link, and drops the key from the address."""
    done = {**STATUS, "status": "completed", "access": f"{shop.url}/access/token"}
    shop.answers = [(200, STATUS), (200, {**STATUS, "status": "paid"}), (200, done)]
    with visiting(chromium, shop) as page:
        page.clock.install()
        main = page.locator("main")
        page.goto(f"{shop.url}/thanks/?order=o7k2m9&key=secret-key")
        expect(main).to_contain_text("Czekamy na potwierdzenie wpłaty")
        expect(main).to_contain_text("h***a@example.org")
        page.clock.run_for(2_100)
        expect(main).to_contain_text("Wpłata dotarła")
        page.clock.run_for(3_000)
        expect(page.locator("a[data-link=access]")).to_have_attribute("href", f"{shop.url}/access/token")
        assert "/thanks/" == page.url.removeprefix(shop.url)
        page.reload()
        expect(main).to_contain_text("Kurs jest Twój")
    asked = [path for path in shop.gets if path.startswith("/api")]

    assert 4 == len(asked)
    assert {"/api/orders/o7k2m9?key=secret-key"} == set(asked)


def test_thanks_stops_asking(chromium: Browser, shop: Running) -> None:
    """After two minutes the page stops, says so, and asks again when told to."""
    shop.answers = [(200, STATUS)]
    with visiting(chromium, shop) as page:
        page.clock.install()
        page.goto(f"{shop.url}/thanks/?order=o7k2m9&key=k")
        expect(page.locator("main")).to_contain_text("h***a@example.org")
        again = page.locator("button[data-again]")
        asking: set[Request] = set()
        page.on("request", lambda request: asking.add(request))  # noqa: PLW0108 - playwright asks for a code object
        page.on("requestfinished", lambda request: asking.discard(request))  # noqa: PLW0108 - as above
        for _ in range(200):  # two seconds of the page's clock each, so that it sees two minutes pass
            if again.is_visible():
                break
            page.clock.run_for(2_000)
            answered(page, asking)
        expect(page.locator("main")).to_contain_text("To trwa dłużej niż zwykle")
        polls = len([path for path in shop.gets if path.startswith("/api")])
        page.clock.run_for(60_000)
        assert polls == len([path for path in shop.gets if path.startswith("/api")])
        shop.answers = [(200, {**STATUS, "status": "failed"})]
        again.click()
        expect(page.locator("a[data-link=order]")).to_have_attribute("href", "/agregaty-w-praktyce/order/")

    assert 5 < polls < 30


def answered(page: Page, asking: set[Request]) -> None:
    """Wait until the page has what it asked for, however slow the machine is: its own clock stands still meanwhile."""
    for _ in range(500):
        page.wait_for_timeout(10)
        if not asking:
            break


@pytest.mark.parametrize(
    ("status", "words"), [("refunded", "zostało zwrócone"), ("attention", "człowiek"), ("odd", "człowiek")]
)
def test_thanks_says_every_state(chromium: Browser, shop: Running, status: str, words: str) -> None:
    """Each state has its words; one that nobody knows is treated as one that a person looks after."""
    shop.answers = [(200, {**STATUS, "status": status, "access": "javascript:alert(1)"})]
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}/thanks/?order=o7k2m9&key=k")

        expect(page.locator("[aria-live=polite]")).to_contain_text(words)
        expect(page.locator("a[data-link=access]")).to_be_hidden()


def test_thanks_without_script_or_order(chromium: Browser, shop: Running) -> None:
    """Without script, and without an order, the page says that access comes by mail and where to ask again."""
    for script in (True, False):
        with visiting(chromium, shop, script=script) as page:
            page.goto(f"{shop.url}/thanks/")
            expect(page.locator("main")).to_contain_text("Dostęp przyjdzie pocztą")
            expect(page.locator("main a[href='/resend/']")).to_be_visible()

    assert [] == [path for path in shop.gets if path.startswith("/api")]
