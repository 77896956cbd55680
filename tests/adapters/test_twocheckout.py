"""2Checkout: the vectors that can be had, the promises of a gateway against its simulator, and hostile senders."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic
from kramik.event import PaymentEvent
from kramik.gateways import twocheckout
from kramik.gateways.twocheckout import Settings, TwoCheckoutGateway
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification
from kramik.sandbox.dialect import Notification, Panel, Refusal
from kramik.sandbox.vendors import twocheckout as vendor
from tests.contracts.gateway import PROMISES, RETURNS, Till, fields_of
from tests.sandbox.place import fresh_order

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/twocheckout.json").read_text("utf-8"))
SETTINGS = msgspec.convert({**vendor.DEMO, "base_url": "https://secure.2checkout.example"}, Settings)
GATEWAY = TwoCheckoutGateway(SETTINGS)
ORDER = fresh_order(title="Agregaty & żółwie; „w praktyce”", product="agregaty")
SIGNATURE = "SIGNATURE_SHA2_256"
PAID = {
    "REFNO": "211153389",
    "REFNOEXT": ORDER.id,
    "ORDERSTATUS": "COMPLETE",
    "FIRSTNAME": "Żółty",
    "COMPANY": "",
    "CURRENCY": "PLN",
    "IPN_PID[]": "40898000",
    "IPN_PNAME[]": "Agregaty",
    "IPN_TOTALGENERAL": "299.00",
    "CHARGEBACK_RESOLUTION": "NONE",
    "CHARGEBACK_REASON_CODE": "",
    "TEST_ORDER": "0",
    "IPN_DATE": "20230621183208",
    "VENDOR_CODE": SETTINGS.merchant_code,
}


@pytest.fixture
def till() -> Till:
    """Our account with 2Checkout's side."""
    return Till(
        gateway=GATEWAY,
        name="twocheckout",
        order=ORDER,
        secrets=(SETTINGS.secret_word, SETTINGS.secret_key),
        acknowledgement=_receipt(_told(_event())),
        without_key=lambda: TwoCheckoutGateway(msgspec.structs.replace(SETTINGS, secret_key=" ")),
        told=_told,
        signature=lambda raw: dict(_form(raw))[SIGNATURE],
        resigned=_resigned,
        accepts=_accepts,
        unsigned=_names,
        read_as=_read_as,
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """2Checkout keeps each promise of a gateway."""
    promise(till)


def test_receipt_signs_the_published_text() -> None:
    """The receipt signs the text of the vendor's example: its published MD5 fits it, and our SHA-256 is over it."""
    vector = VECTORS[0]
    key, text = vector["key"].encode(), vector["text"].encode()
    gateway = TwoCheckoutGateway(Settings(merchant_code="1", secret_word="w", secret_key=vector["key"]))
    raw = RawNotification(headers={}, query="", body=vector["body"].encode())
    computed = "ea6f44c39b3d204b59500998fcb9221c92744d9721a94b45fc6d5cda99980176"
    assert vector["md5"] == hmac.digest(key, text, "md5").hex()
    assert (
        f'<sig algo="sha256" date="20050303123434">{computed}</sig>'.encode() == gateway.acknowledge(raw).body
    )


def test_link_signs_the_published_text() -> None:
    """The values of a link are joined as a seller published it."""
    vector = VECTORS[1]
    assert vector["text"].encode() == twocheckout._source(value.encode() for value in vector["values"])


def test_empty_value_and_zero() -> None:
    """An empty value is signed as `0`, the value `0` as `10`, and letters count in bytes."""
    assert b"0102\xc5\xbb" == twocheckout._source([b"", b"0", "Ż".encode()])


def test_link() -> None:
    """The link says what is sold in ASCII, and nothing about the buyer; its signature is a computed vector."""
    order = msgspec.structs.replace(ORDER, id="0123456789abcdefghjkmnpqrs")
    request = GATEWAY.request(order, RETURNS)
    link = dict(fields_of(request))
    text = (
        f"3PLN26{order.id}6299.0029Agregaty & zolwie  w praktyce118redirect"
        "42https://kurs.example/thanks/?order=1&key=a107PRODUCT"
    )
    mac = hmac.digest(SETTINGS.secret_word.encode(), text.encode(), "sha256").hex()
    expected = {
        "merchant": "250000000001",
        "dynamic": "1",
        "prod": "Agregaty & zolwie  w praktyce",
        "price": "299.00",
        "qty": "1",
        "tangible": "0",
        "type": "PRODUCT",
        "currency": "PLN",
        "order-ext-ref": order.id,
        "return-type": "redirect",
        "return-url": RETURNS.done,
    }
    assert mac == link.pop("signature")
    assert ("GET", {}) == (request.method, request.fields)
    assert "https://secure.2checkout.example/checkout/buy" == request.url.partition("?")[0]
    assert expected == link


def test_long_title_is_cut() -> None:
    """A product's name has at most 100 characters and is never empty."""
    names = [
        fields_of(GATEWAY.request(fresh_order(title=title), RETURNS))["prod"]
        for title in ("Żó;ł" * 90, "日本")
    ]
    assert [(True, False), (True, False)] == [(0 < len(name) <= 100, ";" in name) for name in names]


def test_test_link() -> None:
    """With `test = true` the link makes a test order, and only test orders are ours."""
    gateway = TwoCheckoutGateway(msgspec.structs.replace(SETTINGS, test=True))
    request = gateway.request(ORDER, RETURNS)
    event = gateway.verify(_signed({**PAID, "TEST_ORDER": "1"}))
    assert event is not None
    assert ("1", f"{SETTINGS.merchant_code} (test)") == (fields_of(request)["test"], gateway.shop_id)
    assert gateway.shop_id == event.shop_id


def test_test_order_is_no_payment() -> None:
    """Whoever adds `test=1` to a link pays nothing: the shop of a test order is not ours, so the worker parks it."""
    [letter] = _letters(_event(), test=True)
    event = GATEWAY.verify(RawNotification(headers={}, query="", body=letter))
    assert event is not None
    assert GATEWAY.shop_id != event.shop_id


def test_other_account_is_named() -> None:
    """An IPN of another account under our key says so, and the worker compares it."""
    event = GATEWAY.verify(_signed({**PAID, "VENDOR_CODE": "999"}))
    assert event is not None
    assert "999" == event.shop_id


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("COMPLETE", "paid"),
        ("PENDING", "pending"),
        ("PURCHASE_PENDING", "pending"),
        ("PENDING_APPROVAL", "pending"),
        ("PENDING_ORDER_APPROVAL", "pending"),
        ("PAYMENT_AUTHORIZED", "pending"),
        ("PAYMENT_RECEIVED", "pending"),
        ("REFUND", "refund"),
        ("REVERSED", "failed"),
        ("CANCELED", "failed"),
        ("SOMETHING_NEW", None),
    ],
)
def test_what_a_status_means(status: str, kind: str | None) -> None:
    """Only COMPLETE is paid; a status that nobody knows says nothing."""
    event = GATEWAY.verify(_signed({**PAID, "ORDERSTATUS": status}))
    assert kind == (event and event.kind)


