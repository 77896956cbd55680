"""Redsys, the card terminal of Spanish banks: a form of three fields, signed with a key of its own for each order.

A Redsys order number has 12 characters and can be used once, so it is derived from our order's id;
the id itself travels in `Ds_MerchantData`, which Redsys repeats. No refunds are asked for here, no REST calls are made.
Source: https://pagosonline.redsys.es/conexion-redireccion.html , creagia/redsys-php:src/Support/Signature.php
"""

from __future__ import annotations

import json
import re
import unicodedata
from base64 import b64decode, b64encode, urlsafe_b64encode
from binascii import Error
from functools import lru_cache
from hashlib import sha256
from urllib.parse import unquote

import msgspec
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, decoded, same, sign
from kramik.ports import Returns
from kramik.table import Secret

NAME = "redsys"
FEATURES = Features(
    title="Redsys",
    start="form",
    hash="3DES and HMAC-SHA256",
    address="request",
    request="computed",
    notification="published",
    methods=("card", "bizum", "paypal", "transfer"),
    refunds=True,
    extra="crypto",
    hops=("redsys.es",),
)
VERSION = "HMAC_SHA256_V1"
"""The only algorithm that is accepted, whatever a notification names."""

CURRENCIES = dict(
    pair.split(":")
    for pair in (
        "AUD:036 BRL:986 CAD:124 CHF:756 CLP:152 COP:170 CZK:203 DKK:208 EUR:978 GBP:826 "
        "HUF:348 JPY:392 MXN:484 NOK:578 PLN:985 RON:946 SEK:752 USD:840"
    ).split()
)
"""ISO 4217 numbers; a terminal takes the currencies that the bank opened for it."""

LANGUAGES = {
    lang: str(number) for number, lang in enumerate("es en ca fr de nl it sv pt va pl gl eu".split(), start=1)
}
METHODS = {"card": "C", "bizum": "z", "paypal": "p", "transfer": "R"}

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KEY_LENGTH, _BLOCK = 24, 8
_DESCRIPTION = 125
_FIELDS = ("Ds_SignatureVersion", "Ds_MerchantParameters", "Ds_Signature")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_NUMBER = re.compile(r"[0-9A-Za-z]{1,12}")
_DIGITS = re.compile(r"[0-9]{1,12}")
_RESPONSE = re.compile(r"[0-9]{1,4}")
_STANDARD, _URLSAFE = str.maketrans("-_", "+/"), str.maketrans("+/", "-_")
_LAST_AUTHORISED, _RETURNED = 99, 900
_UNDECIDED = (400, _RETURNED, 9997, 9998, 9999)
_NAMES = {number: name for name, number in CURRENCIES.items()}
_OK = Acknowledgement(body=b"OK")

MOST_FIELDS = 20
"""Fields of a notification that are looked at; an honest one has three."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.redsys]`; for tests `base_url` is `https://sis-t.redsys.es:25443`."""

    merchant_code: str
    key: Secret
    terminal: str = "1"
    base_url: str = "https://sis.redsys.es"


