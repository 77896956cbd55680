"""Stripe as it stands before a shop that uses Payment Links: the links of its dashboard, and signed events.

Nothing in the address of a link is signed, and a reference of odd characters is dropped without a word.
The price belongs to the link, and so does the page that a buyer returns to, which is the same for all orders.
Events are repeated for three days, later each time. Refunds and disputes name the payment and no order.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from time import time
from urllib.parse import parse_qsl

import msgspec

from kramik.money import Money
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request

ACCOUNT = "acct_demo"
SECRET = "whsec_demo_secret_of_the_sandbox"  # noqa: S105 - made up
CODES = {"agregaty-w-praktyce": "test_agregaty", "kolejki-bez-strachu": "test_kolejki"}
PRICES = {
    "test_agregaty": Money(minor=29_900, currency="PLN"),
    "test_kolejki": Money(minor=19_900, currency="PLN"),
}
"""The dashboard of the example shop: its links, and what each of them costs."""

DEMO: dict[str, object] = {
    "account": ACCOUNT,
    "webhook_secret": SECRET,
    "links": {product: {"id": f"plink_{code}", "code": code} for product, code in CODES.items()},
}

_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,200}")


class StripeDialect:
    """One account with its links."""

    name = "stripe"
    pauses = (60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 43_200.0)

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._returned: dict[str, int] = {}

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:  # noqa: ARG002 - a link has no body
        """Open a link.

        Raises:
            Refusal: there is no such link.
        """
        code = path.strip("/")
        if method != "GET" or code not in PRICES:
            raise Refusal(404, "Stripe knows no such link")
        address = dict(parse_qsl(query))
        reference = address.get("client_reference_id", "")
        return Request(
            order=reference if _REFERENCE.fullmatch(reference) else "",
            shop_id=ACCOUNT,
            money=PRICES[code],
            description=code,
            email=address.get("prefilled_email", ""),
            lang=address.get("locale", "en"),
            done=f"{self._panel.shop}/thanks/",
            failed=f"{self._panel.shop}/",
            notify=self._panel.notify,
        )

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write the event, signed as of now."""
        event = {
            "id": f"evt_{_token(told.id)}",
            "object": "event",
            "livemode": False,
            **self._event(told, asked),
        }
        body, stamp = msgspec.json.format(msgspec.json.encode(event), indent=2), str(int(time()))
        mac = hmac.digest(SECRET.encode(), stamp.encode() + b"." + body, "sha256").hex()
        header = f"t={stamp},v1={mac},v0={'0' * 64}"
        return [
            Letter(
                body=body,
                headers={"content-type": "application/json; charset=utf-8", "stripe-signature": header},
            )
        ]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - only the status counts
        """Say whether the status is any of 2xx."""
        return 200 <= status < 300  # noqa: PLR2004 - as Stripe wants it

    def _event(self, told: Notification, asked: Request) -> dict[str, object]:
        if told.kind == "refund":
            return self._refund(told)
        if told.kind == "chargeback":
            return _dispute(told)
        kind = (
            "checkout.session.async_payment_failed" if told.kind == "failed" else "checkout.session.completed"
        )
        return {"type": kind, "data": {"object": _session(told, asked)}}

    def _refund(self, told: Notification) -> dict[str, object]:
        before = self._returned.get(told.of, 0)
        self._returned[told.of] = before + told.amount
        charge = {
            "id": f"ch_{_token(told.of)}",
            "object": "charge",
            "payment_intent": _intent(told.of),
            "amount_refunded": before + told.amount,
            "currency": told.currency.lower(),
            "metadata": {},
        }
        changed = {"amount_refunded": before}
        return {"type": "charge.refunded", "data": {"object": charge, "previous_attributes": changed}}


def dialect(panel: Panel) -> StripeDialect:
    """Make the account."""
    return StripeDialect(panel)


def _session(told: Notification, asked: Request) -> dict[str, object]:
    return {
        "id": f"cs_test_{_token(told.id)}",
        "object": "checkout.session",
        "amount_total": told.amount,
        "currency": told.currency.lower(),
        "client_reference_id": told.order or None,
        "customer_details": {"email": asked.email},
        "mode": "payment",
        "payment_intent": _intent(told.id),
        "payment_link": f"plink_{asked.description}" if told.shop_id == ACCOUNT else told.shop_id,
        "payment_status": "paid" if told.kind == "paid" else "unpaid",
        "status": "complete",
    }


def _dispute(told: Notification) -> dict[str, object]:
    dispute = {
        "id": f"dp_{_token(told.id)}",
        "object": "dispute",
        "amount": told.amount,
        "currency": told.currency.lower(),
        "charge": f"ch_{_token(told.of)}",
        "payment_intent": _intent(told.of),
        "status": "needs_response",
    }
    return {"type": "charge.dispute.created", "data": {"object": dispute}}


def _intent(payment: str) -> str:
    return f"pi_{_token(payment)}"


def _token(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:24]
