"""Whole orders through each mailing tool while it misbehaves: every buyer gets their link once, by whichever way.

The shop is a real one over stores in memory, the tool a real server; only the clock is fake.
Judged by the mails that arrived and by the tool's ledger.
"""

from __future__ import annotations

from time import sleep

import pytest
from msgspec.structs import replace

from kramik.mail import by_post
from kramik.order import Order
from kramik.ports import Effect
from kramik.shop import Shop
from tests.adapters.tool import Tool, playing
from tests.contracts.race import race
from tests.sandbox.place import fresh_order
from tests.story.example import FakeClock, a_shop, paid, work_once
from tests.story.postman import Postman
from tests.story.world import World

STARTING = ("mailchimp", "mailerlite", "brevo", "buttondown")
MANY = 12
ROUNDS = 20_000
TROUBLE = ("refuse", "drop", "garbage", "too_many_requests")


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until somebody moves it."""
    return FakeClock()


def sold(email: str = "", product: str = "agregaty-w-praktyce", sequence: str = "agregaty-start") -> Order:
    """Return a paid order of a course; of this buyer, or of somebody new."""
    order = fresh_order(product=product, sequence=sequence)
    buyer = replace(order.intent.buyer, email=email) if email else order.intent.buyer
    order = replace(order, intent=replace(order.intent, buyer=buyer, gateway="till", shop_id="shop-1"))
    event = replace(paid(order.id, f"pay-{order.id}"), shop_id="shop-1")
    return order.apply(event, now=order.created_at)


def opened(tool: Tool, clock: FakeClock, post: Postman, orders: list[Order]) -> Shop:
    """Open a shop with this tool and these paid orders, and let the tool misbehave."""
    mailer = tool.mailer()
    sequence: Effect = replace(mailer.sequence, instead=by_post(post))
    invitation = World(clock, "keyed").effects()["invitation"]
    shop = a_shop({"invitation": invitation, "purchase": mailer.purchase, "sequence": sequence}, post=post)
    for seed, fault in enumerate(TROUBLE):
        switch = {"peer": tool.name, "fault": fault, "probability": 0.05, "seed": seed, "status": 500}
        tool.place.browser.post("/faults", json=switch).raise_for_status()
    for order in orders:
        shop.ports.orders.insert(order).result()
    shop.sweep(now=clock(), grace=0)
    return shop


def worked_off(shop: Shop, clock: FakeClock) -> None:
    """Work until nothing is left, minute by minute."""
    for _ in range(ROUNDS):
        if shop.ports.queue.depth() == 0:
            return
        if not work_once(shop, clock):
            clock.forward(60)
    raise AssertionError(shop.ports.queue.depth())


def worked_off_by_many(shop: Shop, clock: FakeClock, workers: int = 4) -> None:
    """Work until nothing is left, with several workers; time passes while nobody works."""
    busy: list[int] = []

    def work() -> None:
        for _ in range(ROUNDS):
            if shop.ports.queue.depth() == 0:
                return
            busy.append(1)
            received = shop.ports.queue.take(now=clock(), visibility=shop.timing.visibility)
            if received is not None:
                shop.work(received, clock=clock)
            busy.pop()
            if received is None:
                sleep(0.002)
                clock.forward(0 if busy else 10)

    race([work] * workers)


def links(tool: Tool, shop: Shop, post: Postman, order: Order) -> int:
    """Count the mails with the link of an order, from the tool and from the shop's own post."""
    email, link = order.intent.buyer.email, shop.access_link(order)
    texts = [*(text for _, text in tool.mails(email)), *(mail.text for mail in post.arrived)]
    return sum(text.count(link) for text in texts)


@pytest.mark.parametrize("name", STARTING)
def test_every_buyer_gets_their_link_once(name: str, clock: FakeClock) -> None:
    """Through refusals, lost answers and garbage each order is registered, completed and mailed once."""
    new = [sold() for _ in range(MANY)]
    again = [sold(order.intent.buyer.email) for order in new[:3]]
    other = [sold(order.intent.buyer.email, "kolejki-bez-strachu", "kolejki-start") for order in new[2:5]]
    orders, post = [*new, *again, *other], Postman("keyed")
    with playing(name) as tool:
        shop = opened(tool, clock, post, orders)
        worked_off(shop, clock)
        stored = {order.id: shop.ports.orders.get(order.id) for order in orders}
        assert {"completed"} == {order.state for order in stored.values() if order}
        assert [1] * len(orders) == [links(tool, shop, post, order) for order in orders]
        entries = tool.place.ledger(effect="purchase")
    bought = [entry["facts"]["email"] for entry in entries]
    assert {order.intent.buyer.email for order in orders} == {*bought}
    assert len(bought) in (len(orders), len(new))  # an order each, or a tag for each person
    assert 0 < len(post.arrived) < len(orders)


@pytest.mark.parametrize("name", STARTING)
def test_one_buyer_in_a_hurry(name: str, clock: FakeClock) -> None:
    """Several orders of one course by one person, worked on at once: each has its own link mailed, once."""
    new = [sold() for _ in range(6)]
    orders = [*new, *(sold(order.intent.buyer.email) for order in new for _ in range(2))]
    post = Postman("keyed")
    with playing(name) as tool:
        shop = opened(tool, clock, post, orders)
        worked_off_by_many(shop, clock)
        assert [1] * len(orders) == [links(tool, shop, post, order) for order in orders]
    assert 2 * len(new) == len(post.arrived)


def test_listmonk_never_mails_twice(clock: FakeClock) -> None:
    """Where the tool can not tell whether a mail went out, it is not sent again, and a person is asked."""
    orders, post = [sold() for _ in range(3 * MANY)], Postman("keyed")
    with playing("listmonk") as tool:
        shop = opened(tool, clock, post, orders)
        worked_off(shop, clock)
        ended = [shop.ports.orders.get(order.id) for order in orders]
        counts = [links(tool, shop, post, order) for order in orders]
    assert {0, 1} >= {*counts}
    states = {order.id: order.state for order in ended if order}
    assert {"completed", "parked"} == {*states.values()}
    for order, count in zip(ended, counts, strict=True):
        assert order is not None
        assert count == 1 or order.state == "parked"
        assert order.state == "completed" or "look there first" in order.step("sequence").why
