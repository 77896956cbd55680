"""Stripe Checkout: the promises about notifications, whose sales they are, and what is said and answered in a call."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from msgspec.structs import replace

from kramik.errors import ConfigurationError, KramikError, NeedsOperator, NotAuthentic, Rejected, Transient
from kramik.event import Begun, PaymentEvent
from kramik.gateways.stripe.checkout import WINDOW, Settings, StripeCheckout
from kramik.gateways.stripe.signature import HEADER
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification
from kramik.sandbox import dialect as world
from kramik.sandbox.dialect import Call, Notification, Panel, Refusal
from kramik.sandbox.vendors.stripe_checkout import DEMO, StripeCheckoutDialect, dialect
from tests.contracts.gateway import NOTIFICATIONS, ODD_TITLES, RETURNS, Till, renamed
from tests.docs.test_gateways import ASKED
from tests.sandbox.place import fresh_order
from tests.story.example import ANNA, NOON
from tests.unit.raw_server import answering, reply, serving

SETTINGS = msgspec.convert({**DEMO, "base_url": "http://127.0.0.1:9"}, Settings)
SESSION = {
    "id": "cs_test_1",
    "amount_total": 29_900,
    "currency": "pln",
    "payment_status": "paid",
    "status": "complete",
    "payment_link": None,
    "payment_intent": "pi_1",
    "client_reference_id": "0a1b",
    "metadata": {"order": "0a1b"},
}
CHARGE = {
    "id": "ch_1",
    "payment_intent": "pi_1",
    "currency": "pln",
    "amount_refunded": 29_900,
    "metadata": {"order": "0a1b"},
}
COMPLETED = "checkout.session.completed"


@pytest.fixture
def gateway() -> Iterator[StripeCheckout]:
    """The gateway of the demo's account, which calls nobody here."""
    made = StripeCheckout(SETTINGS, call_seconds=1)
    yield made
    made.close()


@pytest.fixture
def till(gateway: StripeCheckout) -> Till:
    """Our account with Stripe's side."""
    return Till(
        gateway=gateway,  # type: ignore[arg-type]  # only what every gateway does is asked of it here
        name="stripe_checkout",
        order=fresh_order(),
        secrets=(SETTINGS.webhook_secret, SETTINGS.api_key),
        acknowledgement=Acknowledgement(body=b"OK"),
        without_key=lambda: StripeCheckout(replace(SETTINGS, webhook_secret=""), call_seconds=1),
        told=_told,
        signature=lambda raw: raw.headers[HEADER].split(",")[1].removeprefix("v1="),
        resigned=_resigned,
        read_as=_read_as,
    )


@pytest.mark.parametrize("promise", NOTIFICATIONS)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise about notifications."""
    promise(till)


@pytest.mark.parametrize(
    ("event", "status", "kind"),
    [
        (COMPLETED, "paid", "paid"),
        (COMPLETED, "no_payment_required", "paid"),
        (COMPLETED, "unpaid", "pending"),
        (COMPLETED, "something new", "pending"),
        ("checkout.session.async_payment_succeeded", "paid", "paid"),
        ("checkout.session.async_payment_failed", "unpaid", "failed"),
        ("checkout.session.expired", "unpaid", "failed"),
        ("payment_intent.succeeded", "paid", None),
        ("", "paid", None),
    ],
)
def test_what_an_event_means(gateway: StripeCheckout, event: str, status: str, kind: str | None) -> None:
    """Only a session whose payment status is `paid` is paid; one that expired serves nobody any more."""
    told = gateway.verify(event_of(event, {**SESSION, "payment_status": status}))
    assert kind == (told and told.kind)
    assert told is None or told.begun == "cs_test_1"


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        (COMPLETED, {**SESSION, "metadata": {}}),
        (COMPLETED, {**SESSION, "metadata": None}),
        (COMPLETED, {**SESSION, "metadata": {"order": ""}}),
        (COMPLETED, {**SESSION, "metadata": {"other": "0a1b"}}),
        (COMPLETED, {**SESSION, "payment_link": "plink_1"}),
        ("charge.refunded", {**CHARGE, "metadata": {}}),
        ("charge.refunded", {**CHARGE, "metadata": None}),
        ("customer.created", {"id": "cus_1"}),
    ],
    ids=str,
)
def test_other_sales_of_the_account_are_not_ours(
    gateway: StripeCheckout, kind: str, thing: dict[str, Any]
) -> None:
    """What carries no order of ours, or comes over a link, says nothing about this shop."""
    assert gateway.verify(event_of(kind, thing)) is None


def test_refund_names_order_and_payment(gateway: StripeCheckout) -> None:
    """A refund is found by the order's id that was copied to the charge, and counts what went back this time."""
    told = gateway.verify(event_of("charge.refunded", CHARGE, {"amount_refunded": 10_000}))
    assert told is not None
    facts = (told.order, told.of, told.reference, told.money)
    assert ("0a1b", "pi_1", "ch_1-29900", Money(minor=19_900, currency="PLN")) == facts


