"""imoje (ING), by payment links: the request is hashed with our key, a notification is JSON hashed with the same key.

The shop's account at imoje is the service, so `shop_id` is the service id. White-label copies of imoje (Axepta)
speak the same language with another header. It asks nothing of imoje: no refund is ordered here, no state is read.
Source: https://bump.sh/pgw/doc/imoje-paywall-en , topics creating-a-payment, authorisation and notifications.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from unicodedata import normalize

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.money import LIMIT, Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded, same
from kramik.ports import Returns
from kramik.table import Secret

NAME = "imoje"
FEATURES = Features(
    title="imoje",
    start="link or form",
    hash="SHA-2",
    address="request",
    request="published",
    notification="published",
    methods=("blik", "card", "transfer", "wallet", "later"),
    refunds=True,
)

Algorithm = Literal["sha224", "sha256", "sha384", "sha512"]

HASHES = {
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
LANGUAGES = ("pl", "en")
METHODS = {"blik": "blik", "card": "card", "transfer": "pbl", "wallet": "wallet", "later": "imoje_paylater"}
"""Our words for a way to pay, and imoje's."""

KINDS: Mapping[str, Kind] = {
    "settled": "paid",
    **dict.fromkeys(("new", "pending", "authorized", "submitted"), "pending"),
    **dict.fromkeys(("cancelled", "rejected", "error", "expired"), "failed"),
}
"""What became of a sale; a status that is not listed says nothing."""

LONGEST_NAME, LONGEST_EMAIL, LONGEST_DESCRIPTION = 100, 200, 255

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\-,. \u00c0-\u02c0\u0400-\u04ff]+")
_NOT_IN_TEXTS = re.compile(r"[^A-Za-z0-9#_\-,./ \u00c0-\u02c0]+")
_MARKS = re.compile("[\u0300-\u036f'\u2019]")
_HEX = re.compile(r"(?:[0-9a-f]{2}){28,64}")
_OK = Acknowledgement(body=b'{"status":"ok"}', content_type="application/json")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[gateways.imoje]`; for tests `base_url` is `https://sandbox.paywall.imoje.pl`."""

    merchant_id: str
    service_id: str
    service_key: Secret
    base_url: str = "https://paywall.imoje.pl"
    start: Literal["GET", "POST"] = "GET"
    algorithm: Algorithm = "sha256"
    header: str = "X-Imoje-Signature"


class Transaction(msgspec.Struct, frozen=True):
    """What a notification says of a transaction, or of a payment link; `amount` in minor units."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    status: str
    order: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = msgspec.field(name="orderId")
    service: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = msgspec.field(name="serviceId")
    amount: Annotated[int, msgspec.Meta(ge=0, lt=LIMIT)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    type: str


class Told(msgspec.Struct, frozen=True):
    """A notification: a transaction with its link, or a link alone when it expired or was cancelled."""

    transaction: Transaction | None = None
    payment: dict[str, object] | None = None
    original: str = msgspec.field(name="originalTransactionId", default="")


class ImojeGateway:
    """Our service at imoje."""

    def __init__(self, settings: Settings) -> None:
        needed = ("merchant_id", "service_id", "service_key")
        if empty := [name for name in needed if not getattr(settings, name).strip()]:
            raise ConfigurationError(*map(_empty, empty))
        self._settings, self._key = settings, settings.service_key.encode()
        self._header = settings.header.lower()
        self._base = settings.base_url.rstrip("/")

    def __repr__(self) -> str:
        return f"ImojeGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our service id."""
        return self._settings.service_id

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed payment request: a link, or a form if the settings say so."""
        fields = self._fields(order, returns)
        fields["signature"] = signature(fields, self._key, self._settings.algorithm)
        lang = order.intent.lang
        url = f"{self._base}/{lang}/payment" if lang in LANGUAGES else f"{self._base}/payment"
        if self._settings.start == "POST":
            return PaymentRequest(method="POST", url=url, fields=fields)
        return PaymentRequest(method="GET", url=f"{url}?{encoded(fields)}")

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification.

        Raises:
            NotAuthentic: imoje did not sign this; nothing may be stored.
            NeedsOperator: imoje did sign it, but it can not be read; it is kept for a person.
        """
        algorithm, given = _given(raw.headers.get(self._header, ""), self._header)
        if not same(HASHES[algorithm](raw.body + self._key).digest(), given):
            raise NotAuthentic("the signature does not fit the body")
        return _event(raw.body)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return the JSON that ends imoje's repeats."""
        return _OK

    def _fields(self, order: Order, returns: Returns) -> dict[str, str]:
        intent, settings = order.intent, self._settings
        first, last = _names(intent.buyer.name)
        fields = {
            "amount": str(intent.price.minor),
            "currency": intent.price.currency,
            "customerFirstName": first,
            "customerLastName": last,
            "merchantId": settings.merchant_id,
            "orderDescription": _fitted(intent.title, _NOT_IN_TEXTS)[:LONGEST_DESCRIPTION].strip()
            or order.id,
            "orderId": order.id,
            "serviceId": settings.service_id,
            "urlFailure": returns.failed,
            "urlNotification": returns.notify,
            "urlReturn": returns.done,
            "urlSuccess": returns.done,
        }
        if len(intent.buyer.email) <= LONGEST_EMAIL:
            fields["customerEmail"] = intent.buyer.email
        if intent.method in METHODS:
            fields["visibleMethod"] = METHODS[intent.method]
        return fields


