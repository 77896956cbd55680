"""imoje: the published vectors, the promises of a gateway, and what a hostile or careless sender may send."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic
from kramik.event import PaymentEvent
from kramik.gateways import imoje
from kramik.gateways.imoje import ImojeGateway, Settings
from kramik.intent import Buyer
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.sandbox.dialect import Panel, Refusal, Request
from kramik.sandbox.vendors.imoje import DEMO, dialect
from tests.contracts.gateway import PROMISES, RETURNS, Till, fields_of
from tests.sandbox.place import fresh_order

VECTORS = {each["kind"]: each for each in json.loads(Path("tests/vectors/imoje.json").read_text("utf-8"))}
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://world.example/imoje"}, Settings)
HEADER = "x-imoje-signature"
PAYMENT = "07938437-cae3-4d46-877d-e1b9d6e6c58f"
REFUND = "5d0c5cf7-6ab8-4a54-8d0a-0a3d1a1b7a11"


@pytest.fixture
def till() -> Till:
    """The gateway with its other side, which checks a start request as its documents say."""
    return Till(
        gateway=ImojeGateway(SETTINGS),
        name="imoje",
        order=fresh_order(title="Agregaty & żółwie „w praktyce”"),
        secrets=(SETTINGS.service_key,),
        acknowledgement=Acknowledgement(body=b'{"status":"ok"}', content_type="application/json"),
        without_key=lambda: ImojeGateway(msgspec.structs.replace(SETTINGS, service_key=" ")),
        told=lambda event: signed(_wire(event)),
        signature=lambda raw: raw.headers[HEADER].split(";")[2].removeprefix("signature="),
        resigned=_resigned,
        learns=("email", "name", "surname"),
        accepts=_accepts,
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise of a gateway."""
    promise(till)


def test_published_link() -> None:
    """A payment request is signed as in the example that imoje's documents print (published vector)."""
    vector = VECTORS["link"]
    assert vector["expected"] == imoje.signature(vector["inputs"], vector["secret"].encode(), "sha256")


def test_published_notification() -> None:
    """The notification that imoje's documents print is authentic under its published key and signature."""
    vector = VECTORS["notification"]
    body, key = vector["inputs"]["raw_body"].encode(), vector["secret"]
    header = (
        vector["note"].split("X-Imoje-Signature: ")[1].split(". ")[0].replace("<hex>", vector["expected"])
    )
    gateway = ImojeGateway(msgspec.structs.replace(SETTINGS, service_key=key))
    event = gateway.verify(RawNotification(headers={HEADER: header}, query="", body=body))
    assert (
        PaymentEvent(
            order="Zamowienie test",
            gateway="imoje",
            reference=PAYMENT,
            kind="pending",
            shop_id="a33f331b-23fc-42b0-9fd1-67f310028b46",
            money=Money(minor=100, currency="PLN"),
        )
        == event
    )


@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_every_algorithm(till: Till, algorithm: str) -> None:
    """Each algorithm that imoje documents is understood, in a request and in a notification (computed vectors)."""
    gateway = ImojeGateway(msgspec.structs.replace(SETTINGS, algorithm=algorithm))
    assert till.accepts(gateway.request(till.order, RETURNS))
    assert till.event() == gateway.verify(signed(_wire(till.event()), algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha3_256", "SHA256", "", "none", "shake_128"])
def test_other_algorithm(till: Till, algorithm: str) -> None:
    """An algorithm that we did not choose is refused, also when its signature is right."""
    body = _wire(till.event())
    with pytest.raises(NotAuthentic):
        till.gateway.verify(signed(body, algorithm=algorithm, made_by="md5"))


@pytest.mark.parametrize(
    "header",
    [
        "{about};signature={hex}",
        "{about};alg=sha256",
        "signature={hex};signature={hex};alg=sha256",
        "signature={hex};alg=sha256;alg=md5",
        "signature={hex};alg=sha512",
        "signature:{hex};alg:sha256",
        "{hex}",
        "{hex};sha256",
    ],
)
def test_odd_header(till: Till, header: str) -> None:
    """A header that names no signature, or two of anything, is not authentic."""
    raw = till.told(till.event())
    text = header.format(about="merchantid=m;serviceid=s", hex=till.signature(raw))
    with pytest.raises(NotAuthentic):
        till.gateway.verify(msgspec.structs.replace(raw, headers={HEADER: text}))


def test_header_of_a_white_label(till: Till) -> None:
    """A copy of imoje under another name signs in a header of its own, and then in no other."""
    gateway = ImojeGateway(msgspec.structs.replace(SETTINGS, header="X-Axepta-Signature"))
    raw = till.told(till.event())
    renamed = msgspec.structs.replace(raw, headers={"x-axepta-signature": raw.headers[HEADER]})
    assert till.event() == gateway.verify(renamed)
    with pytest.raises(NotAuthentic):
        gateway.verify(raw)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("settled", "paid"),
        ("new", "pending"),
        ("pending", "pending"),
        ("authorized", "pending"),
        ("rejected", "failed"),
        ("cancelled", "failed"),
        ("error", "failed"),
    ],
)
def test_status_of_a_sale(till: Till, status: str, kind: str) -> None:
    """Only a settled sale is paid."""
    event = till.gateway.verify(signed(changed(till, status=status)))
    assert kind == (event and event.kind)


