"""Tpay's Open API as this world plays it: tokens, transactions, questions; its notifications are those of the panel.

A call carries a token that was granted for the client's id and secret. Amounts are numbers of at most two places.
Paying twice makes another transaction of the same order here; Tpay itself takes money once.
Source: https://docs-api.tpay.com/first-steps/first-transaction , https://docs-api.tpay.com/first-steps/authorization ,
https://github.com/tpay-com/tpay-openapi-php (Model)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from kramik.money import Money
from kramik.sandbox.dialect import Begun, Book, Call, Letter, Notification, Panel, Refusal, Reply, Request
from kramik.sandbox.vendors.tpay import TpayDialect
from kramik.sandbox.vendors.tpay_keys import ROOT, SIGNER

DEMO = {
    "merchant_id": "1010",
    "code": "made-up-tpay-code-b81f3c",
    "client_id": "1010-made-up-open-api-key",
    "client_secret": "made-up-open-api-secret-8c20e5",
    "certificate": SIGNER,
    "root_certificate": ROOT,
}

TOKENS, TRANSACTIONS = "/oauth/auth", "/transactions"
LASTS = 7200
STATUSES = {"paid": "correct", "pending": "paid", "failed": "error"}
URL = r"https?://\S{1,500}"
RULES: Mapping[str, object] = {
    "description": r".{1,128}",
    "hiddenDescription": r".{0,128}",
    "lang": r"en|pl|de|fr|ru|it|es",
    "pay": {"groupId": (103, 150, 166)},
    "payer": {"email": r"[^@\s]+@[^@\s]{1,200}", "name": r".{3,255}"},
    "callbacks": {
        "payerUrls": {"success": URL, "error": URL},
        "notification": {"url": URL, "email": r"[^@\s]+@[^@\s]{1,200}"},
    },
}
"""What a transaction may have beside its amount: shapes of texts, numbers to choose from, and objects of such."""

NEEDED = ("amount", "description", "payer")
CENT = Decimal("0.01")
BIGGEST = Decimal(10**9)

_TRANSACTION = re.compile(r"/transactions/([A-Za-z0-9_]{1,64})")


class TpayApiDialect:
    """The protocol of Tpay's Open API, with one account."""

    name = "tpay_api"
    pauses = TpayDialect.pauses

    def __init__(self, panel: Panel, account: Mapping[str, str]) -> None:
        self._panel, self._account = panel, account
        self._told = TpayDialect(panel, merchant_id=account["merchant_id"], code=account["code"])
        self._tokens: set[str] = set()
        self._transactions: dict[str, dict[str, object]] = {}
        self._happened: dict[str, str] = {}

    def operation(self, method: str, path: str) -> str:
        """Return what the faults call this request."""
        return {("POST", TOKENS): "token", ("POST", TRANSACTIONS): "begin"}.get((method, path), "ask")

    def call(self, call: Call, book: Book) -> Reply | Begun:  # noqa: ARG002 - the transactions are kept here
        """Grant a token, create a transaction, or show one.

        Raises:
            Refusal: there is no such address.
        """
        if (call.method, call.path) == ("POST", TOKENS):
            return self._granted(call)
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self._tokens:
            return _failed(401, "access_denied", "the token is invalid")
        if (call.method, call.path) == ("POST", TRANSACTIONS):
            return self._created(call)
        asked = _TRANSACTION.fullmatch(call.path)
        if call.method != "GET" or asked is None:
            raise Refusal(404, "Tpay: no such address")
        if asked[1] not in self._transactions:
            return _failed(404, "not_found", "no such transaction")
        return _answered(self._transactions[asked[1]])

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write the form about a transaction; nothing about a refund in part."""
        if told.of and told.amount < asked.money.minor:
            return []
        transaction = self._about(told, asked)
        paid = told.amount if told.kind == "paid" else 0
        status = "refund" if told.of else STATUSES[told.kind]
        known = self._transactions.setdefault(transaction, _new(asked, transaction))
        known |= {"status": status, "payments": {"status": status, "amountPaid": paid / 100}}
        return [self._told.letter(told, asked, str(known["title"]))]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:
        """Say whether this is `TRUE` and nothing else."""
        return self._told.accepts(letter, status, body)

    def _granted(self, call: Call) -> Reply:
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        asked = {name: self._account[name] for name in ("client_id", "client_secret")}
        if call.headers.get("content-type") != "application/x-www-form-urlencoded" or form != asked:
            return _failed(401, "invalid_client", "the client credentials are invalid")
        token = _word(f"{self._account['client_secret']}/{len(self._tokens)}")
        self._tokens.add(token)
        return _answered({"access_token": token, "token_type": "Bearer", "expires_in": LASTS})

    def _created(self, call: Call) -> Reply | Begun:
        asked = _json(call.body)
        if wrong := _wrong(asked):
            return _failed(400, "invalid_value", wrong)
        transaction = f"ta_{_word(f'{call.body!r}/{len(self._transactions)}')[:16]}"
        request = self._request(asked, transaction)
        made = self._transactions[transaction] = _new(request, transaction)

        def reply(page: str) -> Reply:
            made["transactionPaymentUrl"] = f"{page}?gtitle={made['title']}"
            return _answered(made)

        return Begun(request=request, reply=reply)

    def _request(self, asked: dict[str, Any], transaction: str) -> Request:
        callbacks = asked.get("callbacks", {})
        done = callbacks.get("payerUrls", {}).get("success", f"{self._panel.shop}/")
        return Request(
            order=asked.get("hiddenDescription", ""),
            shop_id=self._account["merchant_id"],
            money=Money(minor=int(asked["amount"] * 100), currency="PLN"),
            description=asked["description"],
            email=asked["payer"]["email"],
            lang=asked.get("lang", "pl"),
            done=done,
            failed=callbacks.get("payerUrls", {}).get("error", done),
            notify=callbacks.get("notification", {}).get("url", self._panel.notify),
            reference=transaction,
        )

    def _about(self, told: Notification, asked: Request) -> str:
        """Return the transaction that this happened to: another one when the first was paid before."""
        if told.of:
            return self._happened.get(told.of, asked.reference)
        if told.id not in self._happened:
            paid = self._transactions.get(asked.reference, {}).get("status") in ("correct", "refund")
            self._happened[told.id] = f"ta_{_word(told.id)[:16]}" if paid else asked.reference
        return self._happened[told.id]


def dialect(panel: Panel) -> TpayApiDialect:
    """Make Tpay's side for the demo's account."""
    return TpayApiDialect(panel, DEMO)


def _word(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _new(asked: Request, transaction: str) -> dict[str, object]:
    return {
        "result": "success",
        "transactionId": transaction,
        "title": f"TR-{_word(transaction)[:10].upper()}X",
        "status": "pending",
        "date": {"creation": "2026-11-25 12:00:00", "realization": None},
        "amount": asked.money.minor / 100,
        "currency": "PLN",
        "description": asked.description,
        "hiddenDescription": asked.order,
        "payments": {"status": "pending", "method": None, "amountPaid": 0},
    }


def _answered(content: object, status: int = 200) -> Reply:
    kind = {"content-type": "application/json"}
    return Reply(status=status, body=json.dumps(content, ensure_ascii=False).encode(), headers=kind)


def _failed(status: int, code: str, words: str) -> Reply:
    errors = [{"errorCode": code, "errorMessage": words}]
    return _answered({"result": "failed", "requestId": "made-up", "errors": errors}, status)


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body, parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _wrong(asked: dict[str, Any]) -> str:
    """Return what is not as documented; nothing when all is."""
    if missing := [name for name in NEEDED if name not in asked]:
        return f"{missing[0]} is missing"
    if {"email", "name"} - set(asked["payer"]):
        return "payer is not complete"
    amount = asked["amount"]
    if not isinstance(amount, Decimal) or not CENT <= amount < BIGGEST or amount % CENT:
        return "amount"
    return _unfit({name: value for name, value in asked.items() if name != "amount"}, RULES)


def _unfit(part: object, rules: Mapping[str, object]) -> str:
    """Return the first name that no rule knows, or whose value does not fit its rule."""
    if not isinstance(part, dict):
        return "an object is missing"
    for name, value in part.items():
        rule = rules.get(name)
        if isinstance(rule, Mapping):
            wrong = _unfit(value, rule)
        elif isinstance(rule, tuple):
            wrong = "" if value in rule else name
        else:
            fits = isinstance(rule, str) and isinstance(value, str) and re.fullmatch(rule, value)
            wrong = "" if fits else str(name)
        if wrong:
            return wrong
    return ""