@pytest.mark.parametrize(
    ("resolution", "kind"), [("OPEN", "chargeback"), ("LOST", "chargeback"), ("WON", None), ("NONE", "paid")]
)
def test_chargeback_is_not_paid_again(resolution: str, kind: str | None) -> None:
    """A COMPLETE that tells of a dispute is a chargeback, not a payment."""
    fields = {**PAID, "CHARGEBACK_RESOLUTION": resolution, "CHARGEBACK_REASON_CODE": "FRAUD"}
    event = GATEWAY.verify(_signed(fields))
    assert kind == (event and event.kind)


def test_refund_is_negative() -> None:
    """A refund's total is written with a minus, and is read as the money that went back."""
    event = GATEWAY.verify(_signed({**PAID, "ORDERSTATUS": "REFUND", "IPN_TOTALGENERAL": "-149.50"}))
    assert event is not None
    assert (Money(minor=14_950, currency="PLN"), "211153389") == (event.money, event.of)


@pytest.mark.parametrize(
    "amount",
    [
        "1e3",
        "1000.000",
        "-299.00",
        "--1",
        "+1",
        " 1",
        "1 ",
        "\uff11\uff10",
        "",
        ".5",
        "1,00",
        "0x10",
        "9" * 14,
    ],
)
def test_odd_amount_is_for_a_person(amount: str) -> None:
    """A signed total that is no plain amount of the currency is kept for a person, and still acknowledged."""
    raw = _signed({**PAID, "IPN_TOTALGENERAL": amount})
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(raw)
    assert _receipt(raw) == GATEWAY.acknowledge(raw)


@pytest.mark.parametrize(
    "name", ["REFNO", "ORDERSTATUS", "CURRENCY", "IPN_TOTALGENERAL", "IPN_DATE", "TEST_ORDER"]
)
def test_missing_field_is_for_a_person(name: str) -> None:
    """A signed IPN without a field that counts says which one to turn on in the panel."""
    raw = _signed({key: value for key, value in PAID.items() if key != name})
    with pytest.raises(NeedsOperator, match=name):
        GATEWAY.verify(raw)
    assert GATEWAY.acknowledge(raw).body.startswith(b'<sig algo="sha256" date="')


