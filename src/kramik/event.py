"""What a gateway said about an order, and how such facts compare: the vocabulary of `order.py` about money.

Facts come twice, late and out of order, so everything here is a pure function of the facts known so far.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from kramik.intent import Intent
from kramik.money import Money

Kind = Literal["paid", "pending", "failed", "refund", "chargeback"]
Verdict = Literal["accepted", "second", "mismatch", "already_refunded", "noted"]

RETURNS = ("refund", "chargeback")


class PaymentEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gateway said, authenticated but not yet believed.

    `reference` is the gateway's id of this very fact, unique for its kind; for a refund or a chargeback
    `of` is the reference of the payment that goes back. `shop_id` is the account that the gateway named.
    `begun` is the reference of what was begun by our call, where that is another one.
    """

    order: str
    gateway: str
    reference: str
    kind: Kind
    shop_id: str
    money: Money | None = None
    of: str = ""
    begun: str = ""

    @property
    def fact(self) -> tuple[str, str, str]:
        """Return what makes two events the same fact."""
        return self.gateway, self.kind, self.reference


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A payment event as an order received it, and what it means there."""

    event: PaymentEvent
    at: datetime
    verdict: Verdict
    why: str = ""
    settled: str = ""
    """Why a person says that nothing is left to do about it."""


class Begun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A payment that a gateway began for an order when it was called: its id there, and where the buyer pays it."""

    reference: str
    url: str
    at: datetime


def went_back(paid: PaymentEvent, payments: Iterable[Payment], price: Money) -> bool:
    """Say whether all of this payment was returned; an amount not told, or in other money, counts as all."""
    whole = paid.money or price
    events = (payment.event for payment in payments if payment.event.kind in RETURNS)
    amounts = [
        event.money or whole
        for event in events
        if (event.gateway, event.of) == (paid.gateway, paid.reference)
    ]
    back = sum((money if money.currency == whole.currency else whole).minor for money in amounts)
    return back > 0 and back >= whole.minor


def difference(order_id: str, intent: Intent, event: PaymentEvent) -> str:
    """Say in which way this payment is not the one that was agreed; empty when it is."""
    if event.order != order_id:
        return f"it was paid for order {event.order}, not for this one"
    if event.gateway != intent.gateway:
        return f"it came through {event.gateway}, the order was sent to {intent.gateway}"
    if event.shop_id != intent.shop_id:
        return f"it was paid to shop {event.shop_id!r}, not to {intent.shop_id!r}"
    if event.money != intent.price:
        return f"{event.money or 'no amount'} instead of {intent.price}"
    return ""
