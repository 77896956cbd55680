"""PayU: the published vectors, the promises of a gateway, and what a hostile or careless sender may send."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic
from kramik.event import PaymentEvent
from kramik.gateways.payu import HEADERS, LONGEST, PayuGateway, Settings
from kramik.intent import Buyer
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request
from kramik.sandbox.vendors.payu import DEMO, dialect
from tests.contracts.gateway import PROMISES, RETURNS, Till
from tests.sandbox.place import fresh_order

VECTORS = json.loads(Path("tests/vectors/payu.json").read_text("utf-8"))
LINKS = [each for each in VECTORS if each["kind"] == "link"]
BODIES = [each for each in VECTORS if each["kind"] == "notification"]
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://world.example/payu"}, Settings)
GATEWAY = PayuGateway(SETTINGS)
VENDOR = dialect(Panel())
KEY = SETTINGS.second_key
HEADER = HEADERS[0]
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256, "SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}
ORDER = {
    "orderId": "5C4BHGP6BN180712GUEST000P01",
    "extOrderId": "0a1b2c3d4e5f6g7h8j9kmnpqrs",
    "merchantPosId": "300746",
    "currencyCode": "PLN",
    "totalAmount": "29900",
    "status": "COMPLETED",
}
REFUND = {"refundId": "912128", "amount": "15516", "currencyCode": "PLN", "status": "FINALIZED"}
RETURNED = {"orderId": ORDER["orderId"], "extOrderId": ORDER["extOrderId"], "refund": REFUND}


@pytest.fixture
def till() -> Till:
    """The gateway with its other side, which checks the form as its documents say and writes what it would send."""
    order = fresh_order(title="Agregaty & żółwie „w praktyce”")
    return Till(
        gateway=GATEWAY,
        name="payu",
        order=order,
        secrets=(KEY,),
        acknowledgement=Acknowledgement(body=b""),
        without_key=lambda: PayuGateway(msgspec.structs.replace(SETTINGS, second_key=" ")),
        told=lambda event: received(VENDOR.letters(_notification(event), _asked(_start(order)))[0]),
        signature=lambda raw: raw.headers[HEADER].split(";")[1].removeprefix("signature="),
        resigned=_resigned,
        learns=("email",),
        accepts=accepted,
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise of a gateway."""
    promise(till)


@pytest.mark.parametrize("vector", LINKS)
def test_published_form(vector: dict) -> None:
    """A form is signed as in the tests of PayU's own library, in each algorithm (published vectors)."""
    algorithm = vector["note"].split("algorithm=")[1].split(";")[0]
    gateway = PayuGateway(
        msgspec.structs.replace(SETTINGS, pos_id="145227", second_key=vector["secret"], algorithm=algorithm)
    )
    expected = f"sender=145227;algorithm={algorithm};signature={vector['expected']}"
    assert expected == gateway._signed(vector["inputs"])


@pytest.mark.parametrize("vector", BODIES)
def test_published_signature_of_a_notification(vector: dict) -> None:
    """The bodies and signatures of PayU's own library and of an open client are authentic (published vectors)."""
    body, gateway = vector["inputs"]["raw_body"].encode(), _keyed(vector["secret"])
    algorithm = vector["algorithm"].partition("(")[0].upper().replace("SHA", "SHA-")
    raw = RawNotification(headers={HEADER: _header(vector["expected"], algorithm)}, query="", body=body)
    if body.startswith(b"{"):
        assert gateway.verify(raw) is not None
    else:
        with pytest.raises(NeedsOperator):
            gateway.verify(raw)


def test_published_notification() -> None:
    """The completed order of an open client's tests is read as what it says (published vector)."""
    vector = BODIES[-1]
    header = {HEADER: _header(vector["expected"], "MD5")}
    paid = PaymentEvent(
        order="22",
        gateway="payu",
        reference="5C4BHGP6BN180712GUEST000P01",
        kind="paid",
        shop_id="123456",
        money=Money(minor=19_999, currency="PLN"),
    )
    raw = RawNotification(headers=header, query="", body=vector["inputs"]["raw_body"].encode())
    assert paid == _keyed(vector["secret"]).verify(raw)


