"""Step 5 of the story: a paid order becomes a course that the buyer can open.

`Fulfilment` makes the moves that `moves.py` decides on, one by one, and saves between them.
It can be stopped anywhere and run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from kramik.errors import (
    Conflict,
    InvariantBroken,
    KramikError,
    NeedsOperator,
    NotMailable,
    OutcomeUnknown,
    Rejected,
    Transient,
)
from kramik.journal import StepName
from kramik.moves import (
    Ask,
    Call,
    Complete,
    Effects,
    GiveUp,
    Move,
    Rest,
    TakeBack,
    effect_of,
    next_move,
    plan,
    settled,
)
from kramik.news import owe
from kramik.notice import Channel
from kramik.order import Order
from kramik.ports import Clock, Delivery, Effect, Log, Orders
from kramik.queue import Again, Park, Plan, plan_retry

Change = Callable[[Order], Order]

SAID = 300
"""Characters of a failure's sentence that an order keeps."""

CONFLICTS = 20
"""How often one piece of work lets others write first before it steps back."""


class Fulfilment:
    """One piece of work on one order: the order as last saved, and what happened since; `owes` its seller news."""

    def __init__(
        self,
        order: Order,
        effects: Effects,
        orders: Orders,
        *,
        settle: float,
        clock: Clock,
        log: Log,
        channels: Collection[Channel] = (),
        takes_back: bool = True,
    ) -> None:
        self.order, self.owes = order, False
        self._channels = channels
        self._saved = order
        self._changes: list[Change] = []
        self._conflicts = 0
        self._effects, self._orders = effects, orders
        self._settle, self._clock, self._log = settle, clock, log
        self._takes_back = takes_back

    def note(self, change: Change) -> None:
        """Apply something that happened; it is saved with the next save, whoever writes in between."""
        self._changes.append(change)
        self.order = change(self.order)

    def _note_here(self, change: Change) -> None:
        """Note what became of a step, unless the address is corrected meanwhile: then the step is another one."""
        key = self.order.key
        self.note(lambda order: change(order) if order.key == key else order)

    def save(self) -> bool:
        """Write what happened; False when somebody wrote first and the next move must be planned anew."""
        if self.order is self._saved:
            return True
        told = owe(self._saved, self.order, self._channels, now=self._clock())
        try:
            self.owes = self.owes or told is not self.order
            self._saved = self.order = self._orders.save(told)
        except Conflict:
            self._reload()
            return False
        self._changes.clear()
        return True

    def run(self, link: Callable[[Order], str], *, until: datetime, stop: Callable[[], bool]) -> Plan:
        """Make moves until the work rests, `until` has passed or the host stops; everything is saved on return.

        Raises:
            Transient: the store is down; what is not saved is done again under the rules of each step.
        """
        while (now := self._clock()) < until and not stop():
            move = next_move(
                self.order, self._effects, now=now, settle=self._settle, takes_back=self._takes_back
            )
            if isinstance(move, Rest) and self.save():
                return plan(self.order, self._effects, now=now, settle=self._settle)
            self._make(move, link)
        self._save_all()
        return Again(0)

    def _make(self, move: Move, link: Callable[[Order], str]) -> None:
        match move:
            case Call(step):
                self._call(step, link)
            case Ask(step):
                self._ask(step, link)
            case GiveUp(step):
                why = "the call was cut off and the other side cannot tell whether it happened; look there first"
                self._park(step, why, unknown=True)
            case TakeBack():
                self._take_back()
            case Complete():
                self.order = self.order.complete(now=self._clock())
                if self.save():
                    self._log("completed", order=self.order.id)

    def _take_back(self) -> None:
        """Begin to take the access back: at once where it was given, else when no call can still be under way."""
        now = self._clock()
        given = self.order.step("invitation").state == "done"
        due = now if given else now + timedelta(seconds=self._settle)
        self.note(lambda order: order.revoke(now=now, due=due))

    def _call(self, name: StepName, link: Callable[[Order], str]) -> None:
        effect, begun = self._effect(name), self._clock()
        if effect.repeat in ("lookup", "unsafe"):
            self.order = self.order.start(name, now=begun, due=settled(begun, effect, self._settle))
        if not self.save():
            return
        if self._stale(begun):
            now = self._clock()
            why = "saving took too long to call"
            self._note_here(lambda order: order.clear(name, why, now=now, begun=begun))
            return
        try:
            receipt = effect.do(_delivery(self.order, link))
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, the order must know of it
            self._failed(name, error, begun)
        else:
            self._done(name, receipt, begun)

    def _ask(self, name: StepName, link: Callable[[Order], str]) -> None:
        effect, begun = self._effect(name), self._clock()
        started = self.order.step(name).started_at
        if effect.find is None or not self.save():
            return
        try:
            receipt = effect.find(_delivery(self.order, link))
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, the order must know of it
            if not self._fell_back(name, error, started):
                self._postpone(name, _as_transient(error), begun=None)
            return
        now = self._clock()
        if receipt is None:
            why = "the other side was asked: it did not happen"
            self._note_here(lambda order: order.clear(name, why, now=now, begun=started))
        else:
            self._done(name, receipt, begun, found=True)

    def _stale(self, begun: datetime) -> bool:
        """Say whether saving took so long that others may take this call for dead."""
        return (self._clock() - begun).total_seconds() > self._settle / 2

    def _done(self, name: StepName, receipt: str, begun: datetime, *, found: bool = False) -> None:
        now, key = self._clock(), self.order.key

        def keep(order: Order) -> Order:
            if order.key != key:
                return order.note_orphan(name, receipt, now=now)
            return order.record(name, receipt, now=now, found=found)

        self.note(keep)
        self._tell(name, "found" if found else "done", begun)

    def _failed(self, name: StepName, error: Exception, begun: datetime) -> None:
        unknown = not isinstance(error, KramikError) or isinstance(error, OutcomeUnknown)
        self._tell(name, "unknown" if unknown else "failed", begun)
        if self._fell_back(name, error, begun):
            return
        if isinstance(error, Rejected | NeedsOperator | InvariantBroken):
            self._park(name, str(error))
        elif unknown and self._effect(name).repeat == "unsafe":
            self._park(
                name,
                f"{_said(error)}; nobody can tell whether it happened, so look there first",
                unknown=True,
            )
        else:
            self._postpone(name, error, begun=None if unknown else begun)

    def _fell_back(self, name: StepName, error: Exception, begun: datetime | None) -> bool:
        """Let the shop's own post make this step, where the mailing tool will not mail the buyer.

        It is saved with the next save, which comes before the mail: a crash in between sends none by both ways.
        """
        effect, now, why = self._effect(name), self._clock(), _said(error)
        if not isinstance(error, NotMailable) or effect.instead is None:
            return False
        self._note_here(lambda order: order.fall_back(name, why, now=now, begun=begun))
        self._log("fallback", order=self.order.id, step=name, why=why)
        return True

    def _effect(self, name: StepName) -> Effect:
        return effect_of(self.order.step(name), self._effects)

    def _postpone(self, name: StepName, error: Exception, *, begun: datetime | None) -> None:
        """Count a failed attempt; `begun` names the call that did not happen, None when nobody knows."""
        now, step = self._clock(), self.order.step(name)
        decision = plan_retry(step.attempts + 1, error, seed=f"{self.order.id}/{name}")
        if isinstance(decision, Again):
            due = now + timedelta(seconds=decision.after)
            if begun is None:
                # Not before it can be asked about, or every sweep would bring a message that can only wait.
                due = max(due, step.due or due)
            self._note_here(lambda order: order.postpone(name, _said(error), now=now, due=due, begun=begun))
        elif isinstance(decision, Park):
            self._park(name, decision.why, unknown=begun is None and self._effect(name).repeat == "lookup")

    def _park(self, name: StepName, why: str, *, unknown: bool = False) -> None:
        now = self._clock()
        self._note_here(lambda order: order.park(name, why, now=now, unknown=unknown))
        self._log("parked", order=self.order.id, step=name, why=why)

    def _save_all(self) -> None:
        while not self.save():
            pass

    def _reload(self) -> None:
        self._conflicts += 1
        if self._conflicts > CONFLICTS:
            msg = f"order {self.order.id} is written by others all the time"
            raise Transient(msg)
        found = self._orders.get(self.order.id)
        if found is None:
            msg = f"order {self.order.id} is gone from the store"
            raise Transient(msg)
        self._saved = self.order = found
        for change in self._changes:
            self.order = change(self.order)

    def _tell(self, name: StepName, outcome: str, begun: datetime) -> None:
        attempt = self.order.step(name).attempts + 1
        ms = round((self._clock() - begun).total_seconds() * 1000, 1)
        self._log("step", order=self.order.id, step=name, attempt=attempt, outcome=outcome, ms=ms)


def _delivery(order: Order, link: Callable[[Order], str]) -> Delivery:
    return Delivery(order=order.addressed, access_link=link(order))


def _as_transient(error: Exception) -> Exception:
    return (
        error
        if isinstance(error, KramikError) and not isinstance(error, OutcomeUnknown)
        else Transient(_said(error))
    )


def _said(error: Exception) -> str:
    said = (
        str(error)
        if isinstance(error, KramikError)
        else f"{type(error).__name__} inside the adapter, which is a bug"
    )
    return said[:SAID]
