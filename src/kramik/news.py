"""What the seller should hear of at once: an order that parks, money that does not fit or went back, a withdrawal.

Pure: it compares an order with what it was, and says which facts are new. What an order was before its seller
asked to be told is not news.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import msgspec

from kramik.event import RETURNS, Payment
from kramik.notice import Channel, Notice, NoticeKind
from kramik.order import Order


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact, and a sentence that says what happened and what to do."""

    id: str
    kind: NoticeKind
    text: str


def owe(before: Order, after: Order, channels: Collection[Channel], *, now: datetime) -> Order:
    """Owe the seller a notice by each channel of every fact that `after` has and `before` has not."""
    if not channels or after is before:
        return after
    known = {fact.id for fact in facts(before)}
    fresh = _joined([fact for fact in facts(after) if fact.id not in known])
    notices = [
        Notice(fact=fact.id, kind=fact.kind, channel=channel, text=fact.text, at=now)
        for fact in fresh
        for channel in channels
    ]
    return after.owe(notices, now=now)


def facts(order: Order) -> Iterator[Fact]:
    """Yield every fact of an order that asks for a notice."""
    for step in order.steps:
        if order.payment and step.state == "parked" and order.counts(step):
            yield Fact(id=f"parked/{step.name}/{step.parks}", kind="parked", text=f"{step.name}: {step.why}")
    for payment in order.payments:
        fact = _of_payment(order, payment)
        if fact is not None:
            yield fact
    if order.withdrawal is not None and not order.withdrawal.decision:
        text = order.attention[-1] if order.attention else "a buyer withdrew"
        yield Fact(id="withdrawal", kind="withdrawal", text=text)


def _joined(fresh: list[Fact]) -> list[Fact]:
    """Make one fact of the steps that parked in the same moment: a person is called once."""
    parked = [fact for fact in fresh if fact.kind == "parked"]
    if len(parked) < 2:  # noqa: PLR2004 - there is nothing to join
        return fresh
    joined = Fact(
        id="+".join(fact.id for fact in parked), kind="parked", text="; ".join(fact.text for fact in parked)
    )
    return [joined, *(fact for fact in fresh if fact.kind != "parked")]


def _of_payment(order: Order, payment: Payment) -> Fact | None:
    event, unwanted = payment.event, order.unwanted(payment.event)
    name = f"{event.gateway}/{event.reference}"
    if payment.verdict in ("mismatch", "second") and unwanted:
        kind: NoticeKind = "second" if payment.verdict == "second" else "mismatch"
        return Fact(id=f"{kind}/{name}", kind=kind, text=unwanted)
    if event.kind in RETURNS:
        kind = "refund" if event.kind == "refund" else "chargeback"
        back = f"{event.money or 'the money'} went back to the buyer ({kind} at {name})"
        return Fact(id=f"{kind}/{name}", kind=kind, text=f"{back}: {_after_refund(order)}")
    return None


def _after_refund(order: Order) -> str:
    if order.status != "refunded":
        return "the order stays as it is; there is nothing to do unless you agreed on something else"
    if order.to_revoke:
        return "kramik takes the access back; there is nothing to do"
    by_hand = any("take the access back" in sentence for sentence in order.attention)
    return (
        "take the access back at the academy"
        if by_hand
        else "the buyer had no access; there is nothing to do"
    )
