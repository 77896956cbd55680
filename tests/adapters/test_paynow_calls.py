"""paynow: what a call says, what its answers may say, and a buyer's second try in a running world."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from kramik.errors import KramikError, NeedsOperator, Rejected, Transient
from kramik.event import Begun, PaymentEvent
from kramik.gateways.paynow import LONGEST_EMAIL, WINDOW, PaynowGateway, Settings, signature
from kramik.order import Order
from kramik.payment import RawNotification
from kramik.sandbox import dialect as world
from kramik.sandbox.dialect import Call, Notification, Panel, Refusal
from kramik.sandbox.vendors.paynow import DEMO, PaynowDialect, dialect
from tests.contracts.called import called_gateway, order_of
from tests.contracts.gateway import RETURNS
from tests.sandbox.place import Place, fresh_order, opened
from tests.story.example import NOON
from tests.unit.raw_server import RawServer, answering, reply, serving

SETTINGS = msgspec.convert({**DEMO, "base_url": "http://127.0.0.1:9"}, Settings)
KEY = SETTINGS.signature_key


@pytest.fixture
def gateway() -> Iterator[PaynowGateway]:
    """The gateway of the demo's shop, which calls nobody here."""
    made = PaynowGateway(SETTINGS, call_seconds=1)
    yield made
    made.close()


# What a call says


def test_call_says_everything_and_no_more() -> None:
    """A payment is begun with these facts, in a signed call that the vendor's side takes (computed vector)."""
    order = _named(fresh_order(title="Żółwie & „agregaty”"))
    call = _call(order)
    buyer = {"email": order.intent.buyer.email, "locale": "pl-PL"}
    assert {
        "amount": 29_900,
        "currency": "PLN",
        "externalId": "0a1b2c3d4e5f6g7h8j9kmnpqrs_0",
        "description": "Żółwie & „agregaty”",
        "continueUrl": RETURNS.done,
        "validityTime": 86_400,
        "buyer": buyer,
    } == json.loads(call.body)
    key = call.headers["idempotency-key"]
    heads = {"Api-Key": SETTINGS.api_key, "Idempotency-Key": key}
    text = json.dumps({"headers": heads, "parameters": {}, "body": call.body.decode()}, separators=(",", ":"))
    mac = b64encode(hmac.digest(KEY.encode(), text.encode(), "sha256")).decode()
    assert (mac, SETTINGS.api_key) == (call.headers["signature"], call.headers["api-key"])
    assert isinstance(_taken(call), world.Begun)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a\r\n\t b", "a b"),
        ("ż" * 300, "ż" * 255),
        ("  ", "0a1b2c3d4e5f6g7h8j9kmnpqrs"),
        ("課程 🐢", "課程 🐢"),
    ],
)
def test_titles_fit(title: str, shown: str) -> None:
    """A title is one line of at most 255 characters and never empty."""
    call = _call(_named(fresh_order(title=title)))
    assert shown == json.loads(call.body)["description"]
    assert isinstance(_taken(call), world.Begun)


@pytest.mark.parametrize(("method", "number"), [("blik", 2007), ("card", 2002), ("cash", None), ("", None)])
def test_methods(method: str, number: int | None) -> None:
    """A way to pay that paynow knows goes along as its number."""
    call = _call(_named(fresh_order(method=method)))
    assert number == json.loads(call.body).get("paymentMethodId")


def test_address_with_a_plus() -> None:
    """An odd but valid address goes along as it was typed."""
    order = _bought_by("żółw+a&b@example.com")
    assert "żółw+a&b@example.com" == json.loads(_call(order).body)["buyer"]["email"]


def test_long_address(gateway: PaynowGateway) -> None:
    """An address that paynow does not take is refused before it is called, with the reason."""
    with pytest.raises(NeedsOperator, match="50 characters"):
        gateway.begin(_bought_by(f"{'a' * LONGEST_EMAIL}@example.org"), RETURNS, now=NOON)


@pytest.mark.parametrize("name", ["api-key", "signature", "idempotency-key"])
@pytest.mark.parametrize("value", ["", "x", "ł", None])
def test_vendor_checks_every_header(name: str, value: str | None) -> None:
    """The simulator takes no call of which a signed header was changed or left out."""
    call = _call(_named(fresh_order()))
    headers = {key: text for key, text in {**call.headers, name: value}.items() if text is not None}
    with pytest.raises(Refusal):
        _taken(replace(call, headers=headers))


def test_vendor_checks_the_body() -> None:
    """The simulator takes no call of which any byte of the body was changed."""
    call = _call(_named(fresh_order()))
    taken = [at for at in range(len(call.body)) if _takes(replace(call, body=_flipped(call.body, at)))]
    assert [] == taken


