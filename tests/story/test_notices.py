"""The seller is told what needs them: at once, once by each channel, and never at the cost of an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from msgspec.structs import replace

from kramik import desk
from kramik.errors import Transient
from kramik.event import PaymentEvent
from kramik.money import Money
from kramik.notice import KEPT, Channel, Notice, owing
from kramik.order import Order
from kramik.ports import Effect, News
from kramik.queue import Message
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue, MemoryVault
from tests.story.bell import Bell, BellFault, FrailBell, Kind
from tests.story.example import (
    DRAFT,
    NOON,
    FakeClock,
    PaperGateway,
    a_shop,
    paid,
    refund,
    told,
    work_off,
)
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, frail_effects
from tests.story.world import World

KINDS: tuple[Kind, ...] = ("keyed", "unsafe")
ONE = Money(minor=1, currency="PLN")
MANY = 200


def both() -> dict[Channel, Bell]:
    """Return two channels."""
    return {"mail": Bell("unsafe"), "webhook": Bell()}


def bought(shop: Shop, clock: FakeClock, *events: PaymentEvent) -> Order:
    """Return an order about which the gateway told these events; their order is filled in."""
    order = shop.placed(shop.place(DRAFT, now=clock()))
    for event in events:
        raw = PaperGateway().notification(replace(event, order=order.id))
        shop.notify("till", raw, now=clock()).stored.result()
        work_off(shop, clock)
    return stored(shop, order)


def stored(shop: Shop, order: Order) -> Order:
    """Return the order as it is stored."""
    found = shop.ports.orders.get(order.id)
    assert found is not None
    return found


def rejecting(world: World) -> World:
    """Let the academy refuse everybody for good."""
    world.fault = lambda step: "rejected" if step == "invitation" else "none"
    return world


def test_an_order_that_parks(clock: FakeClock) -> None:
    """By each channel once, with what to do; the order says that it was told."""
    bells = both()
    shop = a_shop(rejecting(World(clock)).effects(), tellers=bells)
    order = bought(shop, clock, paid())
    for bell in bells.values():
        assert [("parked", "parked/invitation/1")] == bell.facts
        assert order.attention == tuple(news.text for news in bell.heard)
    assert ["parked by mail: rung 1", "parked by webhook: rung 1"] == [
        entry.detail for entry in order.history if entry.what == "seller told"
    ]
    assert None is order.owed_at


def test_steps_that_park_together_are_one_notice(clock: FakeClock) -> None:
    """A message that kills whoever takes it parks every open step; the seller is called once."""
    bells = both()
    shop = a_shop(World(clock).effects(), tellers=bells)
    order = bought(shop, clock, paid(money=ONE))
    shop.ports.orders.save(stored(shop, order).apply(paid(order.id, "pay-2"), now=NOON))
    desk.give_up(shop.ports, Message(order=order.id), "the process dies on it", now=NOON)
    work_off(shop, clock)
    [*_, news] = bells["mail"].heard
    assert ["mismatch", "parked"] == [each.kind for each in bells["mail"].heard]
    assert "invitation: the process dies on it; purchase: the process dies on it" == news.text


def test_it_is_told_again_when_it_parks_again(clock: FakeClock) -> None:
    """A person retried, and it did not help: that is news."""
    bells = both()
    shop = a_shop(rejecting(World(clock)).effects(), tellers=bells)
    order = bought(shop, clock, paid())
    shop.retry(order, now=clock())
    work_off(shop, clock)
    assert [("parked", "parked/invitation/1"), ("parked", "parked/invitation/2")] == bells["mail"].facts


@pytest.mark.parametrize(
    ("events", "facts", "words"),
    [
        ((paid(money=ONE),), [("mismatch", "mismatch/till/pay-1")], "refund 0.01 PLN at till (pay-1)"),
        ((paid(), paid(reference="pay-2")), [("second", "second/till/pay-2")], "the order was paid before"),
        (
            (paid(), refund()),
            [("refund", "refund/till/back-of-pay-1")],
            "take the access back at the academy",
        ),
        (
            (paid(), told("chargeback", money=None, of="pay-1")),
            [("chargeback", "chargeback/till/say-1")],
            "take the access back",
        ),
        ((paid(), refund(money=ONE)), [("refund", "refund/till/back-of-pay-1")], "the order stays as it is"),
        ((refund(), paid()), [("refund", "refund/till/back-of-pay-1")], "the order stays as it is"),
        ((paid(),), [], ""),
        ((told("pending"), told("failed", reference="say-2")), [], ""),
    ],
)
def test_money_that_does_not_fit_or_goes_back(
    clock: FakeClock, events: tuple[PaymentEvent, ...], facts: list[tuple[str, str]], words: str
) -> None:
    """Once each, however often the gateway repeats itself, with a sentence that says what to do."""
    bells = both()
    shop = a_shop(World(clock).effects(), tellers=bells)
    bought(shop, clock, *events, *events, *events)
    for bell in bells.values():
        assert facts == bell.facts
        assert len(facts) == len(bell.heard)
        assert all(words in news.text for news in bell.heard)


def test_a_refund_of_what_was_never_given(clock: FakeClock) -> None:
    """There is no access to take back, whatever else waits about the order."""
    bells = both()
    shop = a_shop(rejecting(World(clock)).effects(), tellers=bells)
    bought(shop, clock, paid(), paid(reference="pay-2"), refund())
    [news] = [each for each in bells["mail"].heard if each.kind == "refund"]
    assert news.text.endswith(": the buyer had no access; there is nothing to do")


def test_a_refund_whose_access_is_taken_back_needs_nobody(clock: FakeClock) -> None:
    """And says so."""
    bells = both()
    shop = a_shop(World(clock).effects(revokes=True), tellers=bells)
    bought(shop, clock, paid(), refund())
    assert ["kramik takes the access back; there is nothing to do"] == [
        news.text.partition(": ")[2] for news in bells["mail"].heard
    ]


def test_a_buyer_who_withdraws(clock: FakeClock) -> None:
    """The days run from the statement on, so nobody waits for a sweep; a statement that fits no order is told, too."""
    bells = both()
    acknowledged = Effect(repeat="keyed", do=lambda _: "by mail 1")
    shop = a_shop({**World(clock).effects(), "withdrawal": acknowledged}, tellers=bells)
    bought(shop, clock, paid())
    for email in ("anna@example.com", "eve@example.com"):
        shop.ask_withdrawal(email, "Anna", order="", statement="", now=clock()).result()
        work_off(shop, clock)
    for bell in bells.values():
        assert ["withdrawal", "poison"] == [news.kind for news in bell.heard]
        assert "kramik orders withdrawal" in bell.heard[0].text
        assert "eve@" not in bell.heard[1].text


def test_a_notification_that_nobody_can_read(clock: FakeClock) -> None:
    """It belongs to no order; whoever must look is told all the same."""
    bells = both()
    shop = a_shop(World(clock).effects(), tellers=bells)
    shop.ports.queue.put(Message(task="unreadable", note="amount is 'free'", raw="x"), now=NOON).result()
    work_off(shop, clock)
    for bell in bells.values():
        assert ["poison"] == [news.kind for news in bell.heard]
        assert "amount is 'free'" in bell.heard[0].text


def test_money_for_an_order_that_nobody_knows(clock: FakeClock) -> None:
    """After the tries are over the message lies in the poison, and the seller knows."""
    bells = both()
    shop = a_shop(World(clock).effects(), tellers=bells)
    shop.notify("till", PaperGateway().notification(paid("nobody")), now=clock()).stored.result()
    work_off(shop, clock)
    assert (1, 1, 1) == (
        len(shop.ports.queue.poisoned()),
        len(bells["mail"].heard),
        len(bells["webhook"].heard),
    )
    assert "about order nobody" in bells["mail"].heard[0].text


@pytest.mark.parametrize(
    ("repeat", "fault", "heard", "aside"),
    [
        ("keyed", "refused", 1, 0),
        ("keyed", "lost", 1, 0),
        ("keyed", "nothing", 1, 0),
        ("keyed", "account", 0, 1),
        ("unsafe", "refused", 1, 0),
        ("unsafe", "lost", 1, 0),
        ("unsafe", "nothing", 0, 0),
        ("unsafe", "account", 0, 1),
    ],
)
def test_a_channel_that_fails_to_tell_of_no_order(
    clock: FakeClock, repeat: Kind, fault: BellFault, *, heard: int, aside: int
) -> None:
    """As the kind of the channel wants it; what was refused lies in the poison, and nobody is told of that for ever."""
    bell = Bell(repeat, fault)
    shop = a_shop(World(clock).effects(), tellers={"webhook": bell})
    shop.ports.queue.put(Message(task="unreadable", note="amount is 'free'", raw="x"), now=NOON).result()
    work_off(shop, clock)
    assert (heard, aside) == (len(bell.facts), len(_of_tell(shop)))
    assert 1 + aside == len(shop.ports.queue.poisoned())


def test_a_worker_that_dies_while_it_tells_of_no_order(clock: FakeClock) -> None:
    """A channel without keys is not told again; one with keys is, under the same id."""
    for repeat, calls in (("unsafe", 1), ("keyed", 2)):
        bell = Bell(repeat)  # type: ignore[arg-type]  # one of the two
        queue = MemoryQueue()
        whole = a_shop(World(clock).effects(), queue=queue, tellers={"mail": bell})
        dying = a_shop(World(clock).effects(), queue=queue, tellers={"mail": FrailBell(bell, Fuse(2))})
        note = Message(task="tell", channel="mail", nonce="poison/1", note="look")
        queue.put(note, now=clock()).result()
        with pytest.raises(DiedError):
            work_off(dying, clock)
        work_off(whole, clock)
        assert (calls, 1) == (bell.calls, len(bell.facts))


# What goes wrong


@pytest.mark.parametrize("fault", ["refused", "lost", "nothing", "account", "bug"])
@pytest.mark.parametrize("repeat", KINDS)
def test_a_channel_that_fails_never_stops_an_order(clock: FakeClock, repeat: Kind, fault: BellFault) -> None:
    """The order is completed; the notice is told in the end, or given up with its reason."""
    bell = Bell(repeat, fault)
    shop = a_shop(World(clock).effects(), tellers={"mail": bell})
    order = bought(shop, clock, paid(), paid(reference="pay-2"))
    assert ("completed", 0, []) == (order.status, shop.ports.queue.depth(), _of_tell(shop))
    [notice] = order.notices
    told_in_the_end = fault == "refused" or (repeat == "keyed" and fault != "account")
    assert ("told" if told_in_the_end else "given up") == notice.state
    assert len(bell.facts) == (0 if fault == "account" or (fault, repeat) == ("nothing", "unsafe") else 1)


def test_a_channel_that_stays_down_is_given_up_in_the_end(clock: FakeClock) -> None:
    """After hours of tries, with the reason in the order, and without a message that goes round for ever."""

    class Down(Bell):
        def tell(self, news: News) -> str:
            raise Transient("nobody answers the bell")

    shop = a_shop(World(clock).effects(), tellers={"webhook": Down()})
    order = shop.placed(shop.place(DRAFT, now=clock()))
    raw = PaperGateway().notification(paid(order.id, money=ONE))
    shop.notify("till", raw, now=clock()).stored.result()
    for _ in range(20_000):
        if shop.ports.queue.depth() == 0:
            break
        received = shop.ports.queue.take(now=clock(), visibility=120)
        if received is None:
            clock.forward(60)
        else:
            shop.work(received, clock=clock)
    [notice] = stored(shop, order).notices
    assert ("given up", 60, 0) == (notice.state, notice.attempts, shop.ports.queue.depth())
    assert any(entry.what == "seller not told" for entry in stored(shop, order).history)


def test_a_channel_that_was_taken_away(clock: FakeClock) -> None:
    """What was owed by it is given up, and the order rests."""
    shop = a_shop(World(clock).effects(), tellers={"mail": Bell()})
    order = shop.placed(shop.place(DRAFT, now=clock()))
    owed = stored(shop, order).owe((a_notice("refund/till/1"),), now=NOON)
    shop.ports.orders.save(owed)
    later = a_shop(World(clock).effects(), orders=shop.ports.orders, queue=shop.ports.queue)
    clock.forward(3600)
    later.sweep(now=clock())
    work_off(later, clock)
    assert ("given up", None) == (stored(later, order).notices[0].state, stored(later, order).due)


def test_what_was_before_is_no_news(clock: FakeClock) -> None:
    """A shop that asks to be told hears nothing of what it was not told then."""
    shop = a_shop(World(clock).effects())
    order = bought(shop, clock, paid(money=ONE))
    bells = both()
    later = a_shop(World(clock).effects(), orders=shop.ports.orders, queue=shop.ports.queue, tellers=bells)
    later.notify("till", PaperGateway().notification(paid(order.id, "pay-2")), now=clock()).stored.result()
    work_off(later, clock)
    assert ("completed", [], []) == (stored(later, order).status, bells["mail"].heard, bells["webhook"].heard)


def test_an_order_keeps_its_last_notices() -> None:
    """Those that are over go first, and what is owed never goes."""
    over = [replace(a_notice(f"refund/till/{number}"), state="told") for number in range(KEPT)]
    kept = owing(tuple(over), [a_notice("refund/till/new")])
    assert (KEPT, "refund/till/1", "refund/till/new") == (len(kept), kept[0].fact, kept[-1].fact)
    owed = owing((), [a_notice(f"refund/till/{number}") for number in range(KEPT + 5)])
    assert KEPT + 5 == len(owed)


# Crashes


def lives(repeat: Kind, fault: BellFault) -> Iterator[tuple[Order, Bell]]:
    """Yield second payments of an order that parks, in which the process died at each boundary in turn."""
    for boundary in range(1, MANY):
        clock, bell, fuse = FakeClock(), Bell(repeat, fault), Fuse(boundary)
        orders, queue, world = MemoryOrders(), MemoryQueue(), rejecting(World(clock))
        effects = world.effects()
        whole = a_shop(effects, orders=orders, queue=queue, tellers={"mail": bell})
        order = whole.placed(whole.place(DRAFT, now=clock()))
        for reference in ("pay-1", "pay-2"):
            raw = PaperGateway().notification(paid(order.id, reference))
            whole.notify("till", raw, now=clock()).stored.result()
        frail = a_shop(
            frail_effects(effects, fuse),
            orders=FrailOrders(orders, fuse),
            queue=FrailQueue(queue, fuse),
            tellers={"mail": FrailBell(bell, fuse)},
        )
        with suppress(DiedError):
            work_off(frail, clock)
        for _ in range(2):
            clock.forward(3600)
            whole.sweep(now=clock())
            work_off(whole, clock)
        yield stored(whole, order), bell
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


@pytest.mark.parametrize("fault", ["none", "refused", "lost", "nothing", "bug"])
@pytest.mark.parametrize("repeat", KINDS)
def test_a_crash_at_any_boundary(repeat: Kind, fault: BellFault) -> None:
    """Each fact is heard once; where nobody can know, at most once, and the order says which was given up."""
    count = 0
    for order, bell in lives(repeat, fault):
        count += 1
        heard = Counter(bell.facts)
        given_up = {notice.fact for notice in order.notices if notice.state == "given up"}
        assert ["parked", "second"] == sorted(notice.kind for notice in order.notices)
        assert all(times == 1 for times in heard.values())
        assert {fact for _, fact in heard} | given_up == {notice.fact for notice in order.notices}
        assert not given_up or repeat == "unsafe"
        assert (None, "parked") == (order.owed_at, order.state)
    assert count > 20


def test_two_workers_tell_once(clock: FakeClock) -> None:
    """Who finds it started leaves it alone: of two who come at once, one calls."""
    bell = Bell("unsafe")
    shop = a_shop(World(clock).effects(), tellers={"mail": bell})
    order = shop.placed(shop.place(DRAFT, now=clock()))
    shop.ports.orders.save(stored(shop, order).owe((a_notice("refund/till/1"),), now=NOON))
    for _ in range(2):
        shop.ports.queue.put(Message(order=order.id, task="tell"), now=NOON).result()

    def meanwhile() -> None:
        received = shop.ports.queue.take(now=clock(), visibility=120)
        assert received is not None
        shop.work(received, clock=clock)

    for boundary in (1, 2):
        racing = a_shop(
            {},
            orders=shop.ports.orders,
            queue=shop.ports.queue,
            tellers={"mail": FrailBell(bell, Fuse(boundary, meanwhile))},
        )
        work_off(racing, clock)
    assert 1 == len(bell.heard)


# The digest


def test_a_digest_a_day(clock: FakeClock) -> None:
    """With the counts of the day and what waits, whoever sweeps and how often."""
    bells, diary = both(), MemoryVault()
    shop = a_shop(rejecting(World(clock)).effects(), tellers=bells, diary=diary)
    order = bought(shop, clock, paid())
    for _ in range(3):
        shop.sweep(now=clock())
        work_off(shop, clock)
        clock.forward(600)
    [digest] = [news for news in bells["mail"].heard if news.kind == "digest"]
    assert "1 (1 parked)" in digest.text
    assert f"{order.id}  {order.attention[0]}" in digest.text
    assert "Waiting for you: 1\n" in digest.text
    clock.forward(86_400)
    shop.sweep(now=clock())
    work_off(shop, clock)
    assert ["digest/2026-11-02", "digest/2026-11-03"] == [
        news.id for news in bells["webhook"].heard if news.kind == "digest"
    ]


def test_of_two_who_sweep_at_once_one_writes_the_digest(clock: FakeClock) -> None:
    """The day is taken by compare-and-set."""

    class Racing(MemoryVault):
        """A vault in which somebody else writes between our look and our write."""

        def get(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as it is declared above
            found = super().get(name)
            if found is None:
                super().put(name, "2026-11-02", version=0)
            return found

    bells = both()
    shop = a_shop(rejecting(World(clock)).effects(), tellers=bells, diary=Racing())
    bought(shop, clock, paid())
    shop.sweep(now=clock())
    work_off(shop, clock)
    assert [] == [news for news in bells["mail"].heard if news.kind == "digest"]


def test_no_digest_of_nothing_none_at_night_and_none_unasked(clock: FakeClock) -> None:
    """Silence is a good day."""
    bells = both()
    quiet = a_shop(World(clock).effects(), tellers=bells, diary=MemoryVault())
    quiet.sweep(now=clock())
    unasked = a_shop(rejecting(World(clock)).effects(), tellers=bells)
    bought(unasked, clock, paid())
    unasked.sweep(now=clock())
    clock.forward(86_400 - 7 * 3600)
    diary = MemoryVault()
    a_shop(World(clock).effects(), orders=unasked.ports.orders, tellers=bells, diary=diary).sweep(now=clock())
    assert (0, None) == (quiet.ports.queue.depth(), diary.get("digest"))
    assert [] == [news for news in bells["mail"].heard if news.kind == "digest"]


def a_notice(fact: str) -> Notice:
    """Return a notice that is owed by mail."""
    return Notice(fact=fact, kind="refund", channel="mail", text="look", at=NOON)


def _of_tell(shop: Shop) -> list[Message]:
    return [each.message for each in shop.ports.queue.poisoned() if each.message.task == "tell"]
