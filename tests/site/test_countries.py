"""A shop that sells abroad asks the buyer for a country, in a real Chromium before a shop that is really served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from kramik.hosts.cli import options
from tests.hosts import served
from tests.hosts.served import PRODUCT, Shop, query
from tests.site.visit import PATIENCE

COUNTRIES = 'countries = ["PL", "DE", "LV"]'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that sells to three countries, in a process of its own, and the sandbox world."""
    with served.world() as world:
        made = served.make(tmp_path_factory.mktemp("abroad") / "shop", world)
        settings = made.folder / "shop.toml"
        settings.write_text(settings.read_text("utf-8").replace("[shop]", f"[shop]\n{COUNTRIES}", 1), "utf-8")
        made.start()
        try:
            yield made
        finally:
            made.end()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request: pytest.FixtureRequest, chromium: Browser, shop: Shop) -> Iterator[Page]:
    """The English order page, filled in but for the country."""
    context = chromium.new_context(java_script_enabled=request.param)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    try:
        page.goto(f"{shop.url}/en/{PRODUCT}/order/")
        page.fill("#email", "anna@example.org")
        page.fill("#name", "Anna Nowak")
        page.check("#consent_terms")
        page.check("#consent_immediate")
        yield page
    finally:
        context.close()


def test_the_country_is_asked_for_and_kept(page: Page, shop: Shop, request: pytest.FixtureRequest) -> None:
    """Without one the order is not sent, or is asked for again; the order keeps the one that was chosen."""
    if request.node.callspec.id == "no script":  # the browser itself would not send the form
        page.get_by_label("Country").select_option("DE")
    else:
        page.click("button[type=submit]")
        expect(page.locator(".remarks a")).to_have_text("Choose the country in which you live.")
        expect(page.locator("#country")).to_have_attribute("aria-invalid", "true")
        page.locator(".remarks a").click()
        expect(page.locator("#country")).to_be_focused()
        page.keyboard.type("Germ")
        expect(page.locator("#country-wrong")).to_have_count(0)
    with page.expect_request(f"{shop.world.url}/gateway/pay?**") as asked:
        page.click("button[type=submit]")
        page.wait_for_url(f"{shop.world.url}/gateway/**")
    with options.opened_store(shop.folder, None) as store:
        order = store.orders.get(query(asked.value.url)["order"])

    assert order is not None
    assert "DE" == order.intent.buyer.country


def test_a_country_that_is_not_sold_to(chromium: Browser, shop: Shop) -> None:
    """The server has the last word: the page comes back, names what is wrong, and offers what there is."""
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.route(
            "**/api/orders",
            lambda route: route.continue_(
                post_data=(route.request.post_data or "").replace("country=LV", "country=FR")
            ),
        )
        page.goto(f"{shop.url}/{PRODUCT}/order/")
        expect(page.locator("#country")).to_have_value("PL")
        page.fill("#email", "anna@example.org")
        page.fill("#name", "Anna Nowak")
        page.select_option("#country", "LV")
        page.check("#consent_terms")
        page.check("#consent_immediate")
        page.click("button[type=submit]")

        expect(page.locator("#remarks a")).to_have_attribute("href", "#country")
        assert ["Wybierz kraj", "Łotwa", "Niemcy", "Polska"] == page.locator(
            "#country option"
        ).all_inner_texts()
        expect(page.locator("#name")).to_have_value("Anna Nowak")
    finally:
        context.close()
