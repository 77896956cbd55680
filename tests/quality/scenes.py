"""What a script makes of a page while somebody uses it: each scene plays until there is something to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from playwright.sync_api import Page, expect

from tests.quality import odd
from tests.quality.states import SLUG
from tests.site.test_thanks import STATUS
from tests.site.world import Running

Scene = Callable[[Page, Running], None]

_ORDER = f"/{odd.FULL}/order/"
_SENT = """form => form.dispatchEvent(new SubmitEvent("submit", {cancelable: true}))"""


def _refused(page: Page, shop: Running) -> None:
    """Send the form with nearly nothing in it, while the script asks about a typo."""
    page.goto(f"{shop.url}/{SLUG}/order/")
    page.fill("#email", "ania@gmial.com")
    page.locator("#name").focus()
    expect(page.locator(".meant")).to_be_visible()
    page.click("text=Chcę fakturę")
    page.fill("#tax_id", "526-000-12-47")
    page.locator("button[type=submit]").click()
    expect(page.locator(".remarks")).to_be_focused()
    expect(page.locator("#tax_id-wrong")).to_be_visible()


def _refused_guest(page: Page, shop: Running) -> None:
    """Do the same with a form in a page of somebody else."""
    page.goto(f"{shop.url}/answered/guest")
    form = page.locator("course-order").first
    form.locator("input[type=email]").fill("ania@gmial.com")
    form.locator("input[name=name]").focus()
    expect(page.locator(".meant")).to_be_visible()
    form.locator("button[type=submit]").click()
    expect(page.locator(".remarks")).to_be_focused()


def _busy(page: Page, shop: Running) -> None:
    """Look at the form while the order is under way."""
    page.goto(f"{shop.url}/{SLUG}/order/")
    page.fill("#email", "ania@example.org")
    page.fill("#name", "Ania")
    page.check("#consent_terms")
    page.check("#consent_immediate")
    page.locator("form[data-order]").evaluate(_SENT)
    expect(page.locator("button[type=submit]")).to_have_attribute("aria-disabled", "true")


def _coupon(page: Page, shop: Running) -> None:
    """Type a code that counts."""
    _typed(page, shop, "LATO")
    expect(page.locator("#price")).to_have_text("799,20\N{NO-BREAK SPACE}zł")


def _unknown_coupon(page: Page, shop: Running) -> None:
    """Type a code that nobody knows."""
    _typed(page, shop, "ZIMA")
    expect(page.locator("#coupon-wrong")).to_be_visible()


def _typed(page: Page, shop: Running, code: str) -> None:
    shop.priced = {
        "LATO": shop.extra["/answered/order-with-LATO"],
        "ZIMA": shop.extra["/answered/order-wrong-odd"],
    }
    page.goto(f"{shop.url}{_ORDER}")
    page.locator("summary").last.click()
    page.fill("#coupon", code)
    page.locator("#name").focus()


def _thanks(status: str, **said: str) -> Scene:
    """Look at the page behind the payment as it says this of an order."""

    def scene(page: Page, shop: Running) -> None:
        told = {name: f"{shop.url}{path}" for name, path in said.items()}
        shop.answers = [(200, {**STATUS, "status": status, **told})]
        page.goto(f"{shop.url}/thanks/?order=o7k2m9&key=k")
        expect(page.locator(f"[data-state={status}]")).to_be_visible()
        expect(page.locator("[data-details]")).to_be_visible()

    return scene


def _late(page: Page, shop: Running) -> None:
    """Look at it when the bank takes more than two minutes."""
    page.clock.install()
    _thanks("waiting")(page, shop)
    page.clock.fast_forward(130_000)
    expect(page.locator("[data-state=late]")).to_be_visible()
    expect(page.locator("[data-again]")).to_be_visible()
    page.clock.resume()


SCENES: Mapping[str, Scene] = {
    "refused": _refused,
    "refused-guest": _refused_guest,
    "busy": _busy,
    "coupon": _coupon,
    "coupon-unknown": _unknown_coupon,
    "thanks-waiting": _thanks("waiting"),
    "thanks-failed": _thanks("failed"),
    "thanks-failed-payable": _thanks("failed", pay="/api/orders/o7k2m9/payment"),
    "thanks-paid": _thanks("paid"),
    "thanks-completed": _thanks("completed", access="/access/token"),
    "thanks-withdrawn": _thanks("withdrawn"),
    "thanks-refunded": _thanks("refunded"),
    "thanks-attention": _thanks("attention"),
    "thanks-late": _late,
}
"""The last of them winds the clock of its page, so none may follow."""
