"""Tpay by its Open API: promises about notifications, what a call says, what its answers may say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from kramik.errors import (
    ConfigurationError,
    KramikError,
    NeedsOperator,
    NotAuthentic,
    OutcomeUnknown,
    Rejected,
    Transient,
)
from kramik.event import Begun, PaymentEvent
from kramik.gateways.tpay import HEADER
from kramik.gateways.tpay.open_api import NAME, Settings, TpayApiGateway
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification
from kramik.sandbox import dialect as world
from kramik.sandbox.dialect import Call, Notification, Panel
from kramik.sandbox.vendors.tpay import TpayDialect
from kramik.sandbox.vendors.tpay_api import DEMO, dialect
from tests.adapters.called_side import said, sent, taken
from tests.contracts.called import called_gateway, order_of
from tests.contracts.gateway import NOTIFICATIONS, RETURNS, Till
from tests.docs.test_gateways import ASKED
from tests.sandbox.place import Place, fresh_order, opened
from tests.story.example import NOON
from tests.unit.raw_server import RawServer, in_turn, reply, serving

SETTINGS = msgspec.convert({**DEMO, "base_url": "http://127.0.0.1:9"}, Settings)
GRANTED = reply(200, b'{"access_token": "made-up", "token_type": "Bearer", "expires_in": 7200}')
SIDE = TpayDialect(Panel(), merchant_id=SETTINGS.merchant_id, code=SETTINGS.code)
TPAY_ID, TITLE = "ta_7dbkalWZoLYJ12Yw", "TR-BRA-7TQY9AX"


def never(address: str) -> bytes:
    """Fail: nothing may be fetched."""
    raise AssertionError(address)


def made(**changes: str) -> TpayApiGateway:
    """Return the gateway of the demo's account, but for the changes."""
    return TpayApiGateway(replace(SETTINGS, **changes), never, call_seconds=1)


@pytest.fixture
def gateway() -> Iterator[TpayApiGateway]:
    """The gateway of the demo's account, which calls nobody here."""
    gateway = made()
    yield gateway
    gateway.close()


# Notifications


def told(event: PaymentEvent) -> RawNotification:
    """Return what Tpay would send about this."""
    money = event.money or Money(minor=1, currency="PLN")
    asked = replace(ASKED, order=event.order, shop_id=event.shop_id, money=money)
    about = Notification(
        id=event.reference,
        kind=event.kind,
        order=event.order,
        shop_id=event.shop_id,
        amount=money.minor,
        currency=money.currency,
        of=event.of,
    )
    letter = SIDE.letter(about, asked, event.of or event.reference)
    return RawNotification(headers=letter.headers, query="", body=letter.body)


@pytest.fixture
def till(gateway: TpayApiGateway) -> Till:
    """The gateway with its other side, which writes what Tpay would send."""
    return Till(
        gateway=gateway,  # type: ignore[arg-type]  # only what every gateway does is asked of it here
        name=NAME,
        order=fresh_order(),
        secrets=(SETTINGS.code, SETTINGS.client_secret),
        acknowledgement=Acknowledgement(body=b"TRUE"),
        without_key=lambda: made(code=" "),
        told=told,
        signature=lambda raw: raw.headers[HEADER],
        resigned=lambda raw, given: replace(raw, headers={} if given is None else {HEADER: given}),
        read_as=lambda event: replace(event, reference=event.of) if event.of else event,
    )


@pytest.mark.parametrize("promise", NOTIFICATIONS)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise about notifications."""
    promise(till)


def test_sum_under_another_code(gateway: TpayApiGateway, till: Till) -> None:
    """The JWS alone is not enough: another account's notification has another `md5sum`."""
    raw, other = told(till.event()), made(code="another code")
    assert gateway.verify(raw) is not None
    with pytest.raises(NotAuthentic, match="md5sum"):
        other.verify(raw)
    other.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", ""),
        ("client_secret", " "),
        ("merchant_id", "ten"),
        ("certificate_host", "secure.tpay.com.evil.example"),
    ],
)
def test_settings_that_can_not_work(field: str, value: str) -> None:
    """Without its keys, or with a host for which nothing is pinned, the gateway is never built."""
    with pytest.raises(ConfigurationError):
        TpayApiGateway(
            replace(SETTINGS, **{"root_certificate": "", field: value}), never, call_seconds=1
        ).close()


# What a call says


