"""A mailing tool that will not mail somebody does not keep them from their course: the shop's own post does it, once.

Judged by what arrived: the rows of the mailing tool's ledger and the mails that the post delivered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from msgspec.structs import replace

from kramik.errors import NeedsOperator, NotMailable
from kramik.mail import by_post
from kramik.moves import Effects
from kramik.order import Order
from kramik.ports import Delivery, Effect, Repeat
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.example import NOON, FakeClock, a_paid_order, a_shop, work_off
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, frail_effects
from tests.story.postman import PostFault, Postman
from tests.story.world import World

KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
POSTS: tuple[Literal["keyed", "unsafe"], ...] = ("keyed", "unsafe")
MANY = 200


def unwilling(world: World, post: Postman | None, *, find: bool = False, once: bool = False) -> Effects:
    """Return effects whose mailing tool mails nobody; with `find` it says so only when it is asked.

    With `once` it changes its mind after the first refusal, so that a decision that was forgotten shows as two mails.
    """
    effects = dict(world.effects())
    sequence = effects["sequence"]
    refused: list[Delivery] = []

    def refuse(delivery: Delivery) -> str:
        if once and refused:
            return sequence.do(delivery)
        refused.append(delivery)
        raise NotMailable("anna unsubscribed")

    asked = refuse if sequence.find is not None else None
    do = sequence.do if find else refuse
    instead = None if post is None else by_post(post)
    effects["sequence"] = Effect(repeat=sequence.repeat, do=do, find=asked, lag=sequence.lag, instead=instead)
    return effects


def with_order(effects: Effects, clock: FakeClock, order: Order | None = None) -> Shop:
    """Return a shop with one paid order, which it worked on."""
    shop = a_shop(effects)
    shop.ports.orders.insert(order or a_paid_order()).result()
    shop.sweep(now=clock(), grace=0)
    work_off(shop, clock)
    return shop


def stored(shop: Shop) -> Order:
    """Return the order as it is stored."""
    found = shop.ports.orders.get("order-1")
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_access_goes_by_mail(clock: FakeClock, kind: Repeat) -> None:
    """One mail with the link, and an order that is complete and says how."""
    post = Postman("unsafe")
    shop = with_order(unwilling(World(clock, kind), post), clock)
    order = stored(shop)
    assert "completed" == order.state
    assert "by mail <order-1/access@kurs.example>" == order.step("sequence").receipt
    assert [("anna@example.com", True)] == [
        (mail.to, shop.access_link(order) in mail.text) for mail in post.arrived
    ]
    lines = [(entry.what, entry.detail) for entry in order.history if entry.step == "sequence"]
    assert ("falls back to mail", "anna unsubscribed") in lines


def test_a_tool_that_says_so_when_it_is_asked(clock: FakeClock) -> None:
    """A look-up may find that nobody was mailed and nobody will be."""
    world, post = World(clock, "lookup"), Postman("unsafe")
    world.fault = lambda step: "nothing" if step == "sequence" else "none"
    shop = with_order(unwilling(world, post, find=True), clock)
    assert ("completed", 1) == (stored(shop).state, len(post.arrived))


def test_a_shop_without_a_post_asks_a_person(clock: FakeClock) -> None:
    """Nobody else can mail the buyer, and the sentence says why."""
    shop = with_order(unwilling(World(clock), None), clock)
    assert ("parked", ("sequence: anna unsubscribed",)) == (stored(shop).state, stored(shop).attention)


def test_a_post_that_was_taken_away_parks_and_comes_back(clock: FakeClock) -> None:
    """The decision is the order's: without a post it waits for one, and never goes back to the mailing tool."""
    world, post = World(clock), Postman("keyed")
    order = a_paid_order()
    for name in ("invitation", "purchase"):
        order = order.record(name, name, now=NOON)
    fallen = order.fall_back("sequence", "anna unsubscribed", now=NOON, begun=None)
    shop = with_order(world.effects(), clock, fallen)
    assert ("parked", True) == (stored(shop).state, "add [smtp]" in stored(shop).attention[0])
    shop = a_shop(unwilling(world, post), orders=shop.ports.orders, queue=shop.ports.queue)
    shop.retry(stored(shop), now=clock())
    work_off(shop, clock)
    assert ("completed", 1, []) == (stored(shop).state, len(post.arrived), world.rows("order-1", "sequence"))


def test_other_reasons_do_not_fall_back(clock: FakeClock) -> None:
    """A key that was revoked is a person's to mend: the buyer still belongs to the mailing tool."""
    world, post = World(clock), Postman("keyed")
    effects = dict(unwilling(world, post))

    def refuse(_: Delivery) -> str:
        raise NeedsOperator("the key was revoked")

    effects["sequence"] = replace(effects["sequence"], do=refuse)
    shop = with_order(effects, clock)
    assert ("parked", []) == (stored(shop).state, post.arrived)


def lives(kind: Repeat, repeat: Literal["keyed", "unsafe"], fault: PostFault) -> Iterator[tuple[Order, int]]:
    """Yield purchases in which the process died at the first boundary, the second, and so on."""
    for boundary in range(1, MANY):
        clock, post, fuse = FakeClock(), Postman(repeat, fault), Fuse(boundary)
        orders, queue = MemoryOrders(), MemoryQueue()
        orders.insert(a_paid_order()).result()
        world = World(clock, kind)
        effects = unwilling(world, post, once=True)
        whole = a_shop(effects, orders=orders, queue=queue)
        frail = a_shop(
            frail_effects(effects, fuse), orders=FrailOrders(orders, fuse), queue=FrailQueue(queue, fuse)
        )
        try:
            frail.sweep(now=clock(), grace=0)
            work_off(frail, clock)
        except DiedError:
            clock.forward(3600)
            whole.sweep(now=clock())
            work_off(whole, clock)
        yield stored(whole), len(post.arrived) + len(world.rows("order-1", "sequence"))
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


@pytest.mark.parametrize("fault", ["none", "refused", "lost", "nothing"])
@pytest.mark.parametrize("repeat", POSTS)
@pytest.mark.parametrize("kind", ["keyed", "lookup"])
def test_a_crash_at_any_boundary_of_a_fallback(
    kind: Repeat, repeat: Literal["keyed", "unsafe"], fault: PostFault
) -> None:
    """One mail by one of the two ways, or at most one and a person who is asked where nobody can know."""
    count = 0
    for order, mails in lives(kind, repeat, fault):
        count += 1
        asked = order.state == "parked" and any(step.unknown for step in order.steps)
        assert asked or ("completed", 1) == (order.state, mails)
        assert mails <= 1
        assert not asked or "unsafe" == repeat
    assert count > 20
