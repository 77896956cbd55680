"""Stripe Payment Links: the computed vector, the promises of a gateway against its simulator, and hostile senders."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Rejected
from kramik.event import PaymentEvent
from kramik.gateways.stripe import HEADER, Link, Settings, StripeGateway
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification
from kramik.sandbox.dialect import Notification, Panel, Refusal
from kramik.sandbox.vendors import stripe as vendor
from tests.contracts.gateway import PROMISES, RETURNS, Till, fields_of
from tests.sandbox.place import fresh_order

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/stripe.json").read_text("utf-8"))
DEMO = msgspec.convert({**vendor.DEMO, "base_url": "https://buy.stripe.example"}, Settings)
SETTINGS = msgspec.structs.replace(DEMO, links={**DEMO.links, "agregaty": DEMO.links["agregaty-w-praktyce"]})
GATEWAY = StripeGateway(SETTINGS)
ORDER = fresh_order()
SESSION = {
    "id": "cs_1",
    "amount_total": 29_900,
    "currency": "pln",
    "payment_status": "paid",
    "payment_link": "plink_test_agregaty",
    "payment_intent": "pi_1",
    "client_reference_id": ORDER.id,
}
COMPLETED = "checkout.session.completed"


@pytest.fixture
def till() -> Till:
    """Our account with Stripe's side."""
    return Till(
        gateway=GATEWAY,
        name="stripe",
        order=ORDER,
        secrets=(SETTINGS.webhook_secret,),
        acknowledgement=Acknowledgement(body=b"OK"),
        without_key=lambda: StripeGateway(msgspec.structs.replace(SETTINGS, webhook_secret="")),
        told=_told,
        signature=lambda raw: raw.headers[HEADER].split(",")[1].removeprefix("v1="),
        resigned=_resigned,
        learns=("email",),
        accepts=_accepts,
        changeable=("client_reference_id", "prefilled_email"),
        read_as=_read_as,
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """Stripe keeps each promise of a gateway, but for what its links leave open."""
    promise(till)


def test_computed_header() -> None:
    """The header that follows from the body and the secret of Stripe's own tests is authentic (computed)."""
    vector = VECTORS[0]
    gateway = StripeGateway(msgspec.structs.replace(SETTINGS, webhook_secret=vector["secret"]))
    raw = RawNotification(headers={HEADER: vector["header"]}, query="", body=vector["body"].encode())
    assert gateway.verify(raw) is None


def test_link() -> None:
    """The link carries the order's id and the e-mail, also one with a plus, and nothing else."""
    buyer = msgspec.structs.replace(ORDER.intent.buyer, email="żółw+a&b@example.com")
    order = msgspec.structs.replace(ORDER, intent=msgspec.structs.replace(ORDER.intent, buyer=buyer))
    request = GATEWAY.request(order, RETURNS)
    assert (
        f"https://buy.stripe.example/test_agregaty?client_reference_id={ORDER.id}"
        "&prefilled_email=%C5%BC%C3%B3%C5%82w%2Ba%26b%40example.com"
    ) == request.url
    assert ("GET", {}) == (request.method, request.fields)


def test_product_without_a_link_is_a_problem_of_the_form() -> None:
    """A product that has no link is told before anybody pays."""
    with pytest.raises(Rejected, match="this product"):
        GATEWAY.request(fresh_order(product="another"), RETURNS)


def test_the_link_has_the_price() -> None:
    """Whatever the buyer makes of the address, the price is the link's."""
    request = GATEWAY.request(fresh_order(price=Money(minor=1, currency="PLN")), RETURNS)
    asked = vendor.dialect(Panel()).start("GET", "/test_agregaty", request.url.partition("?")[2], b"")
    assert Money(minor=29_900, currency="PLN") == asked.money


@pytest.mark.parametrize(
    ("price", "agreed", "taken"),
    [
        ("", {}, True),
        ("", {"coupon": "JESIEN"}, False),
        ("", {"regular": Money(minor=39_900, currency="PLN")}, False),
        ("299.00 PLN", {}, True),
        ("299.00 PLN", {"regular": Money(minor=39_900, currency="PLN")}, True),
        ("299.00 PLN", {"coupon": "JESIEN", "price": Money(minor=19_900, currency="PLN")}, False),
        ("299.00 EUR", {}, False),
    ],
    ids=str,
)
def test_nobody_is_sent_to_a_link_of_another_price(price: str, agreed: dict, taken: bool) -> None:  # noqa: FBT001 - a column
    """Whoever bought for less than the product costs is not sent to pay the whole price."""
    link = msgspec.structs.replace(SETTINGS.links["agregaty"], price=price)
    gateway = StripeGateway(msgspec.structs.replace(SETTINGS, links={"agregaty": link}))
    order = fresh_order(**agreed)
    if taken:
        assert gateway.request(order, RETURNS).url
    else:
        with pytest.raises(Rejected, match="can not be paid this way"):
            gateway.request(order, RETURNS)


@pytest.mark.parametrize(
    ("links", "secret"),
    [
        ({}, "whsec_x"),
        ({"a": Link(id="", code="x")}, "whsec_x"),
        ({"a": Link(id="plink_1", code="https://buy.stripe.com/x?y")}, "whsec_x"),
        (SETTINGS.links, " "),
        ({"a": Link(id="plink_1", code="x", price="299,00 zł")}, "whsec_x"),
    ],
    ids=["no links", "no id", "an address", "no secret", "no price"],
)
def test_odd_settings_are_refused_at_start(links: dict[str, Link], secret: str) -> None:
    """An account without links or without a secret is never built."""
    with pytest.raises(ConfigurationError):
        StripeGateway(msgspec.structs.replace(SETTINGS, links=links, webhook_secret=secret))


@pytest.mark.parametrize(
    ("event", "status", "kind"),
    [
        (COMPLETED, "paid", "paid"),
        (COMPLETED, "unpaid", "pending"),
        (COMPLETED, "something new", "pending"),
        ("checkout.session.async_payment_succeeded", "paid", "paid"),
        ("checkout.session.async_payment_succeeded", "unpaid", "pending"),
        ("checkout.session.async_payment_failed", "unpaid", "failed"),
        ("checkout.session.expired", "unpaid", None),
        ("customer.created", "paid", None),
        ("", "paid", None),
    ],
)
def test_what_an_event_means(event: str, status: str, kind: str | None) -> None:
    """Only a session whose payment status is `paid` is paid."""
    told = GATEWAY.verify(_event_of(event, {**SESSION, "payment_status": status}))
    assert kind == (told and told.kind)


def test_late_payment_is_the_same_fact() -> None:
    """A payment that is told by two kinds of event is one fact."""
    told = [
        GATEWAY.verify(_event_of(kind, SESSION))
        for kind in (COMPLETED, "checkout.session.async_payment_succeeded")
    ]
    assert told[0] == told[1]


def test_replay_is_a_known_fact() -> None:
    """An event of long ago is authentic and the very same fact, which an order applies once."""
    body = _body(COMPLETED, SESSION)
    assert GATEWAY.verify(_signed(body, stamp="1")) == GATEWAY.verify(_signed(body, stamp="99999999999"))


@pytest.mark.parametrize(
    ("change", "shop", "order"),
    [
        ({}, "acct_demo", ORDER.id),
        ({"payment_link": "plink_other"}, "plink_other", ORDER.id),
        ({"payment_link": None}, "another kind of sale", ORDER.id),
        ({"client_reference_id": None}, "acct_demo", "cs_1"),
        ({"client_reference_id": ""}, "acct_demo", "cs_1"),
    ],
    ids=["ours", "another link", "no link", "no reference", "an empty reference"],
)
def test_who_was_paid_and_for_what(change: dict, shop: str, order: str) -> None:
    """A foreign link names itself, and money without a reference is kept for a person."""
    told = GATEWAY.verify(_event_of(COMPLETED, {**SESSION, **change}))
    assert told is not None
    assert (shop, order) == (told.shop_id, told.order)


def test_other_sales_of_the_account_are_not_ours() -> None:
    """A session that has neither a link of ours nor a reference says nothing about this shop."""
    fields = {**SESSION, "payment_link": None, "client_reference_id": None}
    assert GATEWAY.verify(_event_of(COMPLETED, fields)) is None


@pytest.mark.parametrize(
    ("amount", "currency", "money"),
    [
        (1000, "jpy", Money(minor=1000, currency="JPY")),
        (500_000, "isk", Money(minor=5000, currency="ISK")),
        (1234, "kwd", Money(minor=1234, currency="KWD")),
    ],
)
def test_units_of_a_currency(amount: int, currency: str, money: Money) -> None:
    """Stripe counts some currencies in units that they do not have."""
    told = GATEWAY.verify(_event_of(COMPLETED, {**SESSION, "amount_total": amount, "currency": currency}))
    assert told is not None
    assert money == told.money


@pytest.mark.parametrize(
    "change",
    [
        {"amount_total": 29_900.0},
        {"amount_total": "29900"},
        {"amount_total": "\uff11\uff10"},
        {"amount_total": True},
        {"amount_total": -1},
        {"amount_total": 10**12},
        {"amount_total": None},
        {"amount_total": 150, "currency": "isk"},
        {"currency": "PLN"},
        {"currency": "pln\n"},
        {"id": ""},
        {"payment_link": 7},
        {"client_reference_id": ["a"]},
    ],
    ids=str,
)
def test_odd_field_is_for_a_person(change: dict) -> None:
    """A signed event with a field that can not be read is kept for a person."""
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(_event_of(COMPLETED, {**SESSION, **change}))


BODIES = {
    "empty": b"",
    "null": b"null",
    "a list": b"[]",
    "no data": b'{"type":"checkout.session.completed"}',
    "not UTF-8": b"\xff\xfe",
    "a BOM": b"\xef\xbb\xbf{}",
    "an exponent": json.dumps({"type": COMPLETED, "data": {"object": SESSION}})
    .replace("29900", "1e3")
    .encode(),
    "NaN": json.dumps({"type": COMPLETED, "data": {"object": SESSION}}).replace("29900", "NaN").encode(),
    "doubled": json.dumps({"type": COMPLETED, "data": {"object": SESSION}})
    .replace('"id"', '"amount_total":1,"id"')
    .encode(),
    "long digits": json.dumps({"type": COMPLETED, "data": {"object": SESSION}})
    .replace("29900", "9" * 5000)
    .encode(),
    "deep": b"[" * 60_000,
}


@pytest.mark.parametrize("what", BODIES)
def test_odd_body_is_for_a_person(what: str) -> None:
    """A signed body that is no event is kept for a person."""
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(_signed(BODIES[what]))


def test_later_fields_are_welcome() -> None:
    """Fractions, objects and CRLF that a later version adds change nothing."""
    body = json.dumps(
        {"type": COMPLETED, "rate": 1.5, "data": {"object": {**SESSION, "new": {"a": [1.5]}}}}, indent=2
    )
    raw = _signed(body.replace("\n", "\r\n").encode())
    assert GATEWAY.verify(_event_of(COMPLETED, SESSION)) == GATEWAY.verify(raw)


HEADERS = {
    "nothing": "",
    "no time": "v1={mac}",
    "no signature": "t=7",
    "two times": "t=7,t=7,v1={mac}",
    "another time": "t=8,v1={mac}",
    "a time in words": "t=now,v1={mac}",
    "full-width time": "t=\uff17,v1={mac}",
    "a negative time": "t=-7,v1={mac}",
    "another scheme": "t=7,v0={mac}",
    "a later scheme": "t=7,v2={mac}",
    "capitals": "T=7,V1={mac}",
    "spaces": "t=7, v1={mac}",
    "no name": "t=7,v1={mac},x",
    "semicolons": "t=7;v1={mac}",
    "behind": "t=7,v1={mac}\n",
}


@pytest.mark.parametrize("how", HEADERS)
def test_odd_header_is_not_authentic(how: str) -> None:
    """A header that is written in another way is refused, even with the right signature in it."""
    body = _body(COMPLETED, SESSION)
    raw = RawNotification(headers={HEADER: HEADERS[how].format(mac=_mac(body, "7"))}, query="", body=body)
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(raw)


@pytest.mark.parametrize("header", ["t=7,v1={zero},v1={mac}", "t=7,v1={mac},v0={zero}", "v9=,v1={mac},t=7"])
def test_one_right_signature_is_enough(header: str) -> None:
    """While a secret is rolled there are two signatures, and test events carry one of another scheme."""
    body = _body(COMPLETED, SESSION)
    filled = header.format(mac=_mac(body, "7"), zero="0" * 64)
    raw = RawNotification(headers={HEADER: filled}, query="", body=body)
    assert GATEWAY.verify(_signed(body)) == GATEWAY.verify(raw)


@pytest.mark.parametrize(
    "body", [b"\r\n", b" ", b"\0", b"a" * 65_536], ids=["CRLF", "space", "zero", "64 KiB"]
)
def test_text_behind_the_body_is_not_authentic(body: bytes) -> None:
    """The body is signed byte for byte."""
    raw = _event_of(COMPLETED, SESSION)
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, body=raw.body + body))


