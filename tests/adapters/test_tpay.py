"""Tpay's panel: computed vectors (none is published), the promises of a gateway, and both signatures under attack."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Rejected, Transient
from kramik.event import PaymentEvent
from kramik.gateways.tpay import HEADER, Settings, TpayGateway
from kramik.gateways.tpay.roots import ROOTS
from kramik.intent import Buyer
from kramik.money import Money
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.sandbox.dialect import Notification, Panel, Refusal, Request
from kramik.sandbox.vendors.tpay import ADDRESS, DEMO, dialect
from kramik.sandbox.vendors.tpay_keys import SIGNER
from tests.contracts.gateway import PROMISES, RETURNS, Till, fields_of
from tests.sandbox.place import fresh_order

VECTORS = {each["kind"]: each for each in json.loads(Path("tests/vectors/tpay.json").read_text("utf-8"))}
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://world.example/tpay"}, Settings)
SIDE = dialect(Panel())
KEY = SIDE._key
OPEN = ("description", "result_url", "return_url", "return_error_url", "language")


def never(address: str) -> bytes:
    """Fail: nothing may be fetched."""
    raise AssertionError(address)


@pytest.fixture
def till() -> Till:
    """The gateway with its other side, which checks a link as Tpay's documents say."""
    return Till(
        gateway=TpayGateway(SETTINGS, never),
        name="tpay",
        order=fresh_order(title="Agregaty & żółwie „w praktyce”"),
        secrets=(SETTINGS.code, _md5(SETTINGS.code)),
        acknowledgement=Acknowledgement(body=b"TRUE"),
        without_key=lambda: TpayGateway(msgspec.structs.replace(SETTINGS, code=" "), never),
        told=lambda event: signed(form(event)),
        signature=lambda raw: raw.headers[HEADER],
        resigned=_resigned,
        accepts=_accepts,
        changeable=OPEN,
        read_as=_read_as,
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise of a gateway."""
    promise(till)


# The link


def test_computed_link() -> None:
    """A link is signed as the vendor's SDK does it (computed vector)."""
    vector = VECTORS["link"]
    inputs = vector["inputs"]
    settings = msgspec.structs.replace(SETTINGS, merchant_id=inputs["id"], code=vector["secret"])
    order = msgspec.structs.replace(fresh_order(price=Money(minor=15732, currency="PLN")), id=inputs["crc"])
    fields = fields_of(TpayGateway(settings, never).request(order, RETURNS))
    assert {**inputs, "md5sum": vector["expected"]} == {name: fields[name] for name in (*inputs, "md5sum")}


def test_link_stands_alone(till: Till) -> None:
    """All of a link is in its address, which is the vendor's and ends with a query."""
    request = TpayGateway(
        msgspec.structs.replace(SETTINGS, base_url="https://secure.tpay.com"), never
    ).request(till.order, RETURNS)
    assert ("GET", {}) == (request.method, request.fields)
    assert request.url.startswith("https://secure.tpay.com/?id=1010&amount=299.00&")


def test_simulator_reads_what_was_meant(till: Till) -> None:
    """The other side understands the order, the amount and the addresses as we meant them."""
    asked = _started(till.gateway.request(till.order, RETURNS))
    assert (till.order.id, till.order.intent.price, "1010") == (asked.order, asked.money, asked.shop_id)
    assert (RETURNS.done, RETURNS.failed, RETURNS.notify) == (asked.done, asked.failed, asked.notify)


def test_nobody_is_named(till: Till) -> None:
    """A link carries nothing about the buyer: Tpay asks for what it needs."""
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
        ("C++ <b>\r\n#1", "C b #1"),
        ("Курс ABC", "ABC"),
    ],
)
def test_description(till: Till, title: str, shown: str) -> None:
    """A title is fitted to Tpay's letters and length."""
    assert shown == fields_of(_request(till, title=title))["description"]


def test_description_of_nothing(till: Till) -> None:
    """A title of which nothing remains becomes the order's id."""
    request = _request(till, title="合気道")
    assert till.order.id == fields_of(request)["description"]
    assert _accepts(request)


@pytest.mark.parametrize(
    ("method", "group"),
    [("blik", "150"), ("card", "103"), ("160", "160"), ("transfer", None), ("", None), ("１５０", None)],
)
def test_method(till: Till, method: str, group: str | None) -> None:
    """A way to pay that the buyer chose is passed on as a group of channels; an unknown one is not."""
    request = _request(till, method=method)
    assert group == fields_of(request).get("group")
    assert _accepts(request)


