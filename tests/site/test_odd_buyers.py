"""Buyers who are not as the form expects them, in a real Chromium before a shop that is really served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from kramik.hosts.cli import options
from kramik.intent import Buyer
from tests.hosts import served
from tests.hosts.served import PRODUCT, Shop, query
from tests.site.visit import PATIENCE

OLD_BROWSER = "delete window.customElements; delete window.IntersectionObserver;"
BUTTON = "button[type=submit]"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop in a process of its own, and the sandbox world."""
    with served.world() as world, served.shop(tmp_path_factory.mktemp("odd") / "shop", world) as open_shop:
        yield open_shop


@contextmanager
def ordering(chromium: Browser, shop: Shop, *, lang: str = "", before: str = "") -> Iterator[Page]:
    """Open the order page and tick what has to be ticked; `before` runs ahead of the page's own scripts."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    try:
        page.add_init_script(before)
        page.goto(f"{shop.url}{lang}/{PRODUCT}/order/")
        page.check("#consent_terms")
        page.check("#consent_immediate")
        yield page
    finally:
        context.close()


def typed(page: Page, **fields: str) -> None:
    """Type as fingers do, so that whatever listens to keys, input and change hears it."""
    for name, text in fields.items():
        if not page.locator(f"#{name}").is_visible():
            page.locator("summary", has=page.locator(f"xpath=..//*[@id='{name}']")).click()
        expect(page.locator(f"#{name}")).to_be_visible()
        page.locator(f"#{name}").press_sequentially(text)
        expect(page.locator(f"#{name}")).not_to_have_value("")
        page.locator(f"#{name}").blur()


def stored(page: Page, shop: Shop) -> Buyer:
    """Order, and return the buyer as the order keeps them."""
    with page.expect_request(f"{shop.world.url}/gateway/pay?**") as asked:
        page.click(BUTTON)
        page.wait_for_url(f"{shop.world.url}/gateway/**")
    with options.opened_store(shop.folder, None) as store:
        order = store.orders.get(query(asked.value.url)["order"])
    assert order is not None
    return order.intent.buyer


@pytest.mark.parametrize(
    ("email", "kept"),
    [
        ("  ania@example.org ", "ania@example.org"),
        ("ANIA+kurs@Example.ORG", "ANIA+kurs@example.org"),
        ("ania@żółw.example", "ania@żółw.example"),
        ("żaneta@example.org", "żaneta@example.org"),
    ],
)
def test_addresses_that_are_fine(chromium: Browser, shop: Shop, email: str, kept: str) -> None:
    """Blanks around, a plus, letters of other alphabets before and behind the @."""
    with ordering(chromium, shop) as page:
        typed(page, email=email, name="Ania")
        expect(page.locator(".wrong")).to_have_count(0)

        assert kept == stored(page, shop).email


@pytest.mark.parametrize("email", ["ania@example.org.", "ania @example.org", "a@b@c.pl"])
def test_addresses_that_are_not(chromium: Browser, shop: Shop, email: str) -> None:
    """They are said before anything is sent."""
    with ordering(chromium, shop) as page:
        typed(page, email=email, name="Ania")
        expect(page.locator("#email-wrong")).to_be_visible()
        page.click(BUTTON)

        expect(page.locator(".remarks li")).to_have_count(1)


def test_a_name_that_is_written_from_the_right(chromium: Browser, shop: Shop) -> None:
    """The field turns with what is typed, and the order keeps the name letter by letter."""
    with ordering(chromium, shop) as page:
        typed(page, email="a@example.org", name="آنيا الجوهري")
        direction = page.locator("#name").evaluate("field => getComputedStyle(field).direction")

        assert ("rtl", "آنيا الجوهري") == (direction, stored(page, shop).name)


@pytest.mark.parametrize(
    ("lang", "kept"),
    [("", ("PL 526-000-12-46", "5260001246", "PL")), ("/en", ("DE 123456789", "DE 123456789", "DE"))],
)
def test_companies(chromium: Browser, shop: Shop, lang: str, kept: tuple[str, str, str]) -> None:
    """A NIP as people write it, and a company from abroad."""
    with ordering(chromium, shop, lang=lang) as page:
        typed(page, email="firma@example.org", name="Ania", company="Firma", tax_id=kept[0])
        expect(page.locator(".wrong")).to_have_count(0)
        invoice = stored(page, shop).invoice

        assert invoice is not None
        assert kept[1:] == (invoice.tax_id, invoice.country)


def test_a_browser_without_custom_elements(chromium: Browser, shop: Shop) -> None:
    """The script ends at its first line, and the form is a plain form."""
    with ordering(chromium, shop, before=OLD_BROWSER) as page:
        assert page.evaluate("[typeof customElements, document.forms[0].noValidate]") == ["undefined", False]
        typed(page, email="stara@example.org", name="Stara Przeglądarka")

        assert "Stara Przeglądarka" == stored(page, shop).name


def test_a_line_that_breaks_at_the_button(chromium: Browser, shop: Shop) -> None:
    """Back from the browser's page of errors, what was typed is there and the button works."""
    with ordering(chromium, shop) as page:
        typed(page, email="tunel@example.org", name="Ania w tunelu")
        page.context.set_offline(True)
        page.click(BUTTON)
        page.wait_for_url("chrome-error://**")
        page.context.set_offline(False)
        page.go_back(wait_until="commit")
        expect(page.locator(BUTTON)).not_to_have_attribute("aria-disabled", "true")

        buyer = stored(page, shop)

        assert ("tunel@example.org", "Ania w tunelu") == (buyer.email, buyer.name)


def test_a_browser_that_fills_in(chromium: Browser, shop: Shop) -> None:
    """Values that come without a key pressed, all at once, take back the remarks about what was missing."""
    with ordering(chromium, shop) as page:
        page.click(BUTTON)
        expect(page.locator(".field .wrong")).to_have_count(2)
        page.evaluate("""() => {
            for (const [name, value] of [["email", "auto@example.org"], ["name", "Auto Fill"]]) {
                const field = document.querySelector(`#${name}`);
                field.value = value;
                for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
            }
        }""")
        expect(page.locator(".field .wrong")).to_have_count(0)

        assert "auto@example.org" == stored(page, shop).email
