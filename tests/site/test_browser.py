"""The pages in a real Chromium: by keyboard, without script, and with impatient fingers."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, expect

from kramik.errors import Problem
from kramik.payment import PaymentRequest
from kramik.site.pages import Pages
from tests.site.test_order_page import FIELDS
from tests.site.visit import visiting
from tests.site.world import Running, example

ORDER = "/agregaty-w-praktyce/order/"
LOW_TARGETS = """
[...document.querySelectorAll("a.button, button, input:not([type=hidden]), .top a, .bottom a")]
    .filter(each => each.checkVisibility() && !each.closest(".trap") && each.getBoundingClientRect().height < 24)
    .map(each => each.outerHTML)
"""


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


def test_a_campaign_is_a_source_too(chromium: Browser, shop: Running) -> None:
    """`utm_source` says where a buyer comes from, unless `ref` does; a text without end is cut."""
    with visiting(chromium, shop) as page:
        source = page.locator("input[name=source]")
        for asked, kept in {
            "utm_source=mastodon&utm_medium=social": "mastodon",
            "utm_source=mastodon&ref=ania": "ania",
            f"ref={'a' * 300}": "a" * 100,
        }.items():
            page.goto(f"{shop.url}{ORDER}?{asked}")
            expect(source).to_have_value(kept)


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
    """A second press while the first is on its way sends nothing."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}{ORDER}")
        page.fill("#email", "ania@example.org")
        page.fill("#name", "Ania")
        page.check("#consent_terms")
        page.check("#consent_immediate")
        page.locator("button[type=submit]").focus()
        shop.answering.clear()
        with page.expect_request("**/api/orders"):
            page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        shop.answering.set()
        page.wait_for_url("**/api/orders")

    assert "Ania" == sent(shop)["name"]


def test_the_lock_lets_go(chromium: Browser, shop: Running) -> None:
    """Ten seconds after a submit that went nowhere the button can be pressed again; the same content keeps its key."""
    with visiting(chromium, shop) as page:
        page.clock.install()
        page.goto(f"{shop.url}{ORDER}")
        read = """(change) => {
            const form = document.querySelector("form[data-order]");
            if (change) form.elements.name.value = change;
            for (const box of ["consent_terms", "consent_immediate"]) form.elements[box].checked = true;
            form.elements.email.value = "ania@example.org";
            form.dispatchEvent(new SubmitEvent("submit", {cancelable: true}));
            return form.elements.idempotency_key.value;
        }"""
        first = page.evaluate(read, "Ania")
        expect(page.locator("button[type=submit]")).to_have_text("Przekierowuję do płatności…")
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
        page.fill("#email", "ania@example.org")
        page.fill("#name", "Ania")
        page.check("#consent_terms")
        page.check("#consent_immediate")
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
        expect(page.locator(".remarks")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(page.locator("#email")).to_be_focused()


def test_what_is_missing_is_said_before_it_is_sent(chromium: Browser, shop: Running) -> None:
    """Nothing is sent; a summary takes the focus, its links lead to the fields, and a remark goes when it is mended."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}{ORDER}")
        page.fill("#email", "ania@")
        page.locator("button[type=submit]").click()
        expect(page.locator(".remarks")).to_be_focused()
        expect(page.locator(".remarks li")).to_have_text(
            [
                "Sprawdź adres e-mail. Powinien wyglądać tak: ania@example.com.",
                "Wpisz imię i nazwisko.",
                "Zaznacz, że akceptujesz regulamin.",
                "Zaznacz oświadczenie o prawie odstąpienia.",
            ]
        )
        expect(page.locator("#email")).to_have_attribute("aria-describedby", "email-hint email-wrong")
        assert page.title().startswith("Błąd: ")
        page.click(".remarks a >> nth=1")
        expect(page.locator("#name")).to_be_focused()
        page.keyboard.type("Ania")
        expect(page.locator("#name-wrong")).to_have_count(0)
        expect(page.locator("#name")).not_to_have_attribute("aria-invalid", "true")
        expect(page.locator("#email-wrong")).to_have_count(1)

    assert [] == shop.posts


def test_a_wrong_tax_id_unfolds_the_invoice(chromium: Browser, shop: Running) -> None:
    """A number whose last digit does not follow from the others is said at once; spaces and dashes are fine."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}{ORDER}")
        page.click("summary")
        page.fill("#tax_id", "526-000-12-47")
        page.locator("#street").focus()
        expect(page.locator("#tax_id-wrong")).to_be_visible()
        page.fill("#tax_id", "PL 526 000 12 46")
        page.locator("#street").focus()

        expect(page.locator("#tax_id-wrong")).to_have_count(0)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Ania@gmial.com", "Ania@gmail.com"),
        ("ania@gmail.con", "ania@gmail.com"),
        ("ania@wp.p", "ania@wp.pl"),
        ("ania@onet.pl", ""),
        ("ania@firma.example", ""),
        ("ania@op.pl", ""),
    ],
)
def test_a_typo_in_the_domain_is_asked_about(
    chromium: Browser, shop: Running, typed: str, meant: str
) -> None:
    """A domain that is nearly a well-known one brings up a question; pressing it takes the address."""
    with visiting(chromium, shop) as page:
        page.goto(f"{shop.url}{ORDER}")
        page.fill("#email", typed)
        page.locator("#name").focus()
        expect(page.locator(".meant")).to_have_count(1 if meant else 0)
        if meant:
            page.click(f"text=Czy chodziło o {meant}?")
            expect(page.locator("#email")).to_be_focused()

        expect(page.locator("#email")).to_have_value(meant or typed)


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

        page.wait_for_url(f"{shop.url}/en/kolejki-bez-strachu/order/")
        expect(page.locator("button[type=submit]")).to_have_text("Order with obligation to pay")