def test_call_says_everything_and_no_more() -> None:
    """A transaction is created with these facts, after a token was asked for, and Tpay's side takes both."""
    order = replace(fresh_order(title="Żółwie & „agregaty”"), id="0a1b2c3d4e5f6g7h8j9kmnpqrs")
    token, call = _calls(order)
    assert b"client_id=1010-made-up-open-api-key&client_secret=made-up-open-api-secret-8c20e5" == token.body
    buyer = order.intent.buyer
    assert {
        "amount": Decimal("299.00"),
        "description": "Żółwie agregaty",
        "hiddenDescription": "0a1b2c3d4e5f6g7h8j9kmnpqrs",
        "lang": "pl",
        "payer": {"email": buyer.email, "name": buyer.name},
        "callbacks": {
            "payerUrls": {"success": RETURNS.done, "error": RETURNS.failed},
            "notification": {"url": RETURNS.notify},
        },
    } == json.loads(call.body, parse_float=Decimal)
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


@pytest.mark.parametrize("minor", [1, 10, 99, 100, 12_345, 29_990, 999_999_999])
def test_amount_is_exact(minor: int) -> None:
    """An amount is written as it is read, with two places, and Tpay's side reads the same."""
    token, call = _calls(fresh_order(price=Money(minor=minor, currency="PLN")))
    assert f'"amount":{minor // 100}.{minor % 100:02d},'.encode() in call.body
    begun = taken(dialect(Panel()), token, call)
    assert isinstance(begun, world.Begun)
    assert minor == begun.request.money.minor


@pytest.mark.parametrize(("method", "group"), [("blik", 150), ("card", 103), ("cash", None), ("", None)])
def test_methods(method: str, group: int | None) -> None:
    """A way to pay that Tpay knows goes along as its group; without one its page shows all."""
    token, call = _calls(fresh_order(method=method))
    assert ({"groupId": group} if group else None) == json.loads(call.body).get("pay")
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


@pytest.mark.parametrize(
    ("name", "shown"), [("Zofia  Żak\n", "Zofia Żak"), ("A", None), ("", None), ("ż" * 300, "ż" * 255)]
)
def test_name_that_tpay_demands(name: str, shown: str | None) -> None:
    """Tpay wants a name: the buyer's, or their address where that is too short."""
    order = fresh_order()
    buyer = replace(order.intent.buyer, name=name)
    token, call = _calls(replace(order, intent=replace(order.intent, buyer=buyer)))
    assert (shown or buyer.email) == json.loads(call.body)["payer"]["name"]
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


def test_odd_language_and_title() -> None:
    """A language that Tpay does not speak is left out, a title of which nothing remains is the order's id."""
    order = fresh_order(title="合気道", lang="szl")
    token, call = _calls(order)
    asked = json.loads(call.body)
    assert (order.id, None) == (asked["description"], asked.get("lang"))
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


def test_another_currency(gateway: TpayApiGateway) -> None:
    """A price that is not in złote is refused before anybody is called."""
    order = fresh_order(price=Money(minor=29_900, currency="EUR"))
    with pytest.raises(Rejected, match="PLN and not EUR"):
        gateway.begin(order, RETURNS, now=NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "299.00"},
        {"amount": 0},
        {"amount": 2.999},
        {"amount": -1},
        {"description": ""},
        {"description": "x" * 129},
        {"lang": "xx"},
        {"pay": {"groupId": 1}},
        {"payer": {"email": "anna@example.com"}},
        {"payer": {"email": "nobody", "name": "Anna"}},
        {"callbacks": {"notification": {"url": "ftp://x"}}},
        {"callbacks": []},
        {"odd": "1"},
    ],
    ids=str,
)
def test_vendor_refuses(change: dict[str, object]) -> None:
    """A call that is not as documented is refused by Tpay's side."""
    token, call = _calls(fresh_order())
    answer = taken(
        dialect(Panel()), token, replace(call, body=json.dumps({**json.loads(call.body), **change}).encode())
    )
    assert isinstance(answer, world.Reply)
    assert 400 == answer.status


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer made-up", "{0}", "Basic {0}"])
def test_vendor_checks_the_token(given: str) -> None:
    """Tpay's side takes no call without a token that it granted."""
    token, call = _calls(fresh_order())
    answer = taken(dialect(Panel()), token, call, word=given)
    assert isinstance(answer, world.Reply)
    assert 401 == answer.status


@pytest.mark.parametrize("body", [b"", b"client_id=1010-made-up-open-api-key&client_secret=wrong"])
def test_vendor_checks_the_client(body: bytes) -> None:
    """Tpay's side grants no token for other credentials."""
    token, _ = _calls(fresh_order())
    assert 401 == said(dialect(Panel()), replace(token, body=body)).status


# What an answer may say


