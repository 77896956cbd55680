"""A buyer mistyped their address: the seller corrects it, and whatever reaches a mailbox is made for the new one.

Judged by the ledger of the other side: once each for the new address, money once, and nothing left at the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from kramik import desk
from kramik.errors import InvariantBroken, Problem, Rejected
from kramik.journal import StepName
from kramik.order import Order
from kramik.ports import Delivery, Effect, Query, Repeat
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.example import DRAFT, FakeClock, PaperGateway, a_shop, paid, refund, work_off
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, frail_effects
from tests.story.world import FAULTS, Fault, World

OLD, NEW = "anna@example.com", "ania@example.org"
KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
BOUND: tuple[StepName, ...] = ("invitation", "sequence")
MANY = 150


class Counter:
    """A shop whose academy can take access back, and its seller."""

    def __init__(self, kind: Repeat = "keyed", *, revokes: bool = True) -> None:
        self.clock = FakeClock()
        self.world = World(self.clock, kind, lag=20)
        self.world.kinds["revocation"] = "set"
        self.orders, self.queue = MemoryOrders(), MemoryQueue()
        self.effects = {**self.world.effects(revokes=revokes)}
        self.asked: list[tuple[str, str]] = []
        """Address and recorded link of everybody whose access was to be taken back."""
        if revokes:
            taken = replace(self.effects["revocation"], do=self._noting(self.effects["revocation"]))
            self.effects["revocation"] = desk.careful(self.orders, taken)
            self.effects["removal"] = desk.removing(self.orders, taken)
        self.shop = a_shop(self.effects, orders=self.orders, queue=self.queue)

    def _noting(self, taken: Effect) -> Callable[[Delivery], str]:
        def do(delivery: Delivery) -> str:
            order = delivery.order
            self.asked.append((order.intent.buyer.email, order.step("invitation").receipt))
            return taken.do(delivery)

        return do

    def ordered(self, key: str = "first") -> Order:
        """Return an order that is placed."""
        return self.shop.placed(self.shop.place(replace(DRAFT, key=key), now=self.clock()))

    def pay(self, order: Order) -> None:
        """Let the gateway say that it was paid, and the shop work."""
        event = PaperGateway().notification(paid(order.id, f"pay-{order.id}"))
        self.shop.notify("till", event, now=self.clock()).stored.result()
        work_off(self.shop, self.clock)

    def bought(self, key: str = "first") -> Order:
        """Return an order that is completed."""
        order = self.ordered(key)
        self.pay(order)
        return self.stored(order)

    def correct(self, order: Order, email: str = NEW) -> Order:
        """Let the seller correct the address, and the shop work."""
        self.clock.forward(60)
        self.shop.correct(self.stored(order), email, now=self.clock())
        work_off(self.shop, self.clock)
        return self.stored(order)

    def stored(self, order: Order) -> Order:
        """Return the order as it is stored."""
        found = self.orders.get(order.id)
        assert found is not None
        return found

    def told(self, step: StepName) -> list[str]:
        """Return the addresses for which this happened."""
        return [row.email for row in self.world.ledger if row.step == step]

    def token(self, order: Order) -> str:
        """Return what stands in the access link of an order."""
        return self.shop.access_link(order).rpartition("/")[2]


@pytest.mark.parametrize("kind", KINDS)
def test_the_access_goes_to_the_right_mailbox(kind: Repeat) -> None:
    """Invitation and mails once more, for the new address; the money once; the old access is taken back after that."""
    counter = Counter(kind)
    order = counter.bought()
    after = counter.correct(order)

    assert ("completed", True, order.intent) == (after.state, after.opened, after.intent)
    assert ([OLD, NEW], [OLD, NEW]) == tuple(counter.told(step) for step in BOUND)
    assert ([OLD], [OLD]) == (counter.told("purchase"), counter.told("revocation"))
    assert ["invitation", "revocation"] == [
        row.step for row in counter.world.ledger[3:] if row.step in ("invitation", "revocation")
    ]


def test_the_old_link_opens_nothing_any_more() -> None:
    """It lies in a mailbox of somebody else."""
    counter = Counter()
    order = counter.bought()
    old, (_, course) = counter.token(order), counter.shop.open_access(counter.token(order))
    after = counter.correct(order)

    assert (None, "") == counter.shop.open_access(old)
    replaced = counter.shop.replaced(old)
    assert order.id == (replaced and replaced.id)
    assert None is counter.shop.replaced(counter.token(after))
    opened, link = counter.shop.open_access(counter.token(after))
    assert (after.id, True) == (opened and opened.id, bool(link) and link != course)
    assert None is counter.shop.holder(counter.token(after).replace("~1.", "~2."))


def test_what_was_said_and_when_stays_with_the_order() -> None:
    """The intent is what the buyer typed; the history says what became of it."""
    counter = Counter()
    after = counter.correct(counter.bought())

    assert (OLD, NEW) == (after.intent.buyer.email, after.buyer.email)
    assert [f"{OLD} is now {NEW}"] == [
        each.detail for each in after.history if each.what == "address corrected"
    ]
    assert ["done"] * 2 == [step.state for step in after.corrections[0].steps]


def test_the_buyer_is_found_by_the_new_address_and_not_by_the_old_one() -> None:
    """Whoever owns the old mailbox can ask for nothing."""
    counter = Counter()
    order = counter.correct(counter.bought())
    found = {email: counter.orders.search(Query(email=email)) for email in (OLD, NEW)}

    assert ([], [order.id]) == ([each.id for each in found[OLD]], [each.id for each in found[NEW]])
    counter.shop.ask_resend(OLD, now=counter.clock()).result()
    work_off(counter.shop, counter.clock)
    assert 0 == len(counter.shop.ports.post.mails)  # type: ignore[attr-defined]
    counter.shop.ask_resend(NEW, now=counter.clock()).result()
    work_off(counter.shop, counter.clock)
    (mail,) = counter.shop.ports.post.mails.values()  # type: ignore[attr-defined]
    assert (NEW, True) == (mail.to, counter.shop.access_link(order) in mail.text)


def test_before_the_payment_it_is_only_written_down() -> None:
    """Nothing is called; what is bought later goes to the new address alone."""
    counter = Counter()
    order = counter.correct(counter.ordered())
    assert ("placed", []) == (order.state, counter.world.ledger)
    counter.clock.forward(60)
    counter.pay(order)

    assert ([NEW], [NEW], [NEW]) == tuple(counter.told(step) for step in (*BOUND, "purchase"))
    assert ("completed", []) == (counter.stored(order).state, counter.told("revocation"))
    event = PaperGateway().notification(refund(order.id, f"pay-{order.id}"))
    counter.shop.notify("till", event, now=counter.clock()).stored.result()
    work_off(counter.shop, counter.clock)
    assert [NEW] == [email for email, _ in counter.asked], "the old address never had anything"


def test_an_academy_that_refused_the_address_takes_the_new_one() -> None:
    """A parked order goes on without another command, and nothing of it stays among the poison."""
    counter = Counter()
    counter.world.fault = lambda step: "rejected" if step == "invitation" else "none"
    order = counter.bought()
    assert ("parked", 1) == (order.state, len(counter.queue.poisoned()))
    counter.world.fault = lambda _: "none"
    after = counter.correct(order)

    assert ("completed", [NEW], []) == (after.state, counter.told("invitation"), counter.queue.poisoned())


def test_an_academy_that_can_not_take_back() -> None:
    """The access is given all the same; the old one is the seller's to remove."""
    counter = Counter(revokes=False)
    after = counter.correct(counter.bought())

    assert ("completed", False) == (after.state, any(step.name == "removal" for step in after.steps))
    assert [OLD, NEW] == counter.told("invitation")