@pytest.mark.parametrize(("lang", "shown"), [("pl", "PL"), ("en", "EN"), ("uk", None), ("", None)])
def test_language(till: Till, lang: str, shown: str | None) -> None:
    """The pay page speaks the buyer's language where Tpay does."""
    request = _request(till, lang=lang)
    assert shown == fields_of(request).get("language")
    assert _accepts(request)


def test_other_currency(till: Till) -> None:
    """A price that is not in złote is refused: the link could not say so."""
    with pytest.raises(Rejected):
        _request(till, price=Money(minor=100, currency="EUR"))


def test_amount_wanders_not(till: Till) -> None:
    """A digit that moves from the amount into the order's id breaks the sum, since `&` stands between them."""
    fields = fields_of(till.gateway.request(till.order, RETURNS))
    moved = {**fields, "amount": fields["amount"][:-1], "crc": fields["amount"][-1] + fields["crc"]}
    assert not _accepts(PaymentRequest(method="GET", url=f"{SETTINGS.base_url}/?{encoded(moved)}"))


# The two signatures of a notification


def test_computed_notification() -> None:
    """The sum of a notification is the one that the vendor's SDK computes for its own test data (computed vector)."""
    vector = VECTORS["notification"]
    settings = msgspec.structs.replace(SETTINGS, code=vector["secret"])
    fields = {
        **vector["inputs"],
        "tr_paid": "144.69",
        "tr_status": "TRUE",
        "tr_error": "none",
        "md5sum": vector["expected"],
    }
    event = TpayGateway(settings, never).verify(signed(urlencode(fields).encode()))
    assert ("order_200", Money(minor=14469, currency="PLN")) == (event and (event.order, event.money))


@pytest.mark.parametrize("name", ["id", "tr_id", "tr_amount", "tr_crc", "md5sum"])
@pytest.mark.parametrize("value", ["", "x", "１", "ł", None])
def test_sum_covers(till: Till, name: str, value: str | None) -> None:
    """A field under the sum can not be changed, emptied or dropped, even by somebody whose JWS is right."""
    with pytest.raises(NotAuthentic):
        till.gateway.verify(signed(form(till.event(), resum=False, **{name: value})))


@pytest.mark.parametrize("spelling", ["{0:.31}", "{0}0", "{0} ", " {0}", "{0}{0}", "0x{0}", ""])
def test_spelling_of_the_sum(till: Till, spelling: str) -> None:
    """A sum in capital letters, cut, lengthened or empty is not authentic."""
    given = dict(form_fields(till.event()))["md5sum"]
    for each in (spelling.format(given), given.upper()):
        with pytest.raises(NotAuthentic):
            till.gateway.verify(signed(form(till.event(), md5sum=each)))


@pytest.mark.parametrize("status", ["TRUE", "CHARGEBACK", "FALSE", "PAID"])
def test_sum_alone(till: Till, status: str) -> None:
    """The sum does not cover the status, so without a JWS over the body nothing is believed."""
    body = form(till.event(), tr_status=status)
    for headers in ({}, {HEADER: SIDE.signature(form(till.event(), tr_status="PENDING"))}):
        with pytest.raises(NotAuthentic):
            till.gateway.verify(RawNotification(headers=headers, query="", body=body))


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS512"},
        {"alg": "PS256"},
        {"alg": "rs256"},
        {"alg": ""},
        {"alg": None},
        {"alg": ["RS256"]},
        {"b64": False},
        {"b64": True},
        {"crit": ["b64"]},
        {"crit": []},
        {"x5u": None},
        {"x5u": ""},
        {"x5u": "https://secure.tpay.com.evil.example/x509/notifications-jws.pem"},
        {"x5u": "https://secure.tpay.com@evil.example/x509/notifications-jws.pem"},
        {"x5u": "https://evil.example/https://secure.tpay.com/x509/notifications-jws.pem"},
        {"x5u": "https://secure.sandbox.tpay.com/x509/notifications-jws.pem"},
        {"x5u": "http://secure.tpay.com/x509/notifications-jws.pem"},
        {"x5u": "https://secure.tpay.com:8443/x509/notifications-jws.pem"},
        {"x5u": "https://secure.tpay.com/x509/../notifications-jws.pem"},
        {"x5u": "https://secure.tpay.com/x509/notifications-jws.pem?x"},
        {"x5u": "https://SECURE.tpay.com/x509/notifications-jws.pem"},
        {"x5u": "file:///etc/passwd"},
    ],
    ids=str,
)
def test_header_of_the_jws(till: Till, head: Mapping[str, object]) -> None:
    """Whatever else the header names, however well it is signed, is refused, and nothing is fetched for it."""
    body = form(till.event())
    gateway = TpayGateway(msgspec.structs.replace(SETTINGS, certificate=""), never)
    raw = RawNotification(headers={HEADER: SIDE.signature(body, **head)}, query="", body=body)
    for each in (till.gateway, gateway):
        with pytest.raises(NotAuthentic):
            each.verify(raw)


