"""What a worker does with a message: one function for each task, and a plan for what becomes of the message.

Whatever is learnt is written into the order before the message is let go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from kramik import desk, reconciling, telling
from kramik.errors import Transient
from kramik.event import PaymentEvent
from kramik.fulfilment import Fulfilment
from kramik.invariants import ENDED
from kramik.order import Order
from kramik.ports import Clock
from kramik.premises import Ports, Timing
from kramik.queue import Done, Message, Park, Plan, Received, Task
from kramik.withdrawal import Withdrawal

DELIVERIES = 30
"""A message that was taken so often without an answer kills whoever takes it."""


class StrangerError(Transient):
    """Nobody knows the order of this message, yet or at all."""


class Tasks:
    """The tasks of one shop; `link` makes our own link to the course of an order."""

    def __init__(self, ports: Ports, timing: Timing, link: Callable[[Order], str]) -> None:
        self._ports, self._timing, self._link = ports, timing, link

    def do(self, received: Received, clock: Clock, stop: Callable[[], bool]) -> Plan:
        """Do what the message asks for.

        Raises:
            StrangerError: nobody knows its order.
            KramikError: it did not work; the message is to be planned anew.
        """
        message = received.message
        if received.deliveries > DELIVERIES:
            why = f"it was taken {received.deliveries} times and never answered; the process dies on it"
            return desk.give_up(self._ports, message, why, now=clock())
        works: Mapping[Task, Callable[[], Plan]] = {
            "fulfil": lambda: self._fulfil(received, clock, stop),
            "ask": lambda: self._ask(message, now=clock()),
            "tell": lambda: self._tell(received, clock),
            "resend": lambda: desk.resend(self._ports, message, self._link, now=clock()),
            "withdraw": lambda: self._withdraw(received, clock, stop),
            "unreadable": lambda: self._show(received, now=clock()),
        }
        return works[message.task]()

    def _show(self, received: Received, *, now: datetime) -> Plan:
        why = f"an authentic notification that nobody could read: {received.message.note}"
        telling.of_poison(self._ports, received, why, now=now)
        return Park(why)

    def _ask(self, message: Message, *, now: datetime) -> Plan:
        order = self._ports.orders.get(message.order)
        due = None if order is None or order.status != "placed" else order.work_due
        if order is not None and due is not None and due <= now:
            reconciling.ask(self._ports, order, now=now)
        return Done()

    def _withdraw(self, received: Received, clock: Clock, stop: Callable[[], bool]) -> Plan:
        """Keep the statement in the order that it is about, and acknowledge it; a person sees one that fits none."""
        message = received.message
        order = desk.stated_about(self._ports, message)
        if order is None:
            who = f"{message.name} <{message.email}>"
            about = message.order or "no order number"
            why = f"a withdrawal that fits no order: {who}, {about}, at {message.nonce}; answer it by mail"
            telling.of_poison(self._ports, received, "a withdrawal that fits no order", now=clock())
            return Park(why)
        stated = Withdrawal(
            at=datetime.fromisoformat(message.nonce), name=message.name, statement=message.note
        )
        work = self._work(order, clock)
        work.note(lambda each: each.withdraw(stated))
        return self._run(work, received, clock, stop)

    def _work(self, order: Order, clock: Clock) -> Fulfilment:
        return Fulfilment(
            order,
            self._ports.effects,
            self._ports.orders,
            settle=self._timing.visibility,
            clock=clock,
            log=self._ports.log,
            channels=tuple(self._ports.tellers),
            takes_back=self._ports.takes_back,
        )

    def _fulfil(self, received: Received, clock: Clock, stop: Callable[[], bool]) -> Plan:
        message = received.message
        order = self._order(message)
        event = None if message.event is None else replace(message.event, order=order.id)
        if event is not None:
            event = reconciling.confirmed(self._ports, order, event, now=clock())
        work = self._work(order, clock)
        if event is not None:
            self._apply(work, event, now=clock())
        self._settle_quotas(work, now=clock())
        plan = self._run(work, received, clock, stop)
        unwanted = "" if event is None else work.order.unwanted(event)
        return Park(unwanted) if unwanted and isinstance(plan, Done) else plan

    def _run(self, work: Fulfilment, received: Received, clock: Clock, stop: Callable[[], bool]) -> Plan:
        """Let the work go on; what its seller is owed then has a message of its own, and waits for nothing."""
        plan = work.run(self._link, until=self._until(received), stop=stop)
        if work.owes:
            self._ports.queue.put(Message(order=work.order.id, task="tell"), now=clock()).result()
        return plan

    def _tell(self, received: Received, clock: Clock) -> Plan:
        if not received.message.order:
            return telling.tell_alone(self._ports, received, now=clock())
        until, settle = self._until(received), self._timing.visibility
        return telling.tell(self._ports, received.message, settle=settle, until=until, clock=clock)

    def _until(self, received: Received) -> datetime:
        """Return when no call may begin any more that has to end before others may take the message."""
        return received.until - timedelta(seconds=self._timing.call)

    def _apply(self, work: Fulfilment, event: PaymentEvent, *, now: datetime) -> None:
        work.note(lambda order: order.apply(event, now=now))
        self._ports.log(
            "payment", order=event.order, kind=event.kind, gateway=event.gateway, state=work.order.state
        )

    def _settle_quotas(self, work: Fulfilment, *, now: datetime) -> None:
        """Keep what a paid order took one of, give back what a refunded one had; park what nothing is left for.

        A person who lets a parked order go on grants it all the same.
        """
        order, quotas = work.order, self._ports.quotas
        for quota in order.intent.quotas if quotas else ():
            if quotas and order.status in ENDED:
                quotas.free(quota, order.id, now=now)
            elif quotas and order.status == "paid" and not quotas.keep(quota, order.id, now=now):
                if any(entry.what == "resumed" for entry in order.history):
                    continue
                why = f"nothing is left of {quota.name}: the payment came too late; refund it, or retry to grant it"
                for step in filter(order.open, order.steps):
                    work.note(lambda each, name=step.name, why=why: each.park(name, why, now=now))  # type: ignore[misc]

    def _order(self, message: Message) -> Order:
        event = message.event
        order = reconciling.owner(self._ports, event) if event else self._ports.orders.get(message.order)
        if order is None:
            raise StrangerError(f"there is no order {message.order!r} (yet)")
        return order