@pytest.mark.parametrize(
    ("status", "kind"), [("needs_response", "chargeback"), ("warning_needs_response", None)]
)
def test_dispute_names_the_payment(gateway: StripeCheckout, status: str, kind: str | None) -> None:
    """A dispute leads to the order by its payment; an inquiry takes no money."""
    dispute = {"id": "dp_1", "amount": 29_900, "currency": "pln", "charge": "ch_1", "status": status}
    told = gateway.verify(event_of("charge.dispute.created", {**dispute, "payment_intent": "pi_1"}))
    assert (kind, "pi_1") == (told and told.kind, told.of if told else "pi_1")


@pytest.mark.parametrize(
    "change",
    [
        {"amount_total": 29_900.0},
        {"amount_total": "29900"},
        {"amount_total": "\uff11\uff10"},
        {"amount_total": -1},
        {"amount_total": 10**12},
        {"amount_total": None},
        {"currency": "PLN"},
        {"currency": "pln\n"},
        {"id": ""},
        {"metadata": ["a"]},
        {"metadata": {"order": 5}},
        {"metadata": "0a1b"},
    ],
    ids=str,
)
def test_odd_field_is_for_a_person(gateway: StripeCheckout, change: dict[str, Any]) -> None:
    """A signed event with a field that can not be read is kept for a person."""
    with pytest.raises(NeedsOperator):
        gateway.verify(event_of(COMPLETED, {**SESSION, **change}))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"type": "a", "data": []}', b"[" * 60_000],
)
def test_odd_body_is_for_a_person(gateway: StripeCheckout, body: bytes) -> None:
    """A signed body that is no event is kept for a person."""
    with pytest.raises(NeedsOperator):
        gateway.verify(signed(body))


@pytest.mark.parametrize("key", ["", SETTINGS.api_key, SETTINGS.webhook_secret.removeprefix("whsec_")])
def test_another_key_is_not_authentic(gateway: StripeCheckout, key: str) -> None:
    """The secret signs as it is written, with its prefix; the key for the API signs nothing."""
    with pytest.raises(NotAuthentic):
        gateway.verify(signed(json.dumps({"type": COMPLETED}).encode(), key=key))


def test_both_keys_are_needed() -> None:
    """All empty keys are reported together."""
    with pytest.raises(ConfigurationError) as caught:
        StripeCheckout(replace(SETTINGS, api_key=" ", webhook_secret=""), call_seconds=1)
    assert ["api_key", "webhook_secret"] == [each.field for each in caught.value.problems]


# What a call says


def test_call_says_everything_and_no_more() -> None:
    """A session is begun with these facts, and the vendor's side takes them (computed from the documents)."""
    order = replace(fresh_order(title="Żółwie & „agregaty”"), id="0a1b2c3d4e5f6g7h8j9kmnpqrs")
    call = _call(order)
    assert {
        "mode": "payment",
        "client_reference_id": order.id,
        "metadata[order]": order.id,
        "payment_intent_data[metadata][order]": order.id,
        "customer_email": order.intent.buyer.email,
        "success_url": RETURNS.done,
        "cancel_url": RETURNS.failed,
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "pln",
        "line_items[0][price_data][unit_amount]": "29900",
        "line_items[0][price_data][product_data][name]": "Żółwie & „agregaty”",
        "adaptive_pricing[enabled]": "false",
        "locale": "pl",
    } == dict(parse_qsl(call.body.decode()))
    assert f"Bearer {SETTINGS.api_key}" == call.headers["authorization"]
    assert isinstance(_taken(call), world.Begun)


@pytest.mark.parametrize("title", ODD_TITLES)
@pytest.mark.parametrize("email", ["anna+kurs@example.com", "o'neil.żak@example.com"])
def test_any_text_is_taken(title: str, email: str) -> None:
    """Whatever stands in an order that we take fits the vendor's side; an odd address is left to Stripe's own page."""
    order = renamed(fresh_order(), title, replace(ANNA, email=email))
    call = _call(order)
    assert isinstance(_taken(call), world.Begun)
    given = dict(parse_qsl(call.body.decode())).get("customer_email")
    assert given == (email if email.isascii() else None)


@pytest.mark.parametrize(
    ("method", "word"), [("blik", "blik"), ("card", "card"), ("transfer", "p24"), ("cash", None), ("", None)]
)
def test_methods(method: str, word: str | None) -> None:
    """A way to pay that Stripe knows goes along in its words."""
    form = dict(parse_qsl(_call(fresh_order(method=method)).body.decode()))
    assert word == form.get("payment_method_types[0]")