@pytest.mark.parametrize("change", [{"CURRENCY": "pln"}, {"REFNOEXT": "ż"}, {"REFNO": "1\n2"}])
def test_odd_field_is_for_a_person(change: dict[str, str]) -> None:
    """A signed field that makes no sense is kept for a person."""
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(_signed({**PAID, **change}))


def test_doubled_field_is_for_a_person() -> None:
    """A signed IPN that says something twice is kept for a person."""
    pairs = [*PAID.items(), ("CURRENCY", "EUR")]
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(_raw(pairs, _mac(pairs)))


def test_several_products_and_later_fields() -> None:
    """Fields of products may repeat, and a field that a later version adds changes nothing."""
    pairs = [*PAID.items(), ("IPN_PID[]", "2"), ("NEW_FIELD", "ż\r\n")]
    assert GATEWAY.verify(_signed(PAID)) == GATEWAY.verify(_raw(pairs, _mac(pairs)))


def test_order_without_reference_is_kept() -> None:
    """A sale that is not from this shop is an order that nobody knows."""
    event = GATEWAY.verify(_signed({**PAID, "REFNOEXT": ""}))
    assert event is not None
    assert "211153389" == event.order


def test_text_that_is_not_utf8_is_authentic() -> None:
    """The bytes are signed as they came, whatever they mean."""
    body = b"&".join(f"{name}={value}".encode() for name, value in PAID.items() if name != "FIRSTNAME")
    source = (
        b"%d" % 2
        + b"\xff\xfe"
        + twocheckout._source(value.encode() for name, value in PAID.items() if name != "FIRSTNAME")
    )
    mac = hmac.digest(SETTINGS.secret_key.encode(), source, "sha256").hex()
    raw = RawNotification(
        headers={}, query="", body=b"FIRSTNAME=%ff%FE&" + body + f"&{SIGNATURE}={mac}".encode()
    )
    assert GATEWAY.verify(_signed(PAID)) == GATEWAY.verify(raw)


def test_order_of_fields_counts() -> None:
    """Values that change places are not authentic: what was paid can not become who paid."""
    pairs = list(PAID.items())
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(_raw(pairs[::-1], _mac(pairs)))


def test_value_across_a_boundary() -> None:
    """A character that moves into the next field is not authentic."""
    pairs = list(PAID.items())
    moved = [*{**PAID, "REFNO": "21115338", "REFNOEXT": f"9{ORDER.id}"}.items()]
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(_raw(moved, _mac(pairs)))


@pytest.mark.parametrize("name", ["HASH", "SIGNATURE_SHA3_256", "SIGNATURE_MD5", "signature_sha2_256"])
def test_other_algorithm_is_refused(name: str) -> None:
    """An IPN that is signed in another way only is not authentic, however right that signature is."""
    pairs = list(PAID.items())
    source = twocheckout._source(value.encode() for _, value in pairs)
    mac = hmac.digest(SETTINGS.secret_key.encode(), source, "md5" if name == "HASH" else "sha3_256").hex()
    body = urlencode([*pairs, (name, mac)]).encode()
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(RawNotification(headers={}, query="", body=body))


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "CRLF behind": lambda body: body + b"\r\n",
    "CRLF between": lambda body: body.replace(b"&CURRENCY", b"\r\n&CURRENCY"),
    "signature doubled": lambda body: body + b"&" + body[body.index(b"SIGNATURE") :],
    "all doubled": lambda body: body + b"&" + body,
    "a field more": lambda body: b"NEW=1&" + body,
    "an empty field more": lambda body: b"NEW=&" + body,
    "64 KiB": lambda _: b"a=" + b"b" * 65_536,
    "20,000 fields": lambda _: b"a=1&" * 20_000,
    "nothing": lambda _: b"",
    "a name without a value": lambda body: body.replace(b"COMPANY=&", b"COMPANY&"),
}


@pytest.mark.parametrize("how", SPOILS)
def test_spoiled_form_is_not_authentic(how: str) -> None:
    """Line ends, doubled and added fields and oversized forms are refused without an accident."""
    raw = _signed(PAID)
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, body=SPOILS[how](raw.body)))