def test_form_says_everything(till: Till) -> None:
    """A start is a form with these fields and no other fact about the buyer (computed vector)."""
    order = msgspec.structs.replace(till.order, id="0a1b2c3d4e5f6g7h8j9kmnpqrs")
    fields = {
        "buyer.email": order.intent.buyer.email,
        "buyer.language": "pl",
        "continueUrl": RETURNS.done,
        "currencyCode": "PLN",
        "customerIp": "127.0.0.1",
        "description": "Agregaty & żółwie „w praktyce”",
        "extOrderId": order.id,
        "merchantPosId": "300746",
        "notifyUrl": RETURNS.notify,
        "products[0].name": "Agregaty & żółwie „w praktyce”",
        "products[0].quantity": "1",
        "products[0].unitPrice": "29900",
        "totalAmount": "29900",
    }
    text = "".join(f"{name}={encoded({'': value})[1:]}&" for name, value in sorted(fields.items()))
    signature = hashlib.sha256(f"{text}{KEY}".encode()).hexdigest()
    start = _start(order)
    assert {
        **fields,
        "OpenPayu-Signature": f"sender=300746;algorithm=SHA-256;signature={signature}",
    } == start.fields
    assert ("POST", "http://world.example/payu/api/v2_1/orders") == (start.method, start.url)


@pytest.mark.parametrize("algorithm", ["SHA-256", "SHA-384", "SHA-512"])
def test_form_in_each_algorithm(till: Till, algorithm: str) -> None:
    """The vendor takes a form in each algorithm that its documents allow."""
    gateway = PayuGateway(msgspec.structs.replace(SETTINGS, algorithm=algorithm))
    assert accepted(gateway.request(till.order, RETURNS))


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a ~ b * c\n\td", "a b c d"),
        ("課程 żółw 🐢", "課程 żółw 🐢"),
        ("ż" * 300, "ż" * LONGEST),
        ("x" * (LONGEST - 1) + " y", "x" * (LONGEST - 1)),
    ],
)
def test_description_fits(till: Till, title: str, shown: str) -> None:
    """A title is fitted to PayU's length, and to letters that everybody encodes in the same way."""
    start = _start(_changed(till, title=title))
    assert shown == start.fields["description"]
    assert accepted(start)


@pytest.mark.parametrize("email", ["łucja+kurs@example.com", "~a*b'c@example.com"])
def test_odd_email(till: Till, email: str) -> None:
    """An address arrives as it was typed, and the name that was typed with it does not."""
    start = _start(_changed(till, buyer=Buyer(email=email, name="Łucja Żółć")))
    assert email == start.fields["buyer.email"]
    assert "Łucja" not in str(start)
    assert accepted(start)


@pytest.mark.parametrize(
    ("method", "value"),
    [("blik", "blik"), ("card", "c"), ("m", "m"), ("", None), ("BLIK&x", None), ("x" * 11, None)],
)
def test_method_is_a_channel(till: Till, method: str, value: str | None) -> None:
    """The method that a buyer chose opens its channel; without one PayU lets the buyer choose."""
    start = _start(_changed(till, method=method))
    assert value == start.fields.get("payMethods.payMethod.value")
    assert (value and "PBL") == start.fields.get("payMethods.payMethod.type")
    assert accepted(start)


def test_odd_language_is_left_out(till: Till) -> None:
    """A language that is no code of two letters is not sent."""
    start = _start(_changed(till, lang="szl-PL"))
    assert "buyer.language" not in start.fields
    assert accepted(start)


@pytest.mark.parametrize("algorithm", [*HASHES])
@pytest.mark.parametrize("header", HEADERS)
def test_every_algorithm(algorithm: str, header: str) -> None:
    """Each algorithm that PayU documents is understood, in either header (computed vectors)."""
    raw = signed({"order": ORDER}, algorithm=algorithm, header=header)
    assert paid() == GATEWAY.verify(raw)


