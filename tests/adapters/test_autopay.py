"""Autopay: the published vectors, the promises of a gateway, and what a hostile or careless sender may send."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic
from kramik.event import PaymentEvent
from kramik.gateways.autopay import AutopayGateway, Settings, description
from kramik.intent import Buyer
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request
from kramik.sandbox.vendors.autopay import DEMO, dialect
from tests.contracts.gateway import PROMISES, RETURNS, Till
from tests.sandbox.place import fresh_order

VECTORS = json.loads(Path("tests/vectors/autopay.json").read_text("utf-8"))
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://world.example/autopay"}, Settings)
GATEWAY = AutopayGateway(SETTINGS)
VENDOR = dialect(Panel(notify=RETURNS.notify))
KEY = SETTINGS.shared_key
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'
PAID = {
    "orderID": "0a1b2c3d4e5f6g7h8j9kmnpqrs",
    "remoteID": "96MAETW8",
    "amount": "299.00",
    "currency": "PLN",
    "gatewayID": "509",
    "paymentDate": "20261102120000",
    "paymentStatus": "SUCCESS",
    "paymentStatusDetails": "AUTHORIZED",
}
RETURNED = {
    "isRefund": "true",
    "orderID": PAID["orderID"],
    "remoteID": "96MAETW8",
    "remoteOutID": "ZWTR_6063048773",
    "amount": "100.00",
    "currency": "PLN",
    "transferDate": "20261103120000",
    "transferStatus": "SUCCESS",
}


@pytest.fixture
def till() -> Till:
    """The gateway with its other side, which checks a start as its documents say and writes what it would send."""
    order = fresh_order(title="Agregaty & żółwie „w praktyce”")
    gateway = AutopayGateway(SETTINGS)
    return Till(
        gateway=gateway,
        name="autopay",
        order=order,
        secrets=(KEY,),
        acknowledgement=confirmation("orderID", order.id),
        without_key=lambda: AutopayGateway(msgspec.structs.replace(SETTINGS, shared_key=" ")),
        told=lambda event: received(
            VENDOR.letters(_notification(event), _asked(gateway.request(order, RETURNS)))[0]
        ),
        signature=lambda raw: xml_of(raw).partition("<hash>")[2].partition("</hash>")[0],
        resigned=_resigned,
        learns=("email",),
        accepts=accepted,
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise of a gateway."""
    promise(till)


@pytest.mark.parametrize("vector", [each for each in VECTORS if each["kind"] in ("link", "return")])
def test_published_hash_of_a_start(vector: dict) -> None:
    """Starts and returns are hashed as in Autopay's documents and an open client's tests (published vectors)."""
    gateway = _keyed(vector["secret"])
    assert vector["expected"] == gateway._signed(filter(None, vector["inputs"].values()))


def test_published_notification() -> None:
    """The ITN of an open client's tests is authentic under its key and hash (published vector)."""
    (vector,) = (each for each in VECTORS if each["kind"] == "notification")
    service, *fields = vector["inputs"].items()
    raw = posted(document(service[1], dict(fields), vector["expected"]))
    paid = PaymentEvent(
        order="1",
        gateway="autopay",
        reference="96MAETW8",
        kind="paid",
        shop_id="4",
        money=Money(minor=120, currency="PLN"),
    )
    assert paid == _keyed("ser").verify(raw)


def test_published_acknowledgement() -> None:
    """A confirmation carries the hash that Autopay's documents print for it, byte for byte (published vector)."""
    (vector,) = (each for each in VECTORS if each["kind"] == "ack")
    raw = posted(signed({**PAID, "orderID": "11"}, service="1", key="1test1"))
    expected = (
        f"{PROLOG}\n<confirmationList><serviceID>1</serviceID><transactionsConfirmations><transactionConfirmed>"
        "<orderID>11</orderID><confirmation>CONFIRMED</confirmation></transactionConfirmed>"
        f"</transactionsConfirmations><hash>{vector['expected']}</hash></confirmationList>"
    ).encode()
    assert expected == _keyed("1test1").acknowledge(raw).body


