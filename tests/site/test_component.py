"""The element `<course-order>` in a real Chromium, in a page of another site that holds two forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kramik.coupons import Coupon
from kramik.offer import Conditions
from kramik.site.exports.data import Export
from tests.quality import tools
from tests.site.visit import visiting
from tests.site.world import Running, example, serving

ONE, TWO = "kolejki-bez-strachu", "agregaty-w-praktyce"
BUDGET, ALL = 2_048, 3_000
BACK = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"


@pytest.fixture
def guest() -> Iterator[Running]:
    """Serve a page with two forms; each brings the script, as the includes of the exports do."""
    with serving() as running:
        export = Export(example(site=running.url, api=running.url, form_action_origins=()))
        orders, script = export.data().orders, export.assets["script"]
        running.files = {**running.files, script.path: script.content}
        tag = f'<script src="/{script.path}" defer></script>'
        forms = "".join(orders[slug]["pl"] + tag for slug in (ONE, TWO))
        head = '<!DOCTYPE html><html lang="pl"><title>Blog</title><link rel="icon" href="data:,">'
        running.extra["/blog/"] = f"{head}<h1>Blog</h1>{forms}"
        yield running


def form(page: Page, slug: str) -> Locator:
    """Return the element of one course."""
    return page.locator(f"course-order[product={slug}]")


def fill(page: Page, slug: str) -> None:
    """Fill what has to be filled in one form."""
    page.fill(f"#{slug}-pl-email", "ania@example.org")
    page.fill(f"#{slug}-pl-name", "Ania")
    for box in ("terms", "immediate"):
        page.check(f"#{slug}-pl-consent_{box}")


def test_each_element_helps_its_own_form(chromium: Browser, guest: Running) -> None:
    """Remarks, hint and focus stay in the form that was sent; the other one is as it was, and then does the same."""
    with visiting(chromium, guest) as page:
        page.goto(f"{guest.url}/blog/")
        for done, (slug, other) in enumerate(((TWO, ONE), (ONE, TWO))):
            page.fill(f"#{slug}-pl-email", "ania@gmial.com")
            page.locator(f"#{slug}-pl-name").focus()
            form(page, slug).locator("button[type=submit]").click()
            expect(form(page, slug).locator(".remarks")).to_be_focused()
            expect(form(page, slug).locator(".remarks li")).to_have_count(3)
            expect(form(page, slug).locator(".meant")).to_have_count(1)
            expect(form(page, other).locator(".remarks, .meant")).to_have_count(2 * done)
        form(page, ONE).locator(".meant button").click()
        expect(page.locator(f"#{ONE}-pl-email")).to_have_value("ania@gmail.com")
        expect(page.locator(f"#{TWO}-pl-email")).to_have_value("ania@gmial.com")
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")

    assert len(ids) == len(set(ids))
    assert [] == guest.posts


def test_the_second_form_orders_its_own_course(chromium: Browser, guest: Running) -> None:
    """What arrives is the course of the form that was filled, once for two presses, with a key."""
    with visiting(chromium, guest) as page:
        page.goto(f"{guest.url}/blog/")
        fill(page, TWO)
        form(page, TWO).locator("button[type=submit]").focus()
        guest.answering.clear()
        with page.expect_request("**/api/orders"):
            page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        guest.answering.set()
        page.wait_for_url("**/api/orders")
    orders = [dict(parse_qsl(body)) for _, body in guest.posts]

    assert [(TWO, 36)] == [(each["product"], len(each["idempotency_key"])) for each in orders]


@pytest.mark.parametrize("back", [True, False])
def test_the_lock_of_one_form_lets_go(chromium: Browser, guest: Running, *, back: bool) -> None:
    """After a return from the cache, or ten seconds, it can be pressed again; the other form was never locked."""
    with visiting(chromium, guest) as page:
        page.clock.install()
        page.goto(f"{guest.url}/blog/")
        fill(page, ONE)
        page.evaluate(
            """slug => document.querySelector(`course-order[product=${slug}] form`)
                .dispatchEvent(new SubmitEvent("submit", {cancelable: true}))""",
            ONE,
        )
        mine, other = (form(page, slug).locator("button[type=submit]") for slug in (ONE, TWO))
        expect(mine).to_have_attribute("aria-disabled", "true")
        expect(other).not_to_have_attribute("aria-disabled", "true")
        if back:
            page.evaluate(BACK)
        else:
            page.clock.fast_forward(10_500)

        expect(mine).not_to_have_attribute("aria-disabled", "true")
        expect(mine).to_have_text("Zamawiam z obowiązkiem zapłaty")


@pytest.mark.parametrize("place", ["head", "later"])
def test_wherever_the_script_stands(chromium: Browser, guest: Running, place: str) -> None:
    """In the head without `defer`, or in a page that puts the form in much later, the form is helped, and once."""
    element = re.search(r"<course-order product=.*?</course-order>", guest.extra["/blog/"], re.DOTALL)
    script = next(path for path in guest.files if "course-order" in path)
    assert element is not None
    head = f'<!DOCTYPE html><html lang="pl"><link rel="icon" href="data:,"><script src="/{script}"></script>'
    inside = {"head": element[0], "later": f"<template>{element[0]}</template><div></div>"}[place]
    guest.extra["/early/"] = f"{head}<title>Blog</title>{inside}"
    with visiting(chromium, guest) as page:
        page.goto(f"{guest.url}/early/")
        if place == "later":
            page.evaluate("document.querySelector('div').append(document.querySelector('template').content)")
        page.locator("course-order button[type=submit]").click()
        expect(page.locator(".remarks")).to_be_focused()
        expect(page.locator(".remarks")).to_have_count(1)

    assert [] == guest.posts


def test_two_forms_wake_the_server_once(chromium: Browser, guest: Running) -> None:
    """Both are of one shop, so one request is enough, however many fields are visited."""
    with visiting(chromium, guest) as page:
        with page.expect_response("**/api/warm"):
            page.goto(f"{guest.url}/blog/")
        for slug in (ONE, TWO, ONE):
            page.locator(f"#{slug}-pl-name").focus()
        page.wait_for_load_state("networkidle")

    assert ["/api/warm"] == [path for path in guest.gets if path.startswith("/api")]


def test_the_script_fits_into_two_kilobytes(tmp_path: Path) -> None:
    """As brotli sends it, and with coupons into three; and it writes no markup and no style."""
    script = tmp_path / "course-order.js"
    script.write_bytes(Export(example()).assets["script"].content)

    assert 0 < tools.brotli([script])[script] <= BUDGET
    with_coupons = Conditions(coupons={"WIOSNA": Coupon(code="WIOSNA", percent=50)})
    script.write_bytes(Export(example(conditions=with_coupons)).assets["script"].content)
    assert BUDGET < tools.brotli([script])[script] <= ALL
    assert not [
        word for word in ("innerHTML", "insertAdjacentHTML", ".style") if word in script.read_text("utf-8")
    ]
