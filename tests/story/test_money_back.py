"""The money went back: access is taken back where the shop says so, once, whatever breaks; and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from kramik import desk
from kramik.errors import Rejected
from kramik.event import PaymentEvent
from kramik.intent import Buyer
from kramik.money import Money
from kramik.order import Order
from kramik.ports import Delivery, Effect, Repeat
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.example import DRAFT, FakeClock, PaperGateway, a_shop, paid, refund, told, work_off
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, frail_effects
from tests.story.world import FAULTS, Fault, World

KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
HALF = Money(minor=14_950, currency="PLN")
MANY = 200


def bought(shop: Shop, clock: FakeClock, key: str = "first", email: str = "anna@example.com") -> Order:
    """Return an order that was paid and completed."""
    draft = msgspec.structs.replace(DRAFT, key=key, buyer=Buyer(email=email, name="Anna"))
    order = shop.placed(shop.place(draft, now=clock()))
    tell(shop, clock, paid(order.id, f"pay-{key}"))
    return order


def tell(shop: Shop, clock: FakeClock, event: PaymentEvent) -> None:
    """Let the gateway say something, and work on it."""
    shop.notify("till", PaperGateway().notification(event), now=clock()).stored.result()
    work_off(shop, clock)


def stored(shop: Shop, order: Order) -> Order:
    """Return the order as it is stored."""
    found = shop.ports.orders.get(order.id)
    assert found is not None
    return found


def test_a_refund_takes_the_access_back(clock: FakeClock) -> None:
    """All the money went back: the access is taken back once, and the order says so."""
    world = World(clock)
    shop = a_shop(world.effects(revokes=True))
    order = bought(shop, clock)
    for _ in range(3):
        tell(shop, clock, refund(order.id, "pay-first"))
    after = stored(shop, order)
    assert ("refunded", 1) == (after.state, len(world.rows(order.id, "revocation")))
    assert ((), None) == (after.attention, after.due)


def test_a_chargeback_takes_the_access_back(clock: FakeClock) -> None:
    """What the buyer's bank takes back is money that went back."""
    world = World(clock)
    shop = a_shop(world.effects(revokes=True))
    order = bought(shop, clock)
    tell(shop, clock, told("chargeback", order.id, "back-1", money=order.intent.price, of="pay-first"))
    assert 1 == len(world.rows(order.id, "revocation"))


def test_a_shop_that_does_not_say_so_keeps_the_access(clock: FakeClock) -> None:
    """Without the setting a person is asked, and nobody is called."""
    world = World(clock)
    shop = a_shop(world.effects())
    order = bought(shop, clock)
    tell(shop, clock, refund(order.id, "pay-first"))
    assert ["the money went back: take the access back at the academy"] == list(stored(shop, order).attention)
    assert [] == world.rows(order.id, "revocation")


def test_taking_back_is_begun_once(clock: FakeClock) -> None:
    """Whoever says again that the access is to be taken back changes nothing; nor does it for an unpaid order."""
    world = World(clock)
    shop = a_shop(world.effects())
    order = bought(shop, clock)
    tell(shop, clock, refund(order.id, "pay-first"))
    once = stored(shop, order).revoke(now=clock(), due=clock())
    assert once is once.revoke(now=clock(), due=clock())
    assert 1 == [step.name for step in once.steps].count("revocation")
    fresh = shop.placed(shop.place(msgspec.structs.replace(DRAFT, key="other"), now=clock()))
    assert fresh is fresh.revoke(now=clock(), due=clock())


def test_an_academy_that_could_is_not_asked_without_the_setting(clock: FakeClock) -> None:
    """The shop keeps the access open on a refund, and says that a person may take it back."""
    world = World(clock)
    shop = a_shop(world.effects(revokes=True))
    shop = Shop(
        msgspec.structs.replace(shop.ports, takes_back=False),
        catalogue=shop.catalogue,
        keys=shop._keys,
        addresses=shop.addresses,
        consents=shop.consents,
        timing=shop.timing,
    )
    order = bought(shop, clock)
    tell(shop, clock, refund(order.id, "pay-first"))
    assert ([], 1) == (world.rows(order.id, "revocation"), len(stored(shop, order).attention))


def test_half_of_the_money_takes_nothing_back(clock: FakeClock) -> None:
    """A partial refund is kept; two of them that are all of it take the access back."""
    world = World(clock)
    shop = a_shop(world.effects(revokes=True))
    order = bought(shop, clock)
    tell(shop, clock, refund(order.id, "pay-first", HALF, "back-1"))
    first = len(world.rows(order.id, "revocation"))
    tell(shop, clock, refund(order.id, "pay-first", HALF, "back-2"))
    assert (0, 1) == (first, len(world.rows(order.id, "revocation")))


def test_a_refund_of_a_second_payment_takes_nothing_back(clock: FakeClock) -> None:
    """The buyer paid twice and gets one of the two back: the course stays open."""
    world = World(clock)
    shop = a_shop(world.effects(revokes=True))
    order = bought(shop, clock)
    tell(shop, clock, paid(order.id, "pay-second"))
    tell(shop, clock, refund(order.id, "pay-second"))
    assert ("completed", []) == (stored(shop, order).state, world.rows(order.id, "revocation"))


def test_a_refund_before_the_payment_takes_nothing_back(clock: FakeClock) -> None:
    """Nothing was granted, so there is nothing to take."""
    world = World(clock)
    shop = a_shop(world.effects(revokes=True))
    order = shop.placed(shop.place(DRAFT, now=clock()))
    tell(shop, clock, refund(order.id, "pay-first"))
    tell(shop, clock, paid(order.id, "pay-first"))
    assert ("refunded", []) == (stored(shop, order).status, world.rows(order.id))


def test_a_course_that_another_order_gives_stays_open(clock: FakeClock) -> None:
    """The buyer bought the same course twice: one refund takes nothing away, the second one does."""
    world, orders = World(clock), MemoryOrders()
    effects = dict(world.effects(revokes=True))
    effects["revocation"] = desk.careful(orders, effects["revocation"])
    shop = a_shop(effects, orders=orders)
    first, second = bought(shop, clock), bought(shop, clock, "second", "Anna@example.com")
    tell(shop, clock, refund(first.id, "pay-first"))
    kept = stored(shop, first)
    assert [] == [row for row in world.ledger if row.step == "revocation"]
    assert f"kept: order {second.id} gives the same access" == kept.step("revocation").receipt
    tell(shop, clock, refund(second.id, "pay-second"))
    assert [second.id] == [row.order for row in world.ledger if row.step == "revocation"]


def test_the_seller_is_asked_when_it_can_not_be_taken_back(clock: FakeClock) -> None:
    """An academy that refuses parks the order, and a person can let it try again."""
    world, refused = World(clock), True
    effects = dict(world.effects(revokes=True))

    def do(delivery: Delivery) -> str:
        if refused:
            raise Rejected
        return world.effects(revokes=True)["revocation"].do(delivery)

    effects["revocation"] = Effect(repeat="set", do=do)
    shop = a_shop(effects)
    order = bought(shop, clock)
    tell(shop, clock, refund(order.id, "pay-first"))
    parked = stored(shop, order)
    assert ("parked", True) == (parked.state, parked.attention[0].startswith("revocation"))
    refused = False
    shop.retry(parked, now=clock())
    work_off(shop, clock)
    assert ("refunded", 1) == (stored(shop, order).state, len(world.rows(order.id, "revocation")))


def lives(kind: Repeat, fault: Fault = "none") -> Iterator[tuple[World, Order, bool]]:
    """Yield refunds in which the process died at the first boundary, the second, and so on."""
    for boundary in range(1, MANY):
        clock = FakeClock()
        world, orders, queue = World(clock, kind, lag=20), MemoryOrders(), MemoryQueue()
        effects = world.effects(revokes=True)
        whole = a_shop(effects, orders=orders, queue=queue)
        order, fuse = bought(whole, clock), Fuse(boundary)
        world.fault = lambda step, world=world: (  # type: ignore[misc]
            fault if (step, 1) == ("revocation", world.calls[step]) else "none"
        )
        event = PaperGateway().notification(refund(order.id, "pay-first"))
        whole.notify("till", event, now=clock()).stored.result()
        frail = a_shop(
            frail_effects(effects, fuse), orders=FrailOrders(orders, fuse), queue=FrailQueue(queue, fuse)
        )
        try:
            work_off(frail, clock)
        except DiedError:
            clock.forward(3600)
            whole.sweep(now=clock())
            work_off(whole, clock)
        yield world, stored(whole, order), fuse.burnt
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


@pytest.mark.parametrize("fault", ["none", *FAULTS])
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_boundary_of_a_refund(kind: Repeat, fault: Fault) -> None:
    """The access is taken back once, or a person is asked where nobody can know."""
    for world, order, _ in lives(kind, fault):
        asked = kind == "unsafe" and order.state == "parked" and order.step("revocation").unknown
        assert asked or ("refunded", 1) == (order.state, len(world.rows(order.id, "revocation")))
        assert [] == world.doubled()


@pytest.mark.parametrize("boundary", range(1, 40))
def test_a_refund_that_arrives_while_the_order_is_worked_on(boundary: int) -> None:
    """Whenever the refund comes, an invitation that was given or is under way is taken back after it."""
    clock = FakeClock()
    world, orders, queue = World(clock), MemoryOrders(), MemoryQueue()
    effects = world.effects(revokes=True)
    whole = a_shop(effects, orders=orders, queue=queue)
    order = whole.placed(whole.place(DRAFT, now=clock()))

    def interrupt() -> None:
        event = PaperGateway().notification(refund(order.id, "pay-first"))
        whole.notify("till", event, now=clock()).stored.result()
        received = queue.take(now=clock(), visibility=120)
        while received is not None:
            whole.work(received, clock=clock)
            received = queue.take(now=clock(), visibility=120)

    fuse = Fuse(boundary, act=interrupt)
    whole.notify(
        "till", PaperGateway().notification(paid(order.id, "pay-first")), now=clock()
    ).stored.result()
    frail = a_shop(
        frail_effects(effects, fuse), orders=FrailOrders(orders, fuse), queue=FrailQueue(queue, fuse)
    )
    work_off(frail, clock)
    clock.forward(3600)
    whole.sweep(now=clock())
    work_off(whole, clock)
    after, rows = stored(whole, order), [row.step for row in world.rows(order.id)]
    if fuse.burnt and "invitation" in rows:
        assert "refunded" == after.state
        assert rows.index("invitation") < rows.index("revocation")
    assert rows.count("revocation") <= 1
    assert [] == world.doubled()