def test_start_says_everything(till: Till) -> None:
    """A start is a form whose fields stand in the order in which they are hashed (computed vector)."""
    order = msgspec.structs.replace(till.order, id="0a1b2c3d4e5f6g7h8j9kmnpqrs")
    email = order.intent.buyer.email
    values = ["100747", order.id, "299.00", "Agregaty zołwie w praktyce".replace("ł", "l"), "0", "PLN", email]
    values.append(RETURNS.done)
    names = "ServiceID OrderID Amount Description GatewayID Currency CustomerEmail ReturnURL".split()
    fields = {**dict(zip(names, values, strict=True)), "Hash": _hash(values)}
    start = GATEWAY.request(order, RETURNS)
    assert ("POST", "http://world.example/autopay/payment") == (start.method, start.url)
    assert list(fields.items()) == list(start.fields.items())


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Zażółć gęślą jaźń: ŁÓDŹ", "Zazolc gesla jazn: LODZ"),
        ("„DDD” — kurs (część 1)", "DDD kurs czesc 1"),
        ("a|b|299.00", "a b 299.00"),
        ("Ö" * 100, "O" * 79),
        ("x" * 78 + " yz", "x" * 78),
        ("課程", ""),
    ],
)
def test_description_fits(till: Till, title: str, shown: str) -> None:
    """A title is fitted to the alphabet and the length that Autopay documents, and the vendor takes it."""
    order = msgspec.structs.replace(
        till.order, intent=msgspec.structs.replace(till.order.intent, title=title)
    )
    assert shown == description(title)
    assert accepted(GATEWAY.request(order, RETURNS))


@pytest.mark.parametrize(
    ("method", "channel"),
    [("", "0"), ("blik", "509"), ("card", "1500"), ("106", "106"), ("1|2", "0"), ("٣", "0")],
)
def test_method_is_a_channel(till: Till, method: str, channel: str) -> None:
    """The method that a buyer chose opens its channel; without one Autopay lets the buyer choose."""
    order = msgspec.structs.replace(
        till.order, intent=msgspec.structs.replace(till.order.intent, method=method)
    )
    start = GATEWAY.request(order, RETURNS)
    assert channel == start.fields["GatewayID"]
    assert accepted(start)


def test_agreed_language(till: Till) -> None:
    """A language is asked for only when the seller has agreed on it with Autopay."""
    order = msgspec.structs.replace(till.order, intent=msgspec.structs.replace(till.order.intent, lang="en"))
    agreed = AutopayGateway(msgspec.structs.replace(SETTINGS, languages=("en",)))
    assert "Language" not in GATEWAY.request(order, RETURNS).fields
    assert agreed.request(order, RETURNS).fields["Language"] == "EN"
    assert accepted(agreed.request(order, RETURNS))


def test_email_with_plus(till: Till) -> None:
    """An address with a plus arrives as it was typed, and no other fact about the buyer is sent."""
    buyer = Buyer(email="łucja+kurs@example.com", name="Łucja Żółć")
    order = msgspec.structs.replace(
        till.order, intent=msgspec.structs.replace(till.order.intent, buyer=buyer)
    )
    start = GATEWAY.request(order, RETURNS)
    assert buyer.email == start.fields["CustomerEmail"]
    assert buyer.name not in str(start)
    assert accepted(start)


def test_value_with_a_bar_is_left_out(till: Till) -> None:
    """An address that could be cut into two values is not sent at all."""
    buyer = Buyer(email="20261102|SUCCESS|a@example.com", name="Anna")
    order = msgspec.structs.replace(
        till.order, intent=msgspec.structs.replace(till.order.intent, buyer=buyer)
    )
    assert "CustomerEmail" not in GATEWAY.request(order, RETURNS).fields


def test_static_return(till: Till) -> None:
    """A service without dynamic return addresses is sent none."""
    gateway = AutopayGateway(msgspec.structs.replace(SETTINGS, dynamic_return=False))
    start = gateway.request(till.order, RETURNS)
    assert "ReturnURL" not in start.fields
    assert accepted(start)


def test_sha512(till: Till) -> None:
    """A service that was set to SHA-512 signs, verifies and confirms with it (computed vector)."""
    gateway = AutopayGateway(msgspec.structs.replace(SETTINGS, hash="sha512"))
    made = gateway._signed(["100747", *PAID.values()])
    raw = posted(document("100747", PAID, made))
    assert gateway.verify(raw) is not None
    assert len(made) == len(gateway.request(till.order, RETURNS).fields["Hash"]) == 128
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(raw)


@pytest.mark.parametrize(
    ("status", "kind"), [("PENDING", "pending"), ("SUCCESS", "paid"), ("FAILURE", "failed"), ("NEW", None)]
)
def test_status(status: str, kind: str | None) -> None:
    """A status becomes a kind; one that nobody knows says nothing and is confirmed all the same."""
    raw = posted(signed({**PAID, "paymentStatus": status}))
    event = GATEWAY.verify(raw)
    assert kind == (event and event.kind)
    assert confirmation("orderID", PAID["orderID"]) == GATEWAY.acknowledge(raw)