@pytest.mark.parametrize("status", ["blessed", "SETTLED", "settled ", ""])
def test_unknown_status(till: Till, status: str) -> None:
    """A status that nobody documented says nothing."""
    assert till.gateway.verify(signed(changed(till, status=status))) is None


@pytest.mark.parametrize("kind", ["verification", "payout", "SALE", ""])
def test_other_transaction(till: Till, kind: str) -> None:
    """A settled transaction that is no sale paid for nothing."""
    assert till.gateway.verify(signed(changed(till, type=kind))) is None


@pytest.mark.parametrize("status", ["new", "pending", "rejected", "cancelled"])
def test_unsettled_refund(till: Till, status: str) -> None:
    """A refund that has not gone through says nothing; least of all that the payment failed."""
    body = changed(till, type="refund", status=status)
    assert till.gateway.verify(signed(body)) is None


def test_refund_of_what(till: Till) -> None:
    """A refund that does not say which payment goes back is for a person."""
    with pytest.raises(NeedsOperator):
        till.gateway.verify(signed(changed(till, type="refund")))


def test_link_that_expired(till: Till) -> None:
    """A link that expired or was cancelled says nothing about money, and is acknowledged."""
    raw = signed(b'{"payment":{"id":"1","status":"expired","orderId":"o"}}')
    assert till.gateway.verify(raw) is None
    assert till.acknowledgement == till.gateway.acknowledge(raw)


