"""The sandbox gateway keeps every promise of a gateway, against the real pay page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import msgspec
import pytest

from kramik.errors import NeedsOperator
from kramik.event import PaymentEvent
from kramik.gateways.sandbox import HEADER, SandboxGateway, Settings
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, sign
from tests.contracts.gateway import PROMISES, RETURNS, Till
from tests.sandbox.place import Place, fresh_order, opened


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.fixture
def till(place: Place) -> Till:
    """The sandbox gateway with its other side."""
    settings = Settings(base_url=place.url, shop_id="shop-1", key=place.settings.gateway_key)
    return Till(
        gateway=SandboxGateway(settings),
        name="sandbox",
        order=fresh_order(title="Agregaty & żółwie „w praktyce”"),
        secrets=(settings.key,),
        acknowledgement=Acknowledgement(body=b"OK"),
        without_key=lambda: SandboxGateway(msgspec.structs.replace(settings, key="")),
        told=lambda event: signed(_wire(event), settings.key),
        signature=lambda raw: raw.headers[HEADER],
        resigned=_resigned,
        learns=("email",),
        accepts=lambda request: _accepts(place, request),
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The sandbox gateway keeps each promise of a gateway."""
    promise(till)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 299.0},
        {"amount": "29900"},
        {"amount": True},
        {"amount": -1},
        {"amount": 10**12},
        {"amount": None},
        {"currency": "pln"},
        {"currency": "PLN\n"},
        {"kind": "bribe"},
        {"order": ""},
        {"order": 7},
        {"id": ""},
        {"id": "x" * 101},
        {"of": None},
    ],
)
def test_odd_field_is_for_a_person(till: Till, change: dict) -> None:
    """A signed notification with a field that can not be read is neither lost nor acknowledged."""
    body = msgspec.json.encode({**msgspec.json.decode(_wire(till.event())), **change})
    with pytest.raises(NeedsOperator):
        till.gateway.verify(signed(body, till.secrets[0]))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"paid"',
        b"{}",
        b"\xff\xfe",
        b'{"id":"t","id":"u","kind":"paid","order":"o","shop_id":"s","amount":1,"currency":"PLN","of":""}',
        b'{"id":"t","kind":"paid","order":"o","shop_id":"s","amount":1e2,"currency":"PLN"}',
        b'{"id":"t","kind":"paid","order":"o","shop_id":"s","amount":NaN,"currency":"PLN"}',
        b'{"id":"t","kind":"paid","order":"o","shop_id":"s","amount":' + b"9" * 5000 + b',"currency":"PLN"}',
        b"[" * 50_000,
    ],
)
def test_odd_body_is_for_a_person(till: Till, body: bytes) -> None:
    """A signed body that is no notification, or a doubled one, is neither lost nor acknowledged."""
    with pytest.raises(NeedsOperator):
        till.gateway.verify(signed(body, till.secrets[0]))


def test_later_fields_are_welcome(till: Till) -> None:
    """A field that a later version of the gateway adds changes nothing."""
    body = msgspec.json.encode({**msgspec.json.decode(_wire(till.event())), "fee": 1})
    assert till.event() == till.gateway.verify(signed(body, till.secrets[0]))


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        (Money(minor=29_900, currency="PLN"), "299.00"),
        (Money(minor=1000, currency="JPY"), "1000"),
        (Money(minor=1, currency="KWD"), "0.001"),
    ],
)
def test_amount_as_text(till: Till, money: Money, shown: str) -> None:
    """A payment request names the amount with all digits of its currency, and the pay page agrees."""
    request = till.gateway.request(fresh_order(price=money), RETURNS)
    assert shown == request.fields["amount"]
    assert till.accepts(request)


def test_link_says_what_the_fields_say(till: Till, place: Place) -> None:
    """The payment link carries every field, so that a click is enough."""
    request = till.gateway.request(till.order, RETURNS)
    session = place.browser.get(request.url).headers["location"]
    assert request.method == "GET"
    assert session == _start(place, request).headers["location"]


def signed(body: bytes, key: str) -> RawNotification:
    """Return a notification that this key signed."""
    return RawNotification(headers={HEADER: sign(key.encode(), body).hex()}, query="", body=body)


def _wire(event: PaymentEvent) -> bytes:
    money = event.money or Money(minor=0, currency="PLN")
    about = {
        "id": event.reference,
        "kind": event.kind,
        "order": event.order,
        "shop_id": event.shop_id,
        "of": event.of,
    }
    return msgspec.json.encode({**about, "amount": money.minor, "currency": money.currency})


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    return msgspec.structs.replace(raw, headers={} if signature is None else {HEADER: signature})


def _start(place: Place, request: PaymentRequest) -> httpx2.Response:
    return place.browser.post(request.url.partition("?")[0], data=dict(request.fields))


def _accepts(place: Place, request: PaymentRequest) -> bool:
    return _start(place, request).status_code == 303