def test_refund() -> None:
    """An ISTN about a refund names what went back and of which payment (computed vector)."""
    raw = posted(signed(RETURNED))
    refund = PaymentEvent(
        order=PAID["orderID"],
        gateway="autopay",
        reference="ZWTR_6063048773",
        kind="refund",
        shop_id="100747",
        money=Money(minor=10_000, currency="PLN"),
        of="96MAETW8",
    )
    assert refund == GATEWAY.verify(raw)
    assert confirmation("remoteOutID", "ZWTR_6063048773") == GATEWAY.acknowledge(raw)


@pytest.mark.parametrize(
    "change",
    [{"isRefund": "false"}, {"isRefund": ""}, {"transferStatus": "PENDING"}, {"transferStatus": "FAILURE"}],
)
def test_other_settlements_say_nothing(change: dict) -> None:
    """A settlement, or a refund that is not under way, changes nothing and is confirmed."""
    raw = posted(signed({**RETURNED, **change}))
    assert GATEWAY.verify(raw) is None
    assert confirmation("remoteOutID", "ZWTR_6063048773") == GATEWAY.acknowledge(raw)


def test_fee_on_top() -> None:
    """Where Autopay adds its fee for the buyer, the price is what the start asked for."""
    event = GATEWAY.verify(posted(signed({**PAID, "amount": "302.50", "startAmount": "299.00"})))
    assert event is not None
    assert Money(minor=29_900, currency="PLN") == event.money


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "99.00", "startAmount": "299.00"},
        {"amount": "99.00", "title": "kurs|299.00"},
        {"amount": "99.00", "title": "kurs|", "startAmount": "9.00"},
    ],
)
def test_no_other_start_amount(change: dict) -> None:
    """A start amount above the payment, or behind a bar that a payer could write, does not change what was paid."""
    event = GATEWAY.verify(posted(signed({**PAID, **change})))
    assert event is not None
    assert Money(minor=9_900, currency="PLN") == event.money


def test_wrong_service_under_a_valid_hash() -> None:
    """The service that the message names is what the worker compares; the till does not decide about it."""
    event = GATEWAY.verify(posted(signed(PAID, service="666")))
    assert event is not None
    assert event.shop_id == "666"


@pytest.mark.parametrize("name", ["amount", "startAmount"])
@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "1000.0",
        "1000",
        "\u0661\u0662.\u0660\u0660",
        "\uff12\uff19\uff19.\uff10\uff10",
        "-299.00",
        "+299.00",
        " 299.00",
        "0299.00",
        "299,00",
        "9" * 12 + ".00",
    ],
)
def test_odd_amount_is_for_a_person(name: str, text: str) -> None:
    """An amount that is not exactly an amount is kept for a person, and confirmed: it is authentic."""
    raw = posted(signed({**PAID, name: text}))
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(raw)
    assert confirmation("orderID", PAID["orderID"]) == GATEWAY.acknowledge(raw)


@pytest.mark.parametrize(
    "fields", [{**PAID, "currency": "pln"}, {**RETURNED, "orderID": ""}, {**RETURNED, "remoteID": ""}]
)
def test_odd_message_is_for_a_person(fields: dict) -> None:
    """A signed message without a currency, an order or a payment that can be read is kept for a person."""
    raw = posted(signed(fields))
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(raw)
    assert GATEWAY.acknowledge(raw).status == 200


def test_start_is_no_notification() -> None:
    """What a buyer can read in the start form, however it is cut, is never a paid message (a forgery that fits)."""
    values = ["100747", PAID["orderID"], "299.00", "Agregaty", "0", "PLN", "20261102|SUCCESS|a@example.com"]
    cut = {
        "orderID": PAID["orderID"],
        "amount": "299.00",
        "remoteID": "Agregaty",
        "gatewayID": "0",
        "currency": "PLN",
        "paymentDate": "20261102",
        "paymentStatus": "SUCCESS",
        "paymentStatusDetails": "a@example.com",
    }
    ordered = {
        "orderID": PAID["orderID"],
        "remoteID": "299.00",
        "amount": "Agregaty",
        "currency": "0",
        "gatewayID": "PLN",
        "paymentDate": "20261102",
        "paymentStatus": "SUCCESS",
        "paymentStatusDetails": "a@example.com",
    }
    for fields in (
        cut,
        ordered,
        {"orderID": PAID["orderID"], **{f"x{at}": each for at, each in enumerate(values[2:])}},
    ):
        with pytest.raises(NotAuthentic):
            GATEWAY.verify(posted(document("100747", fields, _hash(values))))