@pytest.mark.parametrize(
    "amount",
    ["1e3", "1000.0", "29900.00", '"29900"', '"\uff12\uff19"', "\uff12\uff19", "-29900", "-0.5", "true", "null",
     "NaN", "Infinity", "1000000000000", "9" * 5000, "[29900]", "029900", "+1", "0x10", '"1e3"'],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_odd_amount(till: Till, amount: str) -> None:
    """An amount that is no plain whole number is for a person, never a payment."""
    body = _wire(till.event()).replace(b'"amount":29900', f'"amount":{amount}'.encode())
    with pytest.raises(NeedsOperator):
        till.gateway.verify(signed(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"paid"',
        b"\xff\xfe",
        b'{"transaction":null}',
        b'{"transaction":[]}',
        b"[" * 50_000,
        b"\xef\xbb\xbf{}",
        b"{" + b" " * 65_536,
        b'transaction={"id":"1"}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_odd_body(till: Till, body: bytes) -> None:
    """A signed body that is no notification is neither lost nor repeated for ever: a person sees it."""
    raw = signed(body)
    with pytest.raises(NeedsOperator) as caught:
        till.gateway.verify(raw)
    assert till.acknowledgement == till.gateway.acknowledge(raw)
    assert SETTINGS.service_key not in str(caught.value)


@pytest.mark.parametrize("name", ["status", "amount", "orderId", "serviceId", "currency", "id", "type"])
def test_missing_or_doubled_field(till: Till, name: str) -> None:
    """A transaction that leaves out what we need, or says it twice, is for a person."""
    transaction = msgspec.json.decode(_wire(till.event()))["transaction"]
    doubled = msgspec.json.encode(transaction)[:-1] + b',"' + name.encode() + b'":"x"}'
    left = msgspec.json.encode({key: value for key, value in transaction.items() if key != name})
    for each in (left, doubled):
        with pytest.raises(NeedsOperator):
            till.gateway.verify(signed(b'{"transaction":' + each + b"}"))


def test_spaces_and_strangers(till: Till) -> None:
    """Line breaks, unknown fields and 64 KiB of them change nothing: what is signed is the raw body."""
    told = msgspec.json.decode(_wire(till.event()))
    told["transaction"]["fee"] = 1.5
    told["later"] = {"note": "ż" * 30_000}
    body = json.dumps(told, indent=2).replace("\n", "\r\n").encode() + b"\r\n"
    assert till.event() == till.gateway.verify(signed(body))


def test_foreign_service(till: Till) -> None:
    """A message about another service under a valid signature is read as such: the order will not take it."""
    event = till.gateway.verify(signed(changed(till, serviceId="someone-else")))
    assert "someone-else" == (event and event.shop_id)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Zofia Żak-Łęcka", ("Zofia", "Żak-Łęcka")),
        ("Anna Maria de Łącka", ("Anna Maria de", "Łącka")),
        ("Madonna", ("Madonna", "-")),
        ("Conan O\u2019Brien", ("Conan", "OBrien")),
        ("Иван Петров", ("Иван", "Петров")),
        ("Zo\u0301fia  <b>\tZ\u0307ak x\u0338", ("Zófia b Żak", "x")),
        ("李小龍", ("-", "-")),
        ("x" * 300, ("x" * 100, "-")),
    ],
)
def test_name(till: Till, name: str, parts: tuple[str, str]) -> None:
    """A name becomes two of imoje's letters and lengths."""
    fields = fields_of(_request(till, buyer=Buyer(email="a@example.com", name=name)))
    assert parts == (fields["customerFirstName"], fields["customerLastName"])


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Żółw & „przyjaciele” \u2013 1/2", "Żółw przyjaciele 1/2"),
        ("ż" * 400, "ż" * 255),
        ("a=b&amount=1;c", "a b amount 1 c"),
    ],
)
def test_description(till: Till, title: str, shown: str) -> None:
    """A title is fitted to imoje's letters, and can not look like another parameter."""
    assert shown == fields_of(_request(till, title=title))["orderDescription"]


def test_description_of_nothing(till: Till) -> None:
    """A title of which nothing remains becomes the order's id."""
    request = _request(till, title="合気道")
    assert till.order.id == fields_of(request)["orderDescription"]
    assert _accepts(request)


@pytest.mark.parametrize(
    "email", ["anna+kurs@example.com", "zofia.żak@przykład.pl", "o'neil&co=x@example.com"]
)
def test_email(till: Till, email: str) -> None:
    """An address goes out as it was typed, whatever letters it has."""
    request = _request(till, buyer=Buyer(email=email, name="A B"))
    assert email == fields_of(request)["customerEmail"]
    assert _accepts(request)


def test_no_more_than_needed(till: Till) -> None:
    """Of the buyer imoje learns the name and the address, and nothing else."""
    about = {
        name for name in fields_of(_request(till)) if name.startswith(("customer", "billing", "shipping"))
    }
    assert {"customerFirstName", "customerLastName", "customerEmail"} == about


@pytest.mark.parametrize(
    ("method", "channel"), [("blik", "blik"), ("transfer", "pbl"), ("", None), ("x&y=z", None)]
)
def test_method(till: Till, method: str, channel: str | None) -> None:
    """A way to pay that the buyer chose is passed on; one that imoje does not know is not."""
    request = _request(till, method=method)
    assert channel == fields_of(request).get("visibleMethod")
    assert _accepts(request)


