"""What is done about orders from behind the counter: sweep, retry and resend.

Everything here is harmless when it is done twice: work goes through the queue, and a mail has a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta

from msgspec.structs import replace

from kramik.errors import KramikError, OutcomeUnknown, Problem, Rejected
from kramik.invariants import ENDED
from kramik.journal import StepName
from kramik.mail import access_mail
from kramik.moves import effect_of
from kramik.news import owe
from kramik.order import Order
from kramik.ports import Delivery, Effect, Mail, Orders, Query
from kramik.premises import Ports
from kramik.queue import Done, Message, Park, Plan, Task

RESEND_EVERY = timedelta(minutes=10)
_PAGE = 200


def sweep(ports: Ports, late: datetime, now: datetime) -> list[str]:
    """Put every order whose work was due before `late` back on the queue, and those to ask about; return their ids."""
    return list(_swept(ports, late, now))


def _swept(ports: Ports, late: datetime, now: datetime) -> Iterator[str]:
    query = Query(due_before=now, limit=_PAGE)
    while page := ports.orders.search(query):
        for order in page:
            for task in _tasks(order, late, now):
                ports.queue.put(Message(order=order.id, task=task), now=now).result()
                ports.log("swept", order=order.id, task=task)
                yield order.id
        query = replace(query, before=page[-1].id)


def _tasks(order: Order, late: datetime, now: datetime) -> Iterator[Task]:
    """Yield what was forgotten about an order, or, of an unpaid one, what is due now."""
    work, owed, placed = order.work_due, order.owed_at, order.status == "placed"
    if work is not None and work <= (now if placed else late):
        yield "ask" if placed else "fulfil"
    if owed is not None and owed <= late:
        yield "tell"


def careful(orders: Orders, revocation: Effect) -> Effect:
    """Let access be taken back only where no other order of the buyer gives the same one; at former addresses, too."""

    def do(delivery: Delivery) -> str:
        return _all_taken_back(
            orders, revocation, delivery, (delivery.order.addressed, *delivery.order.former)
        )

    return replace(revocation, do=do)


def removing(orders: Orders, revocation: Effect) -> Effect:
    """Let access be taken back from every address that an order had before, and from no other."""

    def do(delivery: Delivery) -> str:
        said = _all_taken_back(orders, revocation, delivery, delivery.order.former)
        return said or "there is no other address"

    return Effect(repeat=revocation.repeat, do=do, lag=revocation.lag)


def _all_taken_back(orders: Orders, revocation: Effect, delivery: Delivery, of: Sequence[Order]) -> str:
    said = (_taken_back(orders, revocation, replace(delivery, order=order)) for order in of)
    return "; ".join(dict.fromkeys(said))


def _taken_back(orders: Orders, revocation: Effect, delivery: Delivery) -> str:
    intent = delivery.order.intent
    for other in orders.search(Query(email=intent.buyer.email, limit=_PAGE)):
        if other.id != delivery.order.id and other.opened and other.intent.course == intent.course:
            return f"kept: order {other.id} gives the same access"
    return revocation.do(delivery)


def give_up(ports: Ports, message: Message, why: str, *, now: datetime) -> Park:
    """Park every open step of a message's order, so that no sweep puts it back to work before a person looked."""
    order = ports.orders.get(message.order)
    if order is not None and order.status != "placed":
        parked = order
        for step in filter(order.open, order.steps):
            parked = parked.park(step.name, why, now=now, unknown=step.state == "started")
        saved = ports.orders.save(owe(order, parked, tuple(ports.tellers), now=now))
        if saved.owed_at is not None:
            ports.queue.put(Message(order=order.id, task="tell"), now=now).result()
    return Park(why)


def retry(ports: Ports, order: Order, *, now: datetime, found: Mapping[StepName, str]) -> Order:
    """Resume every parked step and put the order back to work; `found` are receipts that a person saw.

    Raises:
        Conflict: the order changed meanwhile; look at it again.
    """
    resumed = order
    for name, receipt in found.items():
        resumed = resumed.record(name, receipt, now=now, found=True)
    ask = [step.name for step in order.steps if effect_of(step, ports.effects).repeat == "lookup"]
    resumed = resumed.resume(now=now, ask=ask)
    saved = order if resumed is order else ports.orders.save(resumed)
    _put_back(ports, order, now=now)
    ports.log("retried", order=order.id)
    return saved


def _put_back(ports: Ports, order: Order, *, now: datetime) -> None:
    """Let a worker see an order again: by its poison, which is dealt with, or by a message."""
    replayed = [ports.queue.replay(each.id, now=now) for each in ports.queue.poisoned(order.id)]
    if not any(replayed):
        ports.queue.put(Message(order=order.id), now=now).result()