@pytest.mark.parametrize(
    "algorithm", ["md5", "SHA1", "SHA-1", "SHA256", "sha3_256", "", "none", "MD5 ", "SHA-256,MD5"]
)
def test_other_algorithm(algorithm: str) -> None:
    """An algorithm that we did not choose is refused, also when its signature is right."""
    raw = signed({"order": ORDER})
    given = raw.headers[HEADER].replace("algorithm=MD5", f"algorithm={algorithm}")
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, headers={HEADER: given}))


def test_md5_can_be_refused() -> None:
    """A shop whose account signs with SHA takes no MD5 any more."""
    gateway = PayuGateway(msgspec.structs.replace(SETTINGS, md5=False))
    assert paid() == gateway.verify(signed({"order": ORDER}, algorithm="SHA-256"))
    with pytest.raises(NotAuthentic):
        gateway.verify(signed({"order": ORDER}))


def test_signature_of_another_algorithm() -> None:
    """A signature is not authentic under the name of another algorithm."""
    raw = signed({"order": ORDER})
    header = raw.headers[HEADER].replace("MD5", "SHA-256")
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, headers={HEADER: header}))


@pytest.mark.parametrize(
    "header",
    [
        "sender=checkout;signature={0}",
        "sender=checkout;algorithm=MD5",
        "signature={0};signature={0};algorithm=MD5",
        "signature={0};algorithm=MD5;algorithm=SHA-256",
        "signature:{0};algorithm:MD5",
        "signature={0},algorithm=MD5",
        "{0}",
        ";;",
    ],
)
def test_odd_header(header: str) -> None:
    """A header that names no signature, or two of anything, is not authentic."""
    raw = signed({"order": ORDER})
    given = raw.headers[HEADER].split(";")[1].removeprefix("signature=")
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, headers={HEADER: header.format(given)}))


def test_header_in_another_order() -> None:
    """The parts of the header may come in any order, with spaces between them and parts that are new."""
    raw = signed({"order": ORDER})
    given = raw.headers[HEADER].split(";")[1]
    header = {HEADER: f"algorithm=MD5; {given}; version=2"}
    assert paid() == GATEWAY.verify(msgspec.structs.replace(raw, headers=header))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("PENDING", "pending"),
        ("WAITING_FOR_CONFIRMATION", "pending"),
        ("COMPLETED", "paid"),
        ("CANCELED", "failed"),
        ("NEW", None),
        ("completed", None),
    ],
)
def test_status(status: str, kind: str | None) -> None:
    """A status becomes a kind; one that nobody knows says nothing and is acknowledged all the same."""
    raw = signed({"order": {**ORDER, "status": status}})
    event = GATEWAY.verify(raw)
    assert kind == (event and event.kind)
    assert GATEWAY.acknowledge(raw) == Acknowledgement(body=b"")


def test_refund() -> None:
    """A refund names what went back and of which order of PayU (computed vector)."""
    refund = PaymentEvent(
        order=ORDER["extOrderId"],
        gateway="payu",
        reference="912128",
        kind="refund",
        shop_id="300746",
        money=Money(minor=15_516, currency="PLN"),
        of=ORDER["orderId"],
    )
    assert refund == GATEWAY.verify(signed(RETURNED))


def test_refund_without_an_id() -> None:
    """A refund without an id of its own is told from others by its time."""
    refund = {
        **{name: value for name, value in REFUND.items() if name != "refundId"},
        "statusDateTime": "1395677071799",
    }
    event = GATEWAY.verify(signed({**RETURNED, "refund": refund}))
    assert event is not None
    assert event.reference == "1395677071799"


@pytest.mark.parametrize(
    "body", [{"refund": {**REFUND, "status": "CANCELED"}}, {}, {"payout": {"status": "REALIZED"}}]
)
def test_nothing_to_know(body: dict) -> None:
    """A refund that was not made, and a message about something else, are authentic and change nothing."""
    assert GATEWAY.verify(signed(body)) is None