def signature(fields: Mapping[str, str], key: bytes, algorithm: Algorithm) -> str:
    """Return what signs a payment request: a hash of the raw parameters, sorted by name, and the key behind them."""
    canonical = "&".join([f"{name}={fields[name]}" for name in sorted(fields)])
    return f"{HASHES[algorithm](canonical.encode() + key).hexdigest()};{algorithm}"


def _given(header: str, name: str) -> tuple[str, bytes]:
    """Return the algorithm and the signature that a header names: `merchantid=…;serviceid=…;signature=…;alg=…`."""
    pairs = [part.partition("=")[::2] for part in header.split(";")]
    parts = dict(pairs)
    given, algorithm = parts.get("signature", ""), parts.get("alg", "")
    if len(parts) != len(pairs) or algorithm not in HASHES or not _HEX.fullmatch(given):
        raise NotAuthentic(
            f"the header {name} must hold one signature in small hex digits and an SHA-2 algorithm"
        )
    return algorithm, bytes.fromhex(given)


def _event(body: bytes) -> PaymentEvent | None:
    try:
        told = msgspec.convert(_read(body), Told)
    except (ValueError, RecursionError):
        raise _unreadable("can not be read") from None
    if told.transaction is None and told.payment is None:
        raise _unreadable("tells of neither a transaction nor a link")
    if told.transaction is None:
        return None
    if told.transaction.type == "refund":
        return _refund(told.transaction, told.original)
    kind = KINDS.get(told.transaction.status)
    return None if kind is None or told.transaction.type != "sale" else _fact(told.transaction, kind)


def _refund(transaction: Transaction, original: str) -> PaymentEvent | None:
    """Read a refund; one that has not gone through (yet) says nothing."""
    if transaction.status != "settled":
        return None
    if not original:
        raise _unreadable(f"tells of a refund {transaction.id!r}, but not of which payment")
    return _fact(transaction, "refund", of=original)


def _fact(transaction: Transaction, kind: Kind, *, of: str = "") -> PaymentEvent:
    return PaymentEvent(
        order=transaction.order,
        gateway=NAME,
        reference=transaction.id,
        kind=kind,
        shop_id=transaction.service,
        money=Money(minor=transaction.amount, currency=transaction.currency),
        of=of,
    )


def _read(body: bytes) -> object:
    """Read JSON without doubled names; a number that is not whole stays a text, which is no amount."""
    return json.loads(body.decode(), object_pairs_hook=_once, parse_float=str, parse_constant=str)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields


def _names(name: str) -> tuple[str, str]:
    """Split a name at its last space; imoje wants two, so what is missing becomes a dash."""
    first, _, last = _fitted(name, _NOT_IN_NAMES).rpartition(" ")
    if not first:
        first, last = last, ""
    return first[:LONGEST_NAME].strip() or "-", last[:LONGEST_NAME] or "-"


def _fitted(text: str, forbidden: re.Pattern[str]) -> str:
    return " ".join(forbidden.sub(" ", _MARKS.sub("", normalize("NFC", text))).split())


def _unreadable(what: str) -> NeedsOperator:
    return NeedsOperator(f"a signed notification of imoje {what}; look at its panel, then settle the order")


def _empty(name: str) -> Problem:
    return Problem(field=name, code="empty_key", message="is empty; copy it from the panel of imoje")