def put_resend(ports: Ports, *, now: datetime, order: str = "", email: str = "") -> Future[None]:
    """Ask for the access mail of an order, or of every order of an address."""
    message = Message(task="resend", order=order, email=email, nonce=f"{now.timestamp():.6f}")
    return ports.queue.put(message, now=now)


def correct(ports: Ports, order: Order, email: str, *, now: datetime, settle: float) -> Order:
    """Let an order be for another address, and make for it what reached the one before; nothing of an unpaid one.

    Raises:
        Rejected: the contract was undone, so the order is for nobody any more.
        Conflict: the order changed meanwhile; look at it again.
    """
    if order.status in ENDED:
        message = f"the order is {order.status}, so nobody gets access by it any more"
        raise Rejected(Problem(field="to", code="ended", message=message))
    takes_back = "removal" in ports.effects
    remove_from = now + timedelta(seconds=settle) if takes_back else None
    corrected = order.correct(email, now=now, remove_from=remove_from)
    if corrected is order:
        return order
    saved = ports.orders.save(corrected)
    if saved.payment is not None:
        _put_back(ports, saved, now=now)
    ports.log("corrected", order=order.id)
    return saved


def stated_about(ports: Ports, message: Message) -> Order | None:
    """Return the order that a withdrawal is about: the one that is named, or the only one that this address paid."""
    email = message.email.casefold()
    if message.order:
        named = ports.orders.get(message.order.strip().lower())
        fits = named is not None and named.payment is not None and named.buyer.email.casefold() == email
        return named if fits else None
    paid = [each for each in ports.orders.search(Query(email=message.email)) if each.payment is not None]
    open_ones = [each for each in paid if each.withdrawal is None and each.status != "refunded"]
    return open_ones[0] if len(open_ones) == 1 else paid[0] if len(paid) == 1 else None


def decide_withdrawal(ports: Ports, order: Order, *, accepted: bool, why: str, now: datetime) -> Order:
    """Keep what the seller decided about a withdrawal, and put the order to work: access may be taken back.

    Raises:
        Rejected: nobody withdrew, or it was decided before.
        Conflict: the order changed meanwhile; look at it again.
    """
    decided = order.decide_withdrawal(accepted=accepted, why=why, now=now)
    if decided is order:
        message = "nobody withdrew from this order, or it was decided before"
        raise Rejected(Problem(field="withdrawal", code="nothing_to_decide", message=message))
    if "revocation" in ports.effects:
        decided = decided.revoke(
            now=now, due=now
        )  # in the same save, so that a sweep finds what a crash left undone
    saved = ports.orders.save(decided)
    ports.queue.put(Message(order=order.id), now=now).result()
    return saved


def resend(ports: Ports, message: Message, link: Callable[[Order], str], *, now: datetime) -> Plan:
    """Send the access mails that a message asks for; an address is mailed once in ten minutes, a person's order always.

    Raises:
        KramikError: a mail could not be sent; those that were sent are not sent again.
    """
    failed: KramikError | None = None
    for order in _to_resend(ports, message):
        recent = order.resent_at is not None and now - order.resent_at < RESEND_EVERY
        if recent and not message.order:
            continue
        try:
            key = f"{order.id}/{message.nonce if message.order else _next(order)}"
            mail = access_mail(order.addressed, link(order), key=key, again=True)
            _send_again(ports, order, mail, nonce=message.nonce, now=now)
        except KramikError as error:
            failed = failed if isinstance(error, Rejected) and failed else error
    if failed is not None:
        raise failed
    return Done()


def _send_again(ports: Ports, order: Order, mail: Mail, *, nonce: str, now: datetime) -> None:
    """Send a mail and note it; a post without keys is claimed for this mail first, so that of two workers one sends."""
    if ports.post.repeat == "keyed":
        ports.post.send(mail)
        ports.orders.save(order.note_mail(nonce, now=now))
        return
    claimed = ports.orders.save(order.note_mail(nonce, now=now))
    try:
        ports.post.send(mail)
    except OutcomeUnknown as error:
        ports.log("resend_unknown", order=order.id, why=str(error))
    except KramikError as error:
        why = str(error)
        ports.change(claimed, lambda each: each.note_unsent(why, now=now, before=order.resent_at))
        raise


def _next(order: Order) -> str:
    """Name the one mail that may follow the last one: workers that race for it send the same, which is one mail."""
    return f"after-{order.resent_at.isoformat() if order.resent_at else 'none'}"


def _to_resend(ports: Ports, message: Message) -> Sequence[Order]:
    if message.order:
        order = ports.orders.get(message.order)
        found = [] if order is None else [order]
    else:
        found = list(ports.orders.search(Query(email=message.email)))
    return [order for order in found if order.opened]