def test_answer_that_leads_to_the_pay_page() -> None:
    """The address of the answer is where the buyer goes."""
    order = fresh_order()
    url = "https://secure.tpay.com/?gtitle=TR-BRA-7TQY9AX"
    with _answered(_known(order, transactionPaymentUrl=url)) as (gateway, _):
        assert Begun(reference=TPAY_ID, url=url, at=NOON) == gateway.begin(order, RETURNS, now=NOON)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://secure.tpay.com.evil.example/",
        "https://secure.tpay.com@evil.example/",
        "http://secure.tpay.com/",
        "https://secure.tpay.com",
        "https://secure.tpay.com/a b",
        "",
        None,
    ],
)
def test_answer_that_leads_elsewhere(url: str | None) -> None:
    """Nobody is sent outside of Tpay's own origin."""
    order = fresh_order()
    answer = _known(order, transactionPaymentUrl=url)
    with _answered(answer) as (gateway, _), pytest.raises(NeedsOperator, match="pay_url"):
        gateway.begin(order, RETURNS, now=NOON)


@pytest.mark.parametrize(
    "change",
    [{"amount": 299.01}, {"amount": 1}, {"hiddenDescription": "another"}, {"hiddenDescription": ""}],
    ids=str,
)
def test_answer_about_something_else(change: dict[str, object]) -> None:
    """Nobody is sent to a transaction of another order or amount."""
    order = fresh_order()
    answer = _known(order, transactionPaymentUrl="https://secure.tpay.com/x", **change)
    with _answered(answer) as (gateway, _), pytest.raises(NeedsOperator, match="another order or amount"):
        gateway.begin(order, RETURNS, now=NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"transactionId": ""},
        {"transactionId": "../x"},
        {"transactionId": None},
        {"title": ""},
        {"title": "żółw"},
        {"title": "TR 1"},
        {"status": None},
        {"currency": "EUR"},
        {"result": "failed", "transactionId": None},
    ],
    ids=str,
)
def test_answer_without_a_transaction(change: dict[str, object]) -> None:
    """An answer that names no transaction of ours begins nothing."""
    order = fresh_order()
    answer = _known(order, transactionPaymentUrl="https://secure.tpay.com/x", **change)
    with _answered(answer) as (gateway, _), pytest.raises(OutcomeUnknown):
        gateway.begin(order, RETURNS, now=NOON)


# What may be asked


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", None),
        ("paid", "pending"),
        ("correct", "paid"),
        ("refund", "refund"),
        ("chargeback", "refund"),
        ("error", "failed"),
        ("cancel", "failed"),
        ("canceled", "failed"),
        ("CORRECT", None),
        ("something new", None),
    ],
)
def test_what_a_status_means(status: str, kind: str | None) -> None:
    """Only `correct` is paid, and what is new to us says nothing."""
    order = _begun()
    with _answered(_known(order, status=status)) as (gateway, _):
        assert ([kind] if kind else []) == [event.kind for event in gateway.ask(order)]


def test_answer_says_what_a_notification_does(till: Till) -> None:
    """The same payment told and asked about is the same event."""
    order = _begun()
    event = replace(till.event(), order=order.id, reference=TITLE)
    with _answered(_known(order)) as (gateway, _):
        assert [gateway.verify(told(event))] == [*gateway.ask(order)]


def test_failed_transaction_is_replaced() -> None:
    """What failed is named by its id, too, so that a buyer who comes again gets a new transaction."""
    order = _begun()
    with _answered(_known(order, status="canceled")) as (gateway, _):
        [event] = gateway.ask(order)
    assert (TITLE, TPAY_ID) == (event.reference, event.begun)
    assert order.apply(event, now=NOON).begun_with(now=NOON, lasts=TpayApiGateway.lasts) is None


def test_refund_that_came_first() -> None:
    """A payment that went back before it was known grants nothing, also when its notification comes at last."""
    order = _begun()
    with _answered(_known(order, status="refund")) as (gateway, _):
        [refund] = gateway.ask(order)
        paid = gateway.verify(told(replace(refund, kind="paid", money=order.intent.price, of="")))
    assert paid is not None
    assert (TITLE, TITLE) == (refund.reference, refund.of)
    after = order.apply(refund, now=NOON).apply(paid, now=NOON)
    assert "accepted" not in [payment.verdict for payment in after.payments]


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("299", 29_900),
        ("299.0", 29_900),
        ("299.00", 29_900),
        ("299.5", 29_950),
        ("299.500", 29_950),
        ("0.01", 1),
        ('"299.00"', 29_900),
    ],
)
def test_amounts(text: str, minor: int) -> None:
    """What was paid is read exactly, as a number or as the text of one."""
    order = _begun()
    with _answered(_paid(order, text)) as (gateway, _):
        assert [Money(minor=minor, currency="PLN")] == [event.money for event in gateway.ask(order)]


