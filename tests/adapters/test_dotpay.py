"""Dotpay: published and computed vectors, the promises of a gateway in both versions, and characters that wander."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Rejected
from kramik.event import PaymentEvent
from kramik.gateways.dotpay import URLC_ORDER, DotpayGateway, Settings, chk
from kramik.intent import Buyer
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.sandbox.dialect import Notification, Panel, Refusal, Request
from kramik.sandbox.vendors.dotpay import DEMO, dialect, number
from tests.contracts.gateway import PROMISES, RETURNS, Till, fields_of
from tests.sandbox.place import fresh_order

VECTORS = json.loads(Path("tests/vectors/dotpay.json").read_text("utf-8"))
[DEV, NEXT] = [each for each in VECTORS if each["kind"] == "link"]
[URLC] = [each for each in VECTORS if each["kind"] == "notification"]
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://world.example/dotpay"}, Settings)
SIDE = dialect(Panel())


def made(version: str) -> Till:
    """Return the gateway, whose links are signed in this version, with its other side."""
    settings = msgspec.structs.replace(SETTINGS, api_version=version)
    return Till(
        gateway=DotpayGateway(settings),
        name="dotpay",
        order=fresh_order(title="Agregaty & żółwie „w praktyce”"),
        secrets=(settings.pin,),
        acknowledgement=Acknowledgement(body=b"OK"),
        without_key=lambda: DotpayGateway(msgspec.structs.replace(settings, pin=" ")),
        told=lambda event: raw(form(event)),
        signature=lambda given: dict(parse_qsl(given.body.decode()))["signature"],
        resigned=_resigned,
        accepts=_accepts,
        unseparated=(("description", "control"),) if version == "dev" else (),
        read_as=_read_as,
    )


@pytest.fixture
def till() -> Till:
    """The gateway in its current version."""
    return made("next")


@pytest.mark.parametrize("version", ["next", "dev"])
@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], version: str) -> None:
    """The gateway keeps each promise of a gateway, in both versions."""
    promise(made(version))


# The link


def test_published_link() -> None:
    """A link of the version `dev` is signed as in a public test suite (published vector)."""
    assert DEV["expected"] == chk(DEV["inputs"], DEV["secret"].encode())


def test_computed_link() -> None:
    """A link of the version `next`, Polish letters in it, is signed as the vendor's SDK does it (computed vector)."""
    assert NEXT["expected"] == chk(NEXT["inputs"], NEXT["secret"].encode())


def test_link_stands_alone(till: Till) -> None:
    """All of a link is in its address, which is the one behind which Dotpay moved."""
    gateway = DotpayGateway(msgspec.convert(DEMO, Settings))
    request = gateway.request(till.order, RETURNS)
    assert ("GET", {}) == (request.method, request.fields)
    assert request.url.startswith(
        "https://dproxy.przelewy24.pl/t2/?api_version=next&id=747789&amount=299.00&"
    )


def test_list_of_parameters_is_not_sent(till: Till) -> None:
    """The list of the parameters is signed in `next`, and not sent."""
    assert "paramsList" not in fields_of(till.gateway.request(till.order, RETURNS))


@pytest.mark.parametrize("version", ["next", "dev"])
def test_simulator_reads_what_was_meant(version: str) -> None:
    """The other side understands the order, the amount and the addresses as we meant them."""
    till = made(version)
    asked = _started(till.gateway.request(till.order, RETURNS))
    assert (till.order.id, till.order.intent.price, "747789") == (asked.order, asked.money, asked.shop_id)
    assert (f"{RETURNS.done}&status=OK", RETURNS.notify) == (asked.done, asked.notify)


def test_nobody_is_named(till: Till) -> None:
    """A link carries nothing about the buyer: Dotpay asks for what it needs."""
    buyer = Buyer(email="zofia+kurs@example.com", name="Zofia Żak")
    url = _request(till, buyer=buyer).url
    assert [] == [
        part for part in ("zofia", "Zofia", "example.com", "%C5%BBak", "email", "name=") if part in url
    ]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Żółw & „przyjaciele” \u2013 1/2!", "Żółw przyjaciele 1/2!"),
        ("ż" * 400, "ż" * 128),
        ("Zo\u0301łw", "Zółw"),
        ("C++ <b>\r\n#1", "C++ b 1"),
        ("Курс ABC", "ABC"),
    ],
)
@pytest.mark.parametrize("version", ["next", "dev"])
def test_description(title: str, shown: str, version: str) -> None:
    """A title is fitted to plain letters and a length, and its letters are signed as they are sent."""
    request = _request(made(version), title=title)
    assert shown == fields_of(request)["description"]
    assert _accepts(request)


def test_description_of_nothing(till: Till) -> None:
    """A title of which nothing remains becomes the order's id."""
    assert till.order.id == fields_of(_request(till, title="合気道"))["description"]


