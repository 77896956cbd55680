"""paynow as this world plays it: a signed call begins a payment, notifications name it without an amount.

A call is signed over its headers and its body; the same idempotency key is the same payment, and may not come with
another body. After a payment failed the buyer may try again here: the old one becomes abandoned, the new one has an
id of its own and the shop's name of the old one. Nothing is told of refunds.
Source: https://docs.paynow.pl/docs/v3/integration , https://docs.paynow.pl/docs/v3/payments
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from kramik.money import Money
from kramik.sandbox.dialect import Begun, Book, Call, Letter, Notification, Panel, Refusal, Reply, Request

DEMO = {
    "api_key": "7f2a6c1e-made-up-4b0d-9f3e-api0000key01",
    "signature_key": "c41d0b9a-made-up-4c7e-8a52-sign000key02",
}

CURRENCIES = ("PLN", "EUR", "USD", "GBP", "CZK")
METHODS = (2007, 2002, 1000)
LOWEST, HIGHEST = 100, 100_000_000
VALIDITY = range(60, 864_001)
TEXTS: Mapping[str, tuple[int, str]] = {
    "externalId": (100, r"\S+"),
    "description": (255, r"\S.*"),
    "continueUrl": (1000, r"https?://\S+"),
}
"""The texts of a payment: how long they may be, and their shape."""

KNOWN = frozenset((*TEXTS, "amount", "currency", "buyer", "validityTime", "paymentMethodId"))
BUYER: Mapping[str, tuple[int, str]] = {
    "email": (50, r"[^@\s]+@[^@\s]+"),
    "firstName": (50, r".+"),
    "lastName": (50, r".+"),
    "locale": (5, r"[a-z]{2}-[A-Z]{2}"),
}
STATUSES = {"paid": "CONFIRMED", "pending": "PENDING", "failed": "REJECTED"}
PAYMENTS = "/v3/payments"
ACCEPTED = (200, 202)
LONGEST_KEY = 45

_STATUS = re.compile(r"/v3/payments/([^/]+)/status")


class PaynowDialect:
    """The protocol of paynow, with one shop."""

    name = "paynow"
    pauses = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14_400.0)

    def __init__(self, panel: Panel, *, api_key: str, signature_key: str) -> None:
        self._panel, self._api_key, self._key = panel, api_key, signature_key.encode()
        self._keys: dict[str, tuple[bytes, str]] = {}
        self._statuses: dict[str, str] = {}
        self._current: dict[str, str] = {}
        self._told: dict[str, str] = {}

    def operation(self, method: str, path: str) -> str:
        """Return what the faults call this request."""
        if _STATUS.fullmatch(path):
            return "ask"
        return "begin" if (method, path) == ("POST", PAYMENTS) else "call"

    def call(self, call: Call, book: Book) -> Reply | Begun:  # noqa: ARG002 - what was told is remembered here
        """Begin a payment, or say where one stands.

        Raises:
            Refusal: as paynow refuses it.
        """
        key = call.headers.get("idempotency-key", "")
        if call.headers.get("api-key") != self._api_key:
            raise Refusal(401, "UNAUTHORIZED")
        if not 1 <= len(key) <= LONGEST_KEY:
            raise Refusal(400, "VALIDATION_ERROR: Idempotency-Key")
        if not hmac.compare_digest(self._proof(key, call), call.headers.get("signature", "").encode()):
            raise Refusal(401, "VERIFICATION_FAILED: Signature")
        if (call.method, call.path) == ("POST", PAYMENTS):
            return self._begin(key, call.body)
        status = _STATUS.fullmatch(call.path)
        if call.method != "GET" or status is None:
            raise Refusal(404, "NOT_FOUND")
        return self._status(status[1])

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write about a payment, and about the one that it replaces; nothing about money that goes back."""
        if told.kind not in STATUSES:
            return []
        payment = self._payment(told, asked)
        replaced = self._current.get(asked.reference, asked.reference)
        facts = []
        if payment != replaced and self._statuses.get(replaced) == "REJECTED":
            self._statuses[replaced] = "ABANDONED"
            self._current[asked.reference] = payment
            facts.append((replaced, "ABANDONED"))
        self._statuses[payment] = STATUSES[told.kind]
        return [self._letter(*each, told.order) for each in (*facts, (payment, STATUSES[told.kind]))]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - the status says it all
        """Say whether the status is 200 or 202."""
        return status in ACCEPTED

    def _begin(self, key: str, body: bytes) -> Begun:
        asked = _json(body)
        _check(asked)
        content, payment = self._keys.setdefault(key, (body, _id(f"{key}/{asked['externalId']}")))
        if content != body:
            raise Refusal(409, "CONFLICT: this Idempotency-Key came with another request")
        self._statuses.setdefault(payment, "NEW")

        def reply(page: str) -> Reply:
            answer = {"redirectUrl": f"{page}?token=made.up", "paymentId": payment, "status": "NEW"}
            return _answered(answer, 201)

        return Begun(request=self._request(asked, payment), reply=reply)

    def _request(self, asked: dict[str, Any], payment: str) -> Request:
        back = asked.get("continueUrl", self._panel.shop)
        return Request(
            order=asked["externalId"],
            shop_id="paynow",
            money=Money(minor=asked["amount"], currency=asked.get("currency", "PLN")),
            description=asked["description"],
            email=asked["buyer"]["email"],
            lang=asked["buyer"].get("locale", "pl")[:2],
            done=back,
            failed=back,
            notify=self._panel.notify,
            reference=payment,
        )

    def _status(self, payment: str) -> Reply:
        if payment not in self._statuses:
            raise Refusal(404, "NOT_FOUND")
        return _answered({"paymentId": payment, "status": self._statuses[payment]})

    def _payment(self, told: Notification, asked: Request) -> str:
        """Return the id of the payment that this happened to: another one after an end, or for another amount."""
        if told.id not in self._told:
            payment = self._current.get(asked.reference, asked.reference)
            ended = self._statuses.get(payment) in ("CONFIRMED", "REJECTED", "ABANDONED")
            other = ended or told.amount != asked.money.minor
            self._told[told.id] = _id(f"{told.id}/{told.amount}") if other else payment
        return self._told[told.id]

    def _letter(self, payment: str, status: str, external: str) -> Letter:
        content = {
            "paymentId": payment,
            "externalId": external,
            "status": status,
            "modifiedAt": "2026-11-02T12:24:52",
        }
        body = json.dumps(content, indent=2).encode()
        mac = b64encode(hmac.digest(self._key, body, "sha256")).decode()
        return Letter(body=body, headers={"content-type": "application/json", "signature": mac})

    def _proof(self, key: str, call: Call) -> bytes:
        content = {
            "headers": {"Api-Key": self._api_key, "Idempotency-Key": key},
            "parameters": {},
            "body": call.body.decode("utf-8", "replace"),
        }
        text = json.dumps(content, separators=(",", ":"))
        return b64encode(hmac.digest(self._key, text.encode(), "sha256"))


