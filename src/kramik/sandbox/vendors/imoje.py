"""imoje, as its documents describe it: a payment is a signed link or form, a notification is signed JSON.

The parameters, sorted by name and joined as `name=value` with `&`, are hashed together with the shop's key;
so is the raw body of a notification. It knows one merchant with one service, and tells nothing of chargebacks.
Its API shows a transaction by its id to whoever has the merchant's token; a pending one keeps its id when it is paid.
Source: https://bump.sh/pgw/doc/imoje-paywall-en
"""

from __future__ import annotations

import hashlib
import json
import re
from time import time
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

import msgspec

from kramik.money import Money
from kramik.payment import same
from kramik.sandbox.dialect import Book, Call, Letter, Notification, Panel, Refusal, Reply, Request

DEMO = {
    "merchant_id": "mdy7zxvxudgarxbsou9n",
    "service_id": "b1f1f2f8-52b5-4b0c-9b51-3f6f6a0c5f10",
    "service_key": "demo-imoje-service-key-7Qz0",
    "api_token": "demo-imoje-api-token-3Kf81v",
}
"""The one account of this imoje, as our adapter's settings name it."""

SHA2 = {
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
CURRENCIES = frozenset("PLN EUR USD GBP CHF SEK HUF CZK BGN RON".split())
METHODS = frozenset("card wallet pbl blik imoje_paylater wt imoje_installments".split())
STATUSES = {"paid": "settled", "refund": "settled", "pending": "pending", "failed": "rejected"}

_LATIN = "\u00c0-\u02c0"
_NAME = rf"[A-Za-z0-9\-,. {_LATIN}\u0400-\u04ff]{{1,100}}"
_URL = r"https?://[^\s<>\"]{3,292}"
_RULES = {
    "serviceId": r"[0-9a-f-]{36}",
    "merchantId": r".{1,20}",
    "amount": r"[1-9][0-9]{0,9}",
    "currency": r"[A-Z]{3}",
    "orderId": rf"[A-Za-z0-9#_\-./ {_LATIN}]{{1,100}}",
    "customerFirstName": _NAME,
    "customerLastName": _NAME,
    "customerEmail": r"[^@\s]{1,64}@[^@\s]{1,190}",
    "signature": r"[0-9a-f]+;sha(?:224|256|384|512)",
    "customerPhone": r"[-+0-9 ]{1,20}",
    "orderDescription": rf"[A-Za-z0-9#&_\-,.\\/ {_LATIN}]{{1,255}}",
    "urlSuccess": _URL,
    "urlFailure": _URL,
    "urlReturn": _URL,
    "urlNotification": _URL,
    "visibleMethod": r"[a-z_,]{1,200}",
    "preselectMethodCode": r"[a-z0-9_]{1,50}",
    "validTo": r"[0-9]{10}",
}
_REQUIRED = tuple(_RULES)[:9]


class Imoje:
    """The protocol of imoje for one service."""

    name = "imoje"
    pauses = (*[10.0] * 3, *[300.0] * 5, *[3600.0] * 5, *[21_600.0] * 5, *[43_200.0] * 5)

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._ids: dict[str, str] = {}
        self._pending: dict[str, str] = {}
        self._transactions: dict[str, object] = {}

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check a payment request.

        Raises:
            Refusal: with what imoje would not take.
        """
        lang = path.removesuffix("/payment").removeprefix("/")
        if not path.endswith("/payment") or lang not in ("", "pl", "en"):
            raise Refusal(404, "imoje takes payments at /payment, /pl/payment and /en/payment")
        fields = _fields(body.decode("utf-8", "replace") if method == "POST" else query)
        if not _signed(fields):
            raise Refusal(400, "The signature does not fit the parameters.")
        return self._request(fields, lang or "pl")

    def operation(self, method: str, path: str) -> str:  # noqa: ARG002 - the path says it all
        """Return what the faults call this request: a payment is opened by a browser, a transaction asked for."""
        return "ask" if "/transaction" in path else "start"

    def call(self, call: Call, book: Book) -> Reply:  # noqa: ARG002 - the transactions are kept here
        """Show a transaction.

        Raises:
            Refusal: as imoje refuses it.
        """
        if call.headers.get("authorization") != f"Bearer {DEMO['api_token']}":
            raise Refusal(401, "Unauthorized")
        merchant, _, transaction = call.path.removeprefix("/").partition("/transaction/")
        if (call.method, merchant) != ("GET", DEMO["merchant_id"]):
            raise Refusal(404, "Not found")
        if transaction not in self._transactions:
            raise Refusal(404, "Transaction not found")
        body = msgspec.json.encode({"transaction": self._transactions[transaction]})
        return Reply(body=body, headers={"content-type": "application/json"})

    def letters(self, told: Notification, asked: Request) -> list[Letter]:  # noqa: ARG002 - all is in `told`
        """Write a notification; there is none of a chargeback."""
        if told.kind == "chargeback":
            return []
        body = msgspec.json.encode(self._body(told))
        signature = hashlib.sha256(body + DEMO["service_key"].encode()).hexdigest()
        about = f"merchantid={DEMO['merchant_id']};serviceid={DEMO['service_id']}"
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "Accept": "text/plain",
            "User-Agent": "imoje",
            "X-Imoje-Signature": f"{about};signature={signature};alg=sha256",
        }
        return [Letter(body=body, headers=headers)]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - the same for all
        """Say whether this is 200 with the status `ok` as JSON."""
        return status == 200 and json.loads(body) == {"status": "ok"}  # noqa: PLR2004 - HTTP's OK

    def _request(self, fields: dict[str, str], lang: str) -> Request:
        done = fields.get("urlSuccess") or fields.get("urlReturn") or self._panel.shop
        return Request(
            order=fields["orderId"],
            shop_id=fields["serviceId"],
            money=Money(minor=int(fields["amount"]), currency=fields["currency"]),
            description=fields.get("orderDescription", fields["orderId"]),
            email=fields.get("customerEmail", ""),
            lang=lang,
            done=done,
            failed=fields.get("urlFailure") or done,
            notify=fields.get("urlNotification") or self._panel.notify,
        )

    def _body(self, told: Notification) -> dict[str, object]:
        now, link = int(time()), str(uuid5(NAMESPACE_URL, f"imoje:link:{told.order}"))
        shared: dict[str, object] = {
            "created": now,
            "modified": now,
            "serviceId": told.shop_id,
            "amount": told.amount,
            "currency": told.currency,
            "title": "",
            "orderId": told.order,
        }
        kind = "refund" if told.kind == "refund" else "sale"
        about = {"id": self._named(told), "type": kind, "status": STATUSES[told.kind], "source": "web"}
        transaction = {**about, **shared, "paymentMethod": "pbl", "paymentMethodCode": "ipko"}
        payment = {"id": link, "status": STATUSES[told.kind], **shared}
        original = {"originalTransactionId": self._ids.get(told.of, _id(told.of))} if told.of else {}
        self._transactions[str(about["id"])] = {**transaction, "payment": payment}
        return {"transaction": transaction, **original, "payment": payment}

    def _named(self, told: Notification) -> str:
        """Return the id of what happened: a payment that was pending goes on under the same one."""
        if told.id not in self._ids:
            before = self._pending.pop(told.order, "") if told.kind in ("paid", "failed") else ""
            self._ids[told.id] = before or _id(told.id)
            if told.kind == "pending":
                self._pending[told.order] = self._ids[told.id]
        return self._ids[told.id]


def dialect(panel: Panel) -> Imoje:
    """Make imoje's side for a shop that set this panel."""
    return Imoje(panel)


def _fields(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refusal(400, "A parameter came twice.")
    for name in _REQUIRED:
        if name not in fields:
            raise Refusal(400, f"The parameter {name} is missing.")
    for name, value in fields.items():
        if name in _RULES and not re.fullmatch(_RULES[name], value):
            raise Refusal(400, f"The parameter {name} is wrong.")
    if fields["currency"] not in CURRENCIES:
        raise Refusal(400, "The parameter currency is wrong.")
    if not METHODS.issuperset(filter(None, fields.get("visibleMethod", "").split(","))):
        raise Refusal(400, "The parameter visibleMethod is wrong.")
    known = (fields["merchantId"], fields["serviceId"]) == (DEMO["merchant_id"], DEMO["service_id"])
    if not known or int(fields.get("validTo", "9999999999")) < time() + 60:
        raise Refusal(400, "There is no such service, or the payment is not valid any more.")
    return fields


def _signed(fields: dict[str, str]) -> bool:
    given, _, algorithm = fields["signature"].partition(";")
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if name != "signature")
    digest = SHA2[algorithm]((text + DEMO["service_key"]).encode()).hexdigest()
    return same(digest.encode(), given.encode())


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"imoje:{name}"))
