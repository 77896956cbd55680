"""What Stripe's events and answers are about: sessions, charges and disputes, and the facts that we make of them.

Only what we need of each is read; fields that a later version adds change nothing.
Source: https://docs.stripe.com/checkout/fulfillment , https://docs.stripe.com/api/checkout/sessions/object ,
https://docs.stripe.com/currencies
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec.structs import replace

from kramik.errors import NeedsOperator, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.money import LIMIT, Money

FINER = {"ISK": 100, "UGX": 100}
"""Currencies that Stripe counts in hundredths although they have no minor unit."""

ENDED: Mapping[str, Kind] = {
    "checkout.session.async_payment_failed": "failed",
    "checkout.session.expired": "failed",
}
COMPLETED = ("checkout.session.completed", "checkout.session.async_payment_succeeded")

Amount = Annotated[int, msgspec.Meta(ge=0, lt=LIMIT)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{3}\Z")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Metadata = Mapping[str, str]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A Checkout Session; `amount_total` in Stripe's minor units, `url` where it can still be paid."""

    id: Id
    amount_total: Amount
    currency: Currency
    payment_status: str
    status: str | None = None
    url: str | None = None
    payment_link: str | None = None
    payment_intent: str | None = None
    client_reference_id: str | None = None
    metadata: Metadata | None = None

    @property
    def money(self) -> Money:
        """Return what is to be paid, or was."""
        return money(self.amount_total, self.currency)

    @property
    def completed_as(self) -> Kind:
        """Return what a session is that the buyer has completed."""
        return "paid" if self.payment_status in ("paid", "no_payment_required") else "pending"


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge of which money went back; `amount_refunded` counts all refunds so far."""

    id: Id
    amount_refunded: Amount
    currency: Currency
    payment_intent: str | None = None
    metadata: Metadata | None = None


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What changed, as it was before."""

    amount_refunded: Amount = 0


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A chargeback, or an inquiry that takes no money."""

    id: Id
    amount: Amount
    currency: Currency
    charge: Id
    status: str
    payment_intent: str | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event: its type, what it is about, what changed as it was before; `account` is a connected one, if any."""

    type: str
    account: str = ""
    thing: Mapping[str, object]
    before: Mapping[str, object]

    @property
    def session(self) -> Session:
        """Read it as being about a session."""
        return msgspec.convert(self.thing, Session)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whose facts they are: the name of the gateway, and of our account at Stripe."""

    gateway: str
    shop_id: str

    def session(self, session: Session, kind: Kind, *, order: str, begun: str = "") -> PaymentEvent:
        """Return what became of a session; what is paid is its payment, which refunds name too."""
        payment = session.payment_intent or session.id
        return PaymentEvent(
            order=order,
            gateway=self.gateway,
            reference=payment if kind == "paid" else f"{session.id}-{kind}",
            kind=kind,
            shop_id=self.shop_id,
            money=session.money,
            begun=begun,
        )

    def refund(self, charge: Charge, before: Before, *, order: str = "") -> PaymentEvent:
        """Return what went back this time; without an order's id the payment has to lead to it."""
        payment = charge.payment_intent or charge.id
        return PaymentEvent(
            order=order or payment,
            gateway=self.gateway,
            reference=f"{charge.id}-{charge.amount_refunded}",
            kind="refund",
            shop_id=self.shop_id,
            money=money(charge.amount_refunded - before.amount_refunded, charge.currency),
            of=payment,
        )

    def dispute(self, dispute: Dispute) -> PaymentEvent | None:
        """Return a chargeback, which names its payment alone; an inquiry takes no money and says nothing."""
        if dispute.status.startswith("warning_"):
            return None
        payment = dispute.payment_intent or dispute.charge
        return PaymentEvent(
            order=payment,
            gateway=self.gateway,
            reference=dispute.id,
            kind="chargeback",
            shop_id=self.shop_id,
            money=money(dispute.amount, dispute.currency),
            of=payment,
        )

    def about(
        self,
        told: Told,
        session: Callable[[Session, Kind], PaymentEvent | None],
        charge: Callable[[Charge, Before], PaymentEvent | None],
    ) -> PaymentEvent | None:
        """Return the fact of an event, as `session` and `charge` make it; none of an event that says nothing to us.

        What Stripe says about a connected account was paid to that account.
        """
        event = self._about(told, session, charge)
        return replace(event, shop_id=told.account) if event and told.account else event

    def _about(
        self,
        told: Told,
        session: Callable[[Session, Kind], PaymentEvent | None],
        charge: Callable[[Charge, Before], PaymentEvent | None],
    ) -> PaymentEvent | None:
        if told.type in COMPLETED:
            completed = told.session
            return session(completed, completed.completed_as)
        if told.type in ENDED:
            return session(told.session, ENDED[told.type])
        if told.type == "charge.refunded":
            return charge(msgspec.convert(told.thing, Charge), msgspec.convert(told.before, Before))
        if told.type == "charge.dispute.created":
            return self.dispute(msgspec.convert(told.thing, Dispute))
        return None


def read(body: bytes, about: Callable[[Told], PaymentEvent | None]) -> PaymentEvent | None:
    """Read an event that was signed.

    Raises:
        NeedsOperator: it can not be read; it is kept for a person.
    """
    try:
        told = _object(json.loads(body.decode(), object_pairs_hook=_once, parse_float=str))
        data = _object(told.get("data"))
        before = _object(data.get("previous_attributes") or {})
        thing, account = _object(data.get("object")), str(told.get("account") or "")
        return about(Told(type=str(told.get("type")), account=account, thing=thing, before=before))
    except (ValueError, TypeError, RecursionError, Rejected):
        why = "a signed event of Stripe can not be read; look at it in the dashboard, then update kramik"
        raise NeedsOperator(why) from None


def money(amount: int, currency: str) -> Money:
    """Read Stripe's amount.

    Raises:
        Rejected: it is negative, or in units that the currency does not have.
    """
    code = currency.upper()
    whole, rest = divmod(amount, FINER.get(code, 1))
    if rest:
        raise Rejected(Problem(field="amount", code="not_money", message="is finer than its currency"))
    return Money(minor=whole, currency=code)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("an object is missing")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields
