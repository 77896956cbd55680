"""How the seller is told: each notice of an order by its channel, once, under the rules that every effect has.

A channel that is `keyed` is told again after an unknown outcome, one that is `unsafe` is started in the order first
and never told twice. Whatever goes wrong here, the order goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec.structs import replace

from kramik.errors import InvariantBroken, KramikError, NeedsOperator, OutcomeUnknown, Rejected, Transient
from kramik.fulfilment import SAID
from kramik.notice import Channel, Notice
from kramik.order import Order
from kramik.ports import Clock, News, Teller
from kramik.premises import Ports
from kramik.queue import Again, Done, Message, Plan, Received, encode, plan_retry


def tell(ports: Ports, message: Message, *, settle: float, until: datetime, clock: Clock) -> Plan:
    """Tell what an order owes its seller, as far as it is due and `until` has not passed.

    Raises:
        KramikError: the store is down, or somebody wrote first; the message comes again.
    """
    order = ports.orders.get(message.order)
    while order is not None:
        now = clock()
        due = [notice for notice in order.notices if notice.owed_at is not None and notice.owed_at <= now]
        if not due:
            return Done() if order.owed_at is None else Again((order.owed_at - now).total_seconds())
        if now >= until:
            return Again(0)
        order = _told(ports, order, due[0], settle=settle, clock=clock)
    return Done()


def of_poison(ports: Ports, received: Received, why: str, *, now: datetime) -> None:
    """Let the seller be told of a message that was moved aside and that no order can tell of."""
    message = received.message
    name = sha256(encode(replace(message, attempt=0))).hexdigest()[:32]
    about = f" about order {message.order}" if message.order else ""
    text = f"a message ({message.task}){about} was moved aside: {why}; kramik poison list shows it"
    put(ports, f"poison/{name}", text, now=now)


def put(ports: Ports, name: str, text: str, *, now: datetime, channels: tuple[Channel, ...] = ()) -> None:
    """Put a message on the queue that tells the seller something about no order in particular."""
    for channel in channels or tuple(ports.tellers):
        note = Message(task="tell", channel=channel, nonce=name, note=text)
        ports.queue.put(note, now=now).result()


def tell_alone(ports: Ports, received: Received, *, now: datetime) -> Plan:
    """Tell what a message says by itself; a channel without keys only the first time that it is delivered.

    Raises:
        KramikError: it was not told; the message comes again.
    """
    message = received.message
    teller = ports.tellers.get(_channel(message))
    if teller is None:
        return Done()
    if teller.repeat == "unsafe" and received.deliveries > 1:
        ports.log("notice_unknown", notice=message.nonce, channel=message.channel)
        return Done()
    kind = message.nonce.partition("/")[0]
    news = News(id=message.nonce, kind="digest" if kind == "digest" else "poison", text=message.note, at=now)
    try:
        teller.tell(news)
    except OutcomeUnknown as error:
        if teller.repeat == "keyed":
            raise
        ports.log("notice_unknown", notice=message.nonce, channel=message.channel, why=str(error))
    else:
        ports.log("told", notice=message.nonce, channel=message.channel)
    return Done()


def _channel(message: Message) -> Channel:
    return "webhook" if message.channel == "webhook" else "mail"


def _told(ports: Ports, order: Order, notice: Notice, *, settle: float, clock: Clock) -> Order:
    """Tell one notice, or give it up; return the order as it was saved then."""
    teller = ports.tellers.get(notice.channel)
    if teller is None:
        return _kept(ports, order, notice.give_up("this shop has no such channel any more"), now=clock())
    if notice.state == "started":
        why = "it was cut off, and nobody can tell whether it arrived"
        return _kept(ports, order, notice.give_up(why), now=clock())
    if teller.repeat == "unsafe":
        begun = clock()
        notice = notice.start(due=begun + timedelta(seconds=settle))
        order = ports.orders.save(order.note_notice(notice, now=begun))
    after = _tried(order, notice, teller, clock)
    ports.log(
        "told" if after.state == "told" else "not_told",
        order=order.id,
        notice=notice.fact,
        channel=notice.channel,
        outcome=after.state,
    )
    return _kept(ports, order, after, now=clock())


def _tried(order: Order, notice: Notice, teller: Teller, clock: Callable[[], datetime]) -> Notice:
    """Return what became of a notice after one call."""
    news = News(id=f"{order.id}/{notice.fact}", kind=notice.kind, text=notice.text, at=notice.at, order=order)
    try:
        return notice.told(teller.tell(news))
    except Exception as error:  # noqa: BLE001 - whatever a channel raises, it never stops an order
        why, known = str(error)[:SAID], isinstance(error, KramikError)
        unknown = not known or isinstance(error, OutcomeUnknown)
        if unknown and teller.repeat == "unsafe":
            return notice.give_up(f"{why or type(error).__name__}; nobody can tell whether it arrived")
        if isinstance(error, Rejected | NeedsOperator | InvariantBroken):
            return notice.give_up(why)
        again = error if isinstance(error, Transient) else Transient(why or type(error).__name__)
        plan = plan_retry(notice.attempts + 1, again, seed=f"{order.id}/{notice.fact}/{notice.channel}")
        if isinstance(plan, Again):
            return notice.postpone(why, due=clock() + timedelta(seconds=plan.after))
        return notice.give_up(f"it was tried {notice.attempts + 1} times, the last time: {why}")


def _kept(ports: Ports, order: Order, notice: Notice, *, now: datetime) -> Order:
    return ports.change(order, lambda each: each.note_notice(notice, now=now))
