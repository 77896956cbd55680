"""imoje (ING), by payment links: the request is hashed with our key, a notification is JSON hashed with the same key.

The shop's account at imoje is the service, so `shop_id` is the service id. White-label copies of imoje (Axepta)
speak the same language with another header. Nothing is called here; what imoje can be asked is `asked.py`.
Source: https://bump.sh/pgw/doc/imoje-paywall-en , topics creating-a-payment, authorisation and notifications.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Literal
from unicodedata import normalize

import msgspec

from kramik.errors import ConfigurationError, NotAuthentic, Problem
from kramik.event import PaymentEvent
from kramik.gateways import Features
from kramik.gateways.imoje.told import notified
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded, same
from kramik.ports import Returns
from kramik.table import Secret

FEATURES = Features(
    title="imoje",
    start="link or form",
    hash="SHA-2",
    address="request",
    request="published",
    notification="published",
    methods=("blik", "card", "transfer", "wallet", "later"),
    refunds=True,
    asks=True,
    hops=("imoje.pl",),
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

LONGEST_NAME, LONGEST_EMAIL, LONGEST_DESCRIPTION = 100, 200, 255

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\-,. \u00c0-\u02c0\u0400-\u04ff]+")
_NOT_IN_TEXTS = re.compile(r"[^A-Za-z0-9#_\-,./ \u00c0-\u02c0]+")
_MARKS = re.compile("[\u0300-\u036f'\u2019]")
_HEX = re.compile(r"(?:[0-9a-f]{2}){28,64}")
_OK = Acknowledgement(body=b'{"status":"ok"}', content_type="application/json")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[gateways.imoje]`; for tests `base_url` is `https://sandbox.paywall.imoje.pl`.

    With an `api_token` payments are asked about of which imoje told once; in tests at `https://sandbox.api.imoje.pl`.
    """

    merchant_id: str
    service_id: str
    service_key: Secret
    api_token: Secret = ""
    api_url: str = "https://api.imoje.pl/v1/merchant"
    base_url: str = "https://paywall.imoje.pl"
    start: Literal["GET", "POST"] = "GET"
    algorithm: Algorithm = "sha256"
    header: str = "X-Imoje-Signature"


class ImojeGateway:
    """Our service at imoje."""

    def __init__(self, settings: Settings) -> None:
        needed = ("merchant_id", "service_id", "service_key")
        if missing := [name for name in needed if not getattr(settings, name).strip()]:
            raise ConfigurationError(*map(empty, missing))
        self._settings, self._key = settings, settings.service_key.encode()
        self._header = settings.header.lower()
        self._base = settings.base_url.rstrip("/")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shop_id!r})"

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
        return notified(raw.body)

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


def _names(name: str) -> tuple[str, str]:
    """Split a name at its last space; imoje wants two, so what is missing becomes a dash."""
    first, _, last = _fitted(name, _NOT_IN_NAMES).rpartition(" ")
    if not first:
        first, last = last, ""
    return first[:LONGEST_NAME].strip() or "-", last[:LONGEST_NAME] or "-"


def _fitted(text: str, forbidden: re.Pattern[str]) -> str:
    return " ".join(forbidden.sub(" ", _MARKS.sub("", normalize("NFC", text))).split())


def empty(name: str) -> Problem:
    """Return the problem of a key that is empty."""
    return Problem(field=name, code="empty_key", message="is empty; copy it from the panel of imoje")
