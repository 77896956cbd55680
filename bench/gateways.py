"""Every gateway: what a start request and a notification cost over the bare hash, encoding and parse of the same bytes.

What the bare work is stands in `BARE`: the vendor's hash over the bytes that are sent or came, and the parser that
reads them. Where a cipher or a certificate is used, the bare work is that operation alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import timeit
from base64 import b64decode, b64encode
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

import msgspec
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from bench.figures import Chapter, Figure, middle
from kramik import adapters
from kramik.gateways.tpay import TpayGateway
from kramik.money import Money
from kramik.order import Order
from kramik.payment import PaymentRequest, RawNotification
from kramik.ports import Gateway, Returns
from kramik.sandbox.dialect import CalledDialect, Dialect, Notification, Panel, Request
from kramik.sandbox.vendors import NAMES, tpay_keys, vendor

Work = Callable[[], object]

TIMES = 20
ROUNDS = 201
NEAR, NEAREST = 5.0, 2.0
"""How many times the bare work may be taken; the second one where that work is a cipher or a certificate."""

CIPHERS = ("redsys", "tpay", "tpay_api")
KEY = b"k" * 24
RETURNS = Returns(
    done="https://kurs.example/thanks/?order=1&key=a",
    failed="https://kurs.example/failed/",
    notify="https://api.kurs.example/api/payments/told",
)


def gateways(order: Order) -> Chapter:
    """Measure every gateway that the sandbox plays."""
    figures = [figure for name in NAMES for figure in _measured(name, order)]
    how = (
        f"Median of {ROUNDS} alternating rounds of {TIMES} in one thread. Ratio: to the bare work over the same bytes, "
        "for Redsys with its cipher, for Tpay with the check of the signature by a key that is loaded."
    )
    return Chapter(title="The gateways", how=how, figures=figures)


def _measured(name: str, order: Order) -> list[Figure]:
    kind = adapters.GATEWAYS[name]()
    about = {**vendor(name).DEMO, "base_url": f"https://world.example/{name}"}
    gateway = kind.make(msgspec.convert(about, kind.shape), 1.0)
    intent = msgspec.structs.replace(order.intent, gateway=name, shop_id=gateway.shop_id)
    order = msgspec.structs.replace(order, intent=intent)
    side, figures = vendor(name).dialect(Panel(notify=RETURNS.notify)), []
    if isinstance(gateway, Gateway):
        request = gateway.request(order, RETURNS)
        start = _bare_start(name, request)
        figures.append(
            _figure(f"{name}: start request", name, bare=start, whole=lambda: gateway.request(order, RETURNS))
        )
        asked = _asked(name, request, side)
    else:
        asked = _wanted(order, gateway.shop_id)
    raw = _told(side, asked)
    assert gateway.verify(raw) is not None, name
    bare = _bare_notification(name, raw)
    figures.append(_figure(f"{name}: notification", name, bare=bare, whole=lambda: gateway.verify(raw)))
    if isinstance(gateway, TpayGateway):
        figures.append(_jws(gateway, raw))
    return figures


def _jws(gateway: TpayGateway, raw: RawNotification) -> Figure:
    """Compare the check of the JWS with the check of its signature by a key that is loaded."""
    given = raw.headers["x-jws-signature"]
    jws = gateway._told.jws  # noqa: SLF001 - the check alone has no other name
    return _figure(
        "tpay: the JWS of a notification alone",
        "tpay",
        bare=_certificate(raw),
        whole=lambda: jws.check(given, raw.body),
    )


def _figure(what: str, name: str, *, bare: Work, whole: Work) -> Figure:
    costs = [
        [timeit.timeit(work, number=TIMES) / TIMES * 1e6 for work in (bare, whole)] for _ in range(ROUNDS)
    ]
    small, large = (middle(each) for each in zip(*costs, strict=True))
    shown = f"{large:.1f} µs, bare {small:.1f} µs"
    target = NEAREST if name == "redsys" or (name in CIPHERS and "notification" in what) else NEAR
    return Figure(what=what, figure=shown, ratio=large / small, target=target, better="less")


def _bare_start(name: str, request: PaymentRequest) -> Work:
    if name == "redsys":
        content = json.loads(b64decode(request.fields["Ds_MerchantParameters"]))
        return lambda: _redsys(b64encode(json.dumps(content).encode()), request.fields)
    fields = request.fields or dict(parse_qsl(request.url.partition("?")[2]))
    signed = urlencode(fields).encode() + KEY
    return lambda: (hashlib.sha256(signed).hexdigest(), urlencode(fields))


def _bare_notification(name: str, raw: RawNotification) -> Work:
    body = raw.body
    if name == "redsys":
        fields = dict(parse_qsl(body.decode()))
        text = fields["Ds_MerchantParameters"].encode()
        return lambda: (parse_qsl(body.decode()), _redsys(text, {}), json.loads(b64decode(text)))
    if name in CIPHERS:
        check = _certificate(raw)
        return lambda: (check(), _form(body))
    parse = _PARSERS.get(name, _form if body[:1] not in (b"{", b"[") else json.loads)
    hashed = _HASHES.get(name, hashlib.sha256)
    return lambda: (hashed(body + KEY).hexdigest(), parse(body))  # type: ignore[no-untyped-call]  # an alias of hashlib


def _redsys(text: bytes, fields: object) -> object:
    cipher = Cipher(TripleDES(KEY), CBC(bytes(8))).encryptor()
    key = cipher.update(b"0123456789AB\0\0\0\0") + cipher.finalize()
    return b64encode(hmac.digest(key, text, "sha256")), fields


def _certificate(raw: RawNotification) -> Work:
    """Return the check of the detached signature with a key that is loaded."""
    key = load_pem_x509_certificate(tpay_keys.SIGNER.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    head, _, signature = raw.headers["x-jws-signature"].split(".")
    made = b64decode(signature + "==", altchars=b"-_")
    signed = f"{head}.{b64encode(raw.body, b'-_').decode().rstrip('=')}".encode()
    padding, algorithm = PKCS1v15(), SHA256()
    return lambda: key.verify(made, signed, padding, algorithm)


def _form(body: bytes) -> object:
    return parse_qsl(body.decode(), keep_blank_values=True)


def _itn(body: bytes) -> object:
    return ET.fromstring(b64decode(dict(parse_qsl(body.decode()))["transactions"]))  # noqa: S314 - our own words


_PARSERS: dict[str, Callable[[bytes], object]] = {"autopay": _itn}
_HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {
    "przelewy24": hashlib.sha384,
    "payu": lambda message: hashlib.md5(message, usedforsecurity=False),
    "payu_rest": lambda message: hashlib.md5(message, usedforsecurity=False),
}


def _asked(name: str, request: PaymentRequest, side: Dialect | CalledDialect) -> Request:
    assert isinstance(side, Dialect)
    path, _, query = request.url.removeprefix(f"https://world.example/{name}").partition("?")
    body = urlencode(request.fields).encode() if request.method == "POST" else b""
    return side.start(request.method, path, query, body)


def _wanted(order: Order, shop_id: str) -> Request:
    return Request(
        order=f"{order.id}-1",
        shop_id=shop_id,
        money=order.intent.price,
        description=order.intent.title,
        email=order.intent.buyer.email,
        lang="pl",
        done=RETURNS.done,
        failed=RETURNS.failed,
        notify=RETURNS.notify,
        reference=f"{order.id}-1",
    )


def _told(side: Dialect | CalledDialect, asked: Request) -> RawNotification:
    money: Money = asked.money
    told = Notification(
        id="t-bench-1",
        kind="paid",
        order=asked.order,
        shop_id=asked.shop_id,
        amount=money.minor,
        currency=money.currency,
    )
    (letter, *_) = side.letters(told, asked)
    headers = {key.lower(): value for key, value in letter.headers.items()}
    return RawNotification(headers=headers, query="", body=letter.body)
