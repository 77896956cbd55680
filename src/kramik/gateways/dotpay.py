"""Dotpay, for shops that still have an id from before its merger into Przelewy24: a signed link, URLC back.

A link is signed in the way of `api_version`: `next` is an HMAC over JSON that names every field, `dev` is a hash over
values without names or separators. URLC is hashed like `dev`, so all fields up to the order's must have their very
shape: otherwise a character could wander from one to the next.
No name and no e-mail address is sent: Dotpay asks the buyer.
It tells nothing of chargebacks, and multi-merchant payments are not known here.
Source: https://www.dotpay.pl/developer/doc/api_payment/en/ , https://www.przelewy24.pl/migracja-dotpay ,
https://github.com/dotpay/PHP-SDK (Channel, Configuration, Customer, Confirmation, Operation, OpNumber),
https://github.com/krzysiekpiasecki/Dotpay (tests)
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.money import Money, parse_amount
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded, same, sign
from kramik.ports import Returns
from kramik.table import Secret

NAME = "dotpay"
FEATURES = Features(
    title="Dotpay",
    start="link",
    hash="HMAC-SHA256 or SHA-256",
    address="request",
    request="published",
    notification="published",
    methods=("blik", "card"),
    refunds=True,
    hops=(
        "przelewy24.pl",
        "dotpay.pl",
    ),
)

LONGEST_DESCRIPTION = 128
LANGUAGES = ("pl", "en", "de", "it", "fr", "es", "cs", "ru", "hu", "ro", "uk", "sk", "lv", "lt")
CURRENCIES = ("PLN", "EUR", "USD", "GBP", "CZK", "SEK", "UAH", "RON")
CHANNELS = {"blik": "73", "card": "246"}
"""Channels by our names of methods; any other number that a shop writes is passed on as it is."""

LINK_ORDER = """
    api_version charset lang id pid amount currency description control channel credit_card_brand ch_lock
    channel_groups onlinetransfer url type buttontext urlc firstname lastname email street street_n1 street_n2 state
    addr3 city postcode phone country code p_info p_email n_email expiration_date deladdr recipient_account_number
    recipient_company recipient_first_name recipient_last_name recipient_address_street recipient_address_building
    recipient_address_apartment recipient_address_postcode recipient_address_city application application_version
    warranty bylaw personal_data blik_code surcharge_amount surcharge ignore_last_payment_channel customer
""".split()
"""The order in which `dev` hashes the values of a link, without those of cards, which we never send."""

URLC_ORDER = """
    id operation_number operation_type operation_status operation_amount operation_currency
    operation_withdrawal_amount operation_commission_amount is_completed operation_original_amount
    operation_original_currency operation_datetime operation_related_number control description email p_info p_email
    credit_card_issuer_identification_number credit_card_masked_number credit_card_expiration_year
    credit_card_expiration_month credit_card_brand_codename credit_card_brand_code credit_card_unique_identifier
    credit_card_id channel channel_country geoip_country payer_bank_account_name payer_bank_account
    payer_transfer_title blik_voucher_pin blik_voucher_amount blik_voucher_amount_used
""".split()

KINDS: Mapping[tuple[str, str], Kind] = {
    ("payment", "new"): "pending",
    ("payment", "processing"): "pending",
    ("payment", "processing_realization_waiting"): "pending",
    ("payment", "processing_realization"): "pending",
    ("payment", "completed"): "paid",
    ("payment", "rejected"): "failed",
    ("refund", "completed"): "refund",
}

_NUMBER = r"M[0-9]{4,8}-[0-9]{4,8}"
_SHAPES = {
    "id": r"[0-9]{1,10}",
    "operation_number": _NUMBER,
    "operation_type": r"[a-z_]{1,40}",
    "operation_status": r"[a-z_]{1,40}",
    "operation_amount": r"-?[0-9]{1,10}\.[0-9]{2}",
    "operation_currency": r"[A-Z]{3}",
    "operation_withdrawal_amount": r"(?:-?[0-9]{1,10}\.[0-9]{2})?",
    "operation_commission_amount": r"(?:-?[0-9]{1,10}\.[0-9]{2})?",
    "is_completed": r"(?:true|false)?",
    "operation_original_amount": r"[0-9]{1,10}\.[0-9]{2}",
    "operation_original_currency": r"[A-Z]{3}",
    "operation_datetime": r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}",
    "operation_related_number": rf"(?:{_NUMBER})?",
    "control": r"[!-~]{1,128}",
}
_SHAPED = {name: re.compile(shape) for name, shape in _SHAPES.items()}
_FOREIGN = re.compile(r"[^\w .,:;()/+!-]")
_CANONICAL = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
_OK = Acknowledgement(body=b"OK")

Fields = Mapping[str, str]
Version = Literal["next", "dev"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.dotpay]`; `base_url` is where a payment starts, `pin` signs both ways."""

    seller_id: str
    pin: Secret
    api_version: Version = "next"
    base_url: str = "https://dproxy.przelewy24.pl/t2/"