def test_wrong_point_of_sale_under_a_valid_signature() -> None:
    """The point of sale that the message names is what the worker compares; the till does not decide about it."""
    event = GATEWAY.verify(signed({"order": {**ORDER, "merchantPosId": 666}}))
    assert event is not None
    assert event.shop_id == "666"


@pytest.mark.parametrize(
    "amount",
    [
        "1e3",
        "1000.0",
        "299,00",
        "\uff12\uff19\uff19",
        "\u0661",
        "-29900",
        "+29900",
        " 29900",
        "029900",
        "",
        "9" * 13,
        2.5,
        -1,
        True,
        None,
    ],
)
def test_odd_amount_is_for_a_person(amount: object) -> None:
    """An amount that is not exactly a whole number is kept for a person."""
    bodies = {"order": {**ORDER, "totalAmount": amount}}, {**RETURNED, "refund": {**REFUND, "amount": amount}}
    for body in bodies:
        with pytest.raises(NeedsOperator):
            GATEWAY.verify(signed(body))


@pytest.mark.parametrize(
    "change",
    [
        {"extOrderId": ""},
        {"extOrderId": None},
        {"extOrderId": "x" * 300},
        {"extOrderId": "\ud800"},
        {"extOrderId": "a\nb"},
        {"orderId": ""},
        {"merchantPosId": ""},
        {"currencyCode": "pln"},
        {"currencyCode": "PLN\n"},
        {"status": 1},
    ],
)
def test_odd_field_is_for_a_person(change: dict) -> None:
    """A signed notification with a field that can not be read is kept for a person."""
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(signed({"order": {**ORDER, **change}}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"order"',
        b'{"order":7}',
        b"\xff\xfe",
        json.dumps({"order": ORDER, "other": ORDER}).encode().replace(b"other", b"order"),
        json.dumps({"order": {**ORDER, "other": "PENDING"}}).encode().replace(b"other", b"status"),
        b'{"order":' + b"9" * 5000 + b"}",
        b"[" * 50_000,
    ],
)
def test_odd_body_is_for_a_person(body: bytes) -> None:
    """A signed body that is no notification, or says something twice, is kept for a person."""
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(_signed(body))


@pytest.mark.parametrize("frame", [b"\xef\xbb\xbf%s", b"\r\n%s\r\n", b"%s\n", b" %s "])
def test_frame_is_signed_too(frame: bytes) -> None:
    """A byte-order mark and line ends are part of what is signed: with them it is read, without them it is refused."""
    body = json.dumps({"order": ORDER}).encode()
    raw = _signed(frame % body)
    assert paid() == GATEWAY.verify(raw)
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, body=body))


def test_later_fields_are_welcome() -> None:
    """Fields that a later version adds, up to the largest body, change nothing."""
    body = {
        "order": {**ORDER, "fee": 1.5, "note": "ż" * 30_000},
        "localReceiptDateTime": "2026-11-02",
        "x": None,
    }
    assert paid() == GATEWAY.verify(_signed(json.dumps(body, ensure_ascii=False).encode()))


@pytest.mark.parametrize("name", [*ORDER])
@pytest.mark.parametrize("value", ["", "x", "żółć", "\U0001f422", "{0}{0}", None])
def test_changed_field(name: str, value: str | None) -> None:
    """A field that was emptied, doubled, changed or replaced is not authentic under the honest signature."""
    honest = signed({"order": ORDER})
    changed = {**ORDER, name: value and value.format(ORDER[name])}
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(honest, body=json.dumps({"order": changed}).encode()))


@pytest.mark.parametrize("kind", ["paid", "pending", "failed", "refund"])
def test_vendor_is_understood(till: Till, kind: str) -> None:
    """What the vendor sends is read as it was meant, and our acknowledgement is what it waits for."""
    event = till.event(kind=kind, reference="t-2", of="t-1" if kind == "refund" else "")
    (letter,) = VENDOR.letters(_notification(event), _asked(_start(till.order)))
    answer = GATEWAY.acknowledge(received(letter))
    assert event == GATEWAY.verify(received(letter))
    assert VENDOR.accepts(letter, answer.status, answer.body)
    assert [False] * 3 == [VENDOR.accepts(letter, status, answer.body) for status in (201, 400, 503)]