def test_two_refunds_are_two_facts() -> None:
    """Stripe counts refunds together; each of them is read as what went back this time."""
    charge = {"id": "ch_1", "payment_intent": "pi_1", "currency": "pln"}
    told = [
        GATEWAY.verify(
            _event_of("charge.refunded", {**charge, "amount_refunded": after}, {"amount_refunded": before})
        )
        for before, after in ((0, 10_000), (10_000, 29_900))
    ]
    assert [("ch_1-10000", 10_000, "pi_1"), ("ch_1-29900", 19_900, "pi_1")] == [
        (each.reference, each.money.minor, each.of) for each in told if each and each.money
    ]


@pytest.mark.parametrize(
    ("status", "kind"), [("needs_response", "chargeback"), ("warning_needs_response", None)]
)
def test_dispute(status: str, kind: str | None) -> None:
    """A dispute is a chargeback; an inquiry takes no money."""
    dispute = {"id": "dp_1", "amount": 29_900, "currency": "pln", "charge": "ch_1", "status": status}
    told = GATEWAY.verify(_event_of("charge.dispute.created", dispute))
    assert kind == (told and told.kind)


def _event(**changes: object) -> PaymentEvent:
    paid = PaymentEvent(
        order=ORDER.id,
        gateway="stripe",
        reference="t-1",
        kind="paid",
        shop_id=GATEWAY.shop_id,
        money=ORDER.intent.price,
    )
    return msgspec.structs.replace(paid, **changes)