def dialect(panel: Panel) -> PaynowDialect:
    """Make paynow's side for the demo's shop."""
    return PaynowDialect(panel, **DEMO)


def _id(text: str) -> str:
    """Return an id as paynow writes them: four letters and digits, then three times three."""
    word = sha256(text.encode()).hexdigest()[:13].upper()
    return "-".join((word[:4], word[4:7], word[7:10], word[10:13]))


def _answered(content: object, status: int = 200) -> Reply:
    body = json.dumps(content).encode()
    return Reply(status=status, body=body, headers={"content-type": "application/json"})


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(400, "VALIDATION_ERROR: no JSON object")
    return found


def _check(asked: dict[str, Any]) -> None:
    buyer = asked.get("buyer")
    if unknown := asked.keys() - KNOWN:
        raise Refusal(400, f"VALIDATION_ERROR: {', '.join(sorted(unknown))}")
    if type(asked.get("amount")) is not int or not LOWEST <= asked["amount"] <= HIGHEST:
        raise Refusal(400, "VALIDATION_ERROR: amount")
    if asked.get("currency", "PLN") not in CURRENCIES or asked.get("paymentMethodId", 1000) not in METHODS:
        raise Refusal(400, "VALIDATION_ERROR: currency or paymentMethodId")
    if asked.get("validityTime", 60) not in VALIDITY:
        raise Refusal(400, "VALIDATION_ERROR: validityTime")
    if not isinstance(buyer, dict) or buyer.keys() - BUYER.keys():
        raise Refusal(400, "VALIDATION_ERROR: buyer")
    _check_texts(asked, TEXTS, needed=("externalId", "description"))
    _check_texts(buyer, BUYER, needed=("email",))


def _check_texts(
    asked: dict[str, Any], rules: Mapping[str, tuple[int, str]], *, needed: tuple[str, ...]
) -> None:
    for name, (longest, shape) in rules.items():
        value = asked.get(name)
        if value is None and name not in needed:
            continue
        if not isinstance(value, str) or len(value) > longest or not re.fullmatch(shape, value, re.DOTALL):
            raise Refusal(400, f"VALIDATION_ERROR: {name}")
