"""Redsys: its published vectors, the promises of a gateway against its simulator, and what hostile senders try."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Rejected
from kramik.event import PaymentEvent
from kramik.gateways.redsys import RedsysGateway, Settings, number_of
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification
from kramik.sandbox.dialect import Notification, Panel, Refusal
from kramik.sandbox.vendors import redsys as vendor
from tests.contracts.gateway import PROMISES, RETURNS, Till
from tests.sandbox.place import fresh_order

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/redsys.json").read_text("utf-8"))
SETTINGS = Settings(**vendor.DEMO, base_url="https://sis.redsys.example")
GATEWAY = RedsysGateway(SETTINGS)
ORDER = fresh_order(title="Agregaty & żółwie „w praktyce”", product="agregaty")
PAID = {
    "Ds_Order": number_of(ORDER.id),
    "Ds_MerchantData": ORDER.id,
    "Ds_Amount": "29900",
    "Ds_Currency": "985",
    "Ds_MerchantCode": SETTINGS.merchant_code,
    "Ds_Terminal": "001",
    "Ds_Response": "0000",
    "Ds_TransactionType": "0",
}


@pytest.fixture
def till() -> Till:
    """Our terminal with Redsys' side."""
    return Till(
        gateway=GATEWAY,
        name="redsys",
        order=ORDER,
        secrets=(SETTINGS.key,),
        acknowledgement=Acknowledgement(body=b"OK"),
        without_key=lambda: RedsysGateway(msgspec.structs.replace(SETTINGS, key="")),
        told=_told,
        signature=lambda raw: _form(raw)["Ds_Signature"],
        resigned=_resigned,
        accepts=_accepts,
        read_as=_read_as,
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """Redsys keeps each promise of a gateway."""
    promise(till)


def test_published_notification() -> None:
    """A notification of the test terminal that somebody published is authentic, and read to the cent."""
    vector = VECTORS[0]
    gateway = RedsysGateway(Settings(merchant_code="355868100", key=vector["key"]))
    raw = _raw({**_envelope(vector["parameters"]), "Ds_Signature": vector["signature"]})
    expected = PaymentEvent(
        order="MN000049",
        gateway="redsys",
        reference="MN000049",
        kind="paid",
        shop_id="355868100/1",
        money=Money(minor=15_900, currency="EUR"),
    )
    assert expected == gateway.verify(raw)


def test_published_key_of_an_order() -> None:
    """The key of an order number is the one that a public test suite expects (3DES, no block of padding)."""
    vector = VECTORS[1]
    expected = hmac.digest(b64decode(vector["derived"]), b"text", "sha256")
    assert expected == RedsysGateway(Settings(merchant_code="1", key=vector["key"]))._signature(
        vector["number"], "text"
    )


def test_order_number() -> None:
    """An order number begins with four digits, has twelve characters and stays the same for ever (computed)."""
    assert "8114SCI7BFOC" == number_of("0123456789abcdefghjkmnpqrs")


def test_order_numbers_differ() -> None:
    """Ten thousand orders have ten thousand numbers."""
    assert 10_000 == len({number_of(f"order-{each}") for each in range(10_000)})


def test_parameters_of_the_form() -> None:
    """The form says what is paid and where to, in ASCII, and nothing about the buyer."""
    request = GATEWAY.request(ORDER, RETURNS)
    text = b64decode(request.fields["Ds_MerchantParameters"]).decode("ascii")
    expected = {
        "DS_MERCHANT_AMOUNT": "29900",
        "DS_MERCHANT_ORDER": number_of(ORDER.id),
        "DS_MERCHANT_MERCHANTCODE": "999008881",
        "DS_MERCHANT_CURRENCY": "985",
        "DS_MERCHANT_TRANSACTIONTYPE": "0",
        "DS_MERCHANT_TERMINAL": "1",
        "DS_MERCHANT_MERCHANTURL": RETURNS.notify,
        "DS_MERCHANT_URLOK": RETURNS.done,
        "DS_MERCHANT_URLKO": RETURNS.failed,
        "DS_MERCHANT_MERCHANTDATA": ORDER.id,
        "DS_MERCHANT_PRODUCTDESCRIPTION": "Agregaty & zólwie  w praktyce",
        "DS_MERCHANT_CONSUMERLANGUAGE": "11",
    }
    assert ("POST", "https://sis.redsys.example/sis/realizarPago") == (request.method, request.url)
    assert expected == json.loads(text)
    assert ORDER.intent.buyer.email not in text


def test_long_title_is_cut() -> None:
    """A description has at most 125 characters."""
    request = GATEWAY.request(fresh_order(title="Żółć <b> " * 40), RETURNS)
    parameters = json.loads(b64decode(request.fields["Ds_MerchantParameters"]))
    assert (True, False) == (
        len(parameters["DS_MERCHANT_PRODUCTDESCRIPTION"]) <= 125,
        "<" in parameters["DS_MERCHANT_PRODUCTDESCRIPTION"],
    )


@pytest.mark.parametrize(("method", "code"), [("card", "C"), ("bizum", "z"), ("", None), ("<x>", None)])
def test_method(method: str, code: str | None) -> None:
    """A method that Redsys knows goes with the form; another one is left to the buyer."""
    request = GATEWAY.request(fresh_order(method=method), RETURNS)
    parameters = json.loads(b64decode(request.fields["Ds_MerchantParameters"]))
    assert code == parameters.get("DS_MERCHANT_PAYMETHODS")


def test_unknown_currency_is_a_problem_of_the_form() -> None:
    """A currency that has no number at Redsys is told before anybody pays."""
    with pytest.raises(Rejected, match="KWD"):
        GATEWAY.request(fresh_order(price=Money(minor=1000, currency="KWD")), RETURNS)


@pytest.mark.parametrize("key", ["", "c2hvcnQ=", "not base64 !", "sq7HjrUOBfKmC576ILgskD5srU870gJ7AAAA"])
def test_bad_key_is_refused_at_start(key: str) -> None:
    """Only a key of 24 bytes in base64 makes a terminal, and the message does not repeat it."""
    with pytest.raises(ConfigurationError) as caught:
        RedsysGateway(msgspec.structs.replace(SETTINGS, key=key))
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    ("transaction", "response", "kind"),
    [
        ("0", "0000", "paid"),
        ("0", "0099", "paid"),
        ("0", "0100", "failed"),
        ("0", "0190", "failed"),
        ("0", "0913", "failed"),
        ("0", "0900", "pending"),
        ("0", "0400", "pending"),
        ("0", "9998", "pending"),
        ("1", "0000", "pending"),
        ("3", "0900", "refund"),
        ("3", "0190", None),
    ],
)
def test_what_a_code_means(transaction: str, response: str, kind: str | None) -> None:
    """Only an authorised payment is paid; `authorised` in 0900 and 0400 is something else."""
    event = GATEWAY.verify(_signed({**PAID, "Ds_TransactionType": transaction, "Ds_Response": response}))
    assert kind == (event and event.kind)


