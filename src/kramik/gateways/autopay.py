"""Autopay (formerly Blue Media): a form that starts a payment, and its notifications ITN (payments) and ISTN (refunds).

A hash is SHA-256 (or SHA-512) over values joined by `|`, the shared key last; an empty value drops out with its bar.
Names are not part of it, so one hash could be read in several ways. Only one reading is authentic here:
the documented fields once each and in the documented order, no bar inside a value, and a `remoteID` without a point,
so that neither the hash of a start nor that of a return, and the buyer knows both, is ever a payment.
It orders no refunds, sends no baskets and knows no chargebacks: Autopay documents no message for them.
Source: https://developers.autopay.pl/online/dokumentacja (sections on the start of a transaction, ITN, ISTN, hashes).
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256, sha512
from html import escape
from typing import Literal
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError, fromstring

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.money import Money, parse_amount
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, same
from kramik.ports import Returns
from kramik.table import Secret

NAME = "autopay"
FEATURES = Features(
    title="Autopay",
    start="form",
    hash="SHA-2",
    address="panel",
    request="published",
    notification="published",
    methods=("blik", "card"),
    refunds=True,
    hops=("autopay.eu",),
)
CHANNELS = {"blik": "509", "card": "1500"}
"""The numbers of the channels that buyers know by name; any other method is a number of Autopay's list, or nothing."""

_HASHES = {"sha256": sha256, "sha512": sha512}
_STATUSES: Mapping[str, Kind] = {"PENDING": "pending", "SUCCESS": "paid", "FAILURE": "failed"}
_ITN = "orderID remoteID amount currency gatewayID paymentDate paymentStatus paymentStatusDetails".split()
_ISTN = (
    "isRefund productID orderID orderOutID remoteID remoteOutID amount currency"
    " transferDate transferStatus transferStatusDetails"
).split()
_NEEDED = {
    True: {"serviceID", "remoteOutID", "amount", "currency", "transferStatus"},
    False: {"serviceID", "orderID", "remoteID", "amount", "currency", "paymentStatus"},
}
_FORM = "transactionList serviceID transactions transaction hash".split()
_PROLOG = re.compile(
    r'\ufeff?(<\?xml version="1\.0"( encoding="(UTF|utf)-8")?( standalone="(yes|no)")?\s*\?>)?\s*'
)
_DECLARES = re.compile(r"<\?|<!(?!\[CDATA\[)")
_CHANNEL = re.compile(r"[0-9]{1,5}")
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]*)\.[0-9]{2}")
_REMOTE = re.compile(r"[A-Za-z0-9_-]{0,20}")
_STRANGE = re.compile(r"[^A-Za-z0-9.:,-]+")
_CONFIRMATION = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<confirmationList><serviceID>{service}</serviceID><transactionsConfirmations><transactionConfirmed>"
    "<{name}>{id}</{name}><confirmation>CONFIRMED</confirmation>"
    "</transactionConfirmed></transactionsConfirmations><hash>{hash}</hash></confirmationList>"
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[gateways.autopay]`; the test environment is `https://testpay.autopay.eu`.

    Autopay gives out `path` with the service and switches `dynamic_return` on for it: each buyer comes back to the
    page of their own order. `languages` of its pages other than Polish are those that were agreed on with it.
    """

    service_id: str
    shared_key: Secret
    base_url: str = "https://pay.autopay.eu"
    path: str = "/payment"
    hash: Literal["sha256", "sha512"] = "sha256"
    languages: tuple[str, ...] = ()
    dynamic_return: bool = True


class AutopayGateway:
    """Our service at Autopay."""

    def __init__(self, settings: Settings) -> None:
        if not settings.shared_key.strip():
            message = "is empty; an empty key signs for everybody"
            raise ConfigurationError(Problem(field="shared_key", code="empty_key", message=message))
        self._settings, self._hash = settings, _HASHES[settings.hash]
        self._url = f"{settings.base_url.rstrip('/')}/{settings.path.lstrip('/')}"

    def __repr__(self) -> str:
        return f"AutopayGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our `ServiceID`."""
        return self._settings.service_id

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed form; its fields stand in the order in which they are hashed."""
        intent, settings = order.intent, self._settings
        wanted = {
            "ServiceID": settings.service_id,
            "OrderID": order.id,
            "Amount": intent.price.amount,
            "Description": description(intent.title),
            "GatewayID": _channel(intent.method),
            "Currency": intent.price.currency,
            "CustomerEmail": intent.buyer.email,
            "Language": intent.lang.upper() if intent.lang in settings.languages else "",
            "ReturnURL": returns.done if settings.dynamic_return else "",
        }
        fields = {name: value for name, value in wanted.items() if value and "|" not in value}
        fields["Hash"] = self._signed(fields.values())
        return PaymentRequest(method="POST", url=self._url, fields=fields)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read an ITN, or an ISTN about a refund; None for other settlements and for a status that is new to us.

        Raises:
            NotAuthentic: Autopay did not sign this; nothing may be stored.
            NeedsOperator: Autopay did sign it, but it can not be read; it is kept for a person.
        """
        message = self._authentic(raw.body)
        return _refund(message) if message.settles else _payment(message)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:
        """Confirm that the message is genuine, whatever it says: signed XML with the id that it is about."""
        message = self._authentic(raw.body)
        name = "remoteOutID" if message.settles else "orderID"
        service, subject = message.fields["serviceID"], message.fields[name]
        parts = {"service": escape(service, quote=False), "name": name, "id": escape(subject, quote=False)}
        body = _CONFIRMATION.format(**parts, hash=self._signed((service, subject, "CONFIRMED")))
        return Acknowledgement(body=body.encode(), content_type="application/xml; charset=utf-8")

    def _authentic(self, body: bytes) -> Message:
        message = _read(body)
        if not same(self._signed(message.signed).encode(), message.hash.encode()):
            raise NotAuthentic("the hash does not fit the values")
        return message

    def _signed(self, values: Iterable[str]) -> str:
        text = "|".join([*values, self._settings.shared_key])
        return self._hash(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=256)
