"""PayU (Poland and Europe) in its hosted-form mode: a signed form starts a payment, without any call from our side.

A notification is JSON; `OpenPayu-Signature` holds the hash of its raw bytes with our second key behind them.
PayU signs them with MD5 unless the account was changed, so MD5 is taken as long as the settings allow it:
to profit from its weakness a forger would have to choose, and see signed, what goes from PayU to our server alone.
It orders no refunds, asks for no state, and knows no chargebacks: PayU documents no message for them.
Source: https://developers.payu.com/europe/docs/payment-flows/lifecycle ,
https://github.com/PayU-EMEA/openpayu_php (lib/OpenPayU/Util.php, tests/resources/hostedOrderForm.txt).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import md5, sha256, sha384, sha512
from typing import Literal, Protocol

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded, same
from kramik.ports import Returns
from kramik.table import Secret

NAME = "payu"
FEATURES = Features(
    title="PayU",
    start="form",
    hash="SHA-2 (MD5)",
    address="request",
    request="published",
    notification="published",
    methods=("blik", "card"),
    refunds=True,
)
HEADERS = ("openpayu-signature", "x-openpayu-signature")
CHANNELS = {"card": "c"}
"""PayU's values of the methods that it calls otherwise than we do; any other method is passed as it is."""

LONGEST = 255