def test_vendor_tells_no_chargeback(till: Till) -> None:
    """PayU documents no message about a chargeback, so this world sends none."""
    event = till.event(kind="chargeback", reference="t-2", of="t-1")
    assert VENDOR.letters(_notification(event), _asked(_start(till.order))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"totalAmount": "0"},
        {"totalAmount": "299.00"},
        {"totalAmount": "1"},
        {"customerIp": ""},
        {"merchantPosId": "1"},
        {"products[0].name": "x" * 256},
        {"odd": "1"},
    ],
)
def test_vendor_refuses(till: Till, change: dict) -> None:
    """A form that is not as documented is refused by the vendor, although its signature is right."""
    fields = {**_start(till.order).fields, **change}
    del fields["OpenPayu-Signature"]
    signature = GATEWAY._signed(fields)
    request = PaymentRequest(
        method="POST", url=GATEWAY._url, fields={**fields, "OpenPayu-Signature": signature}
    )
    assert not accepted(request)


def test_blank_key_is_named() -> None:
    """The problem of an empty key names its setting."""
    with pytest.raises(ConfigurationError, match="second_key"):
        PayuGateway(msgspec.structs.replace(SETTINGS, second_key=""))


def paid() -> PaymentEvent:
    """Return what `ORDER` says."""
    return PaymentEvent(
        order=ORDER["extOrderId"],
        gateway="payu",
        reference=ORDER["orderId"],
        kind="paid",
        shop_id="300746",
        money=Money(minor=29_900, currency="PLN"),
    )


def signed(body: dict, *, algorithm: str = "MD5", header: str = HEADER) -> RawNotification:
    """Return a notification that our key signed."""
    return _signed(json.dumps(body).encode(), algorithm=algorithm, header=header)


def received(letter: Letter) -> RawNotification:
    """Return a letter as the shop gets it: header names in small letters."""
    headers = {name.lower(): value for name, value in letter.headers.items()}
    return RawNotification(headers=headers, query="", body=letter.body)


def accepted(request: PaymentRequest) -> bool:
    """Say whether the vendor takes this form."""
    try:
        _asked(request)
    except Refusal:
        return False
    return True


def _signed(body: bytes, *, algorithm: str = "MD5", header: str = HEADER) -> RawNotification:
    signature = HASHES[algorithm](body + KEY.encode()).hexdigest()
    return RawNotification(headers={header: _header(signature, algorithm)}, query="", body=body)


def _header(signature: str, algorithm: str) -> str:
    return f"sender=checkout;signature={signature};algorithm={algorithm};content=DOCUMENT"


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    headers = {} if signature is None else {HEADER: _header(signature, "MD5")}
    return msgspec.structs.replace(raw, headers=headers)


def _start(order: Order) -> PaymentRequest:
    return GATEWAY.request(order, RETURNS)


def _changed(till: Till, **changes: object) -> Order:
    return msgspec.structs.replace(till.order, intent=msgspec.structs.replace(till.order.intent, **changes))


def _asked(request: PaymentRequest) -> Request:
    path = request.url.removeprefix(SETTINGS.base_url)
    return VENDOR.start(request.method, path, "", encoded(request.fields).encode())


def _notification(event: PaymentEvent) -> Notification:
    money = event.money or Money(minor=0, currency="PLN")
    return Notification(
        id=event.reference,
        kind=event.kind,
        order=event.order,
        shop_id=event.shop_id,
        amount=money.minor,
        currency=money.currency,
        of=event.of,
    )


def _keyed(key: str) -> PayuGateway:
    return PayuGateway(msgspec.structs.replace(SETTINGS, second_key=key))