@pytest.mark.parametrize(
    ("money", "units"),
    [
        (Money(minor=1000, currency="JPY"), "1000"),
        (Money(minor=5000, currency="ISK"), "500000"),
        (Money(minor=1230, currency="KWD"), "1230"),
    ],
)
def test_units_of_a_currency(money: Money, units: str) -> None:
    """Stripe counts some currencies in units that they do not have."""
    form = dict(parse_qsl(_call(fresh_order(price=money)).body.decode()))
    assert units == form["line_items[0][price_data][unit_amount]"]


def test_same_call_for_ten_minutes() -> None:
    """The idempotency key stays for ten minutes and an equal call; later, or for another number, it is another."""
    order = fresh_order()
    first = Begun(reference="cs_1", url="https://checkout.stripe.com/", at=NOON)
    calls = [
        _call(order),
        _call(order, late=WINDOW - 1),
        _call(order, late=WINDOW),
        _call(order.begin_payment(first)),
        _call(renamed(order, "another title", ANNA)),
    ]
    keys = [call.headers["idempotency-key"] for call in calls]
    assert [True, False, False, False] == [keys[0] == key for key in keys[1:]]
    assert all(len(key) <= 255 for key in keys)


@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "stripe-version", "content-type"])
@pytest.mark.parametrize("value", ["", None])
def test_vendor_checks_every_header(name: str, value: str | None) -> None:
    """The simulator takes no call of which a header was emptied or left out."""
    call = _call(fresh_order())
    headers = {key: text for key, text in {**call.headers, name: value}.items() if text is not None}
    with pytest.raises(Refusal):
        _taken(replace(call, headers=headers))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"mode=payment", b"mode=setup"),
        (b"=29900", b"=0"),
        (b"=29900", b"=-29900"),
        (b"=29900", b"=299.00"),
        (b"=29900", b"=1e3"),
        (b"=pln", b"=PLN"),
        (b"mode=payment", b"mode=payment&mode=payment"),
        (b"mode=payment", b"mode=payment&surprise=1"),
        (b"%5Bquantity%5D=1", b"%5Bquantity%5D=2"),
    ],
)
def test_vendor_checks_every_field(old: bytes, new: bytes) -> None:
    """The simulator takes no form with odd, doubled or unknown fields."""
    call = _call(fresh_order())
    assert old in call.body
    with pytest.raises(Refusal):
        _taken(replace(call, body=call.body.replace(old, new)))


def test_vendor_takes_a_key_for_one_form_only() -> None:
    """The simulator begins nothing when an idempotency key comes with another form, and the same with the same."""
    side, call, other = dialect(Panel()), _call(fresh_order()), _call(fresh_order())
    first, again = _taken(call, side), _taken(call, side)
    assert isinstance(first, world.Begun)
    assert isinstance(again, world.Begun)
    assert first.request == again.request
    key = call.headers["idempotency-key"]
    with pytest.raises(Refusal, match="idempotent"):
        _taken(replace(other, headers={**other.headers, "idempotency-key": key}), side)


# What an answer may say


ORDER = replace(fresh_order(), id="0a1b")
OPEN = {
    **SESSION,
    "status": "open",
    "payment_status": "unpaid",
    "url": "https://checkout.stripe.com/c/pay/cs_test_1#a",
}


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://evil.example/c/pay/cs_test_1"},
        {"url": None},
        {"url": ""},
        {"amount_total": 36_777},
        {"currency": "eur"},
        {"metadata": {}},
        {"metadata": {"order": "another"}},
        {"id": ""},
        {"amount_total": None},
    ],
    ids=str,
)
def test_answer_that_is_something_else(change: dict[str, Any]) -> None:
    """A session that is not the one we asked for, or leads elsewhere, begins nothing."""
    with _answered({**OPEN, **change}) as gateway, pytest.raises(KramikError):
        gateway.begin(ORDER, RETURNS, now=NOON)


def test_answer_that_leads_to_the_pay_page() -> None:
    """The address of the session is where the buyer goes."""
    with _answered(OPEN) as gateway:
        begun = Begun(reference="cs_test_1", url=str(OPEN["url"]), at=NOON)
        assert begun == gateway.begin(ORDER, RETURNS, now=NOON)


