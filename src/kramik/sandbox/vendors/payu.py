"""PayU as this world plays it, in the hosted-form mode: the signed form, notifications in JSON, and a plain 200.

The form is signed over its fields sorted by name, values encoded as PHP's `urlencode` does, the second key at the end.
Notifications are signed with MD5, as PayU does it unless asked otherwise. It sends nothing about a chargeback.
Source: https://developers.payu.com/europe/docs/payment-flows/lifecycle , https://github.com/PayU-EMEA/openpayu_php
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import md5, sha256, sha384, sha512
from urllib.parse import parse_qsl, quote_plus

from kramik.money import Money
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request

DEMO = {"pos_id": "300746", "second_key": "made-up-payu-key-4f0c8d2b7e"}

RULES = {
    "buyer.email": r"[^@\s]+@[^@\s]{1,200}",
    "buyer.language": r"[a-z]{2}(_[A-Z]{2})?",
    "continueUrl": r"https?://\S{1,1000}",
    "currencyCode": r"[A-Z]{3}",
    "customerIp": r"[0-9a-fA-F.:]{3,39}",
    "description": r".{1,4000}",
    "extOrderId": r"\S{1,1024}",
    "merchantPosId": r"[0-9]{1,20}",
    "notifyUrl": r"https?://\S{1,1000}",
    "payMethods.payMethod.type": r"PBL",
    "payMethods.payMethod.value": r"[a-z0-9]{1,10}",
    "products[0].name": r".{1,255}",
    "products[0].quantity": r"1",
    "products[0].unitPrice": r"[1-9][0-9]{0,11}",
    "totalAmount": r"[1-9][0-9]{0,11}",
    "validityTime": r"[1-9][0-9]{0,7}",
}
"""The fields that this world knows, and their shape."""

NEEDED = (
    "currencyCode",
    "customerIp",
    "description",
    "merchantPosId",
    "products[0].name",
    "products[0].quantity",
    "products[0].unitPrice",
    "totalAmount",
)
HASHES = {"SHA-256": sha256, "SHA-384": sha384, "SHA-512": sha512}
OK = 200
STATUSES = {"paid": "COMPLETED", "pending": "PENDING", "failed": "CANCELED"}
_SIGNATURE = re.compile(r"sender=([0-9]+);algorithm=(SHA-(?:256|384|512));signature=([0-9a-f]+)")
_MINUTE, _HOUR = 60.0, 3600.0
PAUSES = (
    *(_MINUTE * each for each in (1, 2, 5, 10, 30)),
    *(_HOUR * each for each in (1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 36, 48, 60, 72)),
)


class PayuDialect:
    """The protocol of PayU, with one point of sale."""

    name = "payu"
    pauses = PAUSES

    def __init__(self, panel: Panel, *, pos_id: str, second_key: str) -> None:
        self._panel, self._pos, self._key = panel, pos_id, second_key.encode()

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check the form of an order.

        Raises:
            Refusal: as PayU shows an error page.
        """
        if (method, path, query) != ("POST", "/api/v2_1/orders", ""):
            raise Refusal(404, "PayU: post the form to /api/v2_1/orders")
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=60)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Refusal(400, "PayU: a field came twice")
        self._proven(fields, fields.pop("OpenPayu-Signature", ""))
        _check(fields)
        return self._request(fields)

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write about an order or about a refund; PayU tells nothing of chargebacks."""
        if told.kind == "chargeback":
            return []
        content = refund(told) if told.kind == "refund" else about(order(told, asked, told.id))
        return [letter(content, self._key)]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - the status says it all
        """Say whether the status is 200."""
        return status == OK

    def _proven(self, fields: dict[str, str], given: str) -> None:
        signature = _SIGNATURE.fullmatch(given)
        text = "".join(f"{name}={_urlencoded(fields[name])}&" for name in sorted(fields))
        if signature is None or (signature[1], fields.get("merchantPosId")) != (self._pos, self._pos):
            raise Refusal(401, "PayU: no signature of this point of sale")
        if HASHES[signature[2]](text.encode() + self._key).hexdigest() != signature[3]:
            raise Refusal(401, "PayU: the signature is wrong")

    def _request(self, fields: dict[str, str]) -> Request:
        back = fields.get("continueUrl", f"{self._panel.shop}/")
        return Request(
            order=fields.get("extOrderId", ""),
            shop_id=fields["merchantPosId"],
            money=Money(minor=int(fields["totalAmount"]), currency=fields["currencyCode"]),
            description=fields["description"],
            email=fields.get("buyer.email", ""),
            lang=fields.get("buyer.language", "pl")[:2],
            done=back,
            failed=f"{back}{'&' if '?' in back else '?'}error=501",
            notify=fields.get("notifyUrl", self._panel.notify),
        )


def dialect(panel: Panel) -> PayuDialect:
    """Make PayU's side for the demo's point of sale."""
    return PayuDialect(panel, **DEMO)


def letter(content: Mapping[str, object], key: bytes) -> Letter:
    """Write a message and sign it, with MD5, under both names of the header."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    signature = md5(body + key, usedforsecurity=False).hexdigest()
    header = f"sender=checkout;signature={signature};algorithm=MD5;content=DOCUMENT"
    names = ("OpenPayu-Signature", "X-OpenPayU-Signature")
    return Letter(body=body, headers={"content-type": "application/json", **dict.fromkeys(names, header)})


def about(told: Mapping[str, object]) -> dict[str, object]:
    """Write about an order."""
    properties = [{"name": "PAYMENT_ID", "value": "73543257"}]
    return {"order": told, "localReceiptDateTime": now(), "properties": properties}


def order(told: Notification, asked: Request, order_id: str) -> dict[str, object]:
    """Return an order as it is after this happened."""
    return {
        "orderId": order_id,
        "extOrderId": told.order,
        "orderCreateDate": now(),
        "notifyUrl": asked.notify,
        "customerIp": "127.0.0.1",
        "merchantPosId": told.shop_id,
        "description": asked.description,
        "currencyCode": told.currency,
        "totalAmount": str(told.amount),
        "buyer": {"customerId": "guest", "email": asked.email},
        "payMethod": {"amount": str(told.amount), "type": "PBL"},
        "status": STATUSES[told.kind],
        "products": [{"name": asked.description, "unitPrice": str(told.amount), "quantity": "1"}],
    }


def refund(told: Notification) -> dict[str, object]:
    """Write about money that went back."""
    facts = {
        "refundId": told.id,
        "amount": str(told.amount),
        "currencyCode": told.currency,
        "status": "FINALIZED",
        "statusDateTime": now(),
        "reason": "refund",
        "reasonDescription": "na życzenie klienta",
        "refundDate": now(),
    }
    return {"orderId": told.of, "extOrderId": told.order, "refund": facts}


def now() -> str:
    """Return the time as PayU writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _urlencoded(value: str) -> str:
    return quote_plus(value, safe="").replace("~", "%7E")


def _check(fields: dict[str, str]) -> None:
    for name in NEEDED:
        if not fields.get(name):
            raise Refusal(400, f"PayU: {name} is missing")
    for name, value in fields.items():
        if name not in RULES or not re.fullmatch(RULES[name], value):
            raise Refusal(400, f"PayU: {name} is not as documented")
    if fields["totalAmount"] != fields["products[0].unitPrice"]:
        raise Refusal(400, "PayU: the products do not cost what the order does")
