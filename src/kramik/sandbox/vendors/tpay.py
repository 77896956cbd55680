"""Tpay's transaction panel as this world plays it: the link with its md5sum, and notifications with md5sum and JWS.

The JWS is detached and made with RS256; its certificate is said to be at the vendor's own address, where nobody looks:
the demo hands it in. The pauses are made up, only that there are many repeats is documented.
A refund and a chargeback look the same. Of a refund in part Tpay's documents say nothing, so nothing is told.
Source: https://docs-api.tpay.com/webhooks , https://support.tpay.com/openapi/odbieranie-powiadomienia-o-wplacie ,
https://github.com/tpay-com/tpay-php (BasicPaymentOptions, BasicFieldsDictionary)
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from functools import cached_property
from hashlib import md5
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from kramik.money import Money
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request
from kramik.sandbox.vendors.tpay_keys import PRIMES, ROOT, SIGNER

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

DEMO = {
    "merchant_id": "1010",
    "code": "made-up-tpay-code-5e0b7a",
    "certificate": SIGNER,
    "root_certificate": ROOT,
}

RULES = {
    "id": r"[0-9]{1,10}",
    "amount": r"(?:0|[1-9][0-9]{0,9})\.[0-9]{2}",
    "description": r".{1,128}",
    "crc": r".{0,128}",
    "md5sum": r"[0-9a-f]{32}",
    "result_url": r"https?://\S{1,504}",
    "return_url": r"https?://\S{1,504}",
    "return_error_url": r"https?://\S{1,504}",
    "language": r"PL|EN|DE|IT|ES|FR|RU",
    "group": r"[0-9]{1,4}",
    "online": r"[01]",
    "email": r"[^@\s]+@[^@\s]{1,63}",
    "name": r".{1,128}",
}
NEEDED = ("id", "amount", "description", "md5sum")
ADDRESS = "https://secure.tpay.com/x509/notifications-jws.pem"
STATUSES = {
    "paid": "TRUE",
    "pending": "PAID",
    "failed": "FALSE",
    "refund": "CHARGEBACK",
    "chargeback": "CHARGEBACK",
}
BUYER = "zofia@example.com"


class TpayDialect:
    """The protocol of Tpay's panel, with one account."""

    name = "tpay"
    pauses = (60.0, 60.0, 180.0, 600.0, 3600.0)

    def __init__(self, panel: Panel, *, merchant_id: str, code: str) -> None:
        self._panel, self._id, self._code = panel, merchant_id, code

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check a link or a form.

        Raises:
            Refusal: as Tpay shows an error page.
        """
        if path != "/":
            raise Refusal(404, "Tpay: no such page")
        fields = _form(query if method == "GET" else body.decode("utf-8", "replace"))
        _check(fields)
        signed = "&".join((fields["id"], fields["amount"], fields.get("crc", ""), self._code))
        if fields["id"] != self._id or fields["md5sum"] != _md5(signed):
            raise Refusal(400, "Tpay: no such account, or the md5sum is wrong")
        notify = fields.get("result_url") or self._panel.notify
        if not notify:
            raise Refusal(400, "Tpay: there is no address for notifications; set it in the panel")
        return self._request(fields, notify)

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write the form about a transaction and sign it twice."""
        if told.of and told.amount < asked.money.minor:
            return []
        return [self.letter(told, asked, f"TR-{(told.of or told.id).removeprefix('t-')}X")]

    def letter(self, told: Notification, asked: Request, title: str) -> Letter:
        """Write the form about the transaction of this title."""
        body = urlencode(self._told(told, asked, title)).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return Letter(body=body, headers={**kind, "x-jws-signature": self.signature(body)})

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - the same for all
        """Say whether this is `TRUE` and nothing else."""
        return (status, body) == (200, b"TRUE")

    def signature(self, body: bytes, **head: object) -> str:
        """Return the JWS of a body; `head` changes its header."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - only when it is played
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above

        first = _base64(json.dumps({"alg": "RS256", "x5u": ADDRESS, **head}).encode())
        made = self._key.sign(f"{first}.{_base64(body)}".encode(), PKCS1v15(), SHA256())
        return f"{first}..{_base64(made)}"

    @cached_property
    def _key(self) -> RSAPrivateKey:
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - only when it is played

        (p, q), e = PRIMES, 65537
        d = pow(e, -1, (p - 1) * (q - 1))
        public = rsa.RSAPublicNumbers(e, p * q)
        numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
        return numbers.private_key()

    def _request(self, fields: dict[str, str], notify: str) -> Request:
        done = fields.get("return_url") or f"{self._panel.shop}/"
        return Request(
            order=fields.get("crc", ""),
            shop_id=fields["id"],
            money=Money(minor=int(fields["amount"].replace(".", "")), currency="PLN"),
            description=fields["description"],
            email=fields.get("email", ""),
            lang=fields.get("language", "PL").lower(),
            done=done,
            failed=fields.get("return_error_url") or done,
            notify=notify,
        )

    def _told(self, told: Notification, asked: Request, title: str) -> dict[str, str]:
        amount = _amount(asked.money.minor)
        return {
            "id": told.shop_id,
            "tr_id": title,
            "tr_date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            "tr_crc": told.order,
            "tr_amount": amount,
            "tr_paid": _amount(0 if told.kind == "failed" else told.amount),
            "tr_desc": asked.description,
            "tr_status": STATUSES[told.kind],
            "tr_error": _error(told.amount - asked.money.minor),
            "tr_email": asked.email or BUYER,
            "test_mode": "0",
            "md5sum": _md5(told.shop_id + title + amount + told.order + self._code),
        }


def dialect(panel: Panel) -> TpayDialect:
    """Make Tpay's side for the demo's account."""
    return TpayDialect(panel, merchant_id=DEMO["merchant_id"], code=DEMO["code"])


def _form(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=60)
    if len(dict(pairs)) != len(pairs):
        raise Refusal(400, "Tpay: a field came twice")
    return dict(pairs)


def _check(fields: dict[str, str]) -> None:
    for name in NEEDED:
        if not fields.get(name):
            raise Refusal(400, f"Tpay: {name} is missing")
    for name, value in fields.items():
        if name in RULES and not re.fullmatch(RULES[name], value):
            raise Refusal(400, f"Tpay: {name} is not as documented")


def _error(over: int) -> str:
    return "none" if not over else "overpay" if over > 0 else "surcharge"


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _md5(text: str) -> str:
    return md5(text.encode()).hexdigest()  # noqa: S324 - the protocol has nothing else


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