def test_same_call_within_the_hour() -> None:
    """The idempotency key stays for an hour and an equal call; later, or for another number, it is another."""
    order = _named(fresh_order())
    first = Begun(reference="A-1", url="https://paywall.example/", at=NOON)
    calls = [
        _call(order),
        _call(order, late=WINDOW - 1),
        _call(order, late=WINDOW),
        _call(order.begin_payment(first)),
    ]
    keys = [call.headers["idempotency-key"] for call in calls]
    assert [True, False, False] == [keys[0] == key for key in keys[1:]]
    assert all(len(key) <= 45 for key in keys)


def test_vendor_takes_a_key_for_one_body_only() -> None:
    """The simulator begins nothing when an idempotency key comes with another request."""
    side, order = dialect(Panel()), _named(fresh_order())
    call, other = _call(order), _call(_named(fresh_order(title="b")))
    assert isinstance(side.call(call, _book()), world.Begun)
    key = call.headers["idempotency-key"]
    mac = signature(SETTINGS.api_key, KEY.encode(), key, other.body)
    swapped = replace(other, headers={**other.headers, "idempotency-key": key, "signature": mac})
    with pytest.raises(Refusal, match="Idempotency-Key"):
        side.call(swapped, _book())


# What an answer may say


@pytest.mark.parametrize(
    "answer",
    [
        {"paymentId": "A-1", "redirectUrl": "https://evil.example/"},
        {"paymentId": "A-1", "redirectUrl": ""},
        {"paymentId": "A-1"},
        {"paymentId": "A/1", "redirectUrl": "https://paywall.paynow.pl/"},
        {"paymentId": "", "redirectUrl": "https://paywall.paynow.pl/"},
        {"redirectUrl": "https://paywall.paynow.pl/"},
        {},
        [],
    ],
    ids=str,
)
def test_answer_that_leads_nowhere(answer: object) -> None:
    """An answer without an id, or with an address outside of paynow, begins nothing."""
    with _answered(answer) as gateway, pytest.raises(KramikError):
        gateway.begin(fresh_order(), RETURNS, now=NOON)


def test_answer_that_leads_to_the_pay_page() -> None:
    """The address of the answer is where the buyer goes."""
    url = "https://paywall.paynow.pl/A-1?token=a.b"
    with _answered({"paymentId": "A-1", "redirectUrl": url, "status": "NEW"}) as gateway:
        assert Begun(reference="A-1", url=url, at=NOON) == gateway.begin(fresh_order(), RETURNS, now=NOON)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("NEW", Transient),
        ("PENDING", Transient),
        ("SOMETHING_NEW", Transient),
        ("REJECTED", NeedsOperator),
        ("ABANDONED", NeedsOperator),
        ("EXPIRED", NeedsOperator),
    ],
)
def test_contradiction_is_not_believed(status: str, error: type[KramikError]) -> None:
    """A signed notification alone grants nothing while paynow itself says otherwise."""
    order, event = _told_of("A-1")
    with _answered({"paymentId": "A-1", "status": status}) as gateway, pytest.raises(error):
        gateway.confirm(order, event)


def test_answer_about_another_payment() -> None:
    """What paynow says of another payment confirms nothing and tells nothing."""
    order, event = _told_of("A-1")
    with _answered({"paymentId": "B-2", "status": "CONFIRMED"}) as gateway:
        for question in (lambda: gateway.confirm(order, event), lambda: gateway.ask(order)):
            with pytest.raises(NeedsOperator, match="another payment"):
                question()


def test_what_does_not_fit_is_not_asked_about() -> None:
    """A payment for another order or another shop comes back as it is, without a call."""
    order, event = _told_of("A-1")
    with serving(answering(reply(200, b"{}"))) as server:
        gateway = PaynowGateway(replace(SETTINGS, base_url=server.url), call_seconds=1)
        for other in (replace(event, order="another"), replace(event, shop_id="another")):
            assert other == gateway.confirm(order, other)
        gateway.close()
        assert [] == server.asked


def test_payment_that_paynow_does_not_know_any_more() -> None:
    """A payment of ours that is not found is refused for a person, and asking about it tells nothing."""
    order, event = _told_of("A-1")
    with _answered({"errors": []}, 404) as gateway:
        assert [] == gateway.ask(order)
        with pytest.raises(Rejected):
            gateway.confirm(order, event)


# In a running world


class Visit:
    """A payment that was begun in a world, and the shop that is told about it."""

    def __init__(self, place: Place, shop: RawServer, gateway: PaynowGateway) -> None:
        self.place, self.shop, self.gateway = place, shop, gateway
        order = order_of("paynow", gateway)
        self.begun = gateway.begin(order, RETURNS, now=NOON)
        self.order = order.begin_payment(self.begun)

    def press(self, action: str) -> None:
        """Press a button of the pay page."""
        answer = self.place.browser.post(self.begun.url.partition("?")[0], data={"action": action})
        assert answer.status_code == 303

    def events(self, count: int) -> list[PaymentEvent]:
        """Wait until the shop was told so often; return what was told."""
        for _ in range(2000):
            if len(self.shop.asked) >= count:
                break
            self.place.browser.get("/panel")
        events = [self.gateway.verify(_raw(each)) for each in self.shop.asked]
        return [each for each in events if each is not None]


