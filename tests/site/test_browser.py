"""The pages in a real Chromium: by keyboard, without script, with impatient fingers, and with a slow payment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from kramik.errors import Problem
from kramik.payment import PaymentRequest
from kramik.site.pages import Pages
from tests.site.test_order_page import FIELDS
from tests.site.world import Running, example, serving

ORDER = "/agregaty-w-praktyce/order/"
LOW_TARGETS = """
[...document.querySelectorAll("a.button, button, input:not([type=hidden]), .top a, .bottom a")]
    .filter(each => each.checkVisibility() && !each.closest(".trap") && each.getBoundingClientRect().height < 24)
    .map(each => each.outerHTML)
"""
STATUS = {
    "order": "o7k2m9",
    "status": "waiting",
    "product": "agregaty-w-praktyce",
    "title": "Agregaty w praktyce",
    "email": "h***a@example.org",
    "access": None,
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One real browser for all tests of this file."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shop() -> Iterator[Running]:
    """The example shop on loopback, with the headers of its host file."""
    with serving() as running:
        yield running


@contextmanager
def visiting(chromium: Browser, shop: Running, *, script: bool = True, wide: int = 1280) -> Iterator[Page]:
    """Open a page that must ask nobody else and must not complain in its console."""
    context = chromium.new_context(java_script_enabled=script, viewport={"width": wide, "height": 900})
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda asked: complaints.extend({asked.url} if not asked.url.startswith(shop.url) else ())
    )
    try:
        yield page
        assert [] == complaints
        assert [] == context.cookies()
    finally:
        context.close()


def order_by_keyboard(page: Page) -> None:
    """Fill the form with the keyboard alone, from the first field to the button, and press it."""
    page.locator("#email").focus()
    keys = page.keyboard
    keys.type("ania@example.org")
    keys.press("Tab")
    keys.type("Ania Żółw")
    for key in ("Tab", "Tab", "Space", "Tab", "Space", "Tab"):  # the folded invoice, two boxes, the third
        keys.press(key)
    while (
        page.evaluate("document.activeElement.tagName") == "A"
        or page.evaluate("document.activeElement.type") == "checkbox"
    ):
        keys.press("Tab")
    keys.press("Enter")


def sent(shop: Running) -> dict[str, str]:
    """Return the fields of the only order."""
    assert ["/api/orders"] == [path for path, _ in shop.posts]
    return dict(parse_qsl(shop.posts[0][1], keep_blank_values=True))


def test_ordering_by_keyboard(chromium: Browser, shop: Running) -> None:
    """The keyboard alone fills and sends the form, past the trap that no key reaches; key and source are added."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}{ORDER}?ref=newsletter")
        order_by_keyboard(page)
        page.wait_for_url("**/api/orders")
    order = sent(shop)

    assert ("ania@example.org", "Ania Żółw", "yes", "yes") == tuple(
        order[name] for name in ("email", "name", "consent_terms", "consent_immediate")
    )
    assert ("newsletter", "", "Zamawiam z obowiązkiem zapłaty") == (
        order["source"],
        order["bookmark"],
        order["button"],
    )
    assert "consent_marketing" not in order
    assert 36 == len(order["idempotency_key"])


def test_ordering_without_script(chromium: Browser, shop: Running) -> None:
    """Without script the same form carries every field; the server derives the key."""
    with visiting(chromium, shop, script=False) as page:
        page.goto(f"{shop.url}{ORDER}")
        page.fill("#email", "ania@example.org")
        page.fill("#name", "Ania")
        page.click("summary")
        page.fill("#company", "Firma")
        page.fill("#tax_id", "526-000-12-46")
        for box in ("terms", "immediate", "marketing"):
            page.check(f"#consent_{box}")
        page.click("button[type=submit]")
        page.wait_for_url("**/api/orders")
    order = sent(shop)

    assert FIELDS.keys() | {"button"} == order.keys()
    assert ("Firma", "526-000-12-46", "299.00 PLN", "") == tuple(
        order[name] for name in ("company", "tax_id", "price_shown", "idempotency_key")
    )
    assert [] == [path for path in shop.gets if path.startswith("/api")]