@pytest.mark.parametrize(
    ("method", "channel"),
    [("blik", "73"), ("card", "246"), ("248", "248"), ("transfer", None), ("", None), ("７３", None)],
)
def test_method(till: Till, method: str, channel: str | None) -> None:
    """A way to pay that the buyer chose is passed on as a channel; an unknown one is not."""
    request = _request(till, method=method)
    assert channel == fields_of(request).get("channel")
    assert _accepts(request)


@pytest.mark.parametrize(("lang", "shown"), [("pl", "pl"), ("uk", "uk"), ("fi", None), ("", None)])
def test_language(till: Till, lang: str, shown: str | None) -> None:
    """The pay page speaks the buyer's language where Dotpay does."""
    request = _request(till, lang=lang)
    assert shown == fields_of(request).get("lang")
    assert _accepts(request)


def test_other_currency(till: Till) -> None:
    """A price in a currency that Dotpay does not take is refused; one in euro is not."""
    assert _accepts(_request(till, price=Money(minor=100, currency="EUR")))
    with pytest.raises(Rejected):
        _request(till, price=Money(minor=100, currency="CHF"))


def test_character_wanders_not_in_a_link(till: Till) -> None:
    """In `next` no character can move from one field of a link to its neighbour."""
    fields = fields_of(till.gateway.request(till.order, RETURNS))
    for left, right in pairwise(name for name in fields if name != "chk"):
        moved = {**fields, left: fields[left][:-1], right: fields[left][-1] + fields[right]}
        assert not _accepts(PaymentRequest(method="GET", url=f"{SETTINGS.base_url}/?{encoded(moved)}"))


# The notification


def test_published_notification() -> None:
    """The notification of a public test suite is authentic and is read in the shop's currency (published vector)."""
    gateway = DotpayGateway(msgspec.structs.replace(SETTINGS, pin=URLC["secret"]))
    event = gateway.verify(raw({**URLC["inputs"], "signature": URLC["expected"]}))
    assert (
        PaymentEvent(
            order="ec4bf09d3dbe0cb71e6abc3ea44a7273",
            gateway="dotpay",
            reference="M1234-5678",
            kind="paid",
            shop_id="747789",
            money=Money(minor=4282, currency="EUR"),
        )
        == event
    )


def test_every_signed_field(till: Till) -> None:
    """Each field under the signature, the rare ones too, can not be changed, emptied, dropped or replaced."""
    whole = {**dict.fromkeys(URLC_ORDER, "x7"), **form(till.event())}
    whole["signature"] = _signature(whole)
    assert till.read_as(till.event()) == till.gateway.verify(raw(whole))
    for name in URLC_ORDER:
        for other in (whole[name] + "x", "", "ż", None):
            changed = {**whole, name: other}
            left = {key: text for key, text in changed.items() if text is not None}
            if whole[name] or other:
                with pytest.raises(NotAuthentic):
                    till.gateway.verify(raw(left))


def test_character_wanders_not(till: Till) -> None:
    """No sign can move between two fields, as far as the order's, and be believed, although the hash still fits.

    From the order's id on, a sign that moved makes it the id of an order that nobody placed.
    """
    fields = {**form(till.event(kind="refund", reference="t-2", of="t-1")), "description": "Kurs"}
    fields["signature"] = _signature(fields)
    names = [name for name in URLC_ORDER if fields.get(name)]
    believed = []
    for left, right in pairwise(names[: names.index("description") + 1]):
        for moved in (
            {left: fields[left][:-1], right: fields[left][-1] + fields[right]},
            {left: fields[left] + fields[right][0], right: fields[right][1:]},
            {left: fields[left] + fields[right], right: ""},
            {left: "", right: fields[left] + fields[right]},
        ):
            event = _believed(till, {**fields, **moved})
            if event is not None and event.order == till.order.id:
                believed.append((left, right))
    assert [] == believed


@pytest.mark.parametrize(
    ("kind", "status", "meant"),
    [
        ("payment", "completed", "paid"),
        ("payment", "new", "pending"),
        ("payment", "processing", "pending"),
        ("payment", "processing_realization", "pending"),
        ("payment", "processing_realization_waiting", "pending"),
        ("payment", "rejected", "failed"),
        ("refund", "completed", "refund"),
    ],
)
def test_status(till: Till, kind: str, status: str, meant: str) -> None:
    """Only a completed payment is paid, and only a completed refund is one."""
    event = till.gateway.verify(_changed(till, operation_type=kind, operation_status=status))
    assert meant == (event and event.kind)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("refund", "new"),
        ("refund", "rejected"),
        ("payout", "completed"),
        ("payment", "blessed"),
        ("gift", "completed"),
    ],
)
def test_nothing_to_know(till: Till, kind: str, status: str) -> None:
    """A refund that is not made, a payout and what nobody documented say nothing, and are acknowledged."""
    given = _changed(till, operation_type=kind, operation_status=status)
    assert till.gateway.verify(given) is None
    assert till.acknowledgement == till.gateway.acknowledge(given)