@pytest.mark.parametrize("head", [b"", b"{", b"[]", b"null", b'"RS256"', b"\xff", b"[" * 1500, b"{}"])
def test_unreadable_header_of_the_jws(till: Till, head: bytes) -> None:
    """A header that is no object with an algorithm and an address is refused."""
    raw = till.told(till.event())
    signature = f"{_base64(head)}..{till.signature(raw).split('.')[2]}"
    with pytest.raises(NotAuthentic):
        till.gateway.verify(till.resigned(raw, signature))


def test_other_algorithms_with_the_same_key(till: Till) -> None:
    """A signature that the right key made in another way than RS256 does not fit."""
    raw = till.told(till.event())
    head = till.signature(raw).split(".")[0]
    text = f"{head}.{_base64(raw.body)}".encode()
    longest = PSS(mgf=MGF1(SHA256()), salt_length=32)
    for made in (KEY.sign(text, PKCS1v15(), SHA512()), KEY.sign(text, longest, SHA256())):
        with pytest.raises(NotAuthentic):
            till.gateway.verify(till.resigned(raw, f"{head}..{_base64(made)}"))


def test_attached_payload(till: Till) -> None:
    """A JWS that brings its own payload is refused: only the raw body counts."""
    raw = till.told(till.event())
    head, _, signature = till.signature(raw).split(".")
    with pytest.raises(NotAuthentic):
        till.gateway.verify(till.resigned(raw, f"{head}.{_base64(raw.body)}.{signature}"))


def test_other_spellings_of_the_same_bytes(till: Till) -> None:
    """Base64 that only decodes to the right signature is refused, so that there is one spelling of it."""
    raw = till.told(till.event())
    given = till.signature(raw)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = given[:-1] + last[last.index(given[-1]) ^ 1]
    assert urlsafe_b64decode(given.split(".")[2] + "==") == urlsafe_b64decode(twin.split(".")[2] + "==")
    for each in (twin, f"{given}==", given.replace("-", "+").replace("_", "/") + "="):
        with pytest.raises(NotAuthentic):
            till.gateway.verify(till.resigned(raw, each))


# The certificate


@pytest.mark.parametrize("name", ["A made-up notification.tpay.com", "A made-up root of kramik"])
def test_signer_of_somebody_else(till: Till, name: str) -> None:
    """Whoever signs a notification well, with a certificate that only says a pinned one issued it, is refused."""
    own = rsa.generate_private_key(65537, 2048)
    forged = issued(own, name, "A made-up root of kramik")
    gateway = TpayGateway(msgspec.structs.replace(SETTINGS, certificate=""), {ADDRESS: forged}.__getitem__)
    body = form(till.event())
    head = SIDE.signature(body).split(".")[0]
    made = own.sign(f"{head}.{_base64(body)}".encode(), PKCS1v15(), SHA256())
    raw = RawNotification(headers={HEADER: f"{head}..{_base64(made)}"}, query="", body=body)
    with pytest.raises(NotAuthentic):
        gateway.verify(raw)


@pytest.mark.parametrize(
    "pem", [b"", b"junk", b"<html>sorry</html>", ROOTS["secure.tpay.com"].encode()], ids=len
)
def test_no_certificate_of_ours(till: Till, pem: bytes) -> None:
    """What is no certificate, or one of somebody else, verifies nothing."""
    gateway = TpayGateway(msgspec.structs.replace(SETTINGS, certificate=""), {ADDRESS: pem}.__getitem__)
    with pytest.raises(NotAuthentic):
        gateway.verify(till.told(till.event()))


@pytest.mark.parametrize("kind", ["elliptic", "short"])
def test_unfit_key(till: Till, kind: str) -> None:
    """A certificate with a short key, or one that is not RSA, is refused although a pinned one issued it."""
    root = rsa.generate_private_key(65537, 2048)
    anchor = issued(root, "root", "root")
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "elliptic"
        else rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is short on purpose
    )
    settings = msgspec.structs.replace(
        SETTINGS, certificate=issued(root, "leaf", "root", key).decode(), root_certificate=anchor.decode()
    )
    with pytest.raises(NotAuthentic):
        TpayGateway(settings, never).verify(till.told(till.event()))