@pytest.mark.parametrize(
    "fields",
    [
        {**PAID, "remoteID": "", "amount": PAID["remoteID"]},
        {**PAID, "orderID": f"{PAID['orderID']}|96MAETW8", "remoteID": ""},
        {
            **PAID,
            "orderID": f"{PAID['orderID']}|96MAETW8",
            "remoteID": "299.00",
            "amount": "PLN",
            "currency": "509",
        },
        {**PAID, "orderID": "order|96MAETW8"},
        {"remoteID": PAID["remoteID"], **PAID},
        {**{name: value for name, value in PAID.items() if name != "paymentStatus"}, "details": "SUCCESS"},
        {**PAID, "orderID": ""},
        {"note": "first", **PAID},
        {**PAID, "remoteID": "x" * 21},
    ],
)
def test_moved_across_a_boundary(fields: dict) -> None:
    """Values in other fields or in another order are not authentic, though the text that is hashed may be the same."""
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(posted(signed(fields)))


@pytest.mark.parametrize("name", [*PAID])
@pytest.mark.parametrize("value", ["", "x", "żółć", "\U0001f422", "{0}{0}", "{0}|", "|{0}"])
def test_changed_field(name: str, value: str) -> None:
    """A field that was emptied, doubled, changed or replaced is not authentic under the hash of the honest message."""
    changed = {**PAID, name: value.format(PAID[name])}
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(posted(document("100747", changed, _hash(["100747", *PAID.values()]))))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<amount>", "<amount>1.00</amount><amount>"),
        ("</transactions>", "<transaction/></transactions>"),
        ("<hash>", "<hash>0</hash><hash>"),
        ("<hash>", "<hash x='1'><b/>"),
        ("transactionList>", "transactionlist>"),
        ("serviceID>", "ServiceID>"),
        ("<transaction>", "<transaction>text"),
        ("</amount>", "</amount>text"),
        ("<amount>", "<amount><!-- 1 -->"),
        ("<amount>", "<amount><?php?>"),
        ("UTF-8", "UTF-16"),
        ('"1.0"', '"1.1"'),
        ("299.00", "&x;"),
        (PROLOG, "<!DOCTYPE transactionList>"),
        (PROLOG, f"{PROLOG}<!DOCTYPE transactionList>"),
        (PROLOG, f'{PROLOG}<!DOCTYPE a SYSTEM "file:///etc/passwd">'),
        ("</transactionList>", "</transactionList"),
        ("</transactionList>", "</transactionList>text"),
        ("<serviceID>", "<a>" * 5000),
        (PROLOG, f"\0{PROLOG}"),
    ],
)
def test_odd_document(old: str, new: str) -> None:
    """A document with a type, a comment, a double, or in any other form is not authentic."""
    xml = signed(PAID)
    assert old in xml
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(posted(xml.replace(old, new)))


@pytest.mark.parametrize("name", ["amount", "orderID", "startAmount"])
def test_doubled_field(name: str) -> None:
    """A field that comes twice is not authentic, also under a hash over both."""
    fields = {**PAID, "startAmount": "299.00"}
    made = _hash(["100747", *fields.values(), "1.00"])
    twice = f"<{name}>1.00</{name}></transaction>"
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(posted(document("100747", fields, made).replace("</transaction>", twice)))


@pytest.mark.parametrize("spaces", [0, 1, 2])
def test_base64_in_another_spelling(spaces: int) -> None:
    """Bits of base64 that mean nothing can not be changed either."""
    given = b64encode((signed(PAID) + " " * spaces).encode()).decode()
    last = given.rstrip("=")[-1]
    other = given.replace(f"{last}=", f"{chr(ord(last) + 1)}=") if "=" in given else f"{given}===="
    body = urlencode({"transactions": other}).encode()
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(RawNotification(headers={}, query="", body=body))