class DotpayGateway:
    """Our account at Dotpay."""

    def __init__(self, settings: Settings) -> None:
        _hold(settings)
        self._settings, self._pin = settings, settings.pin.encode()
        self._url = f"{settings.base_url.rstrip('/')}/"

    def __repr__(self) -> str:
        return f"DotpayGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our id at Dotpay."""
        return self._settings.seller_id

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed link.

        Raises:
            Rejected: Dotpay does not know the currency.
        """
        price = order.intent.price
        fields = {
            "api_version": self._settings.api_version,
            "id": self.shop_id,
            "amount": price.amount,
            "currency": _known(price),
            "description": fitted(order.intent.title) or order.id,
            "control": order.id,
            "url": returns.done,
            "type": "0",
            "urlc": returns.notify,
            **_chosen(order.intent.lang, order.intent.method),
        }
        signed = {**fields, "chk": chk(fields, self._pin)}
        return PaymentRequest(method="GET", url=f"{self._url}?{encoded(signed)}")

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None when it is about a payout, or a refund that is not made yet.

        Raises:
            NotAuthentic: Dotpay did not sign this; nothing may be stored.
            NeedsOperator: Dotpay did sign it, but it can not be read; it is kept for a person.
        """
        fields = _fields(raw.body)
        if not same(urlc(fields, self._pin).encode(), fields.get("signature", "").encode()):
            raise NotAuthentic("the signature does not fit the fields")
        return _event(fields)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return `OK`: whatever is answered with another text comes again."""
        return _OK


def chk(fields: Fields, pin: bytes) -> str:
    """Return the signature of a link, in the way of its `api_version`."""
    if fields["api_version"] == "dev":
        return sha256(pin + "".join(fields.get(name, "") for name in LINK_ORDER).encode()).hexdigest()
    named = {**fields, "paramsList": ";".join(sorted(fields))}
    return sign(pin, _CANONICAL.encode(named).encode()).hex()


def urlc(fields: Fields, pin: bytes) -> str:
    """Return the signature of a notification, whose fields have a character for each byte."""
    return sha256(pin + "".join(fields.get(name, "") for name in URLC_ORDER).encode("latin-1")).hexdigest()


@lru_cache(maxsize=256)
def fitted(text: str) -> str:
    """Return the text in Latin letters, digits and plain punctuation, as long as a description may be."""
    known = "".join(each for each in unicodedata.normalize("NFC", text) if _latin(each))
    return " ".join(_FOREIGN.sub(" ", known).split())[:LONGEST_DESCRIPTION].strip()


def _latin(letter: str) -> bool:
    return letter.isascii() or (letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN"))


def _chosen(lang: str, method: str) -> dict[str, str]:
    channel = CHANNELS.get(method, method if _digits(method) else "")
    return {
        **({"lang": lang} if lang in LANGUAGES else {}),
        **({"channel": channel} if channel else {}),
    }


def _known(price: Money) -> str:
    if price.currency not in CURRENCIES:
        message = f"Dotpay does not take {price.currency}; it takes {', '.join(CURRENCIES)}"
        raise Rejected(Problem(field="gateway", code="currency", message=message))
    return price.currency


def _fields(body: bytes) -> Fields:
    """Read a form, a character for each byte."""
    try:
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=200
        )
    except ValueError:
        raise NotAuthentic("the body is no form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NotAuthentic("a field came twice, and the signature names none")
    return fields


def _event(fields: Fields) -> PaymentEvent | None:
    kind = KINDS.get((fields.get("operation_type", ""), fields.get("operation_status", "")))
    odd = [name for name, shape in _SHAPED.items() if not shape.fullmatch(fields.get(name, ""))]
    if kind is None and not {"operation_type", "operation_status"} & {*odd}:
        return None
    if odd or kind is None or (kind == "refund" and not fields.get("operation_related_number")):
        raise _unreadable(", ".join(odd) or "operation_related_number")
    return PaymentEvent(
        order=fields["control"],
        gateway=NAME,
        reference=fields["operation_number"],
        kind=kind,
        shop_id=fields["id"],
        money=_money(fields),
        of=fields["operation_related_number"] if kind == "refund" else "",
    )


def _money(fields: Fields) -> Money:
    try:
        return parse_amount(fields["operation_original_amount"], fields["operation_original_currency"])
    except Rejected:
        raise _unreadable("operation_original_amount") from None


def _unreadable(what: str) -> NeedsOperator:
    return NeedsOperator(
        f"an authentic notification of Dotpay was not understood: {what} is missing or odd; look into its panel"
    )


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _hold(settings: Settings) -> None:
    """Refuse settings with which nothing could be signed or verified."""
    problems = [
        Problem(field=field, code=code, message=message)
        for field, code, message, wrong in (
            ("pin", "empty_key", "is empty; an empty key signs for everybody", not settings.pin.strip()),
            ("seller_id", "not_a_number", "is not the number of a shop", not _digits(settings.seller_id)),
        )
        if wrong
    ]
    if problems:
        raise ConfigurationError(*problems)
