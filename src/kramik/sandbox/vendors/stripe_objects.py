"""What both ways of paying at Stripe share here: signed events, the objects they are about, the key of a call.

An event is signed over its time and its body; the time is that of sending. Amounts are integers in the smallest unit.
Source: https://docs.stripe.com/webhooks/signature , https://docs.stripe.com/api/checkout/sessions/object
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from time import time

import msgspec

from kramik.money import Money
from kramik.sandbox.dialect import Call, Letter, Notification, Refusal, Reply

PAUSES = (60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 43_200.0)
SESSIONS = "/v1/checkout/sessions"
MOST = 10_000


class Till:
    """The sessions of one account, and how much of each payment went back."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, object]] = {}
        self._returned: dict[str, int] = {}

    def keep(self, session: dict[str, object]) -> dict[str, object]:
        """Keep a session as it is now."""
        self.sessions[str(session["id"])] = session
        if len(self.sessions) > MOST:
            del self.sessions[next(iter(self.sessions))]
        return session

    def refund(self, told: Notification, metadata: Mapping[str, str]) -> dict[str, object]:
        """Return the event of money that went back; Stripe counts all refunds of a charge together."""
        before = self._returned.get(told.of, 0)
        self._returned[told.of] = before + told.amount
        charge = {
            "id": f"ch_{token(told.of)}",
            "object": "charge",
            "payment_intent": intent(told.of),
            "amount_refunded": before + told.amount,
            "currency": told.currency.lower(),
            "metadata": metadata,
        }
        changed = {"amount_refunded": before}
        return {"type": "charge.refunded", "data": {"object": charge, "previous_attributes": changed}}


def session(told: Notification, email: str, **facts: object) -> dict[str, object]:
    """Return a session that ended with this."""
    return {
        "id": f"cs_test_{token(told.id)}",
        "object": "checkout.session",
        "amount_total": told.amount,
        "created": int(time()),
        "currency": told.currency.lower(),
        "client_reference_id": told.order or None,
        "customer_details": {"email": email},
        "metadata": {},
        "mode": "payment",
        "payment_intent": intent(told.id),
        "payment_link": None,
        "payment_status": "paid" if told.kind == "paid" else "unpaid",
        "status": "complete",
        **facts,
    }


def dispute(told: Notification) -> dict[str, object]:
    """Return the event of a chargeback, which names no order."""
    about = {
        "id": f"dp_{token(told.id)}",
        "object": "dispute",
        "amount": told.amount,
        "currency": told.currency.lower(),
        "charge": f"ch_{token(told.of)}",
        "metadata": {},
        "payment_intent": intent(told.of),
        "status": "needs_response",
    }
    return {"type": "charge.dispute.created", "data": {"object": about}}


def letter(told: Notification, secret: str, event: dict[str, object]) -> Letter:
    """Write an event, signed as of now."""
    whole = {"id": f"evt_{token(told.id)}", "object": "event", "livemode": False, **event}
    body, stamp = msgspec.json.format(msgspec.json.encode(whole), indent=2), str(int(time()))
    mac = hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()
    header = f"t={stamp},v1={mac},v0={'0' * 64}"
    return Letter(
        body=body, headers={"content-type": "application/json; charset=utf-8", "stripe-signature": header}
    )


def unlock(call: Call, key: str) -> None:
    """Look whether a call shows the account's secret key, and names a version.

    Raises:
        Refusal: it does not.
    """
    if call.headers.get("authorization") != f"Bearer {key}":
        raise Refusal(401, "Invalid API Key provided")
    if not call.headers.get("stripe-version"):
        raise Refusal(400, "this world takes no call without a Stripe-Version")


def answered(content: object) -> Reply:
    """Answer with JSON."""
    return Reply(body=msgspec.json.encode(content), headers={"content-type": "application/json"})


def units(amount: str, currency: str) -> Money:
    """Read an amount in the smallest unit.

    Raises:
        Refusal: it is no such amount.
    """
    if not (amount.isascii() and amount.isdigit() and 0 < len(amount) <= 8 and int(amount) > 0):  # noqa: PLR2004 - as documented
        raise Refusal(400, "Invalid integer: unit_amount")
    if not (currency.isascii() and currency.islower() and len(currency) == 3):  # noqa: PLR2004 - a currency
        raise Refusal(400, "Invalid currency")
    return Money(minor=int(amount), currency=currency.upper())


def intent(payment: str) -> str:
    """Return the id of a payment."""
    return f"pi_{token(payment)}"


def token(text: str) -> str:
    """Return letters and digits that stand for this."""
    return sha256(text.encode()).hexdigest()[:24]