def test_two_clicks_are_one_order(chromium: Browser, shop: Running) -> None:
    """Two submits at once send one POST, and the button says that it is busy."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}{ORDER}")
        page.fill("#email", "ania@example.org")
        page.fill("#name", "Ania")
        page.check("#consent_terms")
        page.check("#consent_immediate")
        busy = page.evaluate("""() => {
            const button = document.querySelector("button[type=submit]");
            button.click(); button.click(); button.form.requestSubmit(button);
            return [button.getAttribute("aria-disabled"), button.textContent];
        }""")
        page.wait_for_url("**/api/orders")

    assert ["true", "Przekierowuję do płatności…"] == busy
    assert "Ania" == sent(shop)["name"]


def test_the_lock_lets_go(chromium: Browser, shop: Running) -> None:
    """Ten seconds after a submit that went nowhere the button can be pressed again; the same content keeps its key."""
    with visiting(chromium, shop) as page:
        page.clock.install()
        page.goto(f"{shop.url}{ORDER}")
        read = """(change) => {
            const form = document.querySelector("form[data-order]");
            if (change) form.elements.name.value = change;
            form.dispatchEvent(new SubmitEvent("submit", {cancelable: true}));
            return form.elements.idempotency_key.value;
        }"""
        first = page.evaluate(read, "")
        page.clock.fast_forward(9_000)
        expect(page.locator("button[type=submit]")).to_have_attribute("aria-disabled", "true")
        page.clock.fast_forward(1_500)
        expect(page.locator("button[type=submit]")).not_to_have_attribute("aria-disabled", "true")
        again = page.evaluate(read, "")
        page.clock.fast_forward(10_500)
        other = page.evaluate(read, "Ktoś inny")

    assert first == again
    assert len({first, other, ""}) == 3


def test_the_lock_lets_go_when_the_buyer_comes_back(chromium: Browser, shop: Running) -> None:
    """A page that returns from the back/forward cache has a button that works."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}{ORDER}")
        page.evaluate("""() => {
            document.querySelector("form[data-order]").dispatchEvent(new SubmitEvent("submit", {cancelable: true}));
            dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}));
        }""")

        expect(page.locator("button[type=submit]")).to_have_text("Zamawiam z obowiązkiem zapłaty")


def test_the_form_wakes_the_server_once(chromium: Browser, shop: Running) -> None:
    """Opening the form asks for the warm-up once, however often fields are visited; a sales page never asks."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}/agregaty-w-praktyce/")
        with page.expect_response("**/api/warm"):
            page.click(".hero .button")
        page.locator("#name").focus()
        page.locator("#email").focus()
        page.wait_for_load_state("networkidle")

    assert ["/api/warm"] == [path for path in shop.gets if path.startswith("/api")]


def test_errors_take_the_focus(chromium: Browser, shop: Running) -> None:
    """The page with problems puts the focus on their summary, and a link of it on the field, even without script."""
    problems = [Problem(field="email", code="invalid_email", message="x")]
    source = example(site=shop.url, api=shop.url, form_action_origins=())
    shop.extra["/wrong"] = Pages(source).order_form("agregaty-w-praktyce", "pl", {"email": "ania@"}, problems)
    with visiting(chromium, shop, script=False) as page:
        page.goto(f"{shop.url}/wrong")
        expect(page.locator("#remarks")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(page.locator("#email")).to_be_focused()


@pytest.mark.parametrize("script", [True, False])
def test_payment_form(chromium: Browser, shop: Running, *, script: bool) -> None:
    """The payment form submits by itself with script, and by its button without."""
    request = PaymentRequest(
        method="POST", url=f"{shop.url}/pay", fields={"amount": "29900", "signature": "ż;sha256"}
    )
    shop.extra["/to-payment"] = Pages(example(site=shop.url, api=shop.url)).payment_form(request, "pl")
    with visiting(chromium, shop, script=script) as page:
        page.goto(f"{shop.url}/to-payment", wait_until="commit")
        if not script:
            page.click("text=Przejdź do płatności")
        page.wait_for_url("**/pay")

    assert [{"amount": "29900", "signature": "ż;sha256"}] == [dict(parse_qsl(body)) for _, body in shop.posts]


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
        for _ in range(200):  # two seconds of the page's clock each, so that it sees two minutes pass
            if again.is_visible():
                break
            page.clock.run_for(2_000)
            page.wait_for_timeout(20)
        expect(page.locator("main")).to_contain_text("To trwa dłużej niż zwykle")
        polls = len([path for path in shop.gets if path.startswith("/api")])
        page.clock.run_for(60_000)
        assert polls == len([path for path in shop.gets if path.startswith("/api")])
        shop.answers = [(200, {**STATUS, "status": "failed"})]
        again.click()
        expect(page.locator("a[data-link=order]")).to_have_attribute("href", "/agregaty-w-praktyce/order/")

    assert 5 < polls < 30


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


@pytest.mark.parametrize("wide", [320, 360, 768, 1280])
def test_nothing_is_wider_than_the_window(chromium: Browser, shop: Running, wide: int) -> None:
    """No page scrolls sideways, and whatever can be pressed is at least 24 pixels high."""
    with visiting(chromium, shop, wide=wide) as page:
        for path in sorted(path for path in shop.files if path.endswith("index.html")):
            page.goto(f"{shop.url}/{path.removesuffix('index.html')}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            low = page.evaluate(LOW_TARGETS)
            assert [] == low, path


def test_the_whole_way_stays_on_the_site(chromium: Browser, shop: Running) -> None:
    """From the front page to the form by clicks, in English, every address is of the site."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}/")
        page.click("text=English")
        page.click("text=Queues Without Fear")
        page.click(".hero .button")

        assert "/en/kolejki-bez-strachu/order/" == urlsplit(page.url).path
        expect(page.locator("button[type=submit]")).to_have_text("Order with obligation to pay")
