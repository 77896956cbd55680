"""PayU (Poland and Europe) in its hosted-form mode: a signed form starts a payment, without any call from our side.

It orders no refunds and asks for no state: both need the REST API (`rest.py`).
Source: https://developers.payu.com/europe/docs/payment-flows/lifecycle ,
https://github.com/PayU-EMEA/openpayu_php (lib/OpenPayU/Util.php, tests/resources/hostedOrderForm.txt).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import msgspec

from kramik.event import PaymentEvent
from kramik.gateways import Features
from kramik.gateways.payu.signature import ACCEPTED, HASHES, Signature, hold
from kramik.gateways.payu.told import LONGEST, Account
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
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
    hops=("payu.com",),
)
CHANNELS = {"card": "c"}
"""PayU's values of the methods that it calls otherwise than we do; any other method is passed as it is."""

_METHOD = re.compile(r"[a-z0-9]{1,10}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_UNWANTED = re.compile(r"[\x00-\x20\x7f*~]+")


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


class PayuGateway:
    """Our point of sale at PayU."""

    def __init__(self, settings: Settings) -> None:
        hold(second_key=settings.second_key)
        self._settings, self._key = settings, settings.second_key.encode()
        self._url = f"{settings.base_url.rstrip('/')}/api/v2_1/orders"
        self._signature = Signature(settings.second_key, md5=settings.md5)
        self._account = Account(gateway=NAME, shop_id=settings.pos_id)

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
        self._signature.check(raw)
        return self._account.read(raw.body)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return an empty 200: PayU asks for no text."""
        return ACCEPTED

    def _signed(self, fields: Mapping[str, str]) -> str:
        text = "".join([f"{name}={_escaped(fields[name])}&" for name in sorted(fields)])
        algorithm = self._settings.algorithm
        signature = HASHES[algorithm](text.encode() + self._key).hexdigest()
        return f"sender={self.shop_id};algorithm={algorithm};signature={signature}"


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
