"""The buyer withdraws: it is kept, acknowledged once whatever breaks, and decided by the seller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from kramik import mail
from kramik.errors import NeedsOperator, Rejected
from kramik.intent import Buyer
from kramik.moves import Effects
from kramik.order import Order
from kramik.queue import Message
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from kramik.withdrawal import Withdrawal
from tests.story.example import (
    DRAFT,
    NOON,
    FakeClock,
    Letterbox,
    PaperGateway,
    a_shop,
    paid,
    refund,
    work_off,
)
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, frail_effects
from tests.story.world import World

MANY = 120


class Counter:
    """A shop that acknowledges by its own post, on a clock that stands still."""

    def __init__(self, *, revokes: bool = True) -> None:
        self.clock, self.post = FakeClock(), Letterbox()
        self.world = World(self.clock)
        self.orders, self.queue = MemoryOrders(), MemoryQueue()
        self.effects: Effects = {
            **self.world.effects(revokes=revokes),
            "withdrawal": mail.acknowledging(self.post),
        }
        self.shop = a_shop(self.effects, orders=self.orders, queue=self.queue)

    def bought(self, key: str = "first", email: str = "anna@example.com", *, pay: bool = True) -> Order:
        """Return an order that was paid and completed."""
        draft = msgspec.structs.replace(DRAFT, key=key, buyer=Buyer(email=email, name="Anna"))
        order = self.shop.placed(self.shop.place(draft, now=self.clock()))
        if pay:
            event = PaperGateway().notification(paid(order.id, f"pay-{key}"))
            self.shop.notify("till", event, now=self.clock()).stored.result()
        work_off(self.shop, self.clock)
        return self.stored(order)

    def stored(self, order: Order) -> Order:
        """Return the order as it is stored."""
        found = self.orders.get(order.id)
        assert found is not None
        return found

    def withdraw(self, email: str = "anna@example.com", order: str = "", statement: str = "") -> None:
        """Let a buyer confirm a withdrawal, and the shop work."""
        stored = self.shop.ask_withdrawal(
            email, "Anna Kowalska", order=order, statement=statement, now=self.clock()
        )
        stored.result()
        work_off(self.shop, self.clock)

    def decide(self, order: Order, *, accepted: bool, why: str = "") -> Order:
        """Let the seller decide, and the shop work."""
        self.shop.decide_withdrawal(self.stored(order), accepted=accepted, why=why, now=self.clock())
        work_off(self.shop, self.clock)
        return self.stored(order)


@pytest.fixture
def counter() -> Counter:
    """A fresh shop."""
    return Counter()


def test_a_withdrawal_is_kept_and_acknowledged(counter: Counter) -> None:
    """With content, date and time on a durable medium, and the seller is told until when to decide."""
    order = counter.bought()
    counter.clock.forward(3 * 86_400)
    counter.withdraw("ANNA@example.com", order.id, "Kurs nie jest dla mnie.")
    after = counter.stored(order)
    (sent,) = counter.post.mails.values()
    assert after.withdrawal is not None
    assert ("completed", "Anna Kowalska") == (after.state, after.withdrawal.name)
    for part in (
        "2026-11-05 12:00:00 UTC",
        order.id,
        "Kurs nie jest dla mnie.",
        "2026-11-19",
        order.intent.title,
    ):
        assert part in sent.text
    assert ("anna@example.com", "Potwierdzenie odstąpienia od umowy: Agregaty w praktyce") == (
        sent.to,
        sent.subject,
    )
    assert "accept it (and refund by 2026-11-19) or refuse it" in after.attention[0]
    assert after.opened


def test_an_accepted_withdrawal_takes_the_access_back(counter: Counter) -> None:
    """The link stops, the academy is told, and the seller reads what to refund; the refund ends it."""
    order = counter.bought()
    counter.withdraw()
    after = counter.decide(order, accepted=True)
    assert ("withdrawn", False, 1) == (
        after.state,
        after.opened,
        len(counter.world.rows(order.id, "revocation")),
    )
    assert (
        "the withdrawal was accepted: refund 299.00 PLN at till (pay-first) by 2026-11-16",
    ) == after.attention
    event = PaperGateway().notification(refund(order.id, "pay-first"))
    counter.shop.notify("till", event, now=counter.clock()).stored.result()
    work_off(counter.shop, counter.clock)
    ended = counter.stored(order)
    assert ("refunded", (), 1) == (
        ended.state,
        ended.attention,
        len(counter.world.rows(order.id, "revocation")),
    )


def test_a_refused_withdrawal_changes_nothing(counter: Counter) -> None:
    """The access stays, the reason stays with the order, and it can not be decided twice."""
    order = counter.bought()
    counter.withdraw()
    after = counter.decide(order, accepted=False, why="opened at once, as asked for")
    assert after.withdrawal is not None
    assert ("completed", True, (), "opened at once, as asked for") == (
        after.state,
        after.opened,
        after.attention,
        after.withdrawal.why,
    )
    with pytest.raises(Rejected):
        counter.decide(order, accepted=True)


def test_without_a_revoking_academy_a_person_takes_it_back() -> None:
    """The seller reads that the access is to be taken back by hand."""
    counter = Counter(revokes=False)
    order = counter.bought()
    counter.withdraw()
    sentences = counter.decide(order, accepted=True).attention
    assert "the withdrawal was accepted: take the access back at the academy" in sentences


def test_the_same_statement_twice_is_one(counter: Counter) -> None:
    """A buyer who sends it again gets one acknowledgement, and the first moment counts."""
    order = counter.bought()
    counter.withdraw()
    counter.clock.forward(86_400)
    counter.withdraw(order=order.id, statement="again")
    after = counter.stored(order)
    assert after.withdrawal is not None
    assert (NOON, 1) == (after.withdrawal.at, len(counter.post.mails))


@pytest.mark.parametrize(
    ("email", "number"),
    [("nobody@example.com", ""), ("anna@example.com", "nonsense"), ("berta@example.com", "ANNAS")],
)
def test_a_withdrawal_that_fits_no_order_reaches_a_person(counter: Counter, email: str, number: str) -> None:
    """Nobody is mailed, nothing changes, and a person reads it with everything that was said."""
    order = counter.bought()
    counter.withdraw(email, order.id if number == "ANNAS" else number, "Odstępuję")
    (poisoned,) = counter.shop.ports.queue.poisoned()
    assert ("Odstępuję", email) == (poisoned.message.note, poisoned.message.email)
    assert "fits no order" in poisoned.why
    assert (None, {}) == (counter.stored(order).withdrawal, counter.post.mails)


def test_without_a_number_the_only_order_is_meant(counter: Counter) -> None:
    """An unpaid order is none, and neither is one that was withdrawn from; of two that are left a person chooses."""
    first = counter.bought("first")
    counter.bought("unpaid", pay=False)
    counter.withdraw()
    assert counter.stored(first).withdrawal is not None
    second = counter.bought("second")
    counter.withdraw()
    assert counter.stored(second).withdrawal is not None
    counter.bought("third")
    counter.bought("fourth")
    counter.withdraw()
    assert 1 == len(counter.shop.ports.queue.poisoned())


def test_a_withdrawal_before_the_order_is_complete(counter: Counter) -> None:
    """The order is completed all the same until the seller decides; accepted, nothing more is granted."""
    order = counter.bought(pay=False)
    event = PaperGateway().notification(paid(order.id, "pay-first"))
    counter.world.fault = lambda step: "refused" if step == "purchase" else "none"
    counter.shop.notify("till", event, now=counter.clock()).stored.result()
    for _ in range(3):
        received = counter.queue.take(now=counter.clock(), visibility=120)
        if received is not None:
            counter.shop.work(received, clock=counter.clock)
    counter.shop.ask_withdrawal(
        "anna@example.com", "A", order=order.id, statement="", now=counter.clock()
    ).result()
    counter.clock.forward(1)
    received = counter.queue.take(now=counter.clock(), visibility=120)
    assert received is not None
    counter.shop.work(received, clock=counter.clock)
    assert counter.stored(order).withdrawal is not None
    counter.world.fault = lambda _: "none"
    after = counter.decide(order, accepted=True)
    assert ("withdrawn", []) == (after.state, counter.world.rows(order.id, "purchase"))


def test_a_post_that_is_down_is_tried_again(counter: Counter) -> None:
    """The acknowledgement is a step like any other: parked with a reason, retried by a person."""
    order = counter.bought()
    honest = counter.effects
    broken = {**honest, "withdrawal": mail.acknowledging(mail.NoPost())}
    shop = a_shop(broken, orders=counter.orders, queue=counter.queue)
    shop.ask_withdrawal("anna@example.com", "A", order="", statement="", now=counter.clock()).result()
    work_off(shop, counter.clock)
    parked = counter.stored(order)
    assert ("parked", True) == (parked.state, any(each.startswith("withdrawal") for each in parked.attention))
    counter.shop.retry(parked, now=counter.clock())
    work_off(counter.shop, counter.clock)
    assert ("completed", 1) == (counter.stored(order).state, len(counter.post.mails))


def test_nobody_acknowledges_what_was_not_stated(counter: Counter) -> None:
    """The mail is made of the statement alone."""
    with pytest.raises(NeedsOperator):
        mail.withdrawal_mail(counter.bought())


def test_the_acknowledgement_is_dated_by_the_clock_of_the_shop(counter: Counter) -> None:
    """Date and time are those of the buyer's wall, and the fortnight is counted from that day."""
    late = counter.clock().replace(hour=23, minute=30)
    stated = counter.bought().withdraw(Withdrawal(at=late, name="Anna"))
    there, here = (mail.withdrawal_mail(stated, clock).text for clock in (UTC, ZoneInfo("Europe/Warsaw")))
    day, fortnight = late + timedelta(days=1), late + timedelta(days=15)

    assert f"{late:%Y-%m-%d} 23:30:00 UTC" in there
    assert f"{day:%Y-%m-%d} 0" in here
    assert f"{fortnight:%Y-%m-%d}" in here


