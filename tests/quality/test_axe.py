"""Every kind of page in every state, judged by axe in a real Chromium, wide and light, narrow and dark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.quality import tools
from tests.quality.states import SLUG, THANKS, answered, kinds
from tests.site.test_thanks import STATUS
from tests.site.visit import visiting
from tests.site.world import Running, serving

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDE = {"light": 1280, "dark": 360}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (rules) => {
    const found = await axe.run(document, {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]});
    const said = found.violations.flatMap(rule =>
        rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 120)}: ${node.failureSummary}`));
    return {said, passed: found.passes.length};
}"""

script = cache(tools.axe)


@contextmanager
def seeing(chromium: Browser, shop: Running, scheme: Scheme) -> Iterator[Page]:
    """Visit the shop as somebody who likes it light on a desk, or dark on a phone."""
    with visiting(chromium, shop, wide=WIDE[scheme]) as page:
        page.emulate_media(color_scheme=scheme)
        yield page


def judge(page: Page) -> None:
    """Let axe look at the page as it is now, with every rule of WCAG 2.2 AA and those of good habit."""
    page.evaluate(script())
    found = page.evaluate(_RUN, _RULES)
    assert [] == found["said"], page.url
    assert found["passed"] > 15, page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_kind_of_page(chromium: Browser, running: Running, scheme: Scheme) -> None:
    """One page of each kind that is on the disk, with every fold open."""
    found = kinds(running.files)

    assert {"shop", "product", "product/order", "thanks", "resend", "withdraw", "terms", "privacy"} <= set(
        found
    )
    with seeing(chromium, running, scheme) as page:
        for path in found.values():
            page.goto(running.url + path)
            page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
            judge(page)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_answer(chromium: Browser, running: Running, scheme: Scheme) -> None:
    """The pages that the API answers with: forms with errors, ways to pay, withdrawal, messages."""
    with seeing(chromium, running, scheme) as page:
        for name in answered(running.url):
            page.goto(f"{running.url}/answered/{name}")
            judge(page)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_errors_that_the_script_says(chromium: Browser, running: Running, scheme: Scheme) -> None:
    """The form as the script leaves it when something is missing, and while it asks about a typo."""
    with seeing(chromium, running, scheme) as page:
        page.goto(f"{running.url}/{SLUG}/order/")
        page.fill("#email", "ania@gmial.com")
        page.locator("#name").focus()
        expect(page.locator(".meant")).to_be_visible()
        page.locator("button[type=submit]").click()
        expect(page.locator(".remarks")).to_be_focused()
        judge(page)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_thanks_in_each_state(chromium: Browser, running: Running, scheme: Scheme) -> None:
    """The page behind the payment says each state so that everybody can read it."""
    with seeing(chromium, running, scheme) as page:
        for status in THANKS:
            access = f"{running.url}/access/token" if status == "completed" else None
            running.answers = [(200, {**STATUS, "status": status, "access": access})]
            page.goto(f"{running.url}/thanks/?order=o7k2m9&key=k")
            expect(page.locator(f"[data-state={status}]")).to_be_visible()
            expect(page.locator("[data-details]")).to_be_visible()
            judge(page)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_other_theme(chromium: Browser, scheme: Scheme) -> None:
    """A theme of tokens alone keeps every contrast, also of errors."""
    with serving(theme="warsztat") as shop, seeing(chromium, shop, scheme) as page:
        for path in ("/", f"/{SLUG}/", f"/{SLUG}/order/"):
            page.goto(shop.url + path)
            judge(page)
        page.locator("button[type=submit]").click()
        expect(page.locator(".remarks")).to_be_focused()
        judge(page)
