"""2Checkout (Verifone), the merchant of record: a ConvertPlus buy link, and notifications (IPN) that want a receipt.

The link describes the product in its own words ("dynamic"), so no catalogue is kept at 2Checkout.
The buyer fills in everything else there; no personal data travels in the link. Nothing is refunded from here.
Source: https://docs.2checkout.com/shopping-carts/convertplus/convertplus-buy-links-signature-for-dynamic-products ,
https://docs.2checkout.com/2checkout-apis/2checkout-apis/webhooks/instant-payment-notification-ipn
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
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

NAME = "twocheckout"
FEATURES = Features(
    title="2Checkout",
    start="link",
    hash="HMAC-SHA256",
    address="panel",
    request="computed",
    notification="computed",
    refunds=True,
    chargebacks=True,
    hops=("2checkout.com",),
)
SIGNATURE = "SIGNATURE_SHA2_256"
UNSIGNED = ("HASH", SIGNATURE, "SIGNATURE_SHA3_256")
"""What does not go into the signature of an IPN; of the three only ours is looked at."""

KINDS: dict[str, Kind] = {
    "COMPLETE": "paid",
    "REFUND": "refund",
    "REVERSED": "failed",
    "CANCELED": "failed",
    **dict.fromkeys(("PENDING", "PURCHASE_PENDING", "PENDING_APPROVAL", "PENDING_ORDER_APPROVAL"), "pending"),
    **dict.fromkeys(("PAYMENT_AUTHORIZED", "AUTHRECEIVED", "PAYMENT_RECEIVED"), "pending"),
}
NEEDED = ("REFNO", "ORDERSTATUS", "CURRENCY", "IPN_TOTALGENERAL", "IPN_DATE", "TEST_ORDER")

_UNSIGNED_PARAMETERS = ("merchant", "dynamic", "test")
_LONGEST_NAME = 100
_MOST_FIELDS = 2000
_HEX = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{14}")
_PLAIN = re.compile(r"[A-Za-z0-9_.,:-]{1,100}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.twocheckout]`; there is no address for tests, `test = true` makes test orders."""

    merchant_code: str
    secret_word: Secret
    secret_key: Secret
    test: bool = False
    base_url: str = "https://secure.2checkout.com"


class TwoCheckoutGateway:
    """Our account at 2Checkout."""

    def __init__(self, settings: Settings) -> None:
        problems = [
            Problem(field=name, code="empty_key", message="is empty; an empty key signs for everybody")
            for name in ("secret_word", "secret_key")
            if not getattr(settings, name).strip()
        ]
        if problems:
            raise ConfigurationError(*problems)
        self._settings = settings
        self._word, self._key = settings.secret_word.encode(), settings.secret_key.encode()
        self._url = f"{settings.base_url.rstrip('/')}/checkout/buy"

    def __repr__(self) -> str:
        return f"TwoCheckoutGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our merchant code; with a mark when only test orders count, so that one never passes for the other."""
        return _shop(self._settings.merchant_code, test=self._settings.test)

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed buy link."""
        parameters = self._parameters(order, returns)
        names = sorted(name for name in parameters if name not in _UNSIGNED_PARAMETERS)
        source = _source(parameters[name].encode() for name in names)
        signed = {**parameters, "signature": sign(self._word, source).hex()}
        return PaymentRequest(method="GET", url=f"{self._url}?{encoded(signed)}")

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read an IPN.

        Raises:
            NotAuthentic: 2Checkout did not sign this; nothing may be stored.
            NeedsOperator: 2Checkout did sign it, but it can not be read; it is kept for a person.
        """
        pairs = _pairs(raw.body)
        given = [value for name, value in pairs if name == SIGNATURE]
        if len(given) != 1 or not _HEX.fullmatch(given[0]):
            raise NotAuthentic(f"{SIGNATURE} must come once, as 64 small hex digits")
        source = _source(value.encode("latin-1") for name, value in pairs if name not in UNSIGNED)
        if not same(sign(self._key, source), bytes.fromhex(given[0])):
            raise NotAuthentic(f"{SIGNATURE} does not fit the fields")
        return self._event(pairs)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:
        """Return the receipt; it is dated like the IPN itself, which keeps it the same for the same IPN."""
        first: dict[str, str] = {}
        for name, value in _pairs(raw.body):
            first.setdefault(name.replace("[0]", "[]"), value)
        date = first.get("IPN_DATE", "")
        values = (first.get("IPN_PID[]", ""), first.get("IPN_PNAME[]", ""), date, date)
        signature = sign(self._key, _source(value.encode("latin-1") for value in values)).hex()
        shown = date if _DATE.fullmatch(date) else ""
        return Acknowledgement(body=f'<sig algo="sha256" date="{shown}">{signature}</sig>'.encode())

    def _parameters(self, order: Order, returns: Returns) -> dict[str, str]:
        price = order.intent.price
        parameters = {
            "merchant": self._settings.merchant_code,
            "dynamic": "1",
            "prod": _fitted(order.intent.title),
            "price": price.amount,
            "qty": "1",
            "tangible": "0",
            "type": "PRODUCT",
            "currency": price.currency,
            "order-ext-ref": order.id,
            "return-type": "redirect",
            "return-url": returns.done,
        }
        return {**parameters, "test": "1"} if self._settings.test else parameters

    def _event(self, pairs: list[tuple[str, str]]) -> PaymentEvent | None:
        fields = _fields(pairs)
        kind = _kind(fields)
        if kind is None:
            return None
        number = fields["REFNO"]
        return PaymentEvent(
            order=fields.get("REFNOEXT") or number,
            gateway=NAME,
            reference=number if kind == "paid" else _reference(fields, kind),
            kind=kind,
            shop_id=self._told_shop(fields),
            money=_money(fields),
            of=number if kind in ("refund", "chargeback") else "",
        )

    def _told_shop(self, fields: dict[str, str]) -> str:
        code = fields.get("VENDOR_CODE") or self._settings.merchant_code
        return _shop(code, test=fields["TEST_ORDER"] != "0")