@pytest.mark.parametrize(
    "amount",
    [
        "1e3",
        "1000.0",
        "-1",
        "+1",
        " 1",
        "\uff11\uff10\uff10",
        "",
        "1_000",
        "0x10",
        "9" * 13,
        299.5,
        None,
        True,
        [],
    ],
)
def test_odd_amount_is_for_a_person(amount: object) -> None:
    """A signed amount that is no plain number of cents is kept for a person."""
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(_signed({**PAID, "Ds_Amount": amount}))


@pytest.mark.parametrize(
    "change",
    [
        {"Ds_Currency": "000"},
        {"Ds_Currency": "PLN"},
        {"Ds_Response": "ok"},
        {"Ds_Response": ""},
        {"ds_amount": "1"},
    ],
)
def test_odd_field_is_for_a_person(change: dict) -> None:
    """A signed field that makes no sense, or comes twice in another letter case, is kept for a person."""
    with pytest.raises(NeedsOperator):
        GATEWAY.verify(_signed({**PAID, **change}))


def test_other_letter_case_and_later_fields() -> None:
    """Names in capitals and fields that a later version adds change nothing."""
    fields = {name.upper(): value for name, value in PAID.items()} | {"DS_EMV3DS": {"a": 1}, "DS_NEW": None}
    assert GATEWAY.verify(_signed(PAID)) == GATEWAY.verify(_signed(fields, order=PAID["Ds_Order"]))


@pytest.mark.parametrize(
    ("code", "terminal", "shop"), [("123", "001", "123/1"), ("999008881", "2", "999008881/2")]
)
def test_other_shop_is_named(code: str, terminal: str, shop: str) -> None:
    """A payment to another terminal under our key says so, and the worker compares it."""
    event = GATEWAY.verify(_signed({**PAID, "Ds_MerchantCode": code, "Ds_Terminal": terminal}))
    assert event is not None
    assert shop == event.shop_id


def test_borrowed_merchant_data_is_not_believed() -> None:
    """An order's id beside the number of another order is not taken for that order."""
    event = GATEWAY.verify(_signed({**PAID, "Ds_Order": "0001ABCD"}))
    assert event is not None
    assert event.order == "0001ABCD"


