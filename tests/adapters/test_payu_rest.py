"""PayU by its REST API: promises about notifications, what a call says, what its answers may say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kramik.errors import ConfigurationError, KramikError, NeedsOperator, OutcomeUnknown, Rejected, Transient
from kramik.event import Begun, PaymentEvent
from kramik.gateways.payu import HEADERS
from kramik.gateways.payu.rest import NAME, TRIES, PayuRestGateway, Settings
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification
from kramik.sandbox import dialect as world
from kramik.sandbox.dialect import Call, Notification, Panel
from kramik.sandbox.vendors.payu_rest import DEMO, dialect
from tests.adapters.called_side import said, sent, taken
from tests.contracts.called import called_gateway, order_of
from tests.contracts.gateway import NOTIFICATIONS, RETURNS, Till
from tests.docs.test_gateways import ASKED
from tests.sandbox.place import Place, fresh_order, opened
from tests.story.example import NOON
from tests.unit.raw_server import RawServer, in_turn, reply, serving

VECTORS = json.loads(Path("tests/vectors/payu.json").read_text("utf-8"))
BODIES = [each for each in VECTORS if each["kind"] == "notification"]
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://127.0.0.1:9"}, Settings)
KEY = SETTINGS.second_key
MOMENT = int(NOON.timestamp() * 1000)
GRANTED = reply(200, b'{"access_token": "made-up", "token_type": "bearer", "expires_in": 43199}')
PAYU_ID = "5C4BHGP6BN180712GUEST000P01"


@pytest.fixture
def gateway() -> Iterator[PayuRestGateway]:
    """The gateway of the demo's point of sale, which calls nobody here."""
    made = PayuRestGateway(SETTINGS, call_seconds=1)
    yield made
    made.close()


# Notifications


@pytest.fixture
def till(gateway: PayuRestGateway) -> Till:
    """The gateway with its other side, which writes what PayU would send."""

    def told(event: PaymentEvent) -> RawNotification:
        name = f"{event.order}-{MOMENT}"
        asked = replace(ASKED, order=name, shop_id=event.shop_id, reference=event.reference)
        money = event.money or Money(minor=1, currency="PLN")
        about = Notification(
            id=event.reference,
            kind=event.kind,
            order=name,
            shop_id=event.shop_id,
            amount=money.minor,
            currency=money.currency,
            of=event.of,
        )
        [letter] = dialect(Panel()).letters(about, asked)
        headers = {key.lower(): value for key, value in letter.headers.items()}
        return RawNotification(headers=headers, query="", body=letter.body)

    return Till(
        gateway=gateway,  # type: ignore[arg-type]  # only what every gateway does is asked of it here
        name=NAME,
        order=fresh_order(),
        secrets=(KEY, SETTINGS.client_secret),
        acknowledgement=Acknowledgement(body=b""),
        without_key=lambda: PayuRestGateway(replace(SETTINGS, second_key=" "), call_seconds=1),
        told=told,
        signature=lambda raw: raw.headers[HEADERS[0]].split(";")[1].removeprefix("signature="),
        resigned=lambda raw, given: replace(raw, headers={} if given is None else _header(given)),
    )


@pytest.mark.parametrize("promise", NOTIFICATIONS)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise about notifications."""
    promise(till)


@pytest.mark.parametrize("vector", BODIES)
def test_published_signature_of_a_notification(vector: dict[str, Any]) -> None:
    """The bodies and signatures of PayU's own library and of an open client are authentic (published vectors)."""
    gateway = PayuRestGateway(replace(SETTINGS, second_key=vector["secret"]), call_seconds=1)
    algorithm = vector["algorithm"].partition("(")[0].upper().replace("SHA", "SHA-")
    body = vector["inputs"]["raw_body"].encode()
    raw = RawNotification(headers=_header(vector["expected"], algorithm), query="", body=body)
    if body.startswith(b"{"):
        event = gateway.verify(raw)
        assert event is not None
        assert NAME == event.gateway
    else:
        with pytest.raises(NeedsOperator):
            gateway.verify(raw)
    gateway.close()


@pytest.mark.parametrize(
    ("name", "order"),
    [
        (f"0a1b-{MOMENT}", "0a1b"),
        (f"0a-1-b-{MOMENT}", "0a-1-b"),
        ("0a1b", "0a1b"),
        ("0a1b-0", "0a1b-0"),
        (f"-{MOMENT}", f"-{MOMENT}"),
        ("żółw-１２３４５６７８９０１２３", "żółw-１２３４５６７８９０１２３"),
    ],
)
def test_whose_payment_it_is(gateway: PayuRestGateway, name: str, order: str) -> None:
    """Our name of a payment begins with the order's id; any other name is nobody's but its own."""
    event = gateway.verify(signed({"order": _known(extOrderId=name)}))
    assert event is not None
    assert order == event.order