@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "299.001",
        "-299.00",
        "1e-2",
        "99999999999",
        "null",
        "true",
        "[]",
        '""',
        '" 299"',
        '"0299"',
        '"299,00"',
        '"\uff12"',
    ],
)
def test_odd_amount_is_no_payment(text: str) -> None:
    """An amount that is not exact grants nothing."""
    order = _begun()
    with _answered(_paid(order, text)) as (gateway, _), pytest.raises(NeedsOperator, match="amount"):
        gateway.ask(order)


def test_payment_of_which_no_amount_is_said() -> None:
    """A transaction that is correct, but does not say how much was paid, grants nothing."""
    order = _begun()
    known = json.loads(_known(order).partition(b"\r\n\r\n")[2])
    del known["payments"]
    answer = reply(200, json.dumps(known).encode())
    with _answered(answer) as (gateway, _), pytest.raises(NeedsOperator, match="how much"):
        gateway.ask(order)


@pytest.mark.parametrize(
    "change",
    [{"hiddenDescription": "another"}, {"hiddenDescription": None}, {"transactionId": "ta_another"}],
    ids=str,
)
def test_answer_about_another_order(change: dict[str, object]) -> None:
    """What Tpay says of another transaction, or of another order, tells nothing about this one."""
    order = _begun()
    with _answered(_known(order, **change)) as (gateway, _), pytest.raises(NeedsOperator, match="another"):
        gateway.ask(order)


def test_transaction_that_tpay_does_not_know() -> None:
    """A transaction that is not found tells nothing."""
    with _answered(reply(404, b'{"result": "failed"}')) as (gateway, _):
        assert [] == [*gateway.ask(_begun())]


# In a running world


@pytest.fixture
def place() -> Iterator[Place]:
    """A world."""
    with opened() as place:
        yield place


def test_forgotten_token(place: Place) -> None:
    """When Tpay does not take a token any more, a fresh one is asked for and the buyer notices nothing."""
    gateway = called_gateway(NAME, place)
    order = order_of(NAME, gateway)
    gateway.begin(order, RETURNS, now=NOON)
    place.fault(peer=NAME, operation="begin", fault="refuse", status=401)
    assert gateway.begin(order, RETURNS, now=NOON + timedelta(seconds=1)).url
    gateway.close()


@pytest.mark.parametrize("fault", ["refuse", "garbage", "drop", "too_many_requests"])
def test_without_a_token(place: Place, fault: str) -> None:
    """While Tpay grants no token nothing is created there; the order waits and goes on later."""
    gateway = called_gateway(NAME, place)
    order = order_of(NAME, gateway)
    place.fault(peer=NAME, operation="token", fault=fault)
    with pytest.raises(Transient):
        gateway.begin(order, RETURNS, now=NOON)
    assert gateway.begin(order, RETURNS, now=NOON).url
    gateway.close()


def _known(order: Order, **changes: object) -> bytes:
    """Return what Tpay answers about a transaction of this order."""
    return _paid(order, "299.0", **changes)


def _paid(order: Order, paid: str, /, **changes: object) -> bytes:
    """Return what Tpay answers about a transaction of which this was paid, written as it is."""
    known = {
        "result": "success",
        "transactionId": TPAY_ID,
        "title": TITLE,
        "status": "correct",
        "amount": 299.0,
        "currency": "PLN",
        "hiddenDescription": order.id,
        "payments": {"amountPaid": "@paid@"},
        **changes,
    }
    return reply(200, json.dumps(known).replace('"@paid@"', paid).encode())


def _begun() -> Order:
    """Return an order that was begun at Tpay."""
    order = fresh_order()
    order = replace(order, intent=replace(order.intent, gateway=NAME, shop_id=SETTINGS.merchant_id))
    return order.begin_payment(Begun(reference=TPAY_ID, url="https://secure.tpay.com/", at=NOON))


@contextmanager
def _answered(*answers: bytes) -> Iterator[tuple[TpayApiGateway, RawServer]]:
    """Make a gateway that is granted a token, and then answered in this way."""
    with serving(in_turn(GRANTED, *answers)) as server:
        gateway = made(base_url=server.url)
        yield gateway, server
        gateway.close()


def _calls(order: Order) -> list[Call]:
    """Return what the gateway sends to begin a payment, as Tpay's side reads it."""
    with serving(in_turn(GRANTED, reply(503))) as server:
        gateway = made(base_url=server.url)
        with pytest.raises(KramikError):
            gateway.begin(order, RETURNS, now=NOON)
        gateway.close()
    return [sent(each) for each in server.asked]