def description(title: str) -> str:
    """Fit a title to 79 characters of the Latin alphabet; Polish letters lose their marks."""
    plain = unicodedata.normalize("NFKD", title.translate({0x142: "l", 0x141: "L"}))
    return _STRANGE.sub(" ", plain.encode("ascii", "ignore").decode()).strip()[:79].strip()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A notification in the documented form: the values that were hashed, and those that we read, by their names."""

    signed: list[str]
    fields: dict[str, str]
    hash: str

    @property
    def settles(self) -> bool:
        """Say whether it is an ISTN: money that left the service."""
        return "transferStatus" in self.fields

    def get(self, name: str) -> str:
        """Return the value of a field; empty when it is not there."""
        return self.fields.get(name, "")


def _channel(method: str) -> str:
    number = CHANNELS.get(method, method)
    return number if _CHANNEL.fullmatch(number) else "0"


def _payment(message: Message) -> PaymentEvent | None:
    kind = _STATUSES.get(message.get("paymentStatus"))
    if kind is None:
        return None
    amount = _money(message, "amount")
    asked = _money(message, "startAmount") if message.get("startAmount") else amount
    money = asked if asked.minor <= amount.minor else amount  # Autopay may add its fee to what the buyer pays
    return _event(message, kind=kind, reference=message.get("remoteID"), money=money)


def _refund(message: Message) -> PaymentEvent | None:
    if message.get("isRefund") != "true" or message.get("transferStatus") != "SUCCESS":
        return None
    if not message.get("orderID") or not message.get("remoteID"):
        raise NeedsOperator("Autopay signed a refund of no order or payment; look in its panel")
    money, of = _money(message, "amount"), message.get("remoteID")
    return _event(message, kind="refund", reference=message.get("remoteOutID"), money=money, of=of)


def _event(message: Message, *, kind: Kind, reference: str, money: Money, of: str = "") -> PaymentEvent:
    return PaymentEvent(
        order=message.fields["orderID"],
        gateway=NAME,
        reference=reference,
        kind=kind,
        shop_id=message.fields["serviceID"],
        money=money,
        of=of,
    )


def _money(message: Message, name: str) -> Money:
    text, currency = message.get(name), message.get("currency")
    try:
        if _AMOUNT.fullmatch(text):
            return parse_amount(text, currency)
    except Rejected:
        pass
    raise NeedsOperator(f"Autopay signed {name} {text[:40]!r} {currency[:9]!r}, no money; look in its panel")


# Reading: everything below trusts nothing, because it comes before the hash is checked


def _read(body: bytes) -> Message:
    try:
        return _message(_tree(_document(body)))
    except (ValueError, ParseError):
        raise NotAuthentic("`transactions` is not base64 of XML in the documented form") from None


def _document(body: bytes) -> bytes:
    """Return the XML; base64 in another spelling than its own is refused, so that no bit goes unsigned."""
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    (given,) = (value.replace(" ", "+") for name, value in pairs if name == "transactions")
    document = b64decode(given, validate=True)
    if b64encode(document).decode() != given:
        raise ValueError("not canonical")
    return document


def _tree(document: bytes) -> Element:
    """Parse XML that declares nothing: no document type, so no entity, and no encoding but UTF-8."""
    text = document.decode()
    rest = _PROLOG.sub("", text, count=1)
    if _DECLARES.search(rest):
        raise ValueError("declares something")
    root = fromstring(rest)  # noqa: S314 - what the rule warns of was refused one line above
    for each in root.iter():
        if (each.tail or "").strip() or (len(each) and (each.text or "").strip()):
            raise ValueError("text beside elements")
    return root


def _message(root: Element) -> Message:
    service, transactions, given = root
    (transaction,) = transactions
    tags = [root.tag, service.tag, transactions.tag, transaction.tag, given.tag]
    if tags != _FORM or len(service) or len(given):
        raise ValueError("another form")
    values = [("serviceID", service.text or ""), *(pair for each in transaction for pair in _values(each))]
    fields = {name: value for name, value in values if name}
    if not _documented(values, fields):
        raise ValueError("not the documented fields")
    if any("|" in value for _, value in values):
        fields.pop("startAmount", None)  # behind a bar it may be a piece of what a bank or a buyer wrote
    return Message(signed=[value for _, value in values if value], fields=fields, hash=given.text or "")


def _values(field: Element) -> Iterator[tuple[str, str]]:
    """Yield what is hashed of a field: its text, or without names the texts (or attributes) of what it contains."""
    if not len(field):
        yield field.tag, field.text or ""
        return
    for each in field.iter():
        if not len(each):
            yield "", each.get("value", "") if each.tag == "param" else each.text or ""


def _documented(values: list[tuple[str, str]], fields: dict[str, str]) -> bool:
    """Say whether the fields we read come once, first and in the documented order, and can be cut in no other way."""
    names = [name for name, _ in values if name]
    settles = "transferStatus" in fields
    core = ["serviceID", *(name for name in (_ISTN if settles else _ITN) if name in fields)]
    first = values[: len(core)]
    remote = [fields.get(name, "") for name in ("remoteID", "remoteOutID")]
    return (
        [name for name, _ in first] == core
        and len(fields) == len(names)
        and all(fields.get(name) for name in _NEEDED[settles])
        and all(map(_REMOTE.fullmatch, remote))
        and not any("|" in value for _, value in first)
    )
