"""imoje is asked about transactions of which it told once; what it answers is what it would have told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kramik import adapters
from kramik.errors import ConfigurationError, KramikError, NeedsOperator, OutcomeUnknown, Rejected, Transient
from kramik.event import PaymentEvent
from kramik.gateways.imoje import AskedImojeGateway, ImojeGateway, Settings
from kramik.money import Money
from kramik.order import Order
from kramik.payment import RawNotification
from kramik.ports import Asking, Returns
from kramik.sandbox.vendors.imoje import DEMO
from tests.sandbox.place import fresh_order, opened
from tests.story.example import NOON
from tests.unit.raw_server import RawServer, answering, reply, serving

SETTINGS = msgspec.convert({**DEMO, "api_url": "http://127.0.0.1:9"}, Settings)
ID = "07938437-cae3-4d46-877d-e1b9d6e6c58f"


def told(order: Order, kind: str = "pending", reference: str = ID) -> Order:
    """Return the order after imoje told of a transaction once."""
    facts = {"order": order.id, "gateway": "imoje", "reference": reference, "kind": kind, "shop_id": "s"}
    return order.apply(msgspec.convert(facts, PaymentEvent), now=NOON)


def transaction(order: Order, **changes: object) -> dict[str, Any]:
    """Return a transaction that was paid, as imoje shows it."""
    facts = {"id": ID, "type": "sale", "status": "settled", "amount": 29_900, "currency": "PLN"}
    return {**facts, "orderId": order.id, "serviceId": DEMO["service_id"], "source": "web", **changes}


@contextmanager
def showing(content: object, status: int = 200) -> Iterator[tuple[AskedImojeGateway, RawServer]]:
    """Make a gateway whose every question is answered with this JSON."""
    with serving(answering(reply(status, json.dumps(content).encode()))) as server:
        gateway = AskedImojeGateway(replace(SETTINGS, api_url=f"{server.url}/v1/merchant"), call_seconds=1)
        with closing(gateway):
            yield gateway, server


def test_without_a_token_nobody_is_asked() -> None:
    """A gateway without a token does not look as if it could be asked, and one that asks is never built without."""
    kind = adapters.GATEWAYS["imoje"]()
    made: list[object] = [kind.make(replace(SETTINGS, api_token=token), 1.0) for token in ("a token", "")]
    assert [AskedImojeGateway, ImojeGateway] == [type(each) for each in made]
    assert [True, False] == [isinstance(each, Asking) for each in made]
    with pytest.raises(ConfigurationError):
        AskedImojeGateway(replace(SETTINGS, api_token=" "), call_seconds=1)


@pytest.mark.parametrize("name", ["transaction", ""])
def test_question_and_answer(name: str) -> None:
    """The transaction is asked for with the token, and is read as its notification would have been."""
    order = told(fresh_order())
    known = transaction(order)
    with showing({name: known} if name else known) as (gateway, server):
        [event] = gateway.ask(order)
    head = server.asked[0].decode()
    assert head.startswith(f"GET /v1/merchant/{DEMO['merchant_id']}/transaction/{ID} HTTP/1.1")
    assert f"authorization: Bearer {DEMO['api_token']}" in head
    facts = (event.kind, event.order, event.reference, event.shop_id, event.money)
    money = Money(minor=29_900, currency="PLN")
    assert ("paid", order.id, ID, DEMO["service_id"], money) == facts


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"status": "pending"}, ["pending"]),
        ({"status": "rejected"}, ["failed"]),
        ({"status": "something new"}, []),
        ({"status": "Settled"}, []),
        ({"type": "refund"}, []),
    ],
    ids=str,
)
def test_what_an_answer_means(changes: dict[str, Any], kinds: list[str]) -> None:
    """Only a sale that is settled is paid."""
    order = told(fresh_order())
    with showing(transaction(order, **changes)) as (gateway, _):
        assert kinds == [each.kind for each in gateway.ask(order)]


def test_only_what_was_told_of_is_asked_about() -> None:
    """Nothing told, or a payment that did not fit: nothing to ask; of many transactions the newest five are asked."""
    order = told(fresh_order(), "paid", "wrong-amount")
    with showing({}, 404) as (gateway, server):
        assert [] == list(gateway.ask(order))
        assert [] == server.asked
        for number in range(8):
            order = told(order, "failed", f"t-{number}")
        assert [] == list(gateway.ask(order))
    asked = [each.split()[1].decode().rpartition("/")[2] for each in server.asked]
    assert ["t-3", "t-4", "t-5", "t-6", "t-7"] == asked


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"id": "another"}, NeedsOperator),
        ({"orderId": "another"}, NeedsOperator),
        ({"amount": "29900"}, OutcomeUnknown),
        ({"amount": 1.5}, OutcomeUnknown),
        ({"amount": -1}, OutcomeUnknown),
        ({"currency": "zł"}, OutcomeUnknown),
        ({"status": None}, OutcomeUnknown),
        ({"serviceId": ""}, OutcomeUnknown),
    ],
    ids=str,
)
def test_answer_about_something_else(changes: dict[str, Any], error: type[KramikError]) -> None:
    """An answer about another transaction or order, or one that can not be read, grants nothing."""
    order = told(fresh_order())
    with showing(transaction(order, **changes)) as (gateway, _), pytest.raises(error):
        gateway.ask(order)


def test_another_shop_is_told() -> None:
    """A transaction of another service names it, and the worker refuses it."""
    order = told(fresh_order())
    with showing(transaction(order, serviceId="another")) as (gateway, _):
        assert ["another"] == [each.shop_id for each in gateway.ask(order)]


@pytest.mark.parametrize(
    ("status", "error"), [(401, Rejected), (403, Rejected), (429, Transient), (500, OutcomeUnknown)]
)
def test_imoje_that_does_not_answer(status: int, error: type[KramikError]) -> None:
    """What goes wrong is a decision, and shows no key."""
    order = told(fresh_order())
    with showing({"token": DEMO["api_token"]}, status) as (gateway, _), pytest.raises(error) as caught:
        gateway.ask(order)
    assert [] == [key for key in ("api_token", "service_key") if DEMO[key] in f"{caught.value} {gateway!r}"]


def test_a_lost_notification_is_found() -> None:
    """A payment that was told of as pending is found as paid, with the same facts as its notification."""
    with opened() as place, serving(answering(reply(200, b'{"status":"ok"}'))) as shop:
        settings = replace(SETTINGS, base_url=f"{place.url}/imoje", api_url=f"{place.url}/imoje")
        with closing(AskedImojeGateway(settings, call_seconds=2)) as gateway:
            order = fresh_order()
            order = replace(order, intent=replace(order.intent, gateway="imoje", shop_id=gateway.shop_id))
            returns = Returns(
                done="https://kurs.example/a", failed="https://kurs.example/b", notify=f"{shop.url}/told"
            )
            page = place.browser.get(gateway.request(order, returns).url).headers["location"]
            events = []
            for count, action in enumerate(("pending", "pay"), start=1):
                place.browser.post(page, data={"action": action})
                place.settled(order.id, "notification", count)
                events.append(gateway.verify(_raw(shop.asked[-1])))
            pending, paid = events
            assert pending is not None
            order = order.apply(pending, now=NOON)
            found = list(gateway.ask(order))
    assert [paid] == found
    assert "paid" == order.apply(found[0], now=NOON).status


def _raw(request: bytes) -> RawNotification:
    head, _, body = request.partition(b"\r\n\r\n")
    pairs = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return RawNotification(headers=headers, query="", body=body)
