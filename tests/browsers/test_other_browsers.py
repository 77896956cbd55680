"""A purchase in the browsers of those who have no Chromium: Firefox, and WebKit, which is the engine of Safari."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.browsers import stage as stages
from tests.browsers.driver import Driver
from tests.browsers.firefox import Firefox, firefox
from tests.browsers.stage import POLICY, Stage
from tests.browsers.webkit import webkit
from tests.hosts.served import eventually
from tests.quality.states import SLUG
from tests.quality.test_purchase import ONCE, gained

NOTHING: dict[str, int] = {}
_UNKNOWN_TO_FIREFOX = (
    "Content-Security-Policy: Couldn’t process unknown directive ‘require-trusted-types-for’"
)
"""Firefox 140 does not know what holds scripts to text, and says so of each page; it is as safe as it was."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One shop for all browsers."""
    with stages.playing(tmp_path_factory.mktemp("stage")) as playing:
        yield playing


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """One Firefox for all tests."""
    with firefox(tmp_path_factory.mktemp("firefox") / "home") as browser:
        yield browser


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """One WebKit for all tests."""
    with webkit(tmp_path_factory.mktemp("webkit") / "home") as browser:
        yield browser


@contextmanager
def counting(stage: Stage, wanted: dict[str, int], *, reports: bool = False) -> Iterator[None]:
    """Expect these effects in the world, each so often, and no complaint of a browser about the policy."""
    before = stage.shop.world.world.ledger.counts()
    stage.reports.clear()
    yield
    after = eventually(
        stage.shop.world.world.ledger.counts, lambda now: bool(wanted.items() <= gained(before, now).items())
    )
    assert wanted == {name: gained(before, after).get(name) for name in wanted}
    assert reports == bool(stage.reports), stage.reports


def order(browser: Driver, stage: Stage, email: str) -> str:
    """Fill in the order form, with a code; return the address of the form."""
    form = f"{stage.site}/{SLUG}/order/"
    browser.go(form)
    browser.fill("#email", email)
    browser.fill("#name", "Ania Żółw")
    browser.click("details:has(#coupon) summary")
    browser.fill("#coupon", "LATO")
    browser.press("Tab")
    browser.until(lambda: "239,20" in browser.text(".total"))
    browser.click("#consent_terms")
    browser.click("#consent_immediate")
    return form


def pay(browser: Driver, stage: Stage) -> None:
    """Pay, come back, and open the course."""
    browser.arrive(f"{stage.gateway}/gateway/pay/")
    browser.click("button[value=pay]")
    browser.arrive(f"{stage.site}/thanks/")
    browser.until(lambda: browser.text("[data-state=completed]"))
    browser.click("a[data-link=access]")
    browser.arrive(f"{stage.gateway}/academy/")
    assert "Jesteś w kursie" in browser.text("main")


def purchase(browser: Driver, stage: Stage) -> None:
    """From the front page to the open course, with mistakes and a change of mind on the way."""
    browser.go(stage.site)
    browser.click(f"a[href='/{SLUG}/']")
    browser.arrive(f"{stage.site}/{SLUG}/")
    browser.click(".hero .button")
    browser.arrive(f"{stage.site}/{SLUG}/order/")
    browser.click("button[type=submit]")
    browser.click(".remarks a")
    browser.until(lambda: browser.run("return document.activeElement.id === 'email'"))
    form = order(browser, stage, f"{type(browser).__name__}@example.org")
    browser.click("button[type=submit]")
    browser.arrive(stage.gateway)
    first = browser.url
    browser.back()
    browser.arrive(form)
    browser.until(lambda: "239,20" in browser.text(".total"))
    assert "LATO" == browser.run("return document.querySelector('#coupon').value")
    assert browser.text("label[for=coupon]"), "the fold with the code is closed"
    browser.click("button[type=submit]")
    browser.arrive(stage.gateway)
    assert first == browser.url, "the same content is the same order"
    pay(browser, stage)


def test_firefox(fox: Firefox, stage: Stage) -> None:
    """Back from the gateway everything is there, the same order is paid once, and the console has nothing to say."""
    fox.complaints()
    with counting(stage, ONCE):
        purchase(fox, stage)
    assert [] == [each for each in fox.complaints() if each != _UNKNOWN_TO_FIREFOX]


def test_webkit(kit: Driver, stage: Stage) -> None:
    """Back from the gateway everything is there, and the same order is paid once."""
    with counting(stage, ONCE):
        purchase(kit, stage)


def test_firefox_keeps_the_answer_to_a_form(fox: Firefox, stage: Stage) -> None:
    """Back from the gateway a buyer who had to confirm the price finds their form, not a page that says it is gone."""
    fox.go(f"{stage.site}/{SLUG}/order/")
    fox.fill("#email", "cena@example.org")
    fox.fill("#name", "Inna Cena")
    fox.click("#consent_terms")
    fox.click("#consent_immediate")
    fox.run("document.querySelector('[name=price_shown]').value = '1.00 PLN'")
    fox.click("button[type=submit]")
    fox.arrive(f"{stage.shop.url}/api/orders")
    assert "Cena się zmieniła" in fox.text(".remarks")
    fox.click("button[type=submit]")
    fox.arrive(stage.gateway)
    fox.back()
    fox.arrive(f"{stage.shop.url}/api/orders")

    assert "cena@example.org" == fox.run("return document.querySelector('#email').value")


def test_firefox_forgets_with_an_opener_policy(fox: Firefox, stage: Stage) -> None:
    """Negative control, and why no header file has it: what was typed is gone when the buyer goes back."""
    stage.headers = {"Cross-Origin-Opener-Policy": "same-origin"}
    try:
        form = order(fox, stage, "znika@example.org")
        fox.click("button[type=submit]")
        fox.arrive(stage.gateway)
        fox.back()
        fox.arrive(form)
    finally:
        stage.headers = {}

    assert "" == fox.run("return document.querySelector('#email').value")


def test_webkit_on_the_way_to_an_unknown_bank(kit: Driver, stage: Stage) -> None:
    """The policy forbids the way of both forms that lead to the gateway; the scripts take the way of a link.

    The first payment fails.
    """
    stage.headers = {POLICY: stage.nameless()}
    try:
        with counting(stage, ONCE | {"payment": 2}, reports=True):
            order(kit, stage, "bank@example.org")
            kit.click("button[type=submit]")
            kit.arrive(f"{stage.gateway}/gateway/pay/")
            kit.click("button[value=fail]")
            kit.arrive(f"{stage.site}/thanks/")
            kit.click("[data-pay] button")
            pay(kit, stage)
    finally:
        stage.headers = {}


def test_webkit_without_the_script(kit: Driver, stage: Stage) -> None:
    """Negative control: where the script may not run, the same policy keeps the buyer on the page."""
    stage.headers = {POLICY: stage.nameless().replace("script-src 'self'", "script-src 'none'")}
    try:
        with counting(stage, NOTHING, reports=True):
            form = f"{stage.site}/{SLUG}/order/"
            kit.go(form)
            kit.fill("#email", "zostaje@example.org")
            kit.fill("#name", "Zostaje")
            kit.click("#consent_terms")
            kit.click("#consent_immediate")
            kit.click("button[type=submit]")
            assert "form-action" in eventually(lambda: stage.reports, lambda said: "form-action" in said)
    finally:
        stage.headers = {}

    assert form == kit.url
