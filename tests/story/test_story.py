"""The five steps as prose: read this first."""

from __future__ import annotations

import msgspec
import pytest

from kramik.errors import NotAuthentic, Rejected
from kramik.journal import STEPS
from kramik.money import Money
from kramik.order import Order
from kramik.queue import Done, Message
from kramik.shop import Shop
from tests.story.example import (
    CATALOGUE,
    DRAFT,
    NOON,
    PRICE,
    FakeClock,
    PaperGateway,
    a_shop,
    paid,
    refund,
    work_off,
    work_once,
)
from tests.story.world import World


def test_a_buyer_orders_pays_and_opens_the_course(clock: FakeClock) -> None:
    """The whole story: order, signed link, notification, queue, fulfilment, and a link that opens the course."""
    world = World(clock)
    shop, till = a_shop(world.effects()), PaperGateway()

    order = shop.placed(shop.place(DRAFT, now=clock()))
    request = shop.request(order, now=NOON)
    accepted = shop.notify("till", till.notification(paid(order.id)), now=clock())
    work_off(shop, clock)
    known, link = shop.open_access(shop.access_link(order).rpartition("/")[2])

    assert (request.method, request.fields["amount"]) == ("POST", "299.00")
    assert accepted.acknowledgement.body == b"TRUE"
    assert ("completed", list(STEPS)) == (known and known.status, [row.step for row in world.rows(order.id)])
    assert world.rows(order.id, "invitation")[0].receipt == link


def test_the_order_remembers_what_was_agreed(clock: FakeClock) -> None:
    """A price that rises after the order does not touch it: the payment is held against the stored intent."""
    world = World(clock)
    shop = a_shop(world.effects())
    order = shop.placed(shop.place(DRAFT, now=clock()))

    dearer = msgspec.structs.replace(CATALOGUE.products["agregaty"], price=Money(minor=99900, currency="PLN"))
    shop.catalogue = msgspec.structs.replace(CATALOGUE, products={"agregaty": dearer})
    shop.notify("till", PaperGateway().notification(paid(order.id)), now=clock())
    work_off(shop, clock)

    assert world.missing([order.id]) == []


def test_the_payment_request_is_the_same_however_often_it_is_built(clock: FakeClock) -> None:
    """Building the request is pure: no call, no clock, the same order gives the same bytes."""
    shop = a_shop(World(clock).effects())
    order = shop.placed(shop.place(DRAFT, now=clock()))
    first = shop.request(order, now=NOON)
    clock.forward(86_400)
    assert first == shop.request(order, now=NOON)


def test_a_double_click_is_one_order(clock: FakeClock) -> None:
    """The same idempotency key with the same content is the same order."""
    shop = a_shop(World(clock).effects())
    first = shop.placed(shop.place(DRAFT, now=clock()))
    clock.forward(3600)
    assert first.id == shop.placed(shop.place(DRAFT, now=clock())).id


def test_the_notification_decides_nothing(clock: FakeClock) -> None:
    """Even for an order that nobody knows, an authentic notification is kept and acknowledged."""
    shop = a_shop(World(clock).effects())
    accepted = shop.notify("till", PaperGateway().notification(paid("nobody")), now=clock())
    assert (accepted.acknowledgement.body, accepted.stored.result(), shop.ports.queue.depth()) == (
        b"TRUE",
        None,
        1,
    )


def test_a_forged_notification_changes_nothing(clock: FakeClock) -> None:
    """What the gateway did not sign is refused and never queued."""
    shop = a_shop(World(clock).effects())
    honest = PaperGateway().notification(paid("order-1"))
    forged = msgspec.structs.replace(honest, body=honest.body.replace(b"29900", b"1"))
    with pytest.raises(NotAuthentic):
        shop.notify("till", forged, now=clock())
    assert shop.ports.queue.depth() == 0


def test_a_notification_through_an_unknown_gateway_is_refused(clock: FakeClock) -> None:
    """A gateway that the shop does not have can tell it nothing."""
    shop = a_shop(World(clock).effects())
    with pytest.raises(Rejected, match="no such gateway"):
        shop.notify("nowhere", PaperGateway().notification(paid()), now=clock())


def test_a_step_that_was_done_is_never_made_again(clock: FakeClock) -> None:
    """A second message about a completed order calls nobody."""
    world = World(clock)
    shop, order = _bought(world, clock)
    calls = dict(world.calls)
    shop.ports.queue.put(Message(order=order.id, event=paid(order.id)), now=clock())
    work_off(shop, clock)
    assert calls == dict(world.calls)


def test_the_sequence_waits_for_the_invitation_and_the_purchase_for_nobody(clock: FakeClock) -> None:
    """While the academy is closed, the purchase is registered and no mail without a link goes out."""
    world = World(clock)
    world.fault = lambda step: "refused" if step == "invitation" else "none"
    _, order = _bought(world, clock, rounds=40)
    assert [row.step for row in world.rows(order.id)] == ["purchase"]