def test_entity_is_never_resolved() -> None:
    """A document that declares an entity is not authentic, also when its hash fits what the entity stands for."""
    declared = f'{PROLOG}<!DOCTYPE a [<!ENTITY x "299.00">]>'
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(posted(signed(PAID).replace("299.00", "&x;").replace(PROLOG, declared)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PROLOG, f"\ufeff{PROLOG}"),
        (PROLOG, ""),
        ('"UTF-8"', '"utf-8" standalone="yes"'),
        ("\n", "\r\n"),
        ("><", ">\r\n\t<"),
        ("Żółć &amp; syn", "<![CDATA[Żółć & syn]]>"),
    ],
)
def test_other_layout(old: str, new: str) -> None:
    """A byte-order mark, other line ends, indents or CDATA leave the values, and so the message, as they are."""
    xml = signed({**PAID, "customerData": "Żółć & syn"})
    honest = GATEWAY.verify(posted(xml))
    assert old in xml
    assert honest is not None
    assert honest == GATEWAY.verify(posted(xml.replace(old, new)))


def test_later_fields_are_welcome() -> None:
    """Fields behind the documented ones, with others inside or values in attributes, are hashed and not read."""
    names = "".join(f"<param name='{name}' value='{name}1'/>" for name in "ab")
    more = "<addressIP>127.0.0.1</addressIP><customerData><fName>Łucja</fName><nrb/></customerData>"
    more += f"<product><params>{names}</params></product>"
    made = _hash(["100747", *PAID.values(), "127.0.0.1", "Łucja", "a1", "b1"])
    xml = document("100747", PAID, made).replace("</transaction>", f"{more}</transaction>")
    assert GATEWAY.verify(posted(xml)) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"transactions",
        b"transactions=",
        b"transactions=!!!!",
        b"transactions=PGE%2BPC9hPg==x",
        b"Transactions=PGEvPg%3D%3D",
        b"\xff\xfe",
        b"transactions=" + b"A" * 65_000,
        b"&".join([b"transactions=PGEvPg%3D%3D"] * 2),
        b"&".join([b"a=1"] * 30_000),
    ],
)
def test_odd_body(body: bytes) -> None:
    """A body that is no form with one message in it is not authentic, however long it is."""
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(RawNotification(headers={}, query="", body=body))


def test_doubled_message() -> None:
    """Two messages in one form, both authentic, are none."""
    raw = posted(signed(PAID))
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, body=raw.body + b"&" + raw.body))


def test_more_form_fields_are_welcome() -> None:
    """A field of the form that a later version adds changes nothing, and a plus that was not encoded is understood."""
    raw = posted(signed(PAID))
    body = raw.body.replace(b"%2B", b"+").replace(b"%3D", b"=") + b"&version=2"
    assert GATEWAY.verify(raw) == GATEWAY.verify(msgspec.structs.replace(raw, body=body))


def test_every_byte_of_64_kib() -> None:
    """A message that fills the largest body is read."""
    xml = signed({**PAID, "title": "ż" * 15_000})
    assert GATEWAY.verify(posted(xml)) is not None


def test_confirmation_is_xml() -> None:
    """An order id of another shop that has letters with a meaning in XML is confirmed, escaped."""
    raw = posted(signed({**PAID, "orderID": "a<b&c>"}))
    body = GATEWAY.acknowledge(raw).body.decode()
    assert "<orderID>a&lt;b&amp;c&gt;</orderID>" in body
    assert _hash(["100747", "a<b&c>", "CONFIRMED"]) in body


@pytest.mark.parametrize("kind", ["paid", "pending", "failed", "refund"])
def test_vendor_takes_our_confirmation(till: Till, kind: str) -> None:
    """What the vendor sends is read as it was meant, and only our confirmation of this very message is taken."""
    event = till.event(kind=kind, reference="t-2", of="t-1" if kind == "refund" else "")
    (letter,) = VENDOR.letters(_notification(event), _asked(GATEWAY.request(till.order, RETURNS)))
    answer = GATEWAY.acknowledge(received(letter))
    (other,) = VENDOR.letters(
        _notification(till.event(order="other", reference="t-3")),
        _asked(GATEWAY.request(till.order, RETURNS)),
    )
    assert event == GATEWAY.verify(received(letter))
    assert VENDOR.accepts(letter, 200, answer.body)
    taken = [
        VENDOR.accepts(letter, 500, answer.body),
        VENDOR.accepts(letter, 200, b"OK"),
        VENDOR.accepts(letter, 200, answer.body.replace(b"CONFIRMED", b"NOTCONFIRMED")),
        VENDOR.accepts(letter, 200, answer.body[:-1]),
        VENDOR.accepts(other, 200, answer.body),
    ]
    assert [False] * 5 == taken


