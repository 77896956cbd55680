"""Step 1 of the story: the order, one aggregate per purchase and the idempotent receiver of everything about it.

It is frozen and its verbs return a new one, so a half-applied change cannot exist.
Applying the same fact twice returns the same order. It reads no clock and calls nobody.
Rules that must hold whatever happens are asserted on every change, in production too (`hold`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from kramik.correction import Correction, laid, renewed, touched
from kramik.event import RETURNS, Begun, Payment, PaymentEvent, Verdict, difference, went_back
from kramik.intent import Buyer, Intent
from kramik.invariants import ENDED, RANK, Status, hold
from kramik.journal import LATER, NEEDS, STEPS, Entry, Step, StepName, written
from kramik.notice import Notice, owing
from kramik.withdrawal import Decision, Withdrawal

State = Literal["placed", "paid", "completed", "withdrawn", "refunded", "parked"]

ASKS = tuple(timedelta(minutes=each) for each in (15, 60, 240, 720, 1440, 2880, 5760, 10_080))
"""How long after it was placed an unpaid order is asked about at a gateway that can be asked; then never again."""

NOTED = 20
"""Pending or failed payments that are kept, of each kind: a buyer may try a card for ever, an order may not grow."""


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One purchase. `version` belongs to the store, which counts it up with each save; times are UTC."""

    id: str
    intent: Intent
    created_at: datetime
    updated_at: datetime
    status: Status = "placed"
    payments: tuple[Payment, ...] = ()
    begun: tuple[Begun, ...] = ()
    asked: int = 0
    ask_at: datetime | None = None
    steps: tuple[Step, ...] = tuple(Step(name=name) for name in STEPS)
    notices: tuple[Notice, ...] = ()
    history: tuple[Entry, ...] = ()
    completed_at: datetime | None = None
    resent_at: datetime | None = None
    withdrawal: Withdrawal | None = None
    corrections: tuple[Correction, ...] = ()
    version: int = 0

    # What it knows

    @property
    def key(self) -> str:
        """Return what names the order at this address: its id, and behind it how often the address was corrected."""
        return f"{self.id}~{len(self.corrections)}" if self.corrections else self.id

    @property
    def buyer(self) -> Buyer:
        """Return the buyer with the address that counts now."""
        typed = self.intent.buyer
        return replace(typed, email=self.corrections[-1].email) if self.corrections else typed

    @property
    def addressed(self) -> Order:
        """Return the order as whoever serves the buyer sees it: with the corrected address as if it had been typed."""
        return replace(self, intent=replace(self.intent, buyer=self.buyer)) if self.corrections else self

    @property
    def former(self) -> tuple[Order, ...]:
        """Return the order as it was for each other address since it was paid, so that access there is taken back."""
        since = self.payment.at if self.payment else self.updated_at
        return tuple(
            self._before(number)
            for number, each in enumerate(self.corrections)
            if each.at >= since and each.before.lower() != self.buyer.email.lower()
        )

    def _before(self, number: int) -> Order:
        """Return the order as it was addressed before this correction."""
        correction = self.corrections[number]
        intent = replace(self.intent, buyer=replace(self.buyer, email=correction.before))
        steps = laid(renewed(self.steps), correction.steps)
        return replace(self, intent=intent, corrections=self.corrections[:number], steps=steps)

    @property
    def payment(self) -> Payment | None:
        """Return the one payment that this order was granted for."""
        return next((payment for payment in self.payments if payment.verdict == "accepted"), None)

    @property
    def state(self) -> State:
        """Return the status, or `parked` when the next move is a person's."""
        return "parked" if self.stuck else self.status

    @property
    def stuck(self) -> bool:
        """Say whether a step that counts is parked, or money came that does not fit and no money that does."""
        if self.status == "placed":
            return any(self.unwanted(payment.event) for payment in self.payments)
        return any(step.state == "parked" and self.counts(step) for step in self.steps)

    @property
    def due(self) -> datetime | None:
        """Return when work on this order, or telling its seller, should go on; None when there is none to do."""
        return min(filter(None, (self.work_due, self.owed_at)), default=None)

    @property
    def work_due(self) -> datetime | None:
        """Return when its gateway is to be asked, or its steps should go on; None when there is nothing to do."""
        if self.status == "placed":
            return None if self.stuck else self.ask_at
        dues = [step.due or self.updated_at for step in self.steps if self.open(step)]
        return min(dues, default=self.updated_at if self.state == "paid" else None)

    @property
    def owed_at(self) -> datetime | None:
        """Return when the seller is to be told something; None when there is nothing to tell."""
        return min(filter(None, (notice.owed_at for notice in self.notices)), default=None)

    @property
    def to_revoke(self) -> bool:
        """Say whether taking the access back is a step of this order."""
        return any(step.name == "revocation" for step in self.steps)

    def counts(self, step: Step) -> bool:
        """Say whether this step belongs to where the order is: taking back to an ended one, the others before.

        A withdrawal is acknowledged wherever the order is.
        """
        return step.name == "withdrawal" or (step.name == "revocation") == (self.status in ENDED)

    @property
    def granted(self) -> bool:
        """Say whether every step that makes an order complete is done."""
        return all(step.state == "done" for step in self.steps if step.name not in LATER)

    def open(self, step: Step) -> bool:
        """Say whether this step is to be made and waits for no other one."""
        ready = all(self.step(need).state == "done" for need in NEEDS[step.name])
        return ready and self.counts(step) and step.state not in ("done", "parked")

    @property
    def opened(self) -> bool:
        """Say whether the buyer has access: a link was recorded and the contract was not undone."""
        return self.step("invitation").state == "done" and self.status not in ENDED

    def ended(self, now: datetime) -> bool:
        """Say whether the time is over for which access was bought, counted from the payment."""
        days, payment = self.intent.access_days, self.payment
        return days is not None and payment is not None and now >= payment.at + timedelta(days=days)

    @property
    def attention(self) -> tuple[str, ...]:
        """Return what a person should do about this order, a sentence each."""
        money = (self.unwanted(payment.event) for payment in self.payments)
        parked = (
            f"{step.name}: {step.why}"
            for step in self.steps
            if self.payment and step.state == "parked" and self.counts(step)
        )
        granted = self.step("invitation").state in ("done", "started") or self.step("invitation").unknown
        granted = granted or bool(self.former)
        by_hand = self.status in ENDED and granted and not self.to_revoke
        cause = "the money went back" if self.status == "refunded" else "the withdrawal was accepted"
        revoke = (f"{cause}: take the access back at the academy",) if by_hand else ()
        return (*filter(None, money), *parked, *revoke, *self._about_withdrawal())

    def _about_withdrawal(self) -> tuple[str, ...]:
        stated = self.withdrawal
        if stated is None or self.status == "refunded" or stated.decision == "refused":
            return ()
        until = f"{stated.refund_by:%Y-%m-%d}"
        if stated.decision == "accepted":
            paid = self.payment.event if self.payment else None
            what = f"{self.intent.price} at {paid.gateway} ({paid.reference})" if paid else "nothing"
            return (f"the withdrawal was accepted: refund {what} by {until}",)
        said = f"the buyer withdrew on {stated.at:%Y-%m-%d %H:%M} UTC"
        return (f"{said}: accept it (and refund by {until}) or refuse it with kramik orders withdrawal",)

    def unwanted(self, event: PaymentEvent) -> str:
        """Say why this payment should be sent back and is not yet; empty when all is well."""
        payment = next((each for each in self.payments if each.event.fact == event.fact), None)
        if (
            payment is None
            or payment.verdict not in ("second", "mismatch")
            or payment.settled
            or self._went_back(payment.event)
        ):
            return ""
        return f"refund {event.money or 'the payment'} at {event.gateway} ({event.reference}): {payment.why}"

    def step(self, name: StepName) -> Step:
        """Return where this step stands."""
        return next(step for step in self.steps if step.name == name)

    def begun_with(self, *, now: datetime, lasts: float) -> Begun | None:
        """Return the payment that a buyer can go on with: the last one, not failed and younger than `lasts` seconds."""
        last = self.begun[-1] if self.begun else None
        events = (payment.event for payment in self.payments if payment.event.kind == "failed")
        failed = {event.begun or event.reference for event in events}
        if last is None or last.reference in failed or now - last.at > timedelta(seconds=lasts):
            return None
        return last

    def knows(self, event: PaymentEvent) -> bool:
        """Say whether this very fact was applied before."""
        return any(payment.event.fact == event.fact for payment in self.payments)

    # Money

    def begin_payment(self, begun: Begun) -> Order:
        """Keep that the gateway began a payment for this order; the same one once."""
        if any(each.reference == begun.reference for each in self.begun):
            return self
        entry = Entry(at=begun.at, what="payment begun", detail=f"{self.intent.gateway} {begun.reference}")
        return self._changed(begun.at, entry, begun=(*self.begun, begun))

    def note_trouble(self, what: str, why: str, *, now: datetime) -> Order:
        """Keep that something about the payment did not work; equal lines in a row are one."""
        return self._changed(now, Entry(at=now, what=what, detail=why))

    def note_asked(self, *, now: datetime) -> Order:
        """Keep that the gateway was asked, and when it is asked next: at the next of the times that lies ahead."""
        times = [self.created_at + after for after in ASKS]
        ahead = next((time for time in times[self.asked + 1 :] if time > now), None)
        return self._changed(now, asked=self.asked + 1 if ahead is None else times.index(ahead), ask_at=ahead)

    def confirm_payment(self, event: PaymentEvent, *, now: datetime) -> Order:
        """Apply a payment that arrived; only the first that fits the intent makes the order paid."""
        if self.knows(event):
            return self
        verdict, why = self._judge(event)
        status: Status = {"accepted": "paid", "already_refunded": "refunded"}.get(verdict, self.status)  # type: ignore[assignment]
        return self._with_payment(event, verdict, why, now, status=_later(self.status, status))

    def note_payment(self, event: PaymentEvent, *, now: datetime) -> Order:
        """Keep that a payment is pending or has failed, the first times; it changes nothing that was reached."""
        noted = sum(payment.event.kind == event.kind for payment in self.payments)
        if self.knows(event) or noted >= NOTED:
            return self
        return self._with_payment(event, "noted", "", now, status=self.status)

    def refund(self, event: PaymentEvent, *, now: datetime) -> Order:
        """Apply money that went back; all of the accepted payment ends the order, anything else is only kept."""
        if self.knows(event):
            return self
        order = self._with_payment(event, "noted", "", now, status=self.status)
        whole = order.payment is not None and went_back(
            order.payment.event, order.payments, self.intent.price
        )
        return order._changed(now, status="refunded") if whole else order  # noqa: SLF001 - its own kind

    def settle(self, event: PaymentEvent, why: str, *, now: datetime) -> Order:
        """Keep that a person dealt with a payment that is not wanted here; nothing for any other payment."""
        if not self.unwanted(event):
            return self
        payments = tuple(
            replace(payment, settled=why) if payment.event.fact == event.fact else payment
            for payment in self.payments
        )
        entry = Entry(at=now, what="payment settled", detail=f"{event.gateway} {event.reference} {why}")
        return self._changed(now, entry, payments=payments)

    def apply(self, event: PaymentEvent, *, now: datetime) -> Order:
        """Apply what a gateway said, whatever kind it is."""
        if event.kind == "paid":
            return self.confirm_payment(event, now=now)
        if event.kind in RETURNS:
            return self.refund(event, now=now)
        return self.note_payment(event, now=now)

    def _went_back(self, paid: PaymentEvent) -> bool:
        return went_back(paid, self.payments, self.intent.price)

    def _judge(self, event: PaymentEvent) -> tuple[Verdict, str]:
        why = difference(self.id, self.intent, event)
        if why:
            return "mismatch", why
        if self.payment is not None or self.status != "placed":
            return "second", "the order was paid before"
        if self._went_back(event):
            return "already_refunded", "the refund of this payment came before it"
        return "accepted", ""

    def _with_payment(
        self, event: PaymentEvent, verdict: Verdict, why: str, now: datetime, *, status: Status
    ) -> Order:
        payment = Payment(event=event, at=now, verdict=verdict, why=why)
        detail = " ".join(
            filter(None, (event.gateway, event.reference, str(event.money or ""), verdict, why))
        )
        entry = Entry(at=now, what=f"payment {event.kind}", detail=detail)
        return self._changed(now, entry, payments=(*self.payments, payment), status=status)

    # Steps

    def start(self, name: StepName, *, now: datetime, due: datetime | None = None) -> Order:
        """Write down that the call of this step is about to be made; nobody else needs to look before `due`."""
        entry = Entry(at=now, what="started", step=name, attempt=self.step(name).attempts + 1)
        return self._with_step(name, now, entry, state="started", started_at=now, due=due)

    def record(self, name: StepName, receipt: str, *, now: datetime, found: bool = False) -> Order:
        """Keep the receipt of a step that had its effect; `found` when the peer told us so afterwards."""
        if self.step(name).state == "done":
            return self.note_orphan(name, receipt, now=now)
        what, attempt = "found" if found else "done", self.step(name).attempts + 1
        entry = Entry(at=now, what=what, step=name, detail=receipt, attempt=attempt)
        return self._with_step(
            name, now, entry, state="done", receipt=receipt, due=None, why="", unknown=False
        )

    def postpone(
        self, name: StepName, why: str, *, now: datetime, due: datetime, begun: datetime | None = None
    ) -> Order:
        """Count a failed attempt; a started step stays started, unless the call that began then did not happen."""
        step = self.step(name)
        if step.state in ("done", "parked"):
            return self
        state = "started" if step.state == "started" and step.started_at != begun else "waiting"
        entry = Entry(at=now, what="failed", step=name, detail=why, attempt=step.attempts + 1)
        return self._with_step(name, now, entry, state=state, attempts=step.attempts + 1, due=due, why=why)

    def clear(self, name: StepName, why: str, *, now: datetime, begun: datetime | None) -> Order:
        """Let the step wait to be made: the call that began then had no effect; nothing if it was started anew."""
        step = self.step(name)
        if step.state != "started" or step.started_at != begun:
            return self
        entry = Entry(at=now, what="absent", step=name, detail=why)
        return self._with_step(name, now, entry, state="waiting", due=None, why=why)

    def fall_back(self, name: StepName, why: str, *, now: datetime, begun: datetime | None) -> Order:
        """Let the step be made by the shop's own post from now on; nothing if others made or began it meanwhile."""
        step = self.step(name)
        begun_by_others = step.state == "started" and step.started_at != begun
        if step.by_post or step.state in ("done", "parked") or begun_by_others:
            return self
        entry = Entry(at=now, what="falls back to mail", step=name, detail=why, attempt=step.attempts + 1)
        fresh = {"attempts": 0, "started_at": None, "due": None, "why": why}
        return self._with_step(name, now, entry, state="waiting", by_post=True, **fresh)

    def park(self, name: StepName, why: str, *, now: datetime, unknown: bool = False) -> Order:
        """Stop trying this step and ask a person; `unknown` when nobody knows whether it happened."""
        step = self.step(name)
        if step.state == "done":
            return self
        entry = Entry(at=now, what="parked", step=name, detail=why, attempt=step.attempts + 1)
        changes = {
            "state": "parked",
            "attempts": step.attempts + 1,
            "parks": step.parks + 1,
            "why": why,
            "unknown": unknown,
            "due": None,
        }
        return self._with_step(name, now, entry, **changes)

    def resume(self, *, now: datetime, ask: Collection[StepName] = ()) -> Order:
        """Let every parked step begin again, its cause is mended; one to `ask` about is not made unasked."""
        order = self
        for step in self.steps:
            if step.state == "parked" and self.counts(step):
                entry = Entry(at=now, what="resumed", step=step.name)
                begun = step.started_at if step.name in ask else None
                fresh = {"attempts": 0, "unknown": False, "started_at": begun, "due": None}
                order = order._with_step(
                    step.name, now, entry, state="started" if begun else "waiting", **fresh
                )
        return order

    def complete(self, *, now: datetime) -> Order:
        """Every receipt is there: the story ends."""
        if self.status != "paid":
            return self
        return self._changed(now, Entry(at=now, what="completed"), status="completed", completed_at=now)

    def revoke(self, *, now: datetime, due: datetime) -> Order:
        """Let the access be taken back, from `due` on: the money of an order that was paid went back."""
        if self.status not in ENDED or self.payment is None or self.to_revoke:
            return self
        entry = Entry(at=now, what="access is to be taken back")
        return self._changed(now, entry, steps=(*self.steps, Step(name="revocation", due=due)))

    def owe(self, notices: Collection[Notice], *, now: datetime) -> Order:
        """Owe the seller these notices; one that is owed or was told stays as it is."""
        after = owing(self.notices, notices)
        return self if after == self.notices else self._changed(now, notices=after)

    def note_notice(self, notice: Notice, *, now: datetime) -> Order:
        """Keep how far a notice has come; nothing when it is over."""
        before = next((each for each in self.notices if each.key == notice.key), None)
        if before is None or before.owed_at is None or before == notice:
            return self
        after = tuple(notice if each.key == notice.key else each for each in self.notices)
        if notice.owed_at is not None:
            return self._changed(now, notices=after)
        what = f"seller {'told' if notice.state == 'told' else 'not told'}"
        entry = Entry(at=now, what=what, detail=f"{notice.kind} by {notice.channel}: {notice.why}")
        return self._changed(now, entry, notices=after)

    def withdraw(self, withdrawal: Withdrawal) -> Order:
        """Keep that the buyer withdrew, and let it be acknowledged; the first statement counts."""
        if self.withdrawal is not None or self.payment is None:
            return self
        entry = Entry(at=withdrawal.at, what="withdrawal stated", detail=withdrawal.name)
        steps = (*self.steps, Step(name="withdrawal"))
        return self._changed(withdrawal.at, entry, steps=steps, withdrawal=withdrawal)

    def decide_withdrawal(self, *, accepted: bool, why: str = "", now: datetime) -> Order:
        """Keep what the seller decided about a withdrawal, once; an accepted one undoes the contract."""
        stated = self.withdrawal
        if stated is None or stated.decision:
            return self
        decision: Decision = "accepted" if accepted else "refused"
        entry = Entry(at=now, what=f"withdrawal {decision}", detail=why)
        decided = replace(stated, decision=decision, decided_at=now, why=why)
        status: Status = _later(self.status, "withdrawn") if accepted else self.status
        return self._changed(now, entry, withdrawal=decided, status=status)

    def correct(self, email: str, *, now: datetime, remove_from: datetime | None = None) -> Order:
        """Let this order be for another mailbox: what reached the one before is made again, and its link ends.

        `remove_from` is when no call for the address before can be under way any more, so that its access may be taken
        back; None where the academy can not do it.
        An order that ended is for nobody any more.
        """
        before = self.buyer.email
        if email == before or self.status in ENDED:
            return self
        entry = Entry(at=now, what="address corrected", detail=f"{before} is now {email}")
        correction = Correction(at=now, before=before, email=email, steps=touched(self.steps))
        steps = renewed(self.steps)
        if remove_from is not None and self.payment is not None:
            due = now if self.step("invitation").state == "done" else remove_from
            steps = (*steps, Step(name="removal", due=due))
        return self._changed(now, entry, corrections=(*self.corrections, correction), steps=steps)

    def note_mail(self, detail: str, *, now: datetime) -> Order:
        """Keep that the access mail went out again."""
        return self._changed(now, Entry(at=now, what="access mail sent again", detail=detail), resent_at=now)

    def note_unsent(self, why: str, *, now: datetime, before: datetime | None) -> Order:
        """Keep that the access mail did not go out; the last one that did is from `before`."""
        return self._changed(now, Entry(at=now, what="access mail not sent", detail=why), resent_at=before)

    def note_orphan(self, name: StepName, receipt: str, *, now: datetime) -> Order:
        """Keep a receipt that nobody uses: a second one, or one for an address that was corrected meanwhile."""
        if self.step(name).receipt == receipt:
            return self
        return self._changed(
            now, Entry(at=now, what="orphan", step=name, detail=f"a second receipt, not used: {receipt}")
        )

    def _with_step(self, name: StepName, now: datetime, entry: Entry, **changes: object) -> Order:
        steps = tuple(replace(step, **changes) if step.name == name else step for step in self.steps)
        return self._changed(now, entry, steps=steps)

    def _changed(self, now: datetime, entry: Entry | None = None, **changes: object) -> Order:
        history = self.history if entry is None else written(self.history, entry)
        after = replace(self, updated_at=max(now, self.updated_at), history=history, **changes)
        hold(self, after)
        return after


def place(order_id: str, intent: Intent, *, now: datetime, ask: bool = False, confirm: bool = False) -> Order:
    """Place an order: it holds the whole intent from its first moment.

    `ask` where its gateway can be asked later, `confirm` where the shop mails a confirmation.
    """
    names: tuple[StepName, ...] = ("confirmation", *STEPS) if confirm else STEPS
    steps = tuple(Step(name=name) for name in names)
    placed = Entry(at=now, what="placed", detail=f"{intent.product} {intent.price}")
    ask_at = now + ASKS[0] if ask else None
    return Order(
        id=order_id,
        intent=intent,
        created_at=now,
        updated_at=now,
        history=(placed,),
        ask_at=ask_at,
        steps=steps,
    )


def _later(before: Status, after: Status) -> Status:
    return after if RANK[after] > RANK[before] else before