def _shop(code: str, *, test: bool) -> str:
    return f"{code} (test)" if test else code


def _source(values: Iterable[bytes]) -> bytes:
    """Join values as 2Checkout signs them: each behind its length in bytes; an empty one is `0`."""
    return b"".join(b"%d%s" % (len(value), value) for value in values)


@lru_cache(maxsize=256)
def _fitted(title: str) -> str:
    """Return a name in ASCII, where length in letters and in bytes agree; `;` would begin a second product."""
    bare = unicodedata.normalize("NFKD", title.replace("ł", "l").replace("Ł", "L")).encode("ascii", "ignore")
    return re.sub(r"[^A-Za-z0-9 .,:()&+/-]", " ", bare.decode())[:_LONGEST_NAME].strip() or "-"


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """Read the form in its order; each character of a value is one byte of it as it was sent."""
    try:
        return parse_qsl(
            body.decode("latin-1"),
            keep_blank_values=True,
            strict_parsing=True,
            encoding="latin-1",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise NotAuthentic("the body is no form of an IPN") from None


def _fields(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return the single fields; what ends in `[]` describes products and may come more than once."""
    single = [(name, value) for name, value in pairs if not name.endswith("]")]
    fields = dict(single)
    if len(fields) != len(single):
        raise _unreadable("a field came twice")
    if missing := [name for name in NEEDED if not fields.get(name)]:
        raise _unreadable(f"turn on {', '.join(missing)} in the panel's IPN settings")
    if not _PLAIN.fullmatch(fields["REFNO"]) or not _PLAIN.fullmatch(fields.get("REFNOEXT") or "-"):
        raise _unreadable("REFNO or REFNOEXT is no reference")
    return fields


def _kind(fields: dict[str, str]) -> Kind | None:
    """Say what happened; a chargeback is told by fields beside the status that the order had before."""
    disputed = fields.get("CHARGEBACK_RESOLUTION", "").strip().upper()
    if disputed not in ("", "NONE") and fields.get("CHARGEBACK_REASON_CODE", "").strip():
        return None if disputed == "WON" else "chargeback"
    return KINDS.get(fields["ORDERSTATUS"])


def _reference(fields: dict[str, str], kind: Kind) -> str:
    number = fields["REFNO"]
    if kind == "refund":
        return f"{number}-refund-{fields['IPN_DATE']}"
    return f"{number}-chargeback" if kind == "chargeback" else f"{number}-{fields['ORDERSTATUS']}"


def _money(fields: dict[str, str]) -> Money:
    """Read the total, which includes tax; 2Checkout writes a refund as a negative one."""
    amount = fields["IPN_TOTALGENERAL"]
    try:
        back = fields["ORDERSTATUS"] in ("REFUND", "REVERSED")
        return parse_amount(amount.removeprefix("-") if back else amount, fields["CURRENCY"])
    except Rejected:
        raise _unreadable("IPN_TOTALGENERAL or CURRENCY is no money") from None


def _unreadable(why: str) -> NeedsOperator:
    return NeedsOperator(f"a signed IPN of 2Checkout can not be read: {why}; look at the order in its panel")