@pytest.mark.parametrize(
    "amount",
    ["1e3", "299", "299.0", "299.000", "1000.0", "-299.00", "+299.00", " 299.00", "299,00", "２９９.00", "NaN", "",
     "299.00\n", "99999999999.99", "00299.00", "1_0.00"],
)  # fmt: skip
def test_odd_amount(till: Till, amount: str) -> None:
    """An amount that is not digits, a point and two digits is for a person, also under a right signature."""
    given = _changed(till, operation_original_amount=amount)
    with pytest.raises(NeedsOperator) as caught:
        till.gateway.verify(given)
    assert till.acknowledgement == till.gateway.acknowledge(given)
    assert SETTINGS.pin not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{"id": ""}, {"id": "７４７"}, {"operation_number": ""}, {"operation_number": "1"}, {"operation_type": "PAYMENT"},
     {"operation_status": ""}, {"operation_original_currency": "pln"}, {"operation_original_currency": "JPY"},
     {"operation_datetime": ""}, {"control": ""}, {"control": "a b"}, {"control": "ż"}, {"control": "x" * 129},
     {"operation_type": "refund", "operation_related_number": ""}, {"is_completed": "yes"},
     {"operation_commission_amount": "1"}],
    ids=str,
)  # fmt: skip
def test_odd_field(till: Till, changes: dict[str, str]) -> None:
    """A field up to the order's that has not its shape makes the notification one for a person."""
    with pytest.raises(NeedsOperator):
        till.gateway.verify(_changed(till, **changes))


@pytest.mark.parametrize("name", ["operation_status", "control", "signature", "later"])
def test_doubled_field(till: Till, name: str) -> None:
    """A field that came twice is not authentic: the signature does not say which of them it means."""
    fields = {**form(till.event()), "later": "x"}
    body = urlencode([(name, fields[name]), *fields.items()]).encode()
    with pytest.raises(NotAuthentic):
        till.gateway.verify(RawNotification(headers={}, query="", body=body))


def test_foreign_shop(till: Till) -> None:
    """A message about another shop under a right signature is read as such: the order will not take it."""
    event = till.gateway.verify(_changed(till, id="123456"))
    assert "123456" == (event and event.shop_id)


def test_strangers_and_length(till: Till) -> None:
    """Unknown fields, empty ones, Polish letters, line breaks and 64 KiB of them change nothing."""
    given = _changed(till, description="zażółć\r\n" * 3000, later="x", p_info="", payer_transfer_title="żółw")
    assert till.read_as(till.event()) == till.gateway.verify(given)


def test_bytes_are_hashed_as_they_came(till: Till) -> None:
    """What is no UTF-8 is hashed byte for byte, and the description does not matter."""
    fields = form(till.event())
    plain = {name: text for name, text in fields.items() if name not in ("signature", "description")}
    signed = b"".join(
        plain.get(name, "").encode() if name != "description" else b"\xbf\xf3\xb3w" for name in URLC_ORDER
    )
    digest = sha256(SETTINGS.pin.encode() + signed).hexdigest()
    body = f"{encoded(plain)}&description=%BF%F3%B3w&signature={digest}".encode()
    given = RawNotification(headers={}, query="", body=body)
    assert till.read_as(till.event()) == till.gateway.verify(given)