@cache
def _told(event: PaymentEvent) -> RawNotification:
    """Let Stripe tell this."""
    order = msgspec.structs.replace(ORDER, id=event.order)
    world, money = vendor.dialect(Panel()), event.money or Money(minor=0, currency="PLN")
    asked = world.start("GET", "/test_agregaty", GATEWAY.request(order, RETURNS).url.partition("?")[2], b"")
    notification = Notification(
        id=event.reference,
        kind=event.kind,
        order=event.order,
        shop_id=event.shop_id,
        amount=money.minor,
        currency=money.currency,
        of=event.of,
    )
    [letter] = world.letters(notification, asked)
    return RawNotification(headers=letter.headers, query="", body=letter.body)


def _read_as(event: PaymentEvent) -> PaymentEvent:
    """Name the facts as Stripe does: a payment is its intent, and a refund names that instead of the order."""
    told = json.loads(_told(event).body)["data"]["object"]
    payment = told["payment_intent"]
    if event.kind == "paid":
        return msgspec.structs.replace(event, reference=payment)
    reference = f"{told['id']}-{told['amount_refunded']}"
    return msgspec.structs.replace(event, order=payment, reference=reference, of=payment)


def _accepts(request: PaymentRequest) -> bool:
    path = request.url.partition("?")[0].removeprefix(SETTINGS.base_url)
    try:
        asked = vendor.dialect(Panel()).start(request.method, path, request.url.partition("?")[2], b"")
    except Refusal:
        return False
    return asked.email == fields_of(request).get("prefilled_email", "")


def _body(kind: str, thing: dict, before: dict | None = None) -> bytes:
    return json.dumps({"type": kind, "data": {"object": thing, "previous_attributes": before}}).encode()


def _event_of(kind: str, thing: dict, before: dict | None = None) -> RawNotification:
    return _signed(_body(kind, thing, before))


def _mac(body: bytes, stamp: str) -> str:
    return hmac.digest(SETTINGS.webhook_secret.encode(), stamp.encode() + b"." + body, "sha256").hex()


def _signed(body: bytes, *, stamp: str = "7") -> RawNotification:
    return RawNotification(headers={HEADER: f"t={stamp},v1={_mac(body, stamp)}"}, query="", body=body)


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    stamp = raw.headers[HEADER].split(",")[0]
    headers = {} if signature is None else {HEADER: f"{stamp},v1={signature}"}
    return msgspec.structs.replace(raw, headers=headers)
