"""The gateway of the sandbox: the pay page, its buttons, and notifications until they are acknowledged."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Event

import msgspec
import pytest

from kramik.payment import sign
from tests.sandbox.place import Place, fresh_order, opened
from tests.unit.raw_server import RawServer, Script, answering, closing, reply, serving

PRICE = 29_900


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


class Visit:
    """One buyer at the pay page of one order; `shop` is told what happens."""

    def __init__(self, place: Place, shop: RawServer, **changes: str) -> None:
        self.place, self.order = place, fresh_order().id
        notify = f"{shop.url}/api/payments/sandbox"
        self.fields = {
            "order": self.order,
            "shop_id": "shop-1",
            "amount": "299.00",
            "currency": "PLN",
            "description": "Żółw <b>w</b> praktyce",
            "email": "anna@example.com",
            "lang": "pl",
            "done": "https://kurs.example/thanks/",
            "failed": "https://kurs.example/failed/",
            "notify": notify,
            **changes,
        }
        message = msgspec.json.encode(dict(sorted(self.fields.items())))
        signature = sign(place.settings.gateway_key.encode(), message).hex()
        self.started = place.browser.post("/gateway/pay", data={**self.fields, "signature": signature})
        self.page = self.started.headers.get("location", "")

    def press(self, action: str) -> str:
        """Press a button; return where it leads."""
        answer = self.place.browser.post(self.page, data={"action": action})
        assert answer.status_code == 303
        return answer.headers["location"]

    def told(self, count: int) -> list[tuple[str, int]]:
        """Wait until so many notifications were acknowledged; return their kinds and amounts."""
        facts = self.place.settled(self.order, "notification", count)
        return [(fact["kind"], fact["amount"]) for fact in facts]


def test_pay_page(place: Place) -> None:
    """The pay page shows what is to be paid in the order's language, escaped, and needs no script."""
    with serving(answering(reply(200, b"OK"))) as shop:
        page = place.browser.get(Visit(place, shop).page)
    assert page.status_code == 200
    assert '<html lang="pl">' in page.text
    assert "299.00" in page.text
    assert "Żółw &lt;b&gt;w&lt;/b&gt; praktyce" in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize(
    ("actions", "told", "back"),
    [
        (["pay"], [("paid", PRICE)], "thanks"),
        (["pay", "pay"], [("paid", PRICE)], "thanks"),
        (["fail"], [("failed", PRICE)], "failed"),
        (["fail", "pay"], [("failed", PRICE), ("paid", PRICE)], "thanks"),
        (["pay_twice"], [("paid", PRICE)] * 2, "thanks"),
        (["wrong_amount"], [("paid", PRICE - 1)], "thanks"),
        (["pending"], [("pending", PRICE)], "thanks"),
        (["refund"], [], "thanks"),
        (["pay", "refund", "refund"], [("paid", PRICE), ("refund", PRICE)], "thanks"),
        (["pay", "partial_refund"], [("paid", PRICE), ("refund", PRICE // 2)], "thanks"),
        (["pay", "chargeback"], [("chargeback", PRICE), ("paid", PRICE)], "thanks"),
        (["refund_before_pay"], [("refund", PRICE), ("paid", PRICE)], "thanks"),
    ],
    ids=lambda value: (
        "+".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else None
    ),
)
def test_button(place: Place, actions: list[str], told: list[tuple[str, int]], back: str) -> None:
    """Each button tells the shop what happened and sends the buyer back."""
    with serving(answering(reply(200, b"OK"))) as shop:
        visit = Visit(place, shop)
        led = [visit.press(action) for action in actions]
        found = visit.told(len(told))
    assert led[-1] == f"https://kurs.example/{back}/"
    assert sorted(told) == sorted(found)


def test_refund_comes_first(place: Place) -> None:
    """A refund before the payment arrives before it and names it."""
    with serving(answering(reply(200, b"OK"))) as shop:
        visit = Visit(place, shop)
        visit.press("refund_before_pay")
        refund, payment = place.settled(visit.order, "notification", 2)
    assert (refund["kind"], refund["of"]) == ("refund", payment["id"])


def test_notification_on_the_wire(place: Place) -> None:
    """A notification is JSON with the HMAC of its body in a header."""
    with serving(answering(reply(200, b"OK"))) as shop:
        visit = Visit(place, shop)
        visit.press("pay")
        visit.told(1)
    head, _, body = shop.asked[0].partition(b"\r\n\r\n")
    assert sign(place.settings.gateway_key.encode(), body).hex() in head.decode().lower()
    told = msgspec.json.decode(body)
    assert {
        "kind": "paid",
        "order": visit.order,
        "shop_id": "shop-1",
        "amount": PRICE,
        "currency": "PLN",
        "of": "",
    } == {name: value for name, value in told.items() if name != "id"}


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(answering(reply(503, b"OK")), id="503"),
        pytest.param(answering(reply(200, b"ok")), id="other text"),
        pytest.param(answering(reply(200, b"OK\n")), id="one byte more"),
        pytest.param(answering(reply(204)), id="204"),
        pytest.param(closing(), id="lost"),
    ],
)
def test_repeated_until_acknowledged(place: Place, refusal: Script) -> None:
    """What is not acknowledged exactly comes again, the same byte for byte, and shows as undelivered meanwhile."""
    waiting: dict[str, int] = {}

    def script(connection: socket.socket, over: Event) -> None:
        if len(shop.asked) >= 4:
            waiting.update(
                {each["notification"]["order"]: each["attempts"] for each in undelivered(place, visit.order)}
            )
            answering(reply(200, b"OK"))(connection, over)
        else:
            refusal(connection, over)

    with serving(script) as shop:
        visit = Visit(place, shop)
        visit.press("pay")
        assert visit.told(1) == [("paid", PRICE)]
    assert waiting == {visit.order: 4}
    assert len({asked.partition(b"\r\n\r\n")[2] for asked in shop.asked}) == 1
    assert undelivered(place, visit.order) == []


@pytest.mark.parametrize(
    "changes",
    [{"amount": "299"}, {"amount": "299.000"}, {"amount": "-1.00"}, {"amount": "1e2"},
     {"amount": "\uff12\uff19\uff19.00"},
     {"currency": "pln"}, {"notify": "ftp://kurs.example"}, {"order": ""}, {"odd": "field"}],
    ids=str,
)  # fmt: skip
def test_signed_nonsense(place: Place, changes: dict[str, str]) -> None:
    """A request that is signed but makes no sense opens no pay page."""
    with serving(answering(reply(200, b"OK"))) as shop:
        assert Visit(place, shop, **changes).started.status_code == 400


def test_not_signed(place: Place) -> None:
    """A request that the shop did not sign is refused with a page that says so."""
    page = place.browser.get("/gateway/pay", params={"order": "o", "lang": "pl", "signature": "0" * 64})
    assert page.status_code == 400
    assert "Podpis tej płatności jest nieprawidłowy" in page.text


def test_doubled_field(place: Place) -> None:
    """A request that says something twice is refused."""
    assert place.browser.get("/gateway/pay?order=a&order=b&signature=c").status_code == 400


def test_status_of_a_payment(place: Place) -> None:
    """Who holds the key can ask what became of a payment; nobody else can."""
    with serving(answering(reply(200, b"OK"))) as shop:
        visit = Visit(place, shop)
        visit.press("pay")
        visit.press("partial_refund")
        visit.told(2)
    payment = next(fact["id"] for fact in place.settled(visit.order, "payment", 2) if fact["kind"] == "paid")
    signature = sign(place.settings.gateway_key.encode(), payment.encode()).hex()
    answer = place.browser.get(f"/gateway/payments/{payment}", headers={"x-sandbox-signature": signature})
    assert (answer.json()["amount"], answer.json()["returned"]) == (PRICE, PRICE // 2)
    assert place.browser.get(f"/gateway/payments/{payment}").status_code == 401


def test_unknown_action(place: Place) -> None:
    """A button that does not exist does nothing, and the answer names those that do."""
    with serving(answering(reply(200, b"OK"))) as shop:
        visit = Visit(place, shop)
        answer = place.browser.post(visit.page, data={"action": "steal"})
    assert answer.status_code == 422
    assert "pay_twice" in answer.json()["message"]
    assert place.ledger(visit.order) == []


def undelivered(place: Place, order: str) -> list[dict]:
    """Return the notifications about an order that are not acknowledged."""
    return place.browser.get("/ledger", params={"order": order}).json()["undelivered"]