def test_refund_finds_its_order(gateway: PayuRestGateway) -> None:
    """A refund in part names the order behind our name, and the payment that goes back (computed vector)."""
    refund = {"refundId": "912128", "amount": "15516", "currencyCode": "PLN", "status": "FINALIZED"}
    told = {"orderId": PAYU_ID, "extOrderId": f"0a1b-{MOMENT}", "refund": refund}
    assert PaymentEvent(
        order="0a1b",
        gateway=NAME,
        reference="912128",
        kind="refund",
        shop_id="300746",
        money=Money(minor=15_516, currency="PLN"),
        of=PAYU_ID,
    ) == gateway.verify(signed(told))


def test_md5_can_be_refused() -> None:
    """A shop whose account signs with SHA takes no MD5 any more."""
    gateway = PayuRestGateway(replace(SETTINGS, md5=False), call_seconds=1)
    with pytest.raises(Rejected):
        gateway.verify(signed({"order": _known()}))
    assert gateway.verify(signed({"order": _known()}, algorithm="SHA-256")) is not None
    gateway.close()


def test_both_keys_are_needed() -> None:
    """All empty keys are reported together."""
    with pytest.raises(ConfigurationError) as caught:
        PayuRestGateway(replace(SETTINGS, client_secret="", second_key=" "), call_seconds=1)
    assert ["client_secret", "second_key"] == [each.field for each in caught.value.problems]


# What a call says


def test_call_says_everything_and_no_more() -> None:
    """An order is created with these facts, after a token was asked for, and PayU's side takes both."""
    order = replace(fresh_order(title="Żółwie & „agregaty”"), id="0a1b2c3d4e5f6g7h8j9kmnpqrs")
    token, call = _calls(order)
    assert b"grant_type=client_credentials&client_id=300746&client_secret=" in token.body
    assert {
        "notifyUrl": RETURNS.notify,
        "continueUrl": RETURNS.done,
        "customerIp": "127.0.0.1",
        "merchantPosId": "300746",
        "description": "Żółwie & „agregaty”",
        "currencyCode": "PLN",
        "totalAmount": "29900",
        "validityTime": "86400",
        "buyer": {"email": order.intent.buyer.email, "language": "pl"},
        "products": [{"name": "Żółwie & „agregaty”", "unitPrice": "29900", "quantity": "1"}],
        "extOrderId": f"0a1b2c3d4e5f6g7h8j9kmnpqrs-{MOMENT}",
    } == json.loads(call.body)
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a\r\n\t b", "a b"),
        ("ż" * 300, "ż" * 255),
        ("  ", "0a1b"),
        ("課程 🐢 ~*", "課程 🐢 ~*"),
        ("x" * 254 + " y", "x" * 254),
    ],
)
def test_titles_fit(title: str, shown: str) -> None:
    """A title is one line of at most 255 characters and never empty."""
    token, call = _calls(replace(fresh_order(title=title), id="0a1b"))
    asked = json.loads(call.body)
    assert (shown, shown) == (asked["description"], asked["products"][0]["name"])
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


@pytest.mark.parametrize(("method", "value"), [("blik", "blik"), ("card", "c"), ("cash", None), ("", None)])
def test_methods(method: str, value: str | None) -> None:
    """A way to pay that PayU knows goes along in PayU's word; without one its page shows all."""
    token, call = _calls(fresh_order(method=method))
    chosen = {"payMethod": {"type": "PBL", "value": value}} if value else None
    assert chosen == json.loads(call.body).get("payMethods")
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


def test_odd_language_and_address() -> None:
    """A language that is no code of two letters is left out, an odd but valid address goes along as it was typed."""
    order = fresh_order(lang="szl-PL")
    buyer = replace(order.intent.buyer, email="żółw+a&b@example.com")
    token, call = _calls(replace(order, intent=replace(order.intent, buyer=buyer)))
    assert {"email": "żółw+a&b@example.com"} == json.loads(call.body)["buyer"]
    assert isinstance(taken(dialect(Panel()), token, call), world.Begun)


def test_client_of_another_name() -> None:
    """The OAuth client may have an id of its own."""
    token, _ = _calls(fresh_order(), client_id="460718")
    assert b"client_id=460718&" in token.body