@pytest.mark.parametrize("around", [b"%b\r\n", b"\xef\xbb\xbf%b", b"%b\x00", b" %b"])
def test_changed_around(till: Till, around: bytes) -> None:
    """A line break, a mark of byte order or a space around the body is not what Dotpay sent."""
    given = till.told(till.event())
    with pytest.raises(NotAuthentic):
        till.gateway.verify(msgspec.structs.replace(given, body=around % given.body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"signature=",
        b"\xff\xfe",
        b"a=1&" * 16_000,
        b"signature=" + b"0" * 64,
        b"t_id=1&t_status=2&md5=0",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_odd_body(till: Till, body: bytes) -> None:
    """A body that is no notification, or one of the very old kind, is not authentic."""
    with pytest.raises(NotAuthentic):
        till.gateway.verify(RawNotification(headers={}, query="", body=body))


def test_signature_of_nothing(till: Till) -> None:
    """The hash of the key alone, over a form that has none of the fields, gives no event."""
    body = urlencode({"signature": sha256(SETTINGS.pin.encode()).hexdigest()}).encode()
    with pytest.raises(NeedsOperator):
        till.gateway.verify(RawNotification(headers={}, query="", body=body))


@pytest.mark.parametrize("changes", [{"seller_id": ""}, {"seller_id": "shop"}, {"pin": ""}], ids=str)
def test_wrong_settings(changes: dict[str, str]) -> None:
    """A shop without a number or a PIN is refused at start."""
    with pytest.raises(ConfigurationError):
        DotpayGateway(msgspec.structs.replace(SETTINGS, **changes))


# The other side


@pytest.mark.parametrize("kind", ["paid", "pending", "failed", "refund"])
def test_letters(till: Till, kind: str) -> None:
    """What this world's Dotpay writes is authentic and says what happened."""
    asked = _started(till.gateway.request(till.order, RETURNS))
    [letter] = SIDE.letters(_notification(till, kind), asked)
    given = RawNotification(headers=letter.headers, query="", body=letter.body)
    event = till.gateway.verify(given)
    assert (kind, till.order.id, number("t-2")) == (event and (event.kind, event.order, event.reference))
    assert (number("t-1") if kind == "refund" else "") == (event and event.of)
    assert SIDE.accepts(letter, 200, till.gateway.acknowledge(given).body)


def test_no_letter_about_a_chargeback(till: Till) -> None:
    """Dotpay tells nothing of a chargeback."""
    asked = _started(till.gateway.request(till.order, RETURNS))
    assert [] == SIDE.letters(_notification(till, "chargeback"), asked)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"OK\n"), (200, b"\xef\xbb\xbfOK"), (200, b"ok"), (500, b"OK"), (200, b"")]
)
def test_only_ok_acknowledges(till: Till, status: int, body: bytes) -> None:
    """Anything but `OK` is sent again."""
    asked = _started(till.gateway.request(till.order, RETURNS))
    [letter] = SIDE.letters(_notification(till, "paid"), asked)
    assert not SIDE.accepts(letter, status, body)


def form(event: PaymentEvent) -> dict[str, str]:
    """Return the signed fields of the notification about an event."""
    amount = event.money.amount if event.money else "0.00"
    fields = {
        "id": event.shop_id,
        "operation_number": number(event.reference),
        "operation_type": "refund" if event.of else "payment",
        "operation_status": "completed",
        "operation_amount": amount,
        "operation_currency": "PLN",
        "operation_withdrawal_amount": "290.00",
        "operation_commission_amount": "-9.00",
        "is_completed": "true",
        "operation_original_amount": amount,
        "operation_original_currency": "PLN",
        "operation_datetime": "2026-11-02 12:00:00",
        "operation_related_number": number(event.of or event.reference),
        "control": event.order,
        "description": "Zażółć",
        "email": "anna@example.com",
        "channel": "73",
    }
    return {**fields, "signature": _signature(fields)}


def raw(fields: dict[str, str]) -> RawNotification:
    """Return a notification of these fields."""
    return RawNotification(headers={}, query="", body=urlencode(fields).encode())


def _signature(fields: dict[str, str]) -> str:
    text = SETTINGS.pin + "".join(fields.get(name, "") for name in URLC["note"].split(" = ")[1].split())
    return sha256(text.encode()).hexdigest()


def _changed(till: Till, **changes: str) -> RawNotification:
    fields = {**form(till.event()), **changes}
    return raw({**fields, "signature": _signature(fields)})


def _believed(till: Till, fields: dict[str, str]) -> PaymentEvent | None:
    assert fields["signature"] == _signature(fields)
    try:
        return till.gateway.verify(raw(fields))
    except NeedsOperator:
        return None


def _read_as(event: PaymentEvent) -> PaymentEvent:
    of = number(event.of) if event.of else ""
    return msgspec.structs.replace(event, reference=number(event.reference), of=of)


def _resigned(given: RawNotification, signature: str | None) -> RawNotification:
    fields = dict(parse_qsl(given.body.decode()))
    del fields["signature"]
    text = "" if signature is None else f"&{urlencode({'signature': signature}, errors='surrogatepass')}"
    return msgspec.structs.replace(given, body=f"{urlencode(fields)}{text}".encode())


def _notification(till: Till, kind: str) -> Notification:
    about = {"id": "t-2", "kind": kind, "of": "t-1" if kind in ("refund", "chargeback") else ""}
    money = {"amount": 29900, "currency": "PLN"}
    return msgspec.convert({**about, **money, "order": till.order.id, "shop_id": "747789"}, Notification)


def _request(till: Till, **changes: object) -> PaymentRequest:
    intent = msgspec.structs.replace(till.order.intent, **changes)
    return till.gateway.request(msgspec.structs.replace(till.order, intent=intent), RETURNS)


def _started(request: PaymentRequest) -> Request:
    parts = urlsplit(request.url)
    path = parts.path.removeprefix("/dotpay")
    return SIDE.start(request.method, path, parts.query, encoded(request.fields).encode())


def _accepts(request: PaymentRequest) -> bool:
    try:
        started = _started(request)
    except Refusal:
        return False
    return bool(started.order)