def test_address_of_the_certificate(till: Till) -> None:
    """The certificate is asked for at the vendor's own address and nowhere else."""
    asked: list[str] = []

    def certificates(address: str) -> bytes:
        asked.append(address)
        return SIGNER.encode()

    gateway = TpayGateway(msgspec.structs.replace(SETTINGS, certificate=""), certificates)
    assert till.event() == gateway.verify(till.told(till.event()))
    assert [ADDRESS] == asked


def test_certificate_is_not_there_yet(till: Till) -> None:
    """Without a certificate nothing is believed and nothing refused: Tpay shall send it again."""

    def certificates(address: str) -> bytes:
        raise Transient(address)

    gateway = TpayGateway(msgspec.structs.replace(SETTINGS, certificate=""), certificates)
    with pytest.raises(Transient):
        gateway.verify(till.told(till.event()))
    with pytest.raises(NotAuthentic):
        gateway.verify(signed(form(till.event(), md5sum="0" * 32)))


def test_demo_is_not_tpay(till: Till) -> None:
    """Without a root of one's own, only Tpay's authority counts, and the made-up one is refused."""
    gateway = TpayGateway(msgspec.structs.replace(SETTINGS, root_certificate=""), never)
    with pytest.raises(NotAuthentic):
        gateway.verify(till.told(till.event()))


@pytest.mark.parametrize(
    ("host", "name"), [("secure.tpay.com", "HA"), ("secure.sandbox.tpay.com", "Sandbox")]
)
def test_pinned(host: str, name: str) -> None:
    """One authority is pinned for each host, and it is not the other one's."""
    [pinned] = x509.load_pem_x509_certificates(ROOTS[host].encode())
    assert f"KIP SA {name} CA" == pinned.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert pinned.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


# What a notification says


@pytest.mark.parametrize(
    ("status", "kind"), [("TRUE", "paid"), ("PAID", "pending"), ("FALSE", "failed"), ("CHARGEBACK", "refund")]
)
def test_status(till: Till, status: str, kind: str) -> None:
    """Only `TRUE` is paid; `PAID` is the first of two steps and not final."""
    event = till.gateway.verify(signed(form(till.event(), tr_status=status)))
    assert kind == (event and event.kind)


@pytest.mark.parametrize("status", ["true", "TRUE ", "1", "", "BLESSED", None])
def test_unknown_status(till: Till, status: str | None) -> None:
    """A status that nobody documented says nothing."""
    assert till.gateway.verify(signed(form(till.event(), tr_status=status))) is None


@pytest.mark.parametrize(("paid", "error"), [("299.01", "overpay"), ("298.00", "surcharge")])
def test_other_amount(till: Till, paid: str, error: str) -> None:
    """Too much or too little that Tpay took is told as it was paid: it does not fit the order, a person sees it."""
    event = till.gateway.verify(signed(form(till.event(), tr_paid=paid, tr_error=error)))
    assert paid == (event and event.money and event.money.amount)


@pytest.mark.parametrize(("paid", "error"), [("299.01", "none"), ("299.00", "overpay"), ("299.00", None)])
def test_contradiction(till: Till, paid: str, error: str | None) -> None:
    """A payment whose amounts and whose error contradict each other is for a person."""
    with pytest.raises(NeedsOperator):
        till.gateway.verify(signed(form(till.event(), tr_paid=paid, tr_error=error)))


