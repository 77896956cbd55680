"""What no change of an order may break, whatever happens: asserted on every change, in production too.

It knows of an order only what it needs to judge, so that `order.py` can stand on it.
"""

from __future__ import annotations

from typing import Literal, Protocol

from kramik.correction import Correction
from kramik.errors import InvariantBroken
from kramik.event import Payment, PaymentEvent, Verdict, difference
from kramik.intent import Intent
from kramik.journal import LATER, Step

Status = Literal["placed", "paid", "completed", "withdrawn", "refunded"]

RANK: dict[Status, int] = {"placed": 0, "paid": 1, "completed": 2, "withdrawn": 3, "refunded": 4}
ENDED: tuple[Status, ...] = ("withdrawn", "refunded")
"""Where the contract is undone: nothing is granted any more, and access may be taken back."""


class Held(Protocol):
    """An order, as far as its invariants look at it."""

    @property
    def id(self) -> str:
        """Return what names it."""
        ...

    @property
    def intent(self) -> Intent:
        """Return what was agreed."""
        ...

    @property
    def status(self) -> Status:
        """Return how far it came."""
        ...

    @property
    def payments(self) -> tuple[Payment, ...]:
        """Return the facts about money."""
        ...

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return where each step stands."""
        ...

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """Return how its address was corrected, and what was done for the addresses before."""
        ...


def hold(before: Held, after: Held) -> None:
    """Assert what no change may break.

    Raises:
        InvariantBroken: a bug; the change is not written and the order stays as it was.
    """
    for sentence, holds in (
        ("the identity and the intent never change", (before.id, before.intent) == (after.id, after.intent)),
        ("the status only moves forward", RANK[before.status] <= RANK[after.status]),
        ("no step before a confirmed payment", _accepted(after) != [] or not _touched(after)),
        ("one payment grants, and it fits the intent", _granted_once(after)),
        (
            "what is done stays done",
            all(step in _kept(before, after) for step in before.steps if step.state == "done"),
        ),
        ("complete means every receipt", after.status != "completed" or _all_done(after)),
        (
            "a completed order is worked on no more",
            before.status != "completed" or after.corrections != () or _granting(before) == _granting(after),
        ),
        (
            "corrections are only added to",
            after.corrections[: len(before.corrections)] == before.corrections,
        ),
        ("payments are only added to", _facts(after)[: len(before.payments)] == _facts(before)),
    ):
        if not holds:
            raise InvariantBroken(f"order {before.id}: {sentence}")


def _touched(order: Held) -> bool:
    return any(step.state != "waiting" or step.attempts for step in order.steps)


def _all_done(order: Held) -> bool:
    done = {step.name for each in order.corrections for step in each.steps if step.state == "done"}
    return all(step.state == "done" or step.name in done for step in _granting(order))


def _kept(before: Held, after: Held) -> list[Step]:
    """Return every step that stands in an order, or in a correction that was just added to it."""
    new = after.corrections[len(before.corrections) :]
    return [*after.steps, *(step for each in new for step in each.steps)]


def _granting(order: Held) -> list[Step]:
    """Return the steps that make an order complete; the others may follow later."""
    return [step for step in order.steps if step.name not in LATER]


def _facts(order: Held) -> list[tuple[PaymentEvent, Verdict]]:
    return [(payment.event, payment.verdict) for payment in order.payments]


def _accepted(order: Held) -> list[PaymentEvent]:
    return [payment.event for payment in order.payments if payment.verdict == "accepted"]


def _granted_once(order: Held) -> bool:
    accepted = _accepted(order)
    return len(accepted) <= 1 and not any(difference(order.id, order.intent, event) for event in accepted)