_STATUSES: Mapping[str, Kind] = {
    "PENDING": "pending",
    "WAITING_FOR_CONFIRMATION": "pending",
    "COMPLETED": "paid",
    "CANCELED": "failed",
}
_MINOR = re.compile(r"0|[1-9][0-9]{0,11}")
_METHOD = re.compile(r"[a-z0-9]{1,10}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_UNWANTED = re.compile(r"[\x00-\x20\x7f*~]+")
_ACCEPTED = Acknowledgement(body=b"")


class Hash(Protocol):
    """What a constructor of `hashlib` returns."""

    def hexdigest(self) -> str:
        """Return the hash in small hex letters."""
        ...


def _md5(message: bytes) -> Hash:
    return md5(message, usedforsecurity=False)  # the vendor's choice; the settings can refuse it


_HASHES: Mapping[str, Callable[[bytes], Hash]] = {
    "MD5": _md5,
    "SHA-256": sha256,
    "SHA-384": sha384,
    "SHA-512": sha512,
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[gateways.payu]`; the sandbox is `https://secure.snd.payu.com`.

    `customer_ip` is sent for every buyer: PayU asks for an address, and ours is nobody's.
    Without `md5` only notifications that are signed with a SHA are taken; ask PayU to switch before.
    """

    pos_id: str
    second_key: Secret
    base_url: str = "https://secure.payu.com"
    algorithm: Literal["SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    md5: bool = True
    customer_ip: str = "127.0.0.1"


class ToldOrder(msgspec.Struct, frozen=True):
    """What we read of the `order` in a notification; `totalAmount` in minor units."""

    orderId: str  # noqa: N815 - PayU's spelling, here and below
    extOrderId: str  # noqa: N815
    merchantPosId: str | int  # noqa: N815
    currencyCode: str  # noqa: N815
    totalAmount: str | int  # noqa: N815
    status: str


class ToldRefund(msgspec.Struct, frozen=True):
    """What we read of the `refund` in a notification."""

    amount: str | int
    currencyCode: str  # noqa: N815
    status: str
    refundId: str | int = ""  # noqa: N815
    statusDateTime: str | int = ""  # noqa: N815


class Told(msgspec.Struct, frozen=True):
    """A notification: about an order, or about a refund, whose order is named beside it."""

    order: ToldOrder | None = None
    refund: ToldRefund | None = None
    orderId: str = ""  # noqa: N815
    extOrderId: str = ""  # noqa: N815


class PayuGateway:
    """Our point of sale at PayU."""

    def __init__(self, settings: Settings) -> None:
        if not settings.second_key.strip():
            message = "is empty; an empty key signs for everybody"
            raise ConfigurationError(Problem(field="second_key", code="empty_key", message=message))
        self._settings, self._key = settings, settings.second_key.encode()
        self._url = f"{settings.base_url.rstrip('/')}/api/v2_1/orders"
        self._hashes = {name: made for name, made in _HASHES.items() if settings.md5 or name != "MD5"}

    def __repr__(self) -> str:
        return f"PayuGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our `merchantPosId`."""
        return self._settings.pos_id

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed form; of the buyer it carries the e-mail address, which PayU's page asks for otherwise."""
        intent, price = order.intent, str(order.intent.price.minor)
        title = _fitted(intent.title)
        fields = {
            "buyer.email": intent.buyer.email,
            "buyer.language": intent.lang if _LANGUAGE.fullmatch(intent.lang) else "",
            "continueUrl": returns.done,
            "currencyCode": intent.price.currency,
            "customerIp": self._settings.customer_ip,
            "description": title,
            "extOrderId": order.id,
            "merchantPosId": self.shop_id,
            "notifyUrl": returns.notify,
            **_channel(intent.method),
            "products[0].name": title,
            "products[0].quantity": "1",
            "products[0].unitPrice": price,
            "totalAmount": price,
        }
        kept = {name: value for name, value in fields.items() if value}
        return PaymentRequest(
            method="POST", url=self._url, fields={**kept, "OpenPayu-Signature": self._signed(kept)}
        )

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None for a status, or a message, that is new to us.

        Raises:
            NotAuthentic: PayU did not sign this; nothing may be stored.
            NeedsOperator: PayU did sign it, but it can not be read; it is kept for a person.
        """
        name, given = _signature(raw.headers)
        made = self._hashes.get(name)
        if made is None:
            raise NotAuthentic(f"the header must name one of {', '.join(self._hashes)}")
        expected = made(raw.body + self._key).hexdigest()
        if not same(expected.encode(), given.encode("utf-8", "replace")):
            raise NotAuthentic("the signature does not fit the body")
        return self._event(_told(raw.body))

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return an empty 200: PayU asks for no text."""
        return _ACCEPTED

    def _signed(self, fields: Mapping[str, str]) -> str:
        text = "".join([f"{name}={_escaped(fields[name])}&" for name in sorted(fields)])
        algorithm = self._settings.algorithm
        signature = _HASHES[algorithm](text.encode() + self._key).hexdigest()
        return f"sender={self.shop_id};algorithm={algorithm};signature={signature}"

    def _event(self, told: Told) -> PaymentEvent | None:
        if told.refund is not None:
            return self._refund(told, told.refund)
        kind = _STATUSES.get(told.order.status) if told.order else None
        if told.order is None or kind is None:
            return None
        return PaymentEvent(
            order=_named(told.order.extOrderId),
            gateway=NAME,
            reference=_named(told.order.orderId),
            kind=kind,
            shop_id=_named(str(told.order.merchantPosId)),
            money=_money(told.order.totalAmount, told.order.currencyCode),
        )

    def _refund(self, told: Told, refund: ToldRefund) -> PaymentEvent | None:
        """Read money that went back; the message names no point of sale, but only ours has this key."""
        if refund.status != "FINALIZED":
            return None
        return PaymentEvent(
            order=_named(told.extOrderId),
            gateway=NAME,
            reference=_named(str(refund.refundId or refund.statusDateTime)),
            kind="refund",
            shop_id=self.shop_id,
            money=_money(refund.amount, refund.currencyCode),
            of=_named(told.orderId),
        )


def _channel(method: str) -> dict[str, str]:
    value = CHANNELS.get(method, method)
    if not _METHOD.fullmatch(value):
        return {}
    return {"payMethods.payMethod.type": "PBL", "payMethods.payMethod.value": value}


@lru_cache(maxsize=256)
def _fitted(title: str) -> str:
    """Fit a title: PayU takes any letter, but `~` and `*` are encoded in one way here and in another there."""
    return _UNWANTED.sub(" ", title).strip()[:LONGEST].strip()


def _escaped(value: str) -> str:
    """Encode as PHP's `urlencode` does, which is the form that PayU signs."""
    return encoded({"": value})[1:].replace("~", "%7E")


def _signature(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the algorithm and the signature of a notification's header."""
    text = next((headers[name] for name in HEADERS if name in headers), "")
    pairs = [part.partition("=") for part in text.split(";")]
    fields = {name.strip(): value for name, _, value in pairs}
    if len(fields) != len(pairs) or not {"signature", "algorithm"} <= set(fields):
        raise NotAuthentic(f"the header {HEADERS[0]} must hold one signature and its algorithm")
    return fields["algorithm"], fields["signature"]


def _told(body: bytes) -> Told:
    try:
        return msgspec.convert(json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once), Told)
    except (ValueError, RecursionError):
        why = "a signed notification of PayU can not be read; look at the payment in its panel, then update kramik"
        raise NeedsOperator(why) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields


def _named(text: str) -> str:
    if not 0 < len(text) <= LONGEST or not text.isprintable():
        raise NeedsOperator(
            "PayU signed a notification that does not name its order; look for it in PayU's panel"
        )
    return text


def _money(minor: str | int, currency: str) -> Money:
    text = str(minor)
    try:
        if _MINOR.fullmatch(text):
            return Money(minor=int(text), currency=currency)
    except Rejected:
        pass
    raise NeedsOperator(
        f"PayU signed the amount {text[:40]!r} {currency[:9]!r}, which is no money; look in its panel"
    )