@pytest.mark.parametrize(
    "amount",
    ["1e3", "299", "299.0", "299.000", "1000.0", "-299.00", "+299.00", " 299.00", "299,00", "２９９.00", "0x12b",
     "NaN", "", "299.00\n", "99999999999.99", "00299.00", "1_000.00"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["tr_amount", "tr_paid"])
def test_odd_amount(till: Till, name: str, amount: str) -> None:
    """An amount that is not digits, a point and two digits is for a person, also under right signatures."""
    raw = signed(form(till.event(), resum=True, **{"tr_paid": "299.00", name: amount}))
    with pytest.raises(NeedsOperator):
        till.gateway.verify(raw)
    assert till.acknowledgement == till.gateway.acknowledge(raw)


@pytest.mark.parametrize(
    "changes",
    [{"tr_crc": ""}, {"tr_crc": "a b"}, {"tr_crc": "ż"}, {"tr_crc": "x" * 129}, {"tr_id": ""}, {"id": ""},
     {"tr_currency": "EUR"}],
    ids=str,
)  # fmt: skip
def test_odd_field(till: Till, changes: dict[str, str]) -> None:
    """An authentic notification with a field that can not be read is kept for a person."""
    with pytest.raises(NeedsOperator):
        till.gateway.verify(signed(form(till.event(), resum=True, **changes)))


@pytest.mark.parametrize("changes", [{"test_mode": "1"}, {"tr_id": "TR-1234-TST1X"}], ids=str)
def test_payment_in_test_mode(till: Till, changes: dict[str, str]) -> None:
    """A test, for which nobody paid, counts only where the shop says so."""
    raw = signed(form(till.event(), resum=True, **changes))
    with pytest.raises(NeedsOperator):
        till.gateway.verify(raw)
    event = TpayGateway(msgspec.structs.replace(SETTINGS, test=True), never).verify(raw)
    assert "paid" == (event and event.kind)


@pytest.mark.parametrize("name", ["tr_status", "tr_paid", "tr_crc", "md5sum", "later"])
def test_doubled_field(till: Till, name: str) -> None:
    """A field that came twice under right signatures is for a person."""
    fields = dict(form_fields(till.event())) | {"later": "x"}
    body = urlencode([(name, fields[name]), *fields.items()]).encode()
    with pytest.raises(NeedsOperator):
        till.gateway.verify(signed(body))


def test_foreign_account(till: Till) -> None:
    """A message about another account under right signatures is read as such: the order will not take it."""
    event = till.gateway.verify(signed(form(till.event(), resum=True, id="2020")))
    assert "2020" == (event and event.shop_id)


def test_strangers_and_length(till: Till) -> None:
    """Unknown fields, Polish letters and 64 KiB of them change nothing: what is signed is the raw body."""
    raw = signed(form(till.event(), later="", tr_desc="zażółć " * 3000, wallet="a\r\nb"))
    assert till.event() == till.gateway.verify(raw)


@pytest.mark.parametrize("around", [b"%b\r\n", b"\xef\xbb\xbf%b", b"%b&", b"&%b", b"%b;x=1"])
def test_changed_around(till: Till, around: bytes) -> None:
    """A line break, a mark of byte order or one more sign around the body is not what Tpay signed."""
    raw = till.told(till.event())
    with pytest.raises(NotAuthentic):
        till.gateway.verify(msgspec.structs.replace(raw, body=around % raw.body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"tokenization","data":{"token":"1"}}',
        b'{"event":"ALIAS_REGISTER","id":"1010","msg_value":[{"value":"1","type":"UID"}]}',
        b"type=token_update&data%5Btoken%5D=1",
        b"event=ALIAS_UNREGISTER&id=1010",
    ],
)
def test_token_or_alias(till: Till, body: bytes) -> None:
    """A message about a token or an alias says nothing about an order, is acknowledged, and must be signed too."""
    assert till.gateway.verify(signed(body)) is None
    assert till.acknowledgement == till.gateway.acknowledge(signed(body))
    with pytest.raises(NotAuthentic):
        till.gateway.verify(RawNotification(headers={}, query="", body=body))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"\xff\xfe", b"{" * 60_000, b"a=1&" * 16_000, b"tr_status=TRUE", b'{"type":'],
    ids=lambda body: repr(body[:20]),
)
def test_odd_body(till: Till, body: bytes) -> None:
    """A signed body that is no notification is neither lost nor repeated for ever: a person sees it."""
    with pytest.raises(NeedsOperator) as caught:
        till.gateway.verify(signed(body))
    assert SETTINGS.code not in str(caught.value)


# Settings


@pytest.mark.parametrize(
    "changes",
    [
        {"merchant_id": ""},
        {"merchant_id": "ten"},
        {"certificate_host": "tpay.example", "root_certificate": ""},
    ],
    ids=str,
)
def test_wrong_settings(changes: dict[str, str]) -> None:
    """An account without a number, or a host for which no authority is known, is refused at start."""
    with pytest.raises(ConfigurationError):
        TpayGateway(msgspec.structs.replace(SETTINGS, **changes), never)


# The other side