def test_back_and_forth() -> None:
    """The seller mistypes, too: what counts in the end has access, and nobody else."""
    counter = Counter("set")
    order = counter.bought()
    _, _, after = [counter.correct(order, email) for email in (NEW, "another@example.org", NEW)]

    assert ("completed", NEW, 3) == (after.state, after.buyer.email, len(after.corrections))
    assert [OLD, NEW, "another@example.org", NEW] == counter.told("invitation")
    assert [OLD, NEW, "another@example.org"] == counter.told("revocation")
    third = [email for email, _ in counter.asked[3:]]
    assert [OLD, "another@example.org"] == third, "the one that counts keeps what it has"
    assert after.correct(NEW, now=counter.clock()) is after


def test_an_order_that_ended_is_for_nobody() -> None:
    """The money went back; there is nothing to send."""
    counter = Counter()
    order = counter.bought()
    event = PaperGateway().notification(refund(order.id, f"pay-{order.id}"))
    counter.shop.notify("till", event, now=counter.clock()).stored.result()
    work_off(counter.shop, counter.clock)
    with pytest.raises(Rejected, match="refunded"):
        counter.shop.correct(counter.stored(order), NEW, now=counter.clock())


@pytest.mark.parametrize("how_far", ["corrected", "made"])
def test_money_that_goes_back_takes_the_access_of_every_address(how_far: str) -> None:
    """Also of one at which the shop had not begun yet to take it back."""
    counter = Counter()
    order = counter.bought()
    if how_far == "made":
        counter.correct(order)
    else:
        counter.shop.correct(order, NEW, now=counter.clock())
        lost = counter.queue.take(now=counter.clock(), visibility=60)
        assert lost is not None
        counter.queue.done(lost)
    event = PaperGateway().notification(refund(order.id, f"pay-{order.id}"))
    counter.shop.notify("till", event, now=counter.clock()).stored.result()
    work_off(counter.shop, counter.clock)

    invited = {OLD, NEW} if how_far == "made" else {OLD}
    assert ("refunded", invited) == (counter.stored(order).state, set(counter.told("invitation")))
    assert {OLD, NEW} == set(counter.told("revocation"))


