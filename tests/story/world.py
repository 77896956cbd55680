"""The outside world in a few lines of Python: peers that keep a ledger of what truly happened.

The ledger is the only witness: it knows nothing of orders, steps or receipts as the shop sees them.
A peer of the kind `keyed` or `set` folds a repeat into its first effect, as it promises; `lookup` and
`unsafe` do whatever they are told, again and again. Faults strike before, after or instead of an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from kramik.errors import NotMailable, OutcomeUnknown, Problem, Rejected, Transient
from kramik.journal import STEPS, Step, StepName
from kramik.moves import Effects
from kramik.order import Order
from kramik.ports import Delivery, Effect, Repeat
from tests.story.example import FakeClock

Fault = Literal["none", "refused", "busy", "rejected", "lost", "nothing", "garbage", "slow", "late"]
"""refused, busy: no effect, and the peer says so. rejected: no, and never. lost: the effect, then silence. nothing:
silence without effect. garbage: the effect, then nonsense. slow: the answer takes its time. late: silence, and the
effect comes after the client gave up."""

FAULTS: tuple[Fault, ...] = ("refused", "busy", "lost", "nothing", "garbage", "slow", "late")


REVOKED: tuple[StepName, ...] = ("revocation",)
CONFIRMED: tuple[StepName, ...] = ("confirmation",)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One effect: which peer did what for whom, and when it happened there.

    What reaches a mailbox is known by the key of the order at that address, a purchase by the order itself.
    """

    step: StepName
    order: str
    receipt: str
    at: datetime
    email: str = ""


class World:
    """Three peers, a post, and their common ledger.

    A mailing tool that will not mail the buyers of the orders that are `unmailable` says so before anything happens;
    the post makes the sequence in its place, in the same ledger. A person is unmailable for good.
    """

    def __init__(
        self, clock: FakeClock, repeat: Repeat = "keyed", *, lag: float = 0, timeout: float = 15
    ) -> None:
        self.clock, self.lag, self.timeout = clock, lag, timeout
        self.ledger: list[Row] = []
        self.calls: Counter[StepName] = Counter()
        self.kinds: dict[StepName, Repeat] = dict.fromkeys((*STEPS, *REVOKED, *CONFIRMED), repeat)
        self.post: Repeat = "keyed"
        self.unmailable: Callable[[str], bool] = lambda _: False
        self.fault: Callable[[StepName], Fault] = lambda _: "none"
        self.wait: Callable[[float], None] = clock.forward
        self.unfound: Callable[[StepName], bool] = lambda _: False

    def effects(
        self,
        *,
        claimed: Repeat | None = None,
        lag: float | None = None,
        revokes: bool = False,
        posts: bool = False,
    ) -> Effects:
        """Return the three effects; with `revokes` one more, with `posts` the confirmation and the fallback.

        `claimed` and `lag` let them say what is not true.
        """
        told_lag = self.lag if lag is None else lag
        made: dict[StepName, Effect] = {
            name: self._effect(name, self.kinds[name], told_lag, claimed=claimed)
            for name in (*STEPS, *(REVOKED if revokes else ()))
        }
        if posts:
            made["confirmation"] = self._effect("confirmation", self.post, 0, claimed=claimed)
            instead = self._effect("sequence", self.post, 0, claimed=claimed)
            made["sequence"] = replace(self._willing(made["sequence"]), instead=instead)
        return made

    def kind(self, step: Step) -> Repeat:
        """Return the true kind of whoever makes this step."""
        return self.post if step.by_post or step.name == "confirmation" else self.kinds[step.name]

    def rows(self, order: str, step: StepName | None = None) -> list[Row]:
        """Return what happened for this order."""
        return [row for row in self.ledger if row.order == order and step in (None, row.step)]

    def doubled(self) -> list[tuple[str, str]]:
        """Return every effect that happened more than once."""
        times = Counter((row.order, row.step) for row in self.ledger)
        return sorted(pair for pair, count in times.items() if count > 1)

    def missing(self, orders: list[str], steps: tuple[StepName, ...] = STEPS) -> list[tuple[str, str]]:
        """Return every effect that did not happen for these orders."""
        there = {(row.order, row.step) for row in self.ledger}
        return [(order, step) for order in orders for step in steps if (order, step) not in there]

    def _effect(self, name: StepName, kind: Repeat, lag: float, *, claimed: Repeat | None = None) -> Effect:
        repeat = claimed or kind
        find = (lambda delivery: self._find(name, delivery)) if repeat == "lookup" else None
        return Effect(repeat=repeat, do=lambda delivery: self._do(name, kind, delivery), find=find, lag=lag)

    def _willing(self, effect: Effect) -> Effect:
        """Return an effect that refuses the unmailable."""

        def do(delivery: Delivery) -> str:
            if self.unmailable(delivery.order.id):
                raise NotMailable("the buyer unsubscribed")
            return effect.do(delivery)

        return replace(effect, do=do)

    def _do(self, name: StepName, kind: Repeat, delivery: Delivery) -> str:
        self.calls[name] += 1
        fault = self.fault(name)
        if fault in ("refused", "busy"):
            raise Transient(f"{name} is closed", after=30 if fault == "busy" else None)
        if fault == "rejected":
            raise Rejected(Problem(field=name, code="closed", message="the account was closed"))
        if fault == "nothing":
            self.wait(self.timeout)
            raise OutcomeUnknown(f"{name} did not answer")
        receipt = self._happen(name, kind, delivery.order, delay=3 * self.timeout if fault == "late" else 0)
        if fault in ("lost", "late"):
            self.wait(self.timeout)
            raise OutcomeUnknown(f"{name} did not answer in time")
        if fault == "garbage":
            raise ValueError("<html>it works!</html>")
        self.wait(self.timeout * 0.9 if fault == "slow" else 0)
        return receipt

    def _happen(self, name: StepName, kind: Repeat, order: Order, *, delay: float) -> str:
        before = self.rows(_known_as(name, order), name)
        if before and kind in ("keyed", "set"):
            return before[0].receipt
        at = self.clock() + timedelta(seconds=delay)
        row = Row(
            step=name,
            order=_known_as(name, order),
            receipt=f"https://{name}.example/{len(self.ledger)}",
            at=at,
            email=order.intent.buyer.email,
        )
        self.ledger.append(row)
        return row.receipt

    def _find(self, name: StepName, delivery: Delivery) -> str | None:
        if self.unfound(name):
            raise Transient(f"{name} can not be asked now")
        shown = self.clock() - timedelta(seconds=self.lag)
        there = self.rows(_known_as(name, delivery.order), name)
        return next((row.receipt for row in there if row.at <= shown), None)


def _known_as(name: StepName, order: Order) -> str:
    return order.id if name == "purchase" else order.key