@pytest.mark.parametrize(
    ("told", "kind"),
    [("paid", "paid"), ("pending", "pending"), ("failed", "failed"), ("chargeback", "refund")],
)
def test_letters(till: Till, told: str, kind: str) -> None:
    """What this world's Tpay writes is authentic and says what happened."""
    asked = _started(till.gateway.request(till.order, RETURNS))
    [letter] = SIDE.letters(_notification(till, told), asked)
    raw = RawNotification(headers=letter.headers, query="", body=letter.body)
    event = till.gateway.verify(raw)
    assert (kind, till.order.id, "TR-1X") == (event and (event.kind, event.order, event.reference))
    assert ("TR-1X" if kind == "refund" else "") == (event and event.of)
    assert SIDE.accepts(letter, 200, till.gateway.acknowledge(raw).body)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"TRUE\n"), (200, b"true"), (500, b"TRUE"), (200, b"FALSE"), (200, b"")]
)
def test_only_true_acknowledges(till: Till, status: int, body: bytes) -> None:
    """Anything but `TRUE` is sent again."""
    asked = _started(till.gateway.request(till.order, RETURNS))
    [letter] = SIDE.letters(_notification(till, "paid"), asked)
    assert not SIDE.accepts(letter, status, body)


def form_fields(event: PaymentEvent) -> list[tuple[str, str]]:
    """Return the fields of the notification about an event."""
    amount = event.money.amount if event.money else "0.00"
    tr_id = event.of or event.reference
    text = f"{event.shop_id}{tr_id}{amount}{event.order}{SETTINGS.code}"
    return [
        ("id", event.shop_id),
        ("tr_id", tr_id),
        ("tr_date", "2026-11-02 12:00:00"),
        ("tr_crc", event.order),
        ("tr_amount", amount),
        ("tr_paid", amount),
        ("tr_desc", "Zażółć"),
        ("tr_status", "CHARGEBACK" if event.of else "TRUE"),
        ("tr_error", "none"),
        ("tr_email", "anna@example.com"),
        ("test_mode", "0"),
        ("md5sum", _md5(text)),
    ]


def form(event: PaymentEvent, *, resum: bool = False, **changes: str | None) -> bytes:
    """Return the body about an event, with fields changed or left out, and the sum made anew if wanted."""
    fields = {**dict(form_fields(event)), **changes}
    if resum:
        text = "".join(str(fields[name]) for name in ("id", "tr_id", "tr_amount", "tr_crc")) + SETTINGS.code
        fields["md5sum"] = _md5(text)
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def signed(body: bytes) -> RawNotification:
    """Return a notification with the JWS of this world's Tpay."""
    return RawNotification(headers={HEADER: SIDE.signature(body)}, query="", body=body)


def issued(
    issuer: rsa.RSAPrivateKey,
    subject: str,
    by: str,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return a certificate (PEM) that this key issues."""
    builder = x509.CertificateBuilder(
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]),
        public_key=(key or issuer).public_key(),
        serial_number=7,
        not_valid_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2036, 1, 1, tzinfo=UTC),
    )
    return builder.sign(issuer, SHA256()).public_bytes(Encoding.PEM)


def _md5(text: str) -> str:
    return md5(text.encode()).hexdigest()  # noqa: S324 - the protocol has nothing else


def _read_as(event: PaymentEvent) -> PaymentEvent:
    return msgspec.structs.replace(event, reference=event.of or event.reference)


def _resigned(raw: RawNotification, signature: str | None) -> RawNotification:
    return msgspec.structs.replace(raw, headers={} if signature is None else {HEADER: signature})


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _notification(till: Till, kind: str) -> Notification:
    about = {"id": "t-1" if kind != "chargeback" else "t-2", "of": "t-1" if kind == "chargeback" else ""}
    return msgspec.convert(
        {
            **about,
            "kind": kind,
            "order": till.order.id,
            "shop_id": "1010",
            "amount": 29900,
            "currency": "PLN",
        },
        Notification,
    )


def _request(till: Till, **changes: object) -> PaymentRequest:
    intent = msgspec.structs.replace(till.order.intent, **changes)
    return till.gateway.request(msgspec.structs.replace(till.order, intent=intent), RETURNS)


def _started(request: PaymentRequest) -> Request:
    parts = urlsplit(request.url)
    return dialect(Panel(notify="https://api.kurs.example/api/payments/tpay")).start(
        request.method, parts.path.removeprefix("/tpay"), parts.query, encoded(request.fields).encode()
    )


def _accepts(request: PaymentRequest) -> bool:
    try:
        started = _started(request)
    except Refusal:
        return False
    return bool(started.order)