def corrected_meanwhile(counter: Counter, order: Order, then: Callable[[str], str]) -> Order:
    """Pay an order whose address is corrected while the academy is asked; `then` is what becomes of that call."""
    invite = counter.effects["invitation"]

    def slowly(delivery: Delivery) -> str:
        link = invite.do(delivery)
        if delivery.order.key != order.id:
            return link
        counter.shop.correct(counter.stored(order), NEW, now=counter.clock())
        return then(link)

    counter.effects["invitation"] = replace(invite, do=slowly)
    counter.shop = a_shop(counter.effects, orders=counter.orders, queue=counter.queue)
    counter.pay(order)
    return counter.stored(order)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_for_the_old_address_is_not_taken_for_the_new_one(kind: Repeat) -> None:
    """That link belongs to somebody else, so it is taken back and never sent."""
    counter = Counter(kind)
    after = corrected_meanwhile(counter, counter.ordered(), lambda link: link)

    assert ("completed", [OLD, NEW], [NEW]) == (
        after.state,
        counter.told("invitation"),
        counter.told("sequence"),
    )
    (row,) = counter.world.rows(after.key, "invitation")
    assert row.receipt == after.step("invitation").receipt
    assert [(OLD, "")] == counter.asked, "the link of the new address is not handed over to be taken back"
    assert 1 == sum(each.what == "orphan" for each in after.history)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_of_the_old_address_is_none_of_the_new_one(kind: Repeat) -> None:
    """The academy did not want the mistyped address: nothing of the right one is parked or counted."""

    def refuse(_: str) -> str:
        raise Rejected(Problem(field="email", code="bad", message="no such mailbox"))

    counter = Counter(kind)
    after = corrected_meanwhile(counter, counter.ordered(), refuse)

    assert ("completed", 0, [NEW]) == (after.state, after.step("invitation").parks, counter.told("sequence"))


def lives(kind: Repeat, fault: Fault) -> Iterator[tuple[Counter, Order]]:
    """Yield corrections in which the process died at the first boundary, the second, and so on."""
    for boundary in range(1, MANY):
        counter = Counter(kind)
        order, fuse = counter.bought(), Fuse(boundary)
        counter.world.calls.clear()
        counter.world.fault = lambda step, calls=counter.world.calls: (  # type: ignore[misc]
            fault if (step, 1) == ("invitation", calls[step]) else "none"
        )
        frail = a_shop(
            frail_effects(counter.effects, fuse),
            orders=FrailOrders(counter.orders, fuse),
            queue=FrailQueue(counter.queue, fuse),
        )
        try:
            frail.correct(order, NEW, now=counter.clock())
            work_off(frail, counter.clock)
        except DiedError:
            _recover(counter, order)
        yield counter, counter.stored(order)
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


def _recover(counter: Counter, order: Order) -> None:
    """Begin again an hour later; the seller's command is given again when nothing of it was stored."""
    counter.clock.forward(3600)
    shop: Shop = counter.shop
    if not counter.stored(order).corrections:
        shop.correct(counter.stored(order), NEW, now=counter.clock())
    shop.sweep(now=counter.clock())
    work_off(shop, counter.clock)


@pytest.mark.parametrize("fault", ["none", *FAULTS])
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_boundary_of_a_correction(kind: Repeat, fault: Fault) -> None:
    """Everything is made once for the new address, or a person is asked where nobody can know."""
    for counter, order in lives(kind, fault):
        asked = kind == "unsafe" and order.state == "parked" and any(step.unknown for step in order.steps)
        made = [len(counter.world.rows(order.key, step)) for step in BOUND]
        assert asked or ("completed", [1, 1], [OLD]) == (order.state, made, counter.told("revocation"))
        assert (1, []) == (len(counter.told("purchase")), counter.world.doubled())


def test_nothing_but_a_correction_undoes_a_step() -> None:
    """A step that is done may be begun again for another address, and for no other reason."""
    order = Counter().bought()
    with pytest.raises(InvariantBroken, match="what is done stays done"):
        order._with_step("invitation", order.updated_at, order.history[0], state="waiting")
