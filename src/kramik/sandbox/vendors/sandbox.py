"""The sandbox's own gateway, whose protocol is as small as a signed one can be.

A payment request (GET or POST of a form) to `/gateway/pay` has the fields
`order shop_id amount currency description email lang done failed notify` and `signature`: the HMAC-SHA256, in hex,
of all other fields as JSON: sorted by name, no spaces, UTF-8. It answers 303 to the pay page of a session.

A notification is JSON with the header `X-Sandbox-Signature`: the HMAC-SHA256 of the raw body, in hex.
Acknowledged is exactly: status 200 and the body `OK`.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import msgspec

from kramik.money import Money, exponent
from kramik.payment import same, sign
from kramik.sandbox.dialect import Letter, Notification, Refusal, Request

FIELDS = (
    "order",
    "shop_id",
    "amount",
    "currency",
    "description",
    "email",
    "lang",
    "done",
    "failed",
    "notify",
)
URLS = ("done", "failed", "notify")

_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]+))?")


class SandboxDialect:
    """The protocol of the sandbox's own gateway, with one key."""

    name = "gateway"
    pauses = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check a payment request.

        Raises:
            Refusal: it is not signed, not complete or says something twice.
        """
        if path != "/pay":
            raise Refusal(404, "no_session")
        raw = body.decode("utf-8", "replace") if method == "POST" else query
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=50)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Refusal(400, "doubled")
        signature = fields.pop("signature", "")
        if not self.signed(msgspec.json.encode(fields, order="sorted"), signature):
            raise Refusal(400, "not_signed")
        return _request(fields)

    def letters(self, told: Notification, asked: Request) -> list[Letter]:  # noqa: ARG002 - all is in `told`
        """Write it as JSON and sign that."""
        body = msgspec.json.encode(told)
        signature = sign(self._key, body).hex()
        headers = {"content-type": "application/json", "x-sandbox-signature": signature}
        return [Letter(body=body, headers=headers)]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - the same for all
        """Say whether this is `OK`."""
        return (status, body) == (200, b"OK")

    def signed(self, message: bytes, signature: str) -> bool:
        """Say whether our key made this signature."""
        return same(sign(self._key, message).hex().encode(), signature.encode("utf-8", "replace"))


def _request(fields: dict[str, str]) -> Request:
    money = _money(fields.get("amount", ""), fields.get("currency", ""))
    urls = all(fields.get(name, "").startswith(("http://", "https://")) for name in URLS)
    known = set(fields) == set(FIELDS) and fields["order"] and fields["shop_id"]
    if money is None or not urls or not known:
        raise Refusal(400, "not_complete")
    rest = {name: text for name, text in fields.items() if name not in ("amount", "currency")}
    return Request(money=money, **rest)


def _money(amount: str, currency: str) -> Money | None:
    match = _AMOUNT.fullmatch(amount)
    if match is None or not _CURRENCY.fullmatch(currency) or len(match[2] or "") != exponent(currency):
        return None
    return Money(minor=int(match[1] + (match[2] or "")), currency=currency)
