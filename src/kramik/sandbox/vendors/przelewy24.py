"""Przelewy24 as this world plays it: register, the pay page, a notification that repeats until it is verified.

A call shows the account's Basic credentials and signs five of its values; anything else is refused as the vendor does.
Nothing is told of a payment that failed. Refunds are told to the address of the panel.
Source: https://developers.przelewy24.pl , https://github.com/mnastalski/przelewy24-php
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha384
from typing import Any
from urllib.parse import unquote

from kramik.money import Money
from kramik.sandbox.dialect import Begun, Book, Call, Letter, Notification, Panel, Refusal, Reply, Request

MERCHANT = 235_316
DEMO = {"merchant_id": MERCHANT, "crc": "made-up-p24-crc-7d1f", "api_key": "made-up-p24-api-key-91c3b5"}

RULES: Mapping[str, type | tuple[int, str]] = {
    "merchantId": int,
    "posId": int,
    "sessionId": (100, r"\S+"),
    "amount": int,
    "currency": (3, r"[A-Z]{3}"),
    "description": (1024, r".+"),
    "email": (50, r"[^@\s]+@[^@\s]+"),
    "country": (2, r"[A-Z]{2}"),
    "language": (2, r"[a-z]{2}"),
    "urlReturn": (250, r"https?://\S+"),
    "urlStatus": (250, r"https?://\S+"),
    "timeLimit": int,
    "channel": int,
    "transferLabel": (20, r".+"),
    "sign": (96, r"[0-9a-f]{96}"),
}
"""The fields of a registration, and for texts their length and shape."""

NEEDED = (
    "merchantId",
    "posId",
    "sessionId",
    "amount",
    "currency",
    "description",
    "email",
    "country",
    "language",
    "urlReturn",
    "sign",
)
OPERATIONS = {"POST": "begin", "PUT": "confirm", "GET": "ask"}
REGISTER, VERIFY = "/api/v1/transaction/register", "/api/v1/transaction/verify"
BY_SESSION = "/api/v1/transaction/by/sessionId/"
CHANNELS = (1, 2, 4, 16, 32, 64, 128, 256, 4096, 8192)
MINUTES = 99
OK = 200


class Przelewy24Dialect:
    """The protocol of Przelewy24, with one account."""

    name = "przelewy24"
    pauses = tuple(60.0 * each for each in (3, 5, 15, 30, 60, 150, 450))

    def __init__(self, panel: Panel, *, merchant_id: int, crc: str, api_key: str) -> None:
        self._panel, self._merchant, self._crc = panel, merchant_id, crc
        self._basic = "Basic " + b64encode(f"{merchant_id}:{api_key}".encode()).decode()
        self._pages: dict[str, str] = {}
        self._registered: dict[str, Request] = {}
        self._verified: set[int] = set()

    def operation(self, method: str, path: str) -> str:
        """Return what the faults call this request; a browser that follows its token is `open`."""
        return "open" if path.startswith("/trnRequest/") else OPERATIONS.get(method, "call")

    def call(self, call: Call, book: Book) -> Reply | Begun:
        """Answer a registration, a verification or a question; send a browser with a token to its pay page.

        Raises:
            Refusal: as the vendor refuses it.
        """
        if (call.method, call.path[:12]) == ("GET", "/trnRequest/"):
            return self._page(call.path[12:])
        if call.headers.get("authorization") != self._basic:
            raise Refusal(401, "Incorrect authentication")
        if (call.method, call.path) == ("POST", REGISTER):
            return self._register(_json(call.body))
        if (call.method, call.path) == ("PUT", VERIFY):
            return self._verify(_json(call.body), book)
        if call.method == "GET" and call.path.startswith(BY_SESSION):
            return self._known(unquote(call.path.removeprefix(BY_SESSION)), book)
        raise Refusal(404, "no such method")

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write about a payment that was made, or about a refund; nothing about anything else."""
        if told.kind not in ("paid", "refund"):
            return []
        content = self._refund(told, asked) if told.kind == "refund" else self._payment(told, asked)
        body = json.dumps(content, ensure_ascii=False, indent=1).encode()
        return [Letter(body=body, headers={"content-type": "application/json"})]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - no text is asked for
        """Say whether a repeat is spared: a refund by status 200, a payment only when it was verified."""
        told = json.loads(letter.body)
        return status == OK and ("refundsUuid" in told or told["orderId"] in self._verified)

    def _register(self, asked: dict[str, Any]) -> Begun:
        _check(asked)
        if (asked["merchantId"], asked["posId"]) != (self._merchant, self._merchant):
            raise Refusal(400, "Invalid input data: merchantId")
        if not 0 <= asked.get("timeLimit", 0) <= MINUTES or asked.get("channel", 1) not in CHANNELS:
            raise Refusal(400, "Invalid input data: timeLimit or channel")
        core = ("sessionId", "merchantId", "amount", "currency")
        if asked["sign"] != self._signed({name: asked[name] for name in core}):
            raise Refusal(400, "Incorrect CRC value")
        token = sha384(f"{self._crc}{asked['sessionId']}".encode()).hexdigest()[:32].upper()
        request = self._request(asked)

        def reply(page: str) -> Reply:
            self._pages[token] = page
            self._registered[request.order] = request
            return _data({"token": token})

        return Begun(request=request, reply=reply)

    def _request(self, asked: dict[str, Any]) -> Request:
        return Request(
            order=asked["sessionId"],
            shop_id=str(asked["posId"]),
            money=Money(minor=asked["amount"], currency=asked["currency"]),
            description=asked["description"],
            email=asked["email"],
            lang=asked["language"],
            done=asked["urlReturn"],
            failed=asked["urlReturn"],
            notify=asked.get("urlStatus", self._panel.notify),
            reference=asked["sessionId"],
        )

    def _page(self, token: str) -> Reply:
        if token not in self._pages:
            raise Refusal(404, "no such token")
        return Reply(status=303, headers={"location": self._pages[token]})

    def _verify(self, asked: dict[str, Any], book: Book) -> Reply:
        names = {"merchantId", "posId", "sessionId", "amount", "currency", "orderId", "sign"}
        core = ("sessionId", "orderId", "amount", "currency")
        if asked.keys() != names or asked["sign"] != self._signed({name: asked[name] for name in core}):
            raise Refusal(400, "Invalid input data")
        paid = [each for each in book.payments(asked["sessionId"]) if each.kind == "paid"]
        found = next((each for each in paid if _number(each.id) == asked["orderId"]), None)
        if found is None or (found.amount, found.currency) != (asked["amount"], asked["currency"]):
            raise Refusal(400, "Transaction not found or of another amount")
        if asked["orderId"] in self._verified:
            raise Refusal(400, "Transaction was verified before")
        self._verified.add(asked["orderId"])
        book.write("confirm", asked["sessionId"], id=found.id, amount=found.amount)
        return _data({"status": "success"})

    def _known(self, session: str, book: Book) -> Reply:
        events = book.payments(session)
        asked = self._registered.get(session)
        if asked is None:
            raise Refusal(404, "Transaction not found")
        paid = next((each for each in events if each.kind == "paid"), None)
        back = sum(each.amount for each in events if each.kind == "refund")
        status = 0 if paid is None else 3 if back >= paid.amount else 1 + (_number(paid.id) in self._verified)
        amount, currency = (paid.amount, paid.currency) if paid else (asked.money.minor, asked.money.currency)
        facts = {"sessionId": session, "orderId": _number(paid.id) if paid else 0, "amount": amount}
        return _data({**facts, "status": status, "currency": currency, "statement": "p24-demo"})

    def _payment(self, told: Notification, asked: Request) -> dict[str, object]:
        shop = int(told.shop_id) if told.shop_id.isdigit() else 1
        fields: dict[str, object] = {
            "merchantId": shop,
            "posId": shop,
            "sessionId": asked.reference if told.order == asked.order else told.order,
            "amount": told.amount,
            "originAmount": told.amount,
            "currency": told.currency,
            "orderId": _number(told.id),
            "methodId": 154,
            "statement": "p24-DEM/O ąę",
        }
        return {**fields, "sign": self._signed(fields)}

    def _refund(self, told: Notification, asked: Request) -> dict[str, object]:
        fields: dict[str, object] = {
            "orderId": _number(told.of),
            "sessionId": asked.reference if told.order == asked.order else told.order,
            "refundsUuid": told.id,
            "merchantId": self._merchant,
            "amount": told.amount,
            "currency": told.currency,
            "status": 0,
        }
        sign = self._signed(fields)
        return {**fields, "requestId": f"r-{told.id}", "timestamp": 1_697_544_677, "sign": sign}

    def _signed(self, fields: Mapping[str, object]) -> str:
        text = json.dumps({**fields, "crc": self._crc}, ensure_ascii=False, separators=(",", ":"))
        return sha384(text.encode()).hexdigest()


