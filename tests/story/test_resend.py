"""The access mail again, through a post that has no keys: sent once for each wish, and never lost to a closed door."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kramik.order import Order
from kramik.ports import Mail
from kramik.queue import Message
from kramik.shop import Shop
from tests.story.example import NOON, FakeClock, a_paid_order, a_shop, work_off
from tests.story.postman import PostFault, Postman
from tests.story.world import World

BUYER = "anna@example.com"


def opened(post: Postman, clock: FakeClock) -> Shop:
    """Return a shop with one order whose course is open."""
    shop = a_shop(World(clock).effects(), post=post)
    order = a_paid_order().record("invitation", "https://course", now=NOON)
    shop.ports.orders.insert(order).result()
    return shop


def stored(shop: Shop) -> Order:
    """Return the order as it is stored."""
    found = shop.ports.orders.get("order-1")
    assert found is not None
    return found


@pytest.mark.parametrize(("fault", "arrived"), [("none", 1), ("refused", 1), ("lost", 1), ("nothing", 0)])
def test_a_buyer_asks_once(clock: FakeClock, fault: PostFault, arrived: int) -> None:
    """A post that is away is tried again; one whose answer was lost is not, and the buyer may ask again later."""
    post = Postman("unsafe", fault)
    shop = opened(post, clock)
    shop.ask_resend(BUYER, now=clock()).result()
    work_off(shop, clock)
    assert (arrived, []) == (len(post.arrived), shop.ports.queue.poisoned())
    clock.forward(700)
    shop.ask_resend(BUYER, now=clock()).result()
    work_off(shop, clock)
    assert arrived + 1 == len(post.arrived)


def test_two_workers_at_once_mail_once(clock: FakeClock) -> None:
    """Who wrote first sends; the other one finds the order written."""

    class Racing(Postman):
        """A post during whose first call another worker takes the second wish."""

        def send(self, mail: Mail) -> str:
            if self.calls == 0:
                self.calls += 1
                received = shop.ports.queue.take(now=clock(), visibility=120)
                assert received is not None
                shop.work(received, clock=clock)
            return super().send(mail)

    post = Racing("unsafe")
    shop = opened(post, clock)
    for _ in range(2):
        shop.ask_resend(BUYER, now=clock()).result()
    work_off(shop, clock)
    assert 1 == len(post.arrived)


def test_the_seller_sends_it_as_often_as_they_like(clock: FakeClock) -> None:
    """A person's order is no repeat; what went wrong stands in the order."""
    post = Postman("unsafe", "refused")
    shop = opened(post, clock)
    for _ in range(2):
        shop.resend(stored(shop), now=clock())
        work_off(shop, clock)
        clock.forward(1)
    assert 2 == len(post.arrived)
    assert any("the post is closed" in entry.detail for entry in stored(shop).history)


def test_a_crash_after_the_mail_repeats_nothing_within_ten_minutes(clock: FakeClock) -> None:
    """The wish was claimed before the mail, so a message that comes back finds it done."""
    post = Postman("unsafe")
    shop = opened(post, clock)
    claimed = stored(shop).note_mail("claimed", now=clock())
    shop.ports.orders.save(claimed)
    shop.ports.queue.put(Message(task="resend", email=BUYER, nonce="1"), now=clock()).result()
    clock.now += timedelta(minutes=2)
    work_off(shop, clock)
    assert [] == post.arrived
