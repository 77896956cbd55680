"""Autopay as this world plays it: the form that starts a transaction, ITN and ISTN, and the confirmation in XML.

A hash is SHA-256 over the values in the documented order, joined by `|`, and the shared key; empty ones drop out.
The pauses between repeats are made up, because Autopay publishes none. It sends nothing about a chargeback.
Source: https://developers.autopay.pl/online/dokumentacja
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from html import escape, unescape
from urllib.parse import parse_qsl, urlencode

from kramik.money import Money
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request

DEMO = {"service_id": "100747", "shared_key": "made-up-autopay-key-6b1f3c0e9a"}

ORDER = (
    "ServiceID OrderID Amount Description GatewayID Currency CustomerEmail Language ValidityTime"
    " LinkValidityTime ReturnURL"
).split()
"""The fields of a start that this world knows, in the order of their documented numbers."""

RULES = {
    "ServiceID": r"[0-9]{1,10}",
    "OrderID": r"[A-Za-z0-9_-]{1,32}",
    "Amount": r"(0|[1-9][0-9]{0,9})\.[0-9]{2}",
    "Description": r"[A-Za-z0-9.:, -]{1,79}",
    "GatewayID": r"[0-9]{1,5}",
    "Currency": r"PLN|EUR|GBP|USD",
    "CustomerEmail": r"[^@\s|]+@[^@\s|]{1,200}",
    "Language": r"PL|EN|DE|CS|ES|FR|IT",
    "ReturnURL": r"https?://\S{1,990}",
}
NEEDED = ("ServiceID", "OrderID", "Amount", "CustomerEmail")
OK = 200
STATUSES = {
    "paid": ("SUCCESS", "AUTHORIZED"),
    "pending": ("PENDING", ""),
    "failed": ("FAILURE", "REJECTED"),
}
_CONFIRMED = re.compile(
    r'(?:<\?xml version="1\.0" encoding="UTF-8"\?>)?\s*<confirmationList>\s*<serviceID>([^<]*)</serviceID>\s*'
    r"<transactionsConfirmations>\s*<transactionConfirmed>\s*<(orderID|remoteOutID)>([^<]*)</\2>\s*"
    r"<confirmation>([^<]*)</confirmation>\s*</transactionConfirmed>\s*</transactionsConfirmations>\s*"
    r"<hash>([^<]*)</hash>\s*</confirmationList>\s*"
)


class AutopayDialect:
    """The protocol of Autopay, with one service."""

    name = "autopay"
    pauses = (180.0, 180.0, 180.0, 600.0, 600.0, 3600.0)

    def __init__(self, panel: Panel, *, service_id: str, shared_key: str) -> None:
        self._panel, self._service, self._key = panel, service_id, shared_key

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check the start of a transaction.

        Raises:
            Refusal: as Autopay shows an error page.
        """
        if (method, path, query) != ("POST", "/payment", ""):
            raise Refusal(404, "Autopay: post the form to the path of the service")
        fields = _form(body)
        given = fields.pop("Hash", "")
        _check(fields)
        if fields["ServiceID"] != self._service or given != self.hashed(
            fields.get(name, "") for name in ORDER
        ):
            raise Refusal(400, "Autopay: no such service, or the hash is wrong")
        if not self._panel.notify:
            raise Refusal(400, "Autopay: the service has no address for its ITN; set it in the panel")
        return self._request(fields)

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write an ITN about a payment and an ISTN about a refund; Autopay tells nothing of chargebacks."""
        if told.kind == "chargeback":
            return []
        fields = _settlement(told) if told.kind == "refund" else _payment(told, asked)
        hashed = self.hashed((told.shop_id, *(value for _, value in fields)))
        document = _document(told.shop_id, fields, hashed)
        body = urlencode({"transactions": b64encode(document.encode()).decode()}).encode()
        return [
            Letter(body=body, headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"})
        ]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:
        """Say whether this is the signed confirmation of the very message."""
        sent = b64decode(dict(parse_qsl(letter.body.decode()))["transactions"]).decode()
        name = "remoteOutID" if "<transferStatus>" in sent else "orderID"
        answered = _CONFIRMED.fullmatch(body.decode("utf-8", "replace"))
        if status != OK or answered is None:
            return False
        service, what, subject, word, given = (unescape(each) for each in answered.groups())
        meant = (_of(sent, "serviceID"), name, _of(sent, name), "CONFIRMED")
        return (service, what, subject, word) == meant and given == self.hashed((service, subject, word))

    def hashed(self, values: Iterable[str]) -> str:
        """Return the hash of values."""
        return sha256("|".join([*filter(None, values), self._key]).encode()).hexdigest()

    def _request(self, fields: dict[str, str]) -> Request:
        order, back = fields["OrderID"], fields.get("ReturnURL", f"{self._panel.shop}/")
        proof = {"ServiceID": self._service, "OrderID": order, "Hash": self.hashed((self._service, order))}
        done = f"{back}{'&' if '?' in back else '?'}{urlencode(proof)}"
        return Request(
            order=order,
            shop_id=fields["ServiceID"],
            money=Money(minor=int(fields["Amount"].replace(".", "")), currency=fields.get("Currency", "PLN")),
            description=fields.get("Description", ""),
            email=fields["CustomerEmail"],
            lang=fields.get("Language", "PL").lower(),
            done=done,
            failed=done,
            notify=self._panel.notify,
        )


def dialect(panel: Panel) -> AutopayDialect:
    """Make Autopay's side for the demo's service."""
    return AutopayDialect(panel, **DEMO)


def _form(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=60)
    if len(dict(pairs)) != len(pairs):
        raise Refusal(400, "Autopay: a field came twice")
    return dict(pairs)


def _check(fields: dict[str, str]) -> None:
    for name in NEEDED:
        if not fields.get(name):
            raise Refusal(400, f"Autopay: {name} is missing")
    for name, value in fields.items():
        if name not in ORDER or (value and not re.fullmatch(RULES.get(name, r"[^|]*"), value)):
            raise Refusal(400, f"Autopay: {name} is not as documented")
    if not fields["Amount"].strip("0."):
        raise Refusal(400, "Autopay: Amount is nothing")


def _payment(told: Notification, asked: Request) -> list[tuple[str, str]]:
    status, details = STATUSES[told.kind]
    return [
        ("orderID", told.order),
        ("remoteID", told.id[-20:]),
        ("amount", _amount(told)),
        ("currency", told.currency),
        ("gatewayID", "106"),
        ("paymentDate", f"{datetime.now(UTC):%Y%m%d%H%M%S}"),
        ("paymentStatus", status),
        ("paymentStatusDetails", details),
        ("customerData/senderData", f"Łucja Żółć & syn, {asked.email}"),
    ]


def _settlement(told: Notification) -> list[tuple[str, str]]:
    return [
        ("isRefund", "true"),
        ("orderID", told.order),
        ("remoteID", told.of[-20:]),
        ("remoteOutID", told.id[-20:]),
        ("amount", _amount(told)),
        ("currency", told.currency),
        ("transferDate", f"{datetime.now(UTC):%Y%m%d%H%M%S}"),
        ("transferStatus", "SUCCESS"),
        ("transferStatusDetails", "AUTHORIZED"),
        ("title", f"Zwrot płatności {told.order}"),
    ]


def _document(service: str, fields: list[tuple[str, str]], hashed: str) -> str:
    inner = "".join(_element(name, value) for name, value in fields if value)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><transactionList>{_element("serviceID", service)}'
        f"<transactions><transaction>{inner}</transaction></transactions>{_element('hash', hashed)}</transactionList>"
    )


def _element(path: str, value: str) -> str:
    outer, _, rest = path.partition("/")
    return f"<{outer}>{_element(rest, value) if rest else escape(value, quote=False)}</{outer}>"


def _amount(told: Notification) -> str:
    return f"{told.amount // 100}.{told.amount % 100:02d}"


def _of(document: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", document)
    return unescape(found[1]) if found else ""