@pytest.mark.parametrize("name", ["secret_word", "secret_key"])
def test_empty_secret_is_refused_at_start(name: str) -> None:
    """Neither of the two secrets may be empty."""
    with pytest.raises(ConfigurationError, match=name):
        TwoCheckoutGateway(msgspec.structs.replace(SETTINGS, **{name: ""}))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"OK",
        b"<sig></sig>",
        b"<EPAYMENT>20230621183208|0</EPAYMENT>",
        b'<sig algo="md5" date="1">0</sig>',
    ],
)
def test_simulator_wants_its_receipt(answer: bytes) -> None:
    """The simulator takes our receipt with status 200 and nothing else."""
    world = vendor.dialect(Panel())
    asked = world.start("GET", "/checkout/buy", _query(GATEWAY.request(ORDER, RETURNS)), b"")
    [letter] = world.letters(_notification(_event()), asked)
    ours = GATEWAY.acknowledge(RawNotification(headers={}, query="", body=letter.body)).body
    accepted = [world.accepts(letter, *each) for each in ((200, ours), (503, ours), (200, answer))]
    assert [True, False, False] == accepted


def _event(**changes: object) -> PaymentEvent:
    paid = PaymentEvent(
        order=ORDER.id,
        gateway="twocheckout",
        reference="t-1",
        kind="paid",
        shop_id=GATEWAY.shop_id,
        money=ORDER.intent.price,
    )
    return msgspec.structs.replace(paid, **changes)


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


def _letters(event: PaymentEvent, *, test: bool = False) -> list[bytes]:
    order = msgspec.structs.replace(ORDER, id=event.order)
    query = _query(GATEWAY.request(order, RETURNS)) + ("&test=1" if test else "")
    world = vendor.dialect(Panel())
    asked = world.start("GET", "/checkout/buy", query, b"")
    return [letter.body for letter in world.letters(_notification(event), asked)]


@cache
def _told(event: PaymentEvent) -> RawNotification:
    """Let 2Checkout tell this."""
    [body] = _letters(event)
    return RawNotification(headers={}, query="", body=body)


def _read_as(event: PaymentEvent) -> PaymentEvent:
    """Name the facts as 2Checkout does: a payment is its number, a refund that number and the date of the IPN."""
    told = dict(_form(_told(event)))
    if event.kind == "paid":
        return msgspec.structs.replace(event, reference=told["REFNO"])
    reference = f"{told['REFNO']}-refund-{told['IPN_DATE']}"
    return msgspec.structs.replace(event, reference=reference, of=told["REFNO"])


def _accepts(request: PaymentRequest) -> bool:
    try:
        vendor.dialect(Panel()).start(request.method, "/checkout/buy", _query(request), b"")
    except Refusal:
        return False
    return True


def _query(request: PaymentRequest) -> str:
    return request.url.partition("?")[2]


def _names(raw: RawNotification) -> Collection[int]:
    """Return where the names of fields stand, and the old MD5: 2Checkout signs the values only."""
    places: set[int] = set()
    at = 0
    for field in raw.body.split(b"&"):
        name, _, value = field.partition(b"=")
        if name != SIGNATURE.encode():
            places.update(range(at, at + len(name)))
        if name == b"HASH":
            places.update(range(at, at + len(name) + 1 + len(value)))
        at += len(field) + 1
    return places


def _receipt(raw: RawNotification) -> Acknowledgement:
    told = dict(_form(raw))
    values = [told["IPN_PID[]"], told["IPN_PNAME[]"], told["IPN_DATE"], told["IPN_DATE"]]
    source = "".join(f"{len(value)}{value}" for value in values)
    mac = hmac.digest(SETTINGS.secret_key.encode(), source.encode(), "sha256").hex()
    return Acknowledgement(body=f'<sig algo="sha256" date="{told["IPN_DATE"]}">{mac}</sig>'.encode())


def _form(raw: RawNotification) -> list[tuple[str, str]]:
    return parse_qsl(raw.body.decode(), keep_blank_values=True)


def _mac(pairs: list[tuple[str, str]]) -> str:
    source = "".join(f"{len(value.encode())}{value}" for _, value in pairs)
    return hmac.digest(SETTINGS.secret_key.encode(), source.encode(), "sha256").hex()


def _raw(pairs: list[tuple[str, str]], signature: str | None) -> RawNotification:
    signed = pairs if signature is None else [*pairs, (SIGNATURE, signature)]
    return RawNotification(headers={}, query="", body=urlencode(signed, errors="surrogatepass").encode())


def _signed(fields: dict[str, str]) -> RawNotification:
    return _raw([*fields.items()], _mac([*fields.items()]))


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    return _raw([(name, value) for name, value in _form(raw) if name != SIGNATURE], signature)
