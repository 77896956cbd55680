"""2Checkout as it stands before a shop: signed buy links at `/checkout/buy`, IPNs to the address in its panel.

A link that is signed wrongly opens an empty cart. An IPN is acknowledged by a receipt over its own fields.
It is repeated twice within five minutes, four times every quarter of an hour, then every hour.
Of a chargeback it tells by two fields of an IPN that is COMPLETE, as its own plugins read it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl

from kramik.money import Money, exponent
from kramik.payment import encoded
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request

DEMO = {
    "merchant_code": "250000000001",
    "secret_word": "demo buy-link word",
    "secret_key": "demo account key",
}
SIGNED = {
    *("return-url", "return-type", "expiration", "order-ext-ref", "customer-ref", "customer-ext-ref", "lock"),
    *("currency", "prod", "price", "qty", "tangible", "type", "opt", "description", "recurrence", "duration"),
    *("renewal-price", "item-ext-ref"),
}
NEEDED = ("merchant", "prod", "price", "qty", "type", "currency")
STATUSES = {
    "paid": "COMPLETE",
    "chargeback": "COMPLETE",
    "pending": "PENDING",
    "failed": "CANCELED",
    "refund": "REFUND",
}

_PRICE = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]+))?")
_RECEIPT = re.compile(rb'<sig algo="sha256" date="([0-9]{14})">([0-9a-fA-F]{64})</sig>')


class TwoCheckoutDialect:
    """One account."""

    name = "twocheckout"
    pauses = (150.0, 150.0, 900.0, 900.0, 900.0, 900.0, 3600.0)

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._tests: set[str] = set()

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:  # noqa: ARG002 - a link has no body
        """Check a buy link.

        Raises:
            Refusal: the buyer would see an empty cart.
        """
        if method != "GET" or path.rstrip("/") != "/checkout/buy":
            raise Refusal(404, "2Checkout takes buy links at /checkout/buy")
        pairs = parse_qsl(query, keep_blank_values=True)
        link = dict(pairs)
        if len(link) != len(pairs) or not all(link.get(name) for name in NEEDED):
            raise Refusal(400, "the cart is empty: a parameter is missing or came twice")
        if link["merchant"] != DEMO["merchant_code"] or link.get("dynamic") not in ("1", "TRUE"):
            raise Refusal(400, "the cart is empty: no such merchant, or no such product in its catalogue")
        values = (link[name].encode() for name in sorted(SIGNED & link.keys()))
        given = link.get("signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(_mac(DEMO["secret_word"], values).encode(), given):
            raise Refusal(400, "the cart is empty: the signature is wrong")
        return self._request(link)

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write the IPN."""
        fields = _ipn(told, asked, test=asked.order in self._tests)
        source = _source(value.encode() for value in fields.values())
        key = DEMO["secret_key"].encode()
        fields["HASH"] = hmac.digest(key, source, "md5").hex()
        fields["SIGNATURE_SHA2_256"] = hmac.digest(key, source, "sha256").hex()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return [Letter(body=encoded(fields).encode(), headers=headers)]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:
        """Say whether a receipt for this IPN stands anywhere in the answer."""
        found = _RECEIPT.search(body)
        if status != 200 or found is None:  # noqa: PLR2004 - as 2Checkout wants it
            return False
        sent = dict(parse_qsl(letter.body.decode(), keep_blank_values=True))
        values = [sent[name].encode() for name in ("IPN_PID[]", "IPN_PNAME[]", "IPN_DATE")]
        return hmac.compare_digest(_mac(DEMO["secret_key"], [*values, found[1]]), found[2].decode().lower())

    def _request(self, link: dict[str, str]) -> Request:
        order = link.get("order-ext-ref", "")
        if link.get("test") in ("1", "TRUE"):
            self._tests.add(order)
        return Request(
            order=order,
            shop_id=link["merchant"],
            money=_money(link),
            description=link["prod"],
            email=link.get("email", ""),
            lang=link.get("language", "en"),
            done=link.get("return-url", self._panel.shop),
            failed=self._panel.shop,
            notify=self._panel.notify,
        )


def dialect(panel: Panel) -> TwoCheckoutDialect:
    """Make the account."""
    return TwoCheckoutDialect(panel)


def _source(values: Iterable[bytes]) -> bytes:
    return b"".join(str(len(value)).encode() + value for value in values)


def _mac(key: str, values: Iterable[bytes]) -> str:
    return hmac.digest(key.encode(), _source(values), "sha256").hex()


def _money(link: dict[str, str]) -> Money:
    price, quantity = _PRICE.fullmatch(link["price"]), link["qty"]
    sound = re.fullmatch(r"[A-Z]{3}", link["currency"]) and re.fullmatch(r"[1-9][0-9]?", quantity)
    digits = exponent(link["currency"])
    if (
        not price
        or not sound
        or link["type"] != "PRODUCT"
        or ";" in link["prod"]
        or len(price[2] or "") > digits
    ):
        raise Refusal(400, "the cart is empty: the product can not be read")
    minor = int(price[1] + (price[2] or "").ljust(digits, "0"))
    return Money(minor=minor * int(quantity), currency=link["currency"])


def _number(text: str) -> str:
    return str(100_000_000 + int.from_bytes(sha256(text.encode()).digest()[:4]) % 900_000_000)


def _ipn(told: Notification, asked: Request, *, test: bool) -> dict[str, str]:
    """Return the fields of an IPN in the order in which they are sent."""
    money = Money(minor=told.amount, currency=told.currency)
    disputed = told.kind == "chargeback"
    return {
        "GIFT_ORDER": "0",
        "SALEDATE": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "REFNO": _number(told.of or told.id),
        "REFNOEXT": told.order,
        "ORDERSTATUS": STATUSES[told.kind],
        "PAYMETHOD": "Visa/MasterCard",
        "FIRSTNAME": "Żółty",
        "COMPANY": "",
        "CURRENCY": told.currency,
        "IPN_PID[]": _number(asked.description)[:8],
        "IPN_PNAME[]": asked.description,
        "IPN_QTY[]": "1",
        "IPN_TOTALGENERAL": f"-{money.amount}" if told.kind == "refund" else money.amount,
        "CHARGEBACK_RESOLUTION": "OPEN" if disputed else "NONE",
        "CHARGEBACK_REASON_CODE": "FRAUD" if disputed else "",
        "TEST_ORDER": "1" if test else "0",
        "IPN_DATE": f"{datetime.now(UTC):%Y%m%d%H%M%S}",
        "VENDOR_CODE": told.shop_id,
    }
