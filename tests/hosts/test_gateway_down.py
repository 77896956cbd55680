"""A gateway that is called and does not answer: the buyer is told, the order is kept, and nobody else waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from kramik.sandbox.vendors import vendor
from tests.hosts import served
from tests.hosts.asking import JSON, ask, post_form, post_json
from tests.hosts.served import Shop, eventually, fields

TABLE = """
[gateways.przelewy24]
merchant_id = {merchant_id}
crc = "env:P24_CRC"
api_key = "env:P24_API_KEY"
base_url = "{url}/przelewy24"
methods = ["blik"]
"""
CALL = 6.0
"""Seconds that a call of the gateway may take."""


class P24Shop(Shop):
    """A shop with a second gateway, which is called."""

    def environ(self) -> dict[str, str]:
        """Return the environment with the keys of the gateway."""
        made_up = vendor("przelewy24").DEMO
        return super().environ() | {"P24_CRC": str(made_up["crc"]), "P24_API_KEY": str(made_up["api_key"])}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A served shop with that gateway."""
    folder = tmp_path_factory.mktemp("called") / "shop"
    with served.world() as running:
        table = TABLE.format(url=running.url, merchant_id=vendor("przelewy24").DEMO["merchant_id"])
        worker = f"[worker]\ncall = {CALL}\nvisibility = 30.0\n"
        with served.shop(folder, running, more=table + worker, kind=P24Shop) as open_shop:
            yield open_shop


@pytest.fixture(autouse=True)
def no_faults(shop: Shop) -> Iterator[None]:
    """Turn every switch off afterwards."""
    yield
    ask(f"{shop.world.url}/faults", "DELETE")


def fault(shop: Shop, **switch: object) -> None:
    """Turn a switch on for the gateway."""
    about = {"peer": "przelewy24", "operation": "begin", "count": 1, **switch}
    assert 201 == post_json(f"{shop.world.url}/faults", about).status


class Action(HTMLParser):
    """The address that the first form of a page is sent to."""

    found = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the first one."""
        if tag == "form" and not self.found:
            self.found = dict(attrs).get("action") or ""


def wanted(email: str, **changes: str) -> dict[str, str]:
    """Return an order form that goes through the gateway."""
    return fields(email=email, gateway="przelewy24", **changes)


def hanging(shop: Shop) -> int:
    """Return how many calls the gateway lets hang, or has."""
    return sum(each.fired for each in shop.world.world.faults.list())


def test_a_buyer_without_script_goes_on_with_the_same_order(shop: Shop) -> None:
    """The page says that the order is kept; its one button pays that very order when the gateway is back."""
    fault(shop, fault="refuse", count=2)
    first = post_form(f"{shop.url}/api/orders", wanted("one@example.org"))
    assert (503, "text/html; charset=utf-8") == (first.status, first.headers["content-type"])
    assert "zamówienie jest zapisane" in first.text
    page = Action()
    page.feed(first.text)
    again = post_form(page.found, {})
    paying = post_form(page.found, {})
    assert (503, 303) == (again.status, paying.status)
    assert paying.headers["location"].startswith(f"{shop.world.url}/przelewy24/trnRequest/")
    listed = shop.command("orders", "list", "--json").stdout
    assert 1 == listed.count("one@example.org")


def test_a_program_is_told_how_to_go_on(shop: Shop) -> None:
    """JSON names the order, the problem and the address that pays it."""
    fault(shop, fault="refuse")
    answer = post_json(f"{shop.url}/api/orders", wanted("two@example.org"), idempotency_key="two")
    told = answer.json()
    assert (503, "application/problem+json") == (answer.status, answer.headers["content-type"])
    assert ("gateway_down", "5") == (told["errors"][0]["code"], answer.headers["retry-after"])
    paid = post_json(told["payment_url"], {})
    assert (200, told["order"]) == (paid.status, paid.json()["order"])
    same = post_json(f"{shop.url}/api/orders", wanted("two@example.org"), idempotency_key="two")
    assert (201, paid.json()["payment"]) == (same.status, same.json()["payment"])


def test_nobody_else_waits_for_a_gateway_that_hangs(shop: Shop) -> None:
    """While buyers of a gateway that hangs wait, the door answers everybody else."""
    fault(shop, fault="time_out_after_effect", count=20, seconds=2 * CALL)
    many = [
        threading.Thread(
            target=post_form, args=(f"{shop.url}/api/orders", wanted(f"hang{number}@example.org"))
        )
        for number in range(12)
    ]
    for thread in many:
        thread.start()
    assert len(many) == eventually(lambda: hanging(shop), len(many).__eq__, seconds=CALL / 2)
    answers = [
        ask(f"{shop.url}/healthz").status,
        post_form(f"{shop.url}/api/orders", fields(email="quick@example.org")).status,
        ask(f"{shop.url}/api/warm").status,
    ]
    still = [thread.is_alive() for thread in many]
    for thread in many:
        thread.join(30)
    assert ([200, 303, 204], [True] * len(many)) == (answers, still)


def test_a_paid_order_is_not_paid_again(shop: Shop) -> None:
    """Who comes back with the address of a paid order sees where it stands."""
    placed = post_json(f"{shop.url}/api/orders", wanted("three@example.org")).json()
    pay_page = ask(placed["payment"]["url"]).headers["location"]
    assert 303 == post_form(pay_page, {"action": "pay"}).status
    status = placed["status_url"]
    eventually(lambda: ask(status).json()["status"] == "completed")
    url = status.replace("?", "/payment?")
    assert 409 == post_json(url, {}).status
    back = post_form(url, {})
    assert (303, True) == (back.status, "/thanks/?order=" in back.headers["location"])
    assert None is ask(status).json()["pay"]


@pytest.mark.parametrize(
    "url", ["/api/orders/{}/payment?key=wrong", "/api/orders/{}/payment", "/api/orders/x/payment?key=y"]
)
def test_a_foreign_order_can_not_be_paid(shop: Shop, url: str) -> None:
    """Without the key of the order there is nothing to see."""
    placed = post_json(f"{shop.url}/api/orders", wanted("four@example.org")).json()
    assert 404 == ask(shop.url + url.format(placed["order"]), "POST", headers=JSON, body=b"").status


def test_ways_to_pay(shop: Shop) -> None:
    """The form's one choice says gateway and method; what the shop does not offer is refused."""
    order = f"{shop.url}/api/orders"
    page = ask(f"{shop.url}/agregaty-w-praktyce/order/").text
    assert ['value="sandbox"', 'value="przelewy24"', 'value="przelewy24/blik"'] == [
        each for each in ('value="sandbox"', 'value="przelewy24"', 'value="przelewy24/blik"') if each in page
    ]
    good = fields(email="five@example.org", payment="przelewy24/blik")
    assert 303 == post_form(order, good).status
    for wrong in ("przelewy24/card", "sandbox/blik", "paypal", "przelewy24/"):
        answer = post_json(order, fields(email="five@example.org", payment=wrong))
        expected = 201 if wrong == "przelewy24/" else 422
        assert expected == answer.status, wrong
    both = post_json(order, good | {"gateway": "sandbox"})
    assert ("conflict", 422) == (both.json()["errors"][0]["code"], both.status)