def dialect(panel: Panel) -> Przelewy24Dialect:
    """Make the vendor's side for the demo's account."""
    return Przelewy24Dialect(panel, **DEMO)  # type: ignore[arg-type]  # a table of settings, as the adapter reads it


def _number(text: str) -> int:
    """Return the vendor's number of something, beyond 32 bits as real ones are."""
    return (1 << 32) + int.from_bytes(sha384(text.encode()).digest()[:4], "big")


def _data(content: object) -> Reply:
    body = json.dumps({"data": content, "responseCode": 0}).encode()
    return Reply(body=body, headers={"content-type": "application/json"})


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(400, "Invalid input data: no JSON object")
    return found


def _check(asked: dict[str, Any]) -> None:
    if missing := [name for name in NEEDED if asked.get(name) in (None, "")]:
        raise Refusal(400, f"Invalid input data: {', '.join(missing)} missing")
    for name, value in asked.items():
        rule = RULES.get(name)
        if rule is None or not _fits(value, rule):
            raise Refusal(400, f"Invalid input data: {name}")


def _fits(value: object, rule: type | tuple[int, str]) -> bool:
    if isinstance(rule, type):
        return type(value) is rule and isinstance(value, int) and value >= 0
    return (
        isinstance(value, str)
        and len(value) <= rule[0]
        and re.fullmatch(rule[1], value, re.DOTALL) is not None
    )