@pytest.mark.parametrize(
    "change",
    [
        {"totalAmount": "0"},
        {"totalAmount": "299.00"},
        {"totalAmount": 29900},
        {"totalAmount": "1"},
        {"customerIp": "0.0.0.0"},  # noqa: S104 - an address that PayU refuses
        {"merchantPosId": "1"},
        {"currencyCode": "pln"},
        {"products": []},
        {"description": ""},
        {"extOrderId": "a b"},
        {"buyer": {"email": "nobody"}},
        {"buyer": "anna@example.com"},
        {"payMethods": {"payMethod": {"type": "CARD_TOKEN", "value": "c"}}},
        {"odd": "1"},
    ],
    ids=str,
)
def test_vendor_refuses(change: dict[str, object]) -> None:
    """A call that is not as documented is refused by PayU's side."""
    token, call = _calls(fresh_order())
    answer = taken(
        dialect(Panel()), token, replace(call, body=json.dumps({**json.loads(call.body), **change}).encode())
    )
    assert isinstance(answer, world.Reply)
    assert answer.status in (400, 403)


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer made-up", "{0}", "Basic {0}", "bearer{0}"])
def test_vendor_checks_the_token(given: str) -> None:
    """PayU's side takes no call without a token that it granted."""
    token, call = _calls(fresh_order())
    answer = taken(dialect(Panel()), token, call, word=given)
    assert isinstance(answer, world.Reply)
    assert 401 == answer.status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"grant_type=client_credentials",
        b"grant_type=password&client_id=300746&client_secret=made-up-client-secret-71d0c2",
        b"grant_type=client_credentials&client_id=300746&client_secret=wrong",
    ],
)
def test_vendor_checks_the_client(body: bytes) -> None:
    """PayU's side grants no token for other credentials."""
    token, _ = _calls(fresh_order())
    assert 401 == said(dialect(Panel()), replace(token, body=body)).status


# What an answer may say


def test_answer_that_leads_to_the_pay_page() -> None:
    """The address of the answer is where the buyer goes; it is read and not followed."""
    url = f"https://secure.payu.com/pay/?orderId={PAYU_ID}&token=a.b"
    with _answered(_redirect(url)) as (gateway, server):
        begun = gateway.begin(fresh_order(), RETURNS, now=NOON)
    assert Begun(reference=PAYU_ID, url=url, at=NOON) == begun
    assert 2 == len(server.asked)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://secure.payu.com.evil.example/pay/",
        "https://secure.payu.com@evil.example/",
        "http://secure.payu.com/pay/",
        "//secure.payu.com/pay/",
        "https://secure.payu.com",
        "javascript:alert(1)",
        "https://secure.payu.com/a b",
        "https://secure.payu.com/\r\nx",
        "",
    ],
)
def test_answer_that_leads_elsewhere(url: str) -> None:
    """Nobody is sent outside of PayU's own origin."""
    with _answered(_redirect(url)) as (gateway, _), pytest.raises(NeedsOperator, match="pay_url"):
        gateway.begin(fresh_order(), RETURNS, now=NOON)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"status": {"statusCode": "SUCCESS"}, "orderId": PAYU_ID},
        {"status": {"statusCode": "SUCCESS"}, "redirectUri": "https://secure.payu.com/"},
        {"redirectUri": "https://secure.payu.com/", "orderId": PAYU_ID},
        {"status": {"statusCode": "SUCCESS"}, "redirectUri": "https://secure.payu.com/", "orderId": "../x"},
    ],
    ids=str,
)
def test_answer_without_an_order(content: object) -> None:
    """An answer that names no order, or no address, begins nothing."""
    answer = reply(302, json.dumps(content).encode(), "location: https://secure.payu.com/")
    with _answered(answer) as (gateway, _), pytest.raises(OutcomeUnknown):
        gateway.begin(fresh_order(), RETURNS, now=NOON)


def test_order_that_wants_more() -> None:
    """An order with another outcome than success is for a person, with PayU's word for it."""
    answer = _redirect("https://secure.payu.com/", code="WARNING_CONTINUE_CVV")
    with _answered(answer) as (gateway, _), pytest.raises(NeedsOperator, match="WARNING_CONTINUE_CVV"):
        gateway.begin(fresh_order(), RETURNS, now=NOON)


def test_name_that_is_taken() -> None:
    """When somebody else began the same order at the same moment, the next name is tried."""
    url = "https://secure.payu.com/pay/"
    with _answered(_taken_name(), _taken_name(), _redirect(url)) as (gateway, server):
        assert url == gateway.begin(replace(fresh_order(), id="0a1b"), RETURNS, now=NOON).url
    names = [json.loads(each.partition(b"\r\n\r\n")[2])["extOrderId"] for each in server.asked[1:]]
    assert [f"0a1b-{MOMENT + each}" for each in range(3)] == names


