"""Dotpay as this world plays it: a link signed in the way of `next` or of `dev`, and URLC.

`next`: the fields and their sorted names in `paramsList` as JSON, with ASCII only and no spaces, under an HMAC.
`dev` and URLC: the PIN and the values in a fixed order, without separators, under SHA-256.
The buyer comes back to one address, with `status=OK` or `status=FAIL`. The pauses are made up: Dotpay says only that
they grow and go on for days. Nothing is told of a chargeback.
Source: https://www.dotpay.pl/developer/doc/api_payment/en/ , https://github.com/dotpay/PHP-SDK (Channel, Notification)
"""

from __future__ import annotations

import hmac
import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

from kramik.money import Money
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request

DEMO = {"seller_id": "747789", "pin": "made-up-dotpay-pin-4d1c9e77"}

DEV = (
    "api_version charset lang id pid amount currency description control channel credit_card_brand ch_lock"
    " channel_groups onlinetransfer url type buttontext urlc firstname lastname email street street_n1 street_n2 state"
    " addr3 city postcode phone country code p_info p_email n_email expiration_date deladdr"
).split()
URLC = (
    "id operation_number operation_type operation_status operation_amount operation_currency"
    " operation_withdrawal_amount operation_commission_amount is_completed operation_original_amount"
    " operation_original_currency operation_datetime operation_related_number control description email p_info p_email"
    " channel channel_country geoip_country"
).split()
RULES = {
    "api_version": r"next|dev",
    "id": r"[0-9]{1,10}",
    "amount": r"(?:0|[1-9][0-9]{0,9})\.[0-9]{2}",
    "currency": r"PLN|EUR|USD|GBP|JPY|CZK|SEK|UAH|RON",
    "description": r".{1,255}",
    "control": r".{1,1000}",
    "url": r"https?://\S{1,990}",
    "urlc": r"https?://\S{1,990}",
    "type": r"[0-4]",
    "lang": r"pl|en|de|it|fr|es|cz|cs|ru|hu|ro|uk|sk|lv|lt",
    "channel": r"[0-9]{1,4}",
    "chk": r"[0-9a-f]{64}",
}
NEEDED = ("api_version", "id", "amount", "currency", "description", "chk")
OPERATIONS = {
    "paid": ("payment", "completed"),
    "pending": ("payment", "processing"),
    "failed": ("payment", "rejected"),
    "refund": ("refund", "completed"),
}


class DotpayDialect:
    """The protocol of Dotpay, with one shop."""

    name = "dotpay"
    pauses = (60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)

    def __init__(self, panel: Panel, *, seller_id: str, pin: str) -> None:
        self._panel, self._id, self._pin = panel, seller_id, pin.encode()

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check a link or a form.

        Raises:
            Refusal: as Dotpay shows an error page.
        """
        if path != "/":
            raise Refusal(404, "Dotpay: no such page")
        fields = _form(query if method == "GET" else body.decode("utf-8", "replace"))
        _check(fields)
        given = fields.pop("chk")
        if fields["id"] != self._id or given != self._signature(fields):
            raise Refusal(400, "Dotpay: no such shop, or chk is wrong")
        notify = fields.get("urlc") or self._panel.notify
        if not notify:
            raise Refusal(400, "Dotpay: there is no address for URLC; set it in the panel")
        return self._request(fields, notify)

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write URLC about an operation; Dotpay tells nothing of chargebacks."""
        if told.kind not in OPERATIONS:
            return []
        fields = _told(told, asked)
        signature = self.urlc(fields)
        kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        return [Letter(body=urlencode({**fields, "signature": signature}).encode(), headers=kind)]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - the same for all
        """Say whether this is `OK` and nothing else."""
        return (status, body) == (200, b"OK")

    def urlc(self, fields: dict[str, str]) -> str:
        """Return the signature of a notification."""
        return sha256(self._pin + "".join(fields.get(name, "") for name in URLC).encode()).hexdigest()

    def _signature(self, fields: dict[str, str]) -> str:
        if fields["api_version"] == "dev":
            return sha256(self._pin + "".join(fields.get(name, "") for name in DEV).encode()).hexdigest()
        listed = {**fields, "paramsList": ";".join(sorted(fields))}
        text = json.dumps(dict(sorted(listed.items())), separators=(",", ":"))
        return hmac.new(self._pin, text.encode("ascii"), sha256).hexdigest()

    def _request(self, fields: dict[str, str], notify: str) -> Request:
        back = fields.get("url") or f"{self._panel.shop}/"
        joint = "&" if "?" in back else "?"
        minor = int(fields["amount"].replace(".", ""))
        return Request(
            order=fields.get("control", ""),
            shop_id=fields["id"],
            money=Money(minor=minor, currency=fields["currency"]),
            description=fields["description"],
            email=fields.get("email", ""),
            lang=fields.get("lang", "pl"),
            done=f"{back}{joint}status=OK",
            failed=f"{back}{joint}status=FAIL",
            notify=notify,
        )


def dialect(panel: Panel) -> DotpayDialect:
    """Make Dotpay's side for the demo's shop."""
    return DotpayDialect(panel, **DEMO)


def number(told_id: str) -> str:
    """Return the number of an operation, which looks like `M1234-5678`."""
    digits = f"{int(sha256(told_id.encode()).hexdigest(), 16) % 10**8:08d}"
    return f"M{digits[:4]}-{digits[4:]}"


def _form(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=80)
    if len(dict(pairs)) != len(pairs):
        raise Refusal(400, "Dotpay: a field came twice")
    return dict(pairs)


def _check(fields: dict[str, str]) -> None:
    for name in NEEDED:
        if not fields.get(name):
            raise Refusal(400, f"Dotpay: {name} is missing")
    for name, value in fields.items():
        if name in RULES and not re.fullmatch(RULES[name], value):
            raise Refusal(400, f"Dotpay: {name} is not as documented")


def _told(told: Notification, asked: Request) -> dict[str, str]:
    kind, status = OPERATIONS[told.kind]
    amount = f"{told.amount // 100}.{told.amount % 100:02d}"
    fields = {
        "id": told.shop_id,
        "operation_number": number(told.id),
        "operation_type": kind,
        "operation_status": status,
        "operation_amount": amount,
        "operation_currency": told.currency,
        "is_completed": "true" if status == "completed" else "false",
        "operation_original_amount": amount,
        "operation_original_currency": told.currency,
        "operation_datetime": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "operation_related_number": number(told.of) if told.of else "",
        "control": told.order,
        "description": asked.description,
        "email": asked.email or "zofia@example.com",
        "p_info": "Sklep w piaskownicy",
        "p_email": "sklep@example.com",
        "channel": "73",
        "geoip_country": "POL",
    }
    return {name: value for name, value in fields.items() if value}