def test_a_crash_at_any_boundary_of_a_withdrawal() -> None:
    """Stated once, acknowledged once, taken back once."""
    for boundary in range(1, MANY):
        counter, fuse = Counter(), Fuse(boundary)
        order = counter.bought()
        frail = a_shop(
            frail_effects(counter.effects, fuse),
            orders=FrailOrders(counter.orders, fuse),
            queue=FrailQueue(counter.queue, fuse),
        )
        put = counter.shop.ask_withdrawal(
            "anna@example.com", "A", order="", statement="", now=counter.clock()
        )
        put.result()
        for work in (frail_work(frail, counter), frail_decide(frail, counter, order)):
            try:
                work()
            except DiedError:
                counter.clock.forward(3600)
                counter.shop.sweep(now=counter.clock())
                work_off(counter.shop, counter.clock)
        after = counter.stored(order)
        if after.withdrawal is not None and not after.withdrawal.decision:
            after = counter.decide(order, accepted=True)
        counter.clock.forward(3600)
        counter.shop.sweep(now=counter.clock())
        work_off(counter.shop, counter.clock)
        after = counter.stored(order)
        assert ("withdrawn", 1, 1) == (
            after.state,
            len(counter.post.mails),
            len(counter.world.rows(order.id, "revocation")),
        )
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


def frail_work(frail: Shop, counter: Counter) -> Callable[[], None]:
    """Return the work on what waits."""
    return lambda: work_off(frail, counter.clock)


def frail_decide(frail: Shop, counter: Counter, order: Order) -> Callable[[], None]:
    """Return the seller's decision and the work that follows."""

    def decide() -> None:
        found = counter.stored(order)
        if found.withdrawal is None:
            return
        frail.decide_withdrawal(found, accepted=True, why="", now=counter.clock())
        work_off(frail, counter.clock)

    return decide


def test_the_message_keeps_what_was_said() -> None:
    """Nothing of the statement is lost on the queue."""
    message = Message(task="withdraw", order="o", email="e", name="n", note="s", nonce=NOON.isoformat())
    queue = MemoryQueue()
    queue.put(message, now=NOON).result()
    received = queue.take(now=NOON + timedelta(seconds=1), visibility=9)
    assert message == (received and received.message)