@pytest.mark.parametrize(("lang", "path"), [("pl", "/pl/payment"), ("en", "/en/payment"), ("uk", "/payment")])
def test_language(till: Till, lang: str, path: str) -> None:
    """The pay page speaks the buyer's language where imoje has an address for it."""
    assert urlsplit(_request(till, lang=lang).url).path == f"/imoje{path}"


def test_form(till: Till) -> None:
    """The same request can be a form, so that nothing of the buyer stands in an address."""
    gateway = ImojeGateway(msgspec.structs.replace(SETTINGS, start="POST"))
    form, link = gateway.request(till.order, RETURNS), till.gateway.request(till.order, RETURNS)
    assert ("POST", link.url.partition("?")[0]) == (form.method, form.url)
    assert fields_of(link) == form.fields
    assert _accepts(form)


@pytest.mark.parametrize("name", ["merchant_id", "service_id", "service_key"])
def test_empty_setting(name: str) -> None:
    """An account without a name or a key is refused at start."""
    with pytest.raises(ConfigurationError):
        ImojeGateway(msgspec.structs.replace(SETTINGS, **{name: ""}))


def test_boundary_is_signed(till: Till) -> None:
    """A sign that moves from one field into the next breaks the signature."""
    fields = fields_of(till.gateway.request(till.order, RETURNS))
    moved = {**fields, "urlFailure": fields["urlFailure"] + "&x", "urlReturn": fields["urlReturn"][2:]}
    request = PaymentRequest(method="POST", url=f"{SETTINGS.base_url}/payment", fields=moved)
    assert not _accepts(request)


def signed(body: bytes, *, algorithm: str = "sha256", made_by: str = "") -> RawNotification:
    """Return a notification as imoje would sign it; `made_by` when the name of the algorithm is a lie."""
    digest = hashlib.new(made_by or algorithm, body + SETTINGS.service_key.encode()).hexdigest()
    header = f"merchantid={SETTINGS.merchant_id};serviceid={SETTINGS.service_id};signature={digest};alg={algorithm}"
    return RawNotification(headers={HEADER: header}, query="", body=body)


def changed(till: Till, **changes: object) -> bytes:
    """Return the body of an honest notification with some of the transaction's fields changed."""
    told = msgspec.json.decode(_wire(till.event()))
    told["transaction"].update(changes)
    return msgspec.json.encode(told)


def _wire(event: PaymentEvent) -> bytes:
    money = event.money or Money(minor=0, currency="PLN")
    transaction = {
        "id": event.reference,
        "type": "refund" if event.kind == "refund" else "sale",
        "status": "settled",
        "created": 1_666_339_083,
        "serviceId": event.shop_id,
        "amount": money.minor,
        "currency": money.currency,
        "orderId": event.order,
        "paymentMethod": "pbl",
    }
    original = {"originalTransactionId": event.of} if event.of else {}
    return msgspec.json.encode({"transaction": transaction, **original})


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    if signature is None:
        return msgspec.structs.replace(raw, headers={})
    about, alg = raw.headers[HEADER].split(";signature=")[0], "alg=sha256"
    return msgspec.structs.replace(raw, headers={HEADER: f"{about};signature={signature};{alg}"})


def _request(till: Till, **changes: object) -> PaymentRequest:
    intent = msgspec.structs.replace(till.order.intent, **changes)
    return till.gateway.request(msgspec.structs.replace(till.order, intent=intent), RETURNS)


def _started(request: PaymentRequest) -> Request:
    parts = urlsplit(request.url)
    path = parts.path.removeprefix("/imoje")
    return dialect(Panel()).start(request.method, path, parts.query, encoded(request.fields).encode())


def _accepts(request: PaymentRequest) -> bool:
    try:
        started = _started(request)
    except Refusal:
        return False
    return bool(started.order)


def test_simulator_reads_what_was_meant(till: Till) -> None:
    """The other side understands the order, the amount and the addresses as we meant them."""
    asked = _started(till.gateway.request(till.order, RETURNS))
    assert (till.order.id, till.order.intent.price, SETTINGS.service_id) == (
        asked.order,
        asked.money,
        asked.shop_id,
    )
    assert (RETURNS.done, RETURNS.failed, RETURNS.notify) == (asked.done, asked.failed, asked.notify)
