"""A whole purchase in a real Chromium, before a shop that is really served and the sandbox: access is what counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.hosts import served
from tests.hosts.served import Shop, eventually
from tests.quality.states import SLUG
from tests.site.visit import PATIENCE

ONCE = {"payment": 1, "grant": 1, "mail": 1}
_FOCUS = """wanted => {
    const here = document.activeElement, style = getComputedStyle(here);
    if (here !== document.body && style.outlineStyle === "none") throw new Error(`no focus to see: ${here.outerHTML}`);
    return here.matches(wanted);
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop in a process of its own, and a world with a gateway, an academy and a mailbox."""
    folder = tmp_path_factory.mktemp("purchase") / "shop"
    with served.world() as world, served.shop(folder, world) as open_shop:
        yield open_shop


@contextmanager
def buying(chromium: Browser, shop: Shop, *, script: bool = True) -> Iterator[Page]:
    """Open a page that may ask the shop and its gateway, and whose console has to stay silent."""
    before = shop.world.world.ledger.counts()
    context = chromium.new_context(java_script_enabled=script)
    context.set_default_timeout(PATIENCE)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on(
        "request",
        lambda asked: complaints.extend(
            () if asked.url.startswith((shop.url, shop.world.url, "data:")) else {asked.url}
        ),
    )
    try:
        yield page
        assert [] == complaints
        assert [] == context.cookies()
    finally:
        context.close()
    after = eventually(
        shop.world.world.ledger.counts, lambda now: bool(ONCE.items() <= gained(before, now).items())
    )
    assert ONCE == {name: gained(before, after).get(name) for name in ONCE}


def gained(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Return how often each effect happened in between."""
    return {name: count - before.get(name, 0) for name, count in after.items()}


def reach(page: Page, selector: str, *keys: str) -> None:
    """Walk there by Tab, seeing at each stop where the focus is, and press the keys."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUS, selector):
            break
    else:
        raise AssertionError(f"Tab does not reach {selector} on {page.url}")
    for key in keys:
        page.keyboard.press(key)


def buy(page: Page, shop: Shop, email: str) -> None:
    """Fill in the order form that is open, pay, and wait until the thank-you page says that all is done."""
    page.fill("#email", email)
    page.fill("#name", "Ania Żółw")
    page.check("#consent_terms")
    page.check("#consent_immediate")
    page.click("button[type=submit]")
    page.click("button[value=pay]")
    page.wait_for_url(f"{shop.url}/thanks/**")
    expect(page.locator("[data-state=completed]")).to_be_visible()


def test_by_keyboard_alone(chromium: Browser, shop: Shop) -> None:
    """From the front page to the open course no hand leaves the keyboard."""
    with buying(chromium, shop) as page:
        page.goto(shop.url)
        reach(page, f"a[href='/{SLUG}/']", "Enter")
        page.wait_for_url(f"**/{SLUG}/")
        reach(page, ".hero .button", "Enter")
        page.wait_for_url("**/order/")
        reach(page, "#email")
        page.keyboard.type("ania@example.org")
        reach(page, "#name")
        page.keyboard.type("Ania Żółw")
        reach(page, "#consent_terms", "Space")
        reach(page, "#consent_immediate", "Space")
        reach(page, "button[type=submit]", "Enter")
        page.wait_for_url(f"{shop.world.url}/**")
        reach(page, "button[value=pay]", "Enter")
        page.wait_for_url(f"{shop.url}/thanks/**")
        expect(page.locator("[data-state=completed]")).to_be_visible()
        reach(page, "a[data-link=access]", "Enter")
        page.wait_for_url(f"{shop.world.url}/**")
        expect(page.locator("main")).to_contain_text("Jesteś w kursie")


def test_without_script(chromium: Browser, shop: Shop) -> None:
    """Without script the access comes by mail, and its link opens the course."""
    with buying(chromium, shop, script=False) as page:
        page.goto(f"{shop.url}/{SLUG}/")
        page.click(".hero .button")
        page.fill("#email", "bez@example.org")
        page.fill("#name", "Bez Skryptu")
        page.check("#consent_terms")
        page.check("#consent_immediate")
        page.click("button[type=submit]")
        page.click("button[value=pay]")
        page.wait_for_url(f"{shop.url}/thanks/**")
        expect(page.locator("main")).to_contain_text("Dostęp przyjdzie pocztą")
        letter = page.locator("a.row", has_text="bez@example.org")
        eventually(lambda: page.goto(f"{shop.world.url}/mail/") and letter.count())
        letter.first.click()
        page.click(".letter a")
        expect(page.locator("main")).to_contain_text("Jesteś w kursie")


def test_back_after_the_payment(chromium: Browser, shop: Shop) -> None:
    """Whoever goes back to the form and presses again is shown what they have, and can not pay twice."""
    keeping = chromium.browser_type.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    with buying(keeping, shop) as page:
        page.add_init_script("addEventListener('pageshow', event => { window.kept = event.persisted; })")
        page.goto(f"{shop.url}/{SLUG}/order/")
        buy(page, shop, "wraca@example.org")
        for _ in range(4):
            if page.url.endswith("/order/"):
                break
            page.go_back(wait_until="commit")
        page.wait_for_function("window.kept")
        expect(page.locator("button[type=submit]")).to_have_text("Zamawiam z obowiązkiem zapłaty")
        page.click("button[type=submit]")
        page.wait_for_url(f"{shop.url}/thanks/**")
        expect(page.locator("[data-state=completed]")).to_be_visible()
    keeping.close()


def test_on_the_way_to_a_bank_that_no_policy_names(chromium: Browser, shop: Shop) -> None:
    """Where the policy forbids the way of the form, after the order was placed, the script takes the way of a link."""
    before = shop.world.world.ledger.counts()
    page, form = chromium.new_page(), f"{shop.url}/{SLUG}/order/"
    forbidden = list[str]()
    page.on("console", lambda message: forbidden.append(message.text))

    def host(route: Route) -> None:
        answer = route.fetch()
        policy = answer.headers["content-security-policy"].replace(f" {shop.world.url}", "")
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.route(form, host)
    page.goto(form)
    buy(page, shop, "bank@example.org")
    page.close()

    assert ["form-action" in each for each in forbidden] == [True]
    assert ONCE == {name: gained(before, shop.world.world.ledger.counts()).get(name) for name in ONCE}
