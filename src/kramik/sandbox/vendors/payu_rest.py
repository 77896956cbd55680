"""PayU's REST API as this world plays it: tokens, orders under names that come once, questions, and its messages.

A call carries a token that was granted for the client's id and secret. An order is answered with a redirect, errors
with a word of PayU's. Paying twice makes another order of the same name here; PayU itself takes money once.
Source: https://developers.payu.com/europe/docs/payment-flows/auth-and-order , https://developers.payu.com/europe/api
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from msgspec.structs import replace

from kramik.money import Money
from kramik.sandbox.dialect import Begun, Book, Call, Letter, Notification, Panel, Refusal, Reply, Request
from kramik.sandbox.vendors.payu import OK, PAUSES, about, letter, now, order, refund

DEMO = {
    "pos_id": "300746",
    "client_secret": "made-up-client-secret-71d0c2",
    "second_key": "made-up-payu-key-9a3e5f1c60",
}

TOKENS, ORDERS = "/pl/standard/user/oauth/authorize", "/api/v2_1/orders"
LASTS = 43_199

NUMBER = r"[1-9][0-9]{0,11}"
RULES: Mapping[str, str] = {
    "notifyUrl": r"https?://\S{1,1000}",
    "continueUrl": r"https?://\S{1,1000}",
    "customerIp": r"(?!0\.0\.0\.0)[0-9a-fA-F.:]{3,39}",
    "merchantPosId": r"[0-9]{1,20}",
    "description": r".{1,4000}",
    "extOrderId": r"\S{1,1024}",
    "currencyCode": r"[A-Z]{3}",
    "totalAmount": NUMBER,
    "validityTime": r"[1-9][0-9]{0,7}",
}
"""The texts of an order, and their shape."""

NEEDED = ("customerIp", "merchantPosId", "description", "currencyCode", "totalAmount", "products")
PARTS: Mapping[str, Mapping[str, str]] = {
    "buyer": {"email": r"[^@\s]+@[^@\s]{1,200}", "language": r"[a-z]{2}"},
    "product": {"name": r".{1,255}", "unitPrice": NUMBER, "quantity": r"1"},
    "payMethod": {"type": r"PBL", "value": r"blik|c|[a-z]{1,3}"},
}
KNOWN = frozenset((*RULES, "buyer", "products", "payMethods"))

_ORDER = re.compile(r"/api/v2_1/orders/([A-Za-z0-9]{1,40})(/refunds)?")


class PayuRestDialect:
    """The protocol of PayU's REST API, with one point of sale and one OAuth client."""

    name = "payu_rest"
    pauses = PAUSES

    def __init__(self, panel: Panel, *, pos_id: str, client_secret: str, second_key: str) -> None:
        self._panel, self._pos, self._secret, self._key = panel, pos_id, client_secret, second_key.encode()
        self._tokens: set[str] = set()
        self._names: set[str] = set()
        self._orders: dict[str, dict[str, object]] = {}
        self._refunds: dict[str, dict[str, object]] = {}
        self._told: dict[str, str] = {}

    def operation(self, method: str, path: str) -> str:
        """Return what the faults call this request."""
        return {("POST", TOKENS): "token", ("POST", ORDERS): "begin"}.get((method, path), "ask")

    def call(self, call: Call, book: Book) -> Reply | Begun:  # noqa: ARG002 - the orders are kept here
        """Grant a token, create an order, or show one.

        Raises:
            Refusal: there is no such address.
        """
        if (call.method, call.path) == ("POST", TOKENS):
            return self._granted(call)
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self._tokens:
            return _refused(401, "UNAUTHORIZED", "Incorrect authentication")
        if (call.method, call.path) == ("POST", ORDERS):
            return self._created(call)
        asked = _ORDER.fullmatch(call.path)
        if call.method != "GET" or asked is None:
            raise Refusal(404, "PayU: no such address")
        return self._shown(asked[1], refunds=bool(asked[2]))

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write about an order or about a refund; PayU tells nothing of chargebacks."""
        if told.kind == "chargeback":
            return []
        if told.kind == "refund":
            content = refund(replace(told, of=self._told.get(told.of, told.of)))
            self._refunds.setdefault(str(content["orderId"]), {})[told.id] = content["refund"]
            return [letter(content, self._key)]
        return [letter(about(self._happened(told, asked)), self._key)]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - the status says it all
        """Say whether the status is 200."""
        return status == OK

    def _granted(self, call: Call) -> Reply:
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._pos,
            "client_secret": self._secret,
        }
        if call.headers.get("content-type") != "application/x-www-form-urlencoded" or form != asked:
            return _answered(
                {"error": "invalid_client", "error_description": "Bad client credentials"}, status=401
            )
        token = _word(f"{self._secret}/{len(self._tokens)}/{now()}")
        self._tokens.add(token)
        return _answered({"access_token": token, "token_type": "bearer", "expires_in": LASTS})

    def _created(self, call: Call) -> Reply | Begun:
        asked = _json(call.body)
        if wrong := _wrong(asked):
            return _refused(400, "ERROR_VALUE_INVALID", f"Invalid field value: {wrong}")
        if asked["merchantPosId"] != self._pos:
            return _refused(403, "ERROR_VALUE_INVALID", "INVALID_AUTH_FOR_THIS_ORDER")
        name = asked.get("extOrderId", "")
        if name in self._names:
            return _refused(400, "ERROR_ORDER_NOT_UNIQUE", "Order with this extOrderId already exists")
        self._names.add(name)
        order_id = _id(f"{name}/{len(self._orders)}")
        self._orders[order_id] = _new(asked, order_id)

        def reply(page: str) -> Reply:
            url = f"{page}?orderId={order_id}&token=made.up.token"
            answer = {"status": {"statusCode": "SUCCESS"}, "redirectUri": url, "orderId": order_id}
            return _answered({**answer, "extOrderId": name}, status=302, location=url)

        return Begun(request=self._request(asked, order_id), reply=reply)

    def _shown(self, order_id: str, *, refunds: bool) -> Reply:
        if order_id not in self._orders:
            return _refused(404, "DATA_NOT_FOUND", "No such order")
        if refunds:
            return _answered([*self._refunds.get(order_id, {}).values()])
        status = {"statusCode": "SUCCESS", "statusDesc": "Request processing successful"}
        return _answered({"orders": [self._orders[order_id]], "status": status, "properties": []})

    def _request(self, asked: dict[str, Any], order_id: str) -> Request:
        back, buyer = asked.get("continueUrl", f"{self._panel.shop}/"), asked.get("buyer", {})
        return Request(
            order=asked.get("extOrderId", ""),
            shop_id=self._pos,
            money=Money(minor=int(asked["totalAmount"]), currency=asked["currencyCode"]),
            description=asked["description"],
            email=buyer.get("email", ""),
            lang=buyer.get("language", "pl"),
            done=back,
            failed=f"{back}{'&' if '?' in back else '?'}error=501",
            notify=asked.get("notifyUrl", self._panel.notify),
            reference=order_id,
        )

    def _happened(self, told: Notification, asked: Request) -> dict[str, object]:
        """Return the order that this happened to, as it is now: another one when the first was paid before."""
        if told.id not in self._told:
            paid = self._orders.get(asked.reference, {}).get("status") == "COMPLETED"
            self._told[told.id] = _id(told.id) if paid else asked.reference
        order_id = self._told[told.id]
        self._orders[order_id] = order(told, asked, order_id)
        return self._orders[order_id]


def dialect(panel: Panel) -> PayuRestDialect:
    """Make PayU's side for the demo's point of sale."""
    return PayuRestDialect(panel, **DEMO)


def _word(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _id(text: str) -> str:
    """Return an id as PayU writes them."""
    return f"{_word(text)[:10].upper()}261125GUEST000P01"


def _answered(content: object, *, status: int = 200, location: str = "") -> Reply:
    kind = {"content-type": "application/json", **({"location": location} if location else {})}
    return Reply(status=status, body=json.dumps(content, ensure_ascii=False).encode(), headers=kind)


def _refused(status: int, code: str, words: str) -> Reply:
    return _answered(
        {"status": {"statusCode": code, "severity": "ERROR", "statusDesc": words}}, status=status
    )


def _new(asked: dict[str, Any], order_id: str) -> dict[str, object]:
    return {**asked, "orderId": order_id, "orderCreateDate": now(), "status": "NEW"}


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _wrong(asked: dict[str, Any]) -> str:
    """Return what is not as documented; nothing when all is."""
    if missing := [name for name in NEEDED if not asked.get(name)]:
        return f"{missing[0]} is missing"
    if unknown := sorted(asked.keys() - KNOWN):
        return unknown[0]
    products = asked["products"]
    if not isinstance(products, list) or len(products) != 1:
        return "products"
    methods = asked.get("payMethods", {})
    parts = (
        ({name: value for name, value in asked.items() if name in RULES}, RULES),
        (asked.get("buyer", {}), PARTS["buyer"]),
        (products[0], PARTS["product"]),
        (methods.get("payMethod") if isinstance(methods, dict) and methods else {}, PARTS["payMethod"]),
    )
    for part, rules in parts:
        if not isinstance(part, dict):
            return "an object"
        for name, value in part.items():
            if name not in rules or not isinstance(value, str) or not re.fullmatch(rules[name], value):
                return str(name)
    return "" if products[0].get("unitPrice") == asked["totalAmount"] else "totalAmount"