def test_money_that_goes_back_ends_the_story(clock: FakeClock) -> None:
    """After a refund the link opens nothing, and a person is told to take the access back."""
    world = World(clock)
    shop, order = _bought(world, clock)
    shop.notify("till", PaperGateway().notification(refund(order.id)), now=clock())
    work_off(shop, clock)
    known, link = shop.open_access(shop.access_link(order).rpartition("/")[2])
    assert known is not None
    assert (known.status, link) == ("refunded", "")
    assert known.attention == ("the money went back: take the access back at the academy",)


def test_a_wrong_amount_is_shown_to_a_person_and_the_right_one_still_counts(clock: FakeClock) -> None:
    """One zloty for a dear course grants nothing; the buyer may still pay properly, and a person returns the zloty."""
    world = World(clock)
    shop, till = a_shop(world.effects()), PaperGateway()
    order = shop.placed(shop.place(DRAFT, now=clock()))

    zloty = Money(minor=100, currency="PLN")
    shop.notify("till", till.notification(paid(order.id, "pay-0", zloty)), now=clock())
    work_off(shop, clock)
    before = shop.ports.orders.get(order.id)
    shop.notify("till", till.notification(paid(order.id)), now=clock())
    work_off(shop, clock)
    after = shop.ports.orders.get(order.id)

    assert before is not None
    assert after is not None
    assert (before.state, after.state) == ("parked", "completed")
    assert list(after.attention) == ["refund 1.00 PLN at till (pay-0): 1.00 PLN instead of 299.00 PLN"]
    assert [after.attention[0]] == [poisoned.why for poisoned in shop.ports.queue.poisoned(order.id)]


def test_a_lost_message_is_found_by_the_sweep(clock: FakeClock) -> None:
    """The truth lies in the order: the queue may lose everything, and the buyer still gets their course."""
    world = World(clock)
    world.fault = lambda _: "refused"
    shop, order = _bought(world, clock, rounds=3)
    fresh = a_shop(world.effects(), orders=shop.ports.orders)
    world.fault = lambda _: "none"

    clock.forward(3600)
    assert [order.id] == fresh.sweep(now=clock())
    work_off(fresh, clock)
    assert world.missing([order.id]) == []


def test_a_parked_order_says_what_to_do_and_goes_on_when_it_is_done(clock: FakeClock) -> None:
    """A refused key parks the step with its reason; mended and retried, the order completes and no poison is left."""
    world = World(clock)
    world.fault = lambda step: "rejected" if step == "purchase" else "none"
    shop, order = _bought(world, clock)
    stopped = shop.ports.orders.get(order.id)
    assert stopped is not None
    assert (stopped.state, stopped.attention) == ("parked", ("purchase: purchase: the account was closed",))

    world.fault = lambda _: "none"
    shop.retry(stopped, now=clock())
    work_off(shop, clock)
    mended = shop.ports.orders.get(order.id)
    assert (mended and mended.state, list(shop.ports.queue.poisoned()), world.doubled()) == (
        "completed",
        [],
        [],
    )


def test_a_lost_mail_goes_out_again(clock: FakeClock) -> None:
    """The buyer who lost the mail asks with nothing but an address; a stranger's address sends nothing."""
    world = World(clock)
    shop, order = _bought(world, clock)
    shop.ask_resend(DRAFT.buyer.email, now=clock())
    shop.ask_resend("stranger@example.com", now=clock())
    work_off(shop, clock)
    mails = shop.ports.post.mails.values()  # type: ignore[attr-defined]
    assert [DRAFT.buyer.email] == [mail.to for mail in mails]
    assert [shop.access_link(order) in mail.text for mail in mails] == [True]


def test_the_status_is_for_whoever_holds_its_key(clock: FakeClock) -> None:
    """The key of another order opens nothing."""
    shop = a_shop(World(clock).effects())
    order = shop.placed(shop.place(DRAFT, now=clock()))
    other = shop.placed(shop.place(msgspec.structs.replace(DRAFT, key="second"), now=clock()))
    assert order == msgspec.structs.replace(order, version=0)
    assert order.id == getattr(shop.status(order.id, shop.status_key(order)), "id", None)
    assert None is shop.status(order.id, shop.status_key(other))


def test_a_message_is_done_when_the_order_is(clock: FakeClock) -> None:
    """Work on a paid order ends with nothing left to do."""
    world = World(clock)
    shop = a_shop(world.effects())
    order = shop.placed(shop.place(DRAFT, now=clock()))
    shop.notify("till", PaperGateway().notification(paid(order.id, money=PRICE)), now=clock())
    received = shop.ports.queue.take(now=clock(), visibility=120)
    assert received is not None
    assert Done() == shop.work(received, clock=clock)


def _bought(world: World, clock: FakeClock, *, rounds: int = 500) -> tuple[Shop, Order]:
    """Let Anna order and pay, and work until all is done or `rounds` are over."""
    shop = a_shop(world.effects())
    order = shop.placed(shop.place(DRAFT, now=clock()))
    shop.notify("till", PaperGateway().notification(paid(order.id)), now=clock())
    for _ in range(rounds):
        if shop.ports.queue.depth():
            work_once(shop, clock)
    return shop, order