def test_vendor_tells_no_chargeback(till: Till) -> None:
    """Autopay documents no message about a chargeback, so this world sends none."""
    event = till.event(kind="chargeback", reference="t-2", of="t-1")
    assert VENDOR.letters(_notification(event), _asked(GATEWAY.request(till.order, RETURNS))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"Amount": "0.00"},
        {"Amount": "299"},
        {"Currency": "JPY"},
        {"Description": "żółw"},
        {"CustomerEmail": ""},
        {"Odd": "1"},
    ],
)
def test_vendor_refuses(till: Till, change: dict) -> None:
    """A start that is not as documented is refused by the vendor, although its hash is right."""
    fields = {**GATEWAY.request(till.order, RETURNS).fields, **change}
    fields["Hash"] = VENDOR.hashed(value for name, value in fields.items() if name != "Hash")
    assert not accepted(PaymentRequest(method="POST", url=GATEWAY._url, fields=fields))


def test_vendor_asks_for_its_panel(till: Till) -> None:
    """A service that has no address for notifications in its panel can take no payment."""
    start = GATEWAY.request(till.order, RETURNS)
    with pytest.raises(Refusal):
        dialect(Panel()).start("POST", "/payment", "", encoded(start.fields).encode())


def test_buyer_comes_back_proven(till: Till) -> None:
    """The vendor sends the buyer back to the order's own page, with the return's hash (published rule)."""
    asked = _asked(GATEWAY.request(till.order, RETURNS))
    proof = {"ServiceID": "100747", "OrderID": till.order.id, "Hash": _hash(["100747", till.order.id])}
    assert f"{RETURNS.done}&{urlencode(proof)}" == asked.done


def test_blank_key_is_named() -> None:
    """The problem of an empty key names its setting."""
    with pytest.raises(ConfigurationError, match="shared_key"):
        AutopayGateway(msgspec.structs.replace(SETTINGS, shared_key=""))


def document(service: str, fields: dict[str, str], made: str) -> str:
    """Return the XML of a message; the values are escaped."""
    escaped = {name: value.replace("&", "&amp;").replace("<", "&lt;") for name, value in fields.items()}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in escaped.items())
    transaction = f"<transactions><transaction>{inner}</transaction></transactions>"
    return (
        f"{PROLOG}\n<transactionList><serviceID>{service}</serviceID>{transaction}"
        f"<hash>{made}</hash></transactionList>"
    )


def signed(fields: dict[str, str], *, service: str = "100747", key: str = KEY) -> str:
    """Return the XML of a message that this key signed."""
    return document(service, fields, _hash([service, *fields.values()], key))


def posted(xml: str) -> RawNotification:
    """Return a notification as it comes."""
    body = urlencode({"transactions": b64encode(xml.encode("utf-8", "surrogatepass")).decode()}).encode()
    return RawNotification(headers={}, query="", body=body)


def xml_of(raw: RawNotification) -> str:
    """Return the XML of a notification."""
    return b64decode(dict(parse_qsl(raw.body.decode()))["transactions"]).decode()


def received(letter: Letter) -> RawNotification:
    """Return a letter as the shop gets it."""
    return RawNotification(headers=letter.headers, query="", body=letter.body)


def confirmation(name: str, subject: str) -> Acknowledgement:
    """Return the confirmation of a message about this id (computed)."""
    body = (
        f"{PROLOG}\n<confirmationList><serviceID>100747</serviceID><transactionsConfirmations><transactionConfirmed>"
        f"<{name}>{subject}</{name}><confirmation>CONFIRMED</confirmation></transactionConfirmed>"
        f"</transactionsConfirmations><hash>{_hash(['100747', subject, 'CONFIRMED'])}</hash></confirmationList>"
    )
    return Acknowledgement(body=body.encode(), content_type="application/xml; charset=utf-8")


def accepted(request: PaymentRequest) -> bool:
    """Say whether the vendor takes this start."""
    try:
        _asked(request)
    except Refusal:
        return False
    return True


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


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    before, _, rest = xml_of(raw).partition("<hash>")
    after = rest.partition("</hash>")[2]
    return posted(before + ("" if signature is None else f"<hash>{signature}</hash>") + after)


def _keyed(key: str) -> AutopayGateway:
    return AutopayGateway(msgspec.structs.replace(SETTINGS, shared_key=key))


def _hash(values: list[str], key: str = KEY) -> str:
    return sha256("|".join([*filter(None, values), key]).encode()).hexdigest()