class RedsysGateway:
    """One terminal at Redsys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = _key(settings.key)
        self._url = f"{settings.base_url.rstrip('/')}/sis/realizarPago"

    def __repr__(self) -> str:
        return f"RedsysGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our merchant code and terminal, such as `999008881/1`."""
        return _shop(self._settings.merchant_code, self._settings.terminal)

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed form.

        Raises:
            Rejected: Redsys has no number for the currency; offer another gateway.
        """
        number = number_of(order.id)
        text = b64encode(json.dumps(self._parameters(number, order, returns)).encode()).decode()
        signature = b64encode(self._signature(number, text)).decode()
        return PaymentRequest(
            method="POST", url=self._url, fields=dict(zip(_FIELDS, (VERSION, text, signature), strict=True))
        )

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification.

        Raises:
            NotAuthentic: Redsys did not sign this; nothing may be stored.
            NeedsOperator: Redsys did sign it, but it can not be read; it is kept for a person.
        """
        text, given = _signed_text(raw.body)
        pairs = _pairs(text)
        expected = urlsafe_b64encode(self._signature(_claimed(pairs), text))
        if not same(expected, given.translate(_URLSAFE).encode()):
            raise NotAuthentic("Ds_Signature does not fit Ds_MerchantParameters")
        return _event(pairs)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return status 200; Redsys prescribes no text."""
        return _OK

    def _parameters(self, number: str, order: Order, returns: Returns) -> dict[str, str]:
        intent = order.intent
        parameters = {
            "DS_MERCHANT_AMOUNT": str(intent.price.minor),
            "DS_MERCHANT_ORDER": number,
            "DS_MERCHANT_MERCHANTCODE": self._settings.merchant_code,
            "DS_MERCHANT_CURRENCY": _numeric(intent.price.currency),
            "DS_MERCHANT_TRANSACTIONTYPE": "0",
            "DS_MERCHANT_TERMINAL": self._settings.terminal,
            "DS_MERCHANT_MERCHANTURL": returns.notify,
            "DS_MERCHANT_URLOK": returns.done,
            "DS_MERCHANT_URLKO": returns.failed,
            "DS_MERCHANT_MERCHANTDATA": order.id,
            "DS_MERCHANT_PRODUCTDESCRIPTION": _fitted(intent.title),
            "DS_MERCHANT_CONSUMERLANGUAGE": LANGUAGES.get(intent.lang, "0"),
        }
        method = METHODS.get(intent.method)
        return parameters if method is None else {**parameters, "DS_MERCHANT_PAYMETHODS": method}

    def _signature(self, number: str, text: str) -> bytes:
        """Sign the base64 text of the parameters with the key of this order number."""
        padded = number.encode() + bytes(-len(number) % _BLOCK)
        cipher = Cipher(TripleDES(self._key), CBC(bytes(_BLOCK))).encryptor()
        return sign(cipher.update(padded) + cipher.finalize(), text.encode())


@lru_cache(maxsize=256)
def number_of(order_id: str) -> str:
    """Return the Redsys order number of an order: 4 digits, then 8 digits or capital letters; 54 bits."""
    value = int.from_bytes(sha256(f"kramik/redsys/{order_id}".encode()).digest()[:8])
    rest = ""
    for _ in range(8):
        value, digit = divmod(value, len(_ALPHABET))
        rest += _ALPHABET[digit]
    return f"{value % 10_000:04d}{rest}"


def _key(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except (Error, ValueError):
        key = b""
    if len(key) != _KEY_LENGTH:
        message = (
            "is not the SHA-256 key of a Redsys terminal; copy its 32 characters of base64 from the panel"
        )
        raise ConfigurationError(Problem(field="key", code="bad_key", message=message))
    return key


def _numeric(currency: str) -> str:
    if currency not in CURRENCIES:
        message = f"takes no {currency}; choose another payment method"
        raise Rejected(Problem(field="gateway", code="currency", message=message))
    return CURRENCIES[currency]


@lru_cache(maxsize=256)
def _fitted(title: str) -> str:
    """Return a description of Latin letters: what Latin-1 has stays, other letters lose their strokes."""
    plain = (letter if letter.encode("latin-1", "ignore") else _bare(letter) for letter in title)
    return re.sub(r"[^\w .,:;()/&+-]", " ", "".join(plain))[:_DESCRIPTION].strip() or "-"


def _bare(letter: str) -> str:
    return {"ł": "l", "Ł": "L", "„": " ", "”": " "}.get(
        letter, unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    )


def _shop(code: str, terminal: str) -> str:
    return f"{code}/{terminal.lstrip('0') or '0'}"


def _signed_text(body: bytes) -> tuple[str, str]:
    """Return the parameters and the signature as they were sent, both base64 of either alphabet."""
    parts = [part.partition("=") for part in body.decode("utf-8", "replace").split("&", MOST_FIELDS)]
    fields = {decoded(name): decoded(value) for name, _, value in parts}
    if not len(fields) == len(parts) <= MOST_FIELDS or not all(name in fields for name in _FIELDS):
        raise NotAuthentic(f"send each of {', '.join(_FIELDS)} once")
    version, text, signature = (fields[name] for name in _FIELDS)
    if version != VERSION:
        raise NotAuthentic(f"only signatures of version {VERSION} are accepted")
    if not _BASE64.fullmatch(text) or not _BASE64.fullmatch(signature):
        raise NotAuthentic("the parameters and the signature must be base64")
    return text, signature


def _pairs(text: str) -> list[tuple[str, object]]:
    """Read the parameters before they are trusted: names in small letters, every number as its text."""
    try:
        decoded = b64decode(text.translate(_STANDARD), validate=True)
        pairs = json.loads(decoded, object_pairs_hook=list, parse_int=str, parse_float=str)
        return [(name.lower(), value) for name, value in pairs]
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise NotAuthentic("Ds_MerchantParameters is no base64 of a JSON object") from None


def _claimed(pairs: list[tuple[str, object]]) -> str:
    """Return the order number that the sender claims, which chooses the key."""
    numbers = [value for name, value in pairs if name == "ds_order"]
    number = numbers[0] if len(numbers) == 1 else None
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise NotAuthentic("Ds_Order must come once, with 1 to 12 letters or digits")
    return number


def _event(pairs: list[tuple[str, object]]) -> PaymentEvent | None:
    if len(dict(pairs)) != len(pairs):
        raise _unreadable("a field came twice")
    fields = {
        name: value if "%" not in value else unquote(value) for name, value in pairs if isinstance(value, str)
    }
    kind = _kind(fields)
    if kind is None:
        return None
    number = fields["ds_order"]
    return PaymentEvent(
        order=_order_of(fields),
        gateway=NAME,
        reference=number if kind == "paid" else _attempt(fields),
        kind=kind,
        shop_id=_shop(fields.get("ds_merchantcode", ""), fields.get("ds_terminal", "")),
        money=_money(fields),
        of=number if kind == "refund" else "",
    )


def _kind(fields: dict[str, str]) -> Kind | None:
    """Say what happened; None for what is no payment of ours, such as a refund that was refused."""
    text = fields.get("ds_response", "")
    if not _RESPONSE.fullmatch(text):
        raise _unreadable("Ds_Response is no code")
    code, transaction = int(text), fields.get("ds_transactiontype", "")
    if transaction == "3":
        return "refund" if code == _RETURNED else None
    if transaction != "0" or code in _UNDECIDED:
        return "pending"
    return "paid" if code <= _LAST_AUTHORISED else "failed"


def _order_of(fields: dict[str, str]) -> str:
    """Return the id in `Ds_MerchantData` if the order number is its own, or else the number, which nobody knows."""
    number, data = fields["ds_order"], fields.get("ds_merchantdata", "")
    return data if data and number_of(data) == number else number


def _attempt(fields: dict[str, str]) -> str:
    """Name one attempt: an order number can be refused or refunded more than once."""
    names = ("ds_order", "ds_transactiontype", "ds_response", "ds_authorisationcode", "ds_date", "ds_hour")
    return "-".join(fields.get(name, "").strip() for name in names)


def _money(fields: dict[str, str]) -> Money:
    amount, numeric = fields.get("ds_amount", ""), fields.get("ds_currency", "").zfill(3)
    currency = _NAMES.get(numeric)
    if not _DIGITS.fullmatch(amount) or currency is None:
        raise _unreadable("Ds_Amount or Ds_Currency is none that is known here")
    return Money(minor=int(amount), currency=currency)


def _unreadable(why: str) -> NeedsOperator:
    return NeedsOperator(
        f"a signed notification of Redsys can not be read: {why}; look at the payments in its panel"
    )