@pytest.mark.parametrize(
    ("status", "error"), [(409, Transient), (400, Rejected), (402, Rejected), (429, Transient)]
)
def test_refusal(status: int, error: type[KramikError]) -> None:
    """A call at the same moment is tried again later; what Stripe refuses is shown."""
    with _answered({"error": {"message": "no"}}, status) as gateway, pytest.raises(error):
        gateway.begin(ORDER, RETURNS, now=NOON)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, ["paid"]),
        ({"payment_status": "unpaid"}, ["pending"]),
        ({"status": "expired", "payment_status": "unpaid"}, ["failed"]),
        ({"status": "open", "payment_status": "unpaid"}, []),
        ({"status": "something new"}, []),
        ({"status": None}, []),
    ],
    ids=str,
)
def test_asking(change: dict[str, Any], kinds: list[str]) -> None:
    """What a session has become is read as its event would have been."""
    order = ORDER.begin_payment(Begun(reference="cs_test_1", url="https://checkout.stripe.com/", at=NOON))
    with _answered({**SESSION, **change}) as gateway:
        found = list(gateway.ask(order))
        assert kinds == [each.kind for each in found]
        names = {"paid": COMPLETED, "pending": COMPLETED, "failed": "checkout.session.expired"}
        told = [gateway.verify(event_of(names[each.kind], {**SESSION, **change})) for each in found]
        assert told == found


@pytest.mark.parametrize(
    "change", [{"id": "cs_test_2"}, {"metadata": {"order": "another"}}, {"metadata": {}}]
)
def test_answer_about_another_order(change: dict[str, Any]) -> None:
    """A session that is not the one asked for, or another order's, grants nothing."""
    order = ORDER.begin_payment(Begun(reference="cs_test_1", url="https://checkout.stripe.com/", at=NOON))
    with _answered({**SESSION, **change}) as gateway, pytest.raises(NeedsOperator):
        gateway.ask(order)


def event_of(kind: str, thing: dict[str, Any], before: dict[str, Any] | None = None) -> RawNotification:
    """Return a signed event."""
    data = {"object": thing, "previous_attributes": before}
    return signed(json.dumps({"type": kind, "data": data}).encode())


def signed(body: bytes, *, key: str = SETTINGS.webhook_secret) -> RawNotification:
    """Return a notification with this body, signed."""
    mac = hmac.digest(key.encode(), b"7." + body, "sha256").hex()
    return RawNotification(headers={HEADER: f"t=7,v1={mac}"}, query="", body=body)


def _told(event: PaymentEvent) -> RawNotification:
    """Let Stripe tell this."""
    money = event.money or Money(minor=0, currency="PLN")
    about = {"id": event.reference, "kind": event.kind, "order": event.order, "shop_id": event.shop_id}
    facts = {**about, "amount": money.minor, "currency": money.currency, "of": event.of}
    asked = replace(ASKED, order=event.order, reference="cs_test_begun")
    [letter] = dialect(Panel()).letters(msgspec.convert(facts, Notification), asked)
    return RawNotification(headers=letter.headers, query="", body=letter.body)


def _read_as(event: PaymentEvent) -> PaymentEvent:
    """Name the facts as Stripe does: a payment is its intent, and a refund a charge with what went back so far."""
    told = json.loads(_told(event).body)["data"]["object"]
    payment = told["payment_intent"]
    if event.kind == "paid":
        return replace(event, reference=payment, begun="cs_test_begun")
    return replace(event, reference=f"{told['id']}-{told['amount_refunded']}", of=payment)


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    stamp = raw.headers[HEADER].split(",")[0]
    return replace(raw, headers={} if signature is None else {HEADER: f"{stamp},v1={signature}"})


@contextmanager
def _answered(content: object, status: int = 200) -> Iterator[StripeCheckout]:
    """Make a gateway that is answered with this JSON whatever it asks."""
    with serving(answering(reply(status, json.dumps(content).encode()))) as server:
        gateway = StripeCheckout(replace(SETTINGS, base_url=server.url), call_seconds=1)
        yield gateway
        gateway.close()


def _call(order: Order, *, late: float = 0) -> Call:
    """Return what the gateway sends to begin a session, as the vendor's side reads it."""
    with serving(answering(reply(503, b"{}"))) as server:
        gateway = StripeCheckout(replace(SETTINGS, base_url=server.url), call_seconds=1)
        with pytest.raises(KramikError):
            gateway.begin(order, RETURNS, now=NOON + timedelta(seconds=late))
        gateway.close()
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    pairs = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Call(method="POST", path="/v1/checkout/sessions", query="", headers=headers, body=body)


class _Nobody:
    """A book in which nothing is written."""

    def payments(self, order: str) -> list[Notification]:
        return []

    def write(self, effect: str, order: str, **facts: str | int) -> None:
        raise AssertionError(effect)


def _taken(call: Call, side: StripeCheckoutDialect | None = None) -> object:
    return (side or dialect(Panel())).call(call, _Nobody())