def test_names_that_are_all_taken() -> None:
    """A PayU that knows every name is not asked for ever."""
    with _answered(_taken_name()) as (gateway, server):
        with pytest.raises(NeedsOperator, match="look at them"):
            gateway.begin(fresh_order(), RETURNS, now=NOON)
        assert 1 + TRIES == len(server.asked)


@pytest.mark.parametrize(
    "answer", [reply(400, b"{}"), reply(400, b"<html>"), reply(403, b'{"status": {"statusCode": "X"}}')]
)
def test_refusal(answer: bytes) -> None:
    """Another refusal begins nothing and is not repeated."""
    with _answered(answer) as (gateway, server):
        with pytest.raises(Rejected):
            gateway.begin(fresh_order(), RETURNS, now=NOON)
        assert 2 == len(server.asked)


# What may be asked


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("NEW", None),
        ("PENDING", "pending"),
        ("WAITING_FOR_CONFIRMATION", "pending"),
        ("COMPLETED", "paid"),
        ("CANCELED", "failed"),
        ("completed", None),
        ("SOMETHING_NEW", None),
    ],
)
def test_what_a_status_means(status: str, kind: str | None) -> None:
    """Only `COMPLETED` is paid, and what is new to us says nothing."""
    order = _begun()
    known = _known(extOrderId=f"{order.id}-{MOMENT}", status=status)
    with _answered(_shown(known), reply(200, b"[]")) as (gateway, _):
        assert ([kind] if kind else []) == [event.kind for event in gateway.ask(order)]


def test_answer_says_what_a_notification_does() -> None:
    """The same order told and asked about is the same event."""
    order = _begun()
    known = _known(extOrderId=f"{order.id}-{MOMENT}")
    with _answered(_shown(known), reply(200, b"[]")) as (gateway, _):
        assert [gateway.verify(signed({"order": known}))] == [*gateway.ask(order)]


@pytest.mark.parametrize(
    "change", [{"extOrderId": f"another-{MOMENT}"}, {"orderId": "B2"}, {"extOrderId": "another"}], ids=str
)
def test_answer_about_another_order(change: dict[str, str]) -> None:
    """What PayU says of another order tells nothing about this one."""
    order = _begun()
    known = _known(**{"extOrderId": f"{order.id}-{MOMENT}", **change})
    with _answered(_shown(known)) as (gateway, _), pytest.raises(NeedsOperator, match="another order"):
        gateway.ask(order)


def test_answer_of_another_point_of_sale() -> None:
    """Another point of sale in an answer is read as that one, so that the worker refuses it."""
    order = _begun()
    known = _known(extOrderId=f"{order.id}-{MOMENT}", merchantPosId="666")
    with _answered(_shown(known), reply(200, b"[]")) as (gateway, _):
        assert ["666"] == [event.shop_id for event in gateway.ask(order)]


@pytest.mark.parametrize("content", [{}, {"orders": []}, {"orders": [{"status": "COMPLETED"}]}], ids=str)
def test_answer_without_what_was_asked(content: object) -> None:
    """An answer without the order is no answer."""
    with _answered(reply(200, json.dumps(content).encode())) as (gateway, _), pytest.raises(KramikError):
        gateway.ask(_begun())


def test_order_that_payu_does_not_know() -> None:
    """An order that is not found tells nothing."""
    with _answered(reply(404, b'{"status": {"statusCode": "DATA_NOT_FOUND"}}')) as (gateway, _):
        assert [] == [*gateway.ask(_begun())]


@pytest.mark.parametrize("envelope", [False, True])
def test_refund_is_found_with_its_payment(*, envelope: bool) -> None:
    """What went back is told before the payment, as its notification would; other states say nothing."""
    order = _begun()
    known = _known(extOrderId=f"{order.id}-{MOMENT}")
    refund = {"refundId": "77", "amount": "100", "currencyCode": "PLN", "status": "FINALIZED"}
    listed = [refund, {**refund, "refundId": "78", "status": "PENDING"}]
    answer = reply(200, json.dumps({"refunds": listed} if envelope else listed).encode())
    told = signed({"orderId": PAYU_ID, "extOrderId": known["extOrderId"], "refund": refund})
    with _answered(_shown(known), answer) as (gateway, _):
        assert [gateway.verify(told), gateway.verify(signed({"order": known}))] == [*gateway.ask(order)]


@pytest.mark.parametrize("status", [403, 404])
def test_refunds_that_nobody_may_see(status: int) -> None:
    """A client that may not look at refunds still finds the payment."""
    order = _begun()
    known = _known(extOrderId=f"{order.id}-{MOMENT}")
    with _answered(_shown(known), reply(status)) as (gateway, _):
        assert ["paid"] == [event.kind for event in gateway.ask(order)]


def test_refunds_that_nobody_knows_now() -> None:
    """While PayU can not say whether the money went back, nothing is granted: the order is asked about again."""
    order = _begun()
    known = _known(extOrderId=f"{order.id}-{MOMENT}")
    with _answered(_shown(known), reply(500)) as (gateway, _), pytest.raises(OutcomeUnknown):
        gateway.ask(order)


# In a running world


@pytest.fixture
def place() -> Iterator[Place]:
    """A world."""
    with opened() as place:
        yield place


def test_forgotten_token(place: Place) -> None:
    """When PayU does not take a token any more, a fresh one is asked for and the buyer notices nothing."""
    gateway = called_gateway(NAME, place)
    order = order_of(NAME, gateway)
    gateway.begin(order, RETURNS, now=NOON)
    place.fault(peer=NAME, operation="begin", fault="refuse", status=401)
    assert gateway.begin(order, RETURNS, now=NOON + timedelta(seconds=1)).url
    gateway.close()


@pytest.mark.parametrize("fault", ["refuse", "garbage", "drop", "too_many_requests"])
def test_without_a_token(place: Place, fault: str) -> None:
    """While PayU grants no token nothing is created there; the order waits and goes on later."""
    gateway = called_gateway(NAME, place)
    order = order_of(NAME, gateway)
    place.fault(peer=NAME, operation="token", fault=fault)
    with pytest.raises(Transient):
        gateway.begin(order, RETURNS, now=NOON)
    assert gateway.begin(order, RETURNS, now=NOON).url
    gateway.close()


def test_lasting(gateway: PayuRestGateway) -> None:
    """A buyer is sent to an order only while it can surely be paid."""
    assert 86_400 - 600 == gateway.lasts


def signed(body: object, *, algorithm: str = "MD5") -> RawNotification:
    """Return a notification that our key signed."""
    content = json.dumps(body).encode()
    hashes = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
    made = hashes[algorithm](content + KEY.encode()).hexdigest()
    return RawNotification(headers=_header(made, algorithm), query="", body=content)


def _header(signature: str, algorithm: str = "MD5") -> dict[str, str]:
    return {HEADERS[0]: f"sender=checkout;signature={signature};algorithm={algorithm};content=DOCUMENT"}


def _known(**changes: str) -> dict[str, str]:
    known = {
        "orderId": PAYU_ID,
        "extOrderId": f"0a1b-{MOMENT}",
        "merchantPosId": "300746",
        "currencyCode": "PLN",
        "totalAmount": "29900",
        "status": "COMPLETED",
    }
    return {**known, **changes}


def _shown(known: object) -> bytes:
    return reply(200, json.dumps({"orders": [known], "status": {"statusCode": "SUCCESS"}}).encode())


def _redirect(url: str, *, code: str = "SUCCESS") -> bytes:
    content = {"status": {"statusCode": code}, "redirectUri": url, "orderId": PAYU_ID}
    return reply(302, json.dumps(content).encode(), "location: /elsewhere")


def _taken_name() -> bytes:
    return reply(400, b'{"status": {"statusCode": "ERROR_ORDER_NOT_UNIQUE", "code": "110"}}')


def _begun() -> Order:
    """Return an order that was begun at PayU."""
    return fresh_order().begin_payment(Begun(reference=PAYU_ID, url="https://secure.payu.com/", at=NOON))


@contextmanager
def _answered(*answers: bytes) -> Iterator[tuple[PayuRestGateway, RawServer]]:
    """Make a gateway that is granted a token, and then answered in this way."""
    with serving(in_turn(GRANTED, *answers)) as server:
        gateway = PayuRestGateway(replace(SETTINGS, base_url=server.url), call_seconds=1)
        yield gateway, server
        gateway.close()


def _calls(order: Order, **settings: str) -> list[Call]:
    """Return what the gateway sends to begin a payment, as PayU's side reads it."""
    with serving(in_turn(GRANTED, reply(503))) as server:
        gateway = PayuRestGateway(replace(SETTINGS, base_url=server.url, **settings), call_seconds=1)
        with pytest.raises(KramikError):
            gateway.begin(order, RETURNS, now=NOON)
        gateway.close()
    return [sent(each) for each in server.asked]