@pytest.mark.parametrize("version", ["HMAC_SHA512_V1", "HMAC_SHA512_V2", "hmac_sha256_v1", "none", "", "MD5"])
def test_other_algorithm_is_refused(version: str) -> None:
    """The sender does not choose the algorithm."""
    form = {**_form(_signed(PAID)), "Ds_SignatureVersion": version}
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(_raw(form))


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "BOM": lambda body: b"\xef\xbb\xbf" + body,
    "CRLF behind": lambda body: body + b"\r\n",
    "CRLF between": lambda body: body.replace(b"&", b"\r\n&"),
    "a field doubled": lambda body: body + b"&Ds_Signature=x",
    "all doubled": lambda body: body + b"&" + body,
    "many fields": lambda body: body + b"".join(b"&a%d=1" % each for each in range(30)),
    "another name": lambda body: body.replace(b"Ds_Signature=", b"ds_signature="),
    "64 KiB": lambda _: b"a" * 65_536,
    "no object": lambda _: _unsigned("[]"),
    "deep": lambda _: _unsigned("[" * 40_000),
    "two orders": lambda _: _unsigned('{"Ds_Order":"1","DS_ORDER":"2"}'),
    "a long order": lambda _: _unsigned('{"Ds_Order":"' + "1" * 13 + '"}'),
    "full-width digits": lambda _: _unsigned('{"Ds_Order":"\uff11\uff12"}'),
    "no text": lambda _: _unsigned('{"Ds_Order":null}'),
}


@pytest.mark.parametrize("how", SPOILS)
def test_spoiled_form_is_not_authentic(how: str) -> None:
    """Marks, line ends, doubled fields, other names and oversized texts are refused without an accident."""
    raw = _signed(PAID)
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(msgspec.structs.replace(raw, body=SPOILS[how](raw.body)))


def test_two_order_numbers_choose_no_key() -> None:
    """Parameters that name two orders are refused, also when they are signed with the key of one."""
    with pytest.raises(NotAuthentic):
        GATEWAY.verify(_signed({**PAID, "DS_ORDER": "0001ABCD"}))


def test_unknown_form_field_is_welcome() -> None:
    """A field beside the three signed ones is ignored."""
    raw = _signed(PAID)
    assert GATEWAY.verify(raw) == GATEWAY.verify(_raw({**_form(raw), "Ds_Error": ""}))


def test_number_is_used_once() -> None:
    """The simulator answers a second payment of the same number as Redsys does: repeated, so refused."""
    world, told = vendor.dialect(Panel()), _notification(_event())
    asked = world.start("POST", "/sis/realizarPago", "", _posted(GATEWAY.request(ORDER, RETURNS)))
    kinds = []
    for each in ("t-1", "t-1", "t-2"):
        [letter] = world.letters(msgspec.structs.replace(told, id=each), asked)
        event = GATEWAY.verify(RawNotification(headers=letter.headers, query="", body=letter.body))
        kinds.append(event and event.kind)
    assert ["paid", "paid", "failed"] == kinds


def _event(**changes: object) -> PaymentEvent:
    paid = PaymentEvent(
        order=ORDER.id,
        gateway="redsys",
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


@cache
def _told(event: PaymentEvent) -> RawNotification:
    """Let Redsys tell this: it knows of the order only what our form said."""
    order = msgspec.structs.replace(ORDER, id=event.order)
    world = vendor.dialect(Panel())
    asked = world.start("POST", "/sis/realizarPago", "", _posted(GATEWAY.request(order, RETURNS)))
    [letter] = world.letters(_notification(event), asked)
    return RawNotification(headers=letter.headers, query="", body=letter.body)


def _read_as(event: PaymentEvent) -> PaymentEvent:
    """Name the facts as Redsys does: a payment is its number, a refund that number and all else about it."""
    text = _form(_told(event))["Ds_MerchantParameters"]
    told = {name: unquote(value) for name, value in json.loads(b64decode(text)).items()}
    number = told["Ds_Order"]
    if event.kind == "paid":
        return msgspec.structs.replace(event, reference=number)
    reference = f"{number}-3-0900-{told['Ds_AuthorisationCode']}-{told['Ds_Date']}-{told['Ds_Hour']}"
    return msgspec.structs.replace(event, reference=reference, of=number)


def _accepts(request: PaymentRequest) -> bool:
    try:
        vendor.dialect(Panel()).start(request.method, "/sis/realizarPago", "", _posted(request))
    except Refusal:
        return False
    return True


def _posted(request: PaymentRequest) -> bytes:
    return urlencode(request.fields).encode()


def _signed(parameters: dict, *, order: str = "") -> RawNotification:
    text = b64encode(json.dumps(parameters).encode()).decode()
    signature = GATEWAY._signature(order or parameters["Ds_Order"], text)
    return _raw({**_envelope(text), "Ds_Signature": b64encode(signature).decode()})


def _envelope(text: str) -> dict[str, str]:
    return {"Ds_SignatureVersion": "HMAC_SHA256_V1", "Ds_MerchantParameters": text}


def _unsigned(parameters: str) -> bytes:
    text = b64encode(parameters.encode()).decode()
    return urlencode({**_envelope(text), "Ds_Signature": "AAAA"}).encode()


def _form(raw: RawNotification) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(raw.body.decode()).items()}


def _raw(form: dict[str, str]) -> RawNotification:
    body = urlencode(form, errors="surrogatepass").encode()
    return RawNotification(headers={"content-type": "application/x-www-form-urlencoded"}, query="", body=body)


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    form = {name: value for name, value in _form(raw).items() if name != "Ds_Signature"}
    return _raw(form if signature is None else {**form, "Ds_Signature": signature})