@pytest.fixture
def visit() -> Iterator[Visit]:
    """A buyer on the way to pay."""
    with opened() as place, serving(answering(reply(202, b""))) as shop:
        gateway = called_gateway("paynow", place)
        panel = {"vendor": "paynow", "notify": f"{shop.url}/told", "shop": "https://kurs.example"}
        place.browser.post("/panel", json=panel).raise_for_status()
        assert isinstance(gateway, PaynowGateway)
        yield Visit(place, shop, gateway)
        gateway.close()


def test_second_try_on_paynows_page(visit: Visit) -> None:
    """A buyer who tries again at paynow pays with an id that we never saw; the abandoned first one vouches for it."""
    visit.press("fail")
    visit.press("pay")
    events = visit.events(3)
    first = visit.begun.reference
    kinds = sorted((each.kind, each.reference == first) for each in events)
    assert [("failed", True), ("failed", True), ("paid", False)] == kinds
    (paid,) = [each for each in events if each.kind == "paid"]
    after = visit.order.apply(visit.gateway.confirm(visit.order, paid), now=NOON)
    assert ("paid", "accepted") == (after.status, after.payments[0].verdict)


def test_payment_that_replaces_none_of_ours(visit: Visit) -> None:
    """A second payment under our name, while the first one stands, has no amount that we know: a person looks."""
    visit.press("pay_twice")
    events = visit.events(2)
    (other,) = [each for each in events if each.reference != visit.begun.reference]
    assert other == visit.gateway.confirm(visit.order, other)
    assert "parked" == visit.order.apply(other, now=NOON).state


def test_asking_follows_what_was_told(visit: Visit) -> None:
    """Of a payment whose id was told once, what became of it is found although later messages were lost."""
    visit.press("fail")
    visit.press("pending")
    told = visit.events(3)
    order = visit.order
    for event in told:
        order = order.apply(event, now=NOON)
    visit.press("pay")
    found = visit.gateway.ask(order)
    (paid,) = [each for each in found if each.kind == "paid"]
    assert paid in visit.events(4)
    assert paid.reference != visit.begun.reference


def test_lasting() -> None:
    """A buyer is sent to a payment only while it surely can be paid: an hour may have passed before it was known."""
    gateway = PaynowGateway(replace(SETTINGS, validity=7200), call_seconds=1)
    assert 3600 == gateway.lasts
    gateway.close()


def _named(order: Order) -> Order:
    return replace(order, id="0a1b2c3d4e5f6g7h8j9kmnpqrs")


def _bought_by(email: str) -> Order:
    order = fresh_order()
    buyer = replace(order.intent.buyer, email=email)
    return replace(order, intent=replace(order.intent, buyer=buyer))


def _told_of(payment: str) -> tuple[Order, PaymentEvent]:
    """Return an order with a payment that was begun, and a notification that it was paid."""
    order = fresh_order()
    order = replace(order, intent=replace(order.intent, gateway="paynow", shop_id="paynow"))
    order = order.begin_payment(Begun(reference=payment, url="https://paywall.example/", at=NOON))
    event = PaymentEvent(order=order.id, gateway="paynow", reference=payment, kind="paid", shop_id="paynow")
    return order, event


@contextmanager
def _answered(content: object, status: int = 200) -> Iterator[PaynowGateway]:
    """Make a gateway that is answered with this JSON whatever it asks."""
    with serving(answering(reply(status, json.dumps(content).encode()))) as server:
        gateway = PaynowGateway(replace(SETTINGS, base_url=server.url), call_seconds=1)
        yield gateway
        gateway.close()


def _call(order: Order, *, late: float = 0) -> Call:
    """Return what the gateway sends to begin a payment, as the vendor's side reads it."""
    with serving(answering(reply(503, b"{}"))) as server:
        gateway = PaynowGateway(replace(SETTINGS, base_url=server.url), call_seconds=1)
        with pytest.raises(KramikError):
            gateway.begin(order, RETURNS, now=NOON + timedelta(seconds=late))
        gateway.close()
    asked = _raw(server.asked[0])
    return Call(method="POST", path="/v3/payments", query="", headers=asked.headers, body=asked.body)


def _raw(asked: bytes) -> RawNotification:
    head, _, body = asked.partition(b"\r\n\r\n")
    pairs = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return RawNotification(headers=headers, query="", body=body)


def _taken(call: Call, side: PaynowDialect | None = None) -> object:
    return (side or dialect(Panel())).call(call, _book())


def _takes(call: Call) -> bool:
    try:
        _taken(call)
    except Refusal:
        return False
    return True


def _flipped(body: bytes, at: int) -> bytes:
    changed = bytearray(body)
    changed[at] ^= 1
    return bytes(changed)


class _Nobody:
    """A book in which nothing is written."""

    def payments(self, order: str) -> list[Notification]:
        return []

    def write(self, effect: str, order: str, **facts: str | int) -> None:
        raise AssertionError(effect)


def _book() -> _Nobody:
    return _Nobody()
