"""One visit to the pay page: what is to be paid, what was done about it, and what the shop is told.

Pure: an action returns the notifications that follow from it; who sends them is another matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from kramik.money import Money
from kramik.sandbox.notifier import Kind, Notification

Action = Literal[
    "pay",
    "fail",
    "pay_twice",
    "wrong_amount",
    "pending",
    "refund",
    "partial_refund",
    "refund_before_pay",
    "chargeback",
]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A payment request that was signed by the shop."""

    order: str
    shop_id: str
    money: Money
    description: str
    email: str
    lang: str
    done: str
    failed: str
    notify: str
    reference: str = ""
    """The vendor's own id of this payment, where it was begun by a call."""


class Session(msgspec.Struct, kw_only=True):
    """A pay page and every payment that came of it, as the shop is told about them."""

    id: str
    request: Request
    payments: list[Notification] = []

    @property
    def paid(self) -> Notification | None:
        """Return the first payment that went through."""
        return next((each for each in self.payments if each.kind == "paid"), None)

    def act(self, action: Action) -> list[Notification]:
        """Do what the button says; return what the shop is told, nothing when it can not be done (again)."""
        made = _ACTIONS[action](self)
        self.payments.extend(made)
        return made

    def pay(self) -> list[Notification]:
        """Pay what was asked for; a second press of the same button does nothing."""
        return [] if self.paid else [self._told("paid", 1)]

    def fail(self) -> list[Notification]:
        """Let a payment fail."""
        return [self._told("failed", 1)]

    def pend(self) -> list[Notification]:
        """Begin a payment that is not decided yet."""
        return [self._told("pending", 1)]

    def pay_twice(self) -> list[Notification]:
        """Pay the same order with two payments."""
        return [self._told("paid", 1), self._told("paid", 2)]

    def pay_wrong(self) -> list[Notification]:
        """Pay one unit less than was asked for, and never nothing."""
        asked = self.request.money.minor
        return [self._told("paid", 1, amount=asked - 1 if asked > 1 else asked + 1)]

    def refund(self) -> list[Notification]:
        """Send all of the first payment back, once."""
        return self._returned("refund", whole=True)

    def refund_partly(self) -> list[Notification]:
        """Send half of the first payment back."""
        return self._returned("refund", whole=False)

    def charge_back(self) -> list[Notification]:
        """Let the buyer's bank take the money back."""
        return self._returned("chargeback", whole=True)

    def refund_first(self) -> list[Notification]:
        """Tell of a refund before the payment that it belongs to."""
        if self.paid:
            return []
        payment = self._told("paid", 1)
        return [self._told("refund", 2, of=payment.id), payment]

    def _returned(self, kind: Kind, *, whole: bool) -> list[Notification]:
        payment = self.paid
        done = payment and any(
            each.of == payment.id and each.amount == payment.amount for each in self.payments
        )
        if payment is None or done:
            return []
        return [self._told(kind, 1, amount=payment.amount if whole else payment.amount // 2, of=payment.id)]

    def _told(self, kind: Kind, number: int, *, amount: int | None = None, of: str = "") -> Notification:
        asked = self.request
        return Notification(
            id=f"t-{self.id[:16]}-{len(self.payments) + number}",
            kind=kind,
            order=asked.order,
            shop_id=asked.shop_id,
            amount=asked.money.minor if amount is None else amount,
            currency=asked.money.currency,
            of=of,
        )


_ACTIONS: dict[Action, Callable[[Session], list[Notification]]] = {
    "pay": Session.pay,
    "fail": Session.fail,
    "pay_twice": Session.pay_twice,
    "wrong_amount": Session.pay_wrong,
    "pending": Session.pend,
    "refund": Session.refund,
    "partial_refund": Session.refund_partly,
    "refund_before_pay": Session.refund_first,
    "chargeback": Session.charge_back,
}
