"""The once-only case table: for each case and each kind of peer, the right behaviour as one sentence.

Source: the table of cases that `docs/decisions/0004-started-before-the-call.md` decides.
"""

from __future__ import annotations

import pytest

from kramik.event import PaymentEvent
from kramik.journal import STEPS
from kramik.order import Order
from kramik.ports import Repeat
from kramik.queue import Message
from kramik.shop import Shop
from tests.story.example import FakeClock, a_paid_order, a_shop, an_order, paid, refund, told, work_off
from tests.story.frailty import DiedError, Fuse, frail_effects
from tests.story.world import Fault, World

KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
BEFORE, AFTER = 1, 2


class Case:
    """One paid order in front of peers of one kind."""

    def __init__(self, kind: Repeat, *faults: Fault, order: Order | None = None) -> None:
        self.clock = FakeClock()
        self.world = World(self.clock, kind, lag=20)
        waiting = list(faults)
        self.world.fault = lambda step: waiting.pop(0) if waiting and step == "invitation" else "none"
        self.shop = a_shop(self.world.effects())
        self.shop.ports.orders.insert(order or a_paid_order()).result()

    def work(self, *events: PaymentEvent, shop: Shop | None = None) -> Order:
        """Tell the shop about these events, or only to work, and let it."""
        shop = shop or self.shop
        for event in events or (None,):
            shop.ports.queue.put(Message(order="order-1", event=event), now=self.clock()).result()
        work_off(shop, self.clock)
        return self.order

    @property
    def order(self) -> Order:
        """Return the order as it is stored."""
        found = self.shop.ports.orders.get("order-1")
        assert found is not None
        return found

    @property
    def happened(self) -> dict[str, int]:
        """Return how often each effect happened."""
        return {step: len(self.world.rows("order-1", step)) for step in STEPS}


ONCE = dict.fromkeys(STEPS, 1)
NEVER = dict.fromkeys(STEPS, 0)


@pytest.mark.parametrize("boundary", [BEFORE, AFTER])
@pytest.mark.parametrize(
    ("kind", "calls", "state"),
    [
        ("keyed", {1: 1, 2: 2}, "completed"),
        ("set", {1: 1, 2: 2}, "completed"),
        ("lookup", {1: 1, 2: 1}, "completed"),
        ("unsafe", {1: 0, 2: 1}, "parked"),
    ],
)
def test_a_crash_around_the_call(kind: Repeat, calls: dict[int, int], state: str, boundary: int) -> None:
    """Key and set: call again. A list: wait and ask, and call only if it is absent. Nothing: park, either way."""
    case = Case(kind)
    dying = a_shop(
        frail_effects(case.world.effects(), Fuse(boundary)),
        orders=case.shop.ports.orders,
        queue=case.shop.ports.queue,
    )
    with pytest.raises(DiedError):
        case.work(shop=dying)
    work_off(case.shop, case.clock)
    assert (state, calls[boundary]) == (case.order.state, case.world.calls["invitation"])
    assert case.happened["invitation"] == (1 if state == "completed" else boundary - BEFORE)


@pytest.mark.parametrize("fault", ["lost", "garbage", "late"])
@pytest.mark.parametrize(
    ("kind", "calls", "state"),
    [("keyed", 2, "completed"), ("set", 2, "completed"), ("lookup", 1, "completed"), ("unsafe", 1, "parked")],
)
def test_an_answer_that_is_lost_or_nonsense_is_never_a_failure(
    kind: Repeat, calls: int, state: str, fault: Fault
) -> None:
    """The effect is there: a repeat finds it, the list shows it, and where neither is, a person looks."""
    case = Case(kind, fault)
    assert (state, calls, 1) == (
        case.work().state,
        case.world.calls["invitation"],
        case.happened["invitation"],
    )


@pytest.mark.parametrize(
    ("kind", "calls", "state"),
    [("keyed", 2, "completed"), ("set", 2, "completed"), ("lookup", 2, "completed"), ("unsafe", 1, "parked")],
)
def test_silence_without_an_effect(kind: Repeat, calls: int, state: str) -> None:
    """The list says that it is absent, so it is made; where there is no list, a person decides."""
    case = Case(kind, "nothing")
    assert (state, calls) == (case.work().state, case.world.calls["invitation"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_duplicate_later_calls_nobody(kind: Repeat) -> None:
    """Every step is done: the message is acknowledged."""
    case = Case(kind, order=an_order())
    case.work(paid())
    calls = dict(case.world.calls)
    assert ("completed", calls, ONCE) == (
        case.work(paid(), paid()).state,
        dict(case.world.calls),
        case.happened,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_duplicates_at_once_are_one_effect(kind: Repeat) -> None:
    """While one worker is in its call, another takes the duplicate: compare-and-set lets one of them through."""
    case = Case(kind)
    case.shop.ports.queue.put(Message(order="order-1"), now=case.clock()).result()

    def meanwhile() -> None:
        received = case.shop.ports.queue.take(now=case.clock(), visibility=120)
        assert received is not None
        case.shop.work(received, clock=case.clock)

    racing = a_shop(
        frail_effects(case.world.effects(), Fuse(BEFORE, meanwhile)),
        orders=case.shop.ports.orders,
        queue=case.shop.ports.queue,
    )
    assert (case.work(shop=racing).state, case.happened) == ("completed", ONCE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_parks_at_once_with_its_reason(kind: Repeat) -> None:
    """No back-off is burnt on what a person must mend; nothing is unknown."""
    case = Case(kind, "rejected")
    order = case.work()
    assert (order.state, case.world.calls["invitation"], order.step("invitation").unknown) == (
        "parked",
        1,
        False,
    )
    assert order.attention == ("invitation: invitation: the account was closed",)


@pytest.mark.parametrize("fault", ["refused", "busy"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_certainly_did_not_happen_is_tried_again(kind: Repeat, fault: Fault) -> None:
    """Connection refused, 429, 503: no effect, so no kind of peer needs a person."""
    case = Case(kind, fault, fault)
    assert (case.work().state, case.happened) == ("completed", ONCE)


def test_a_wait_that_was_asked_for_is_kept() -> None:
    """After Retry-After: 30 nobody knocks for half a minute."""
    case = Case("keyed", "busy")
    case.work()
    assert (case.world.rows("order-1", "invitation")[0].at - case.order.created_at).total_seconds() >= 30


@pytest.mark.parametrize(
    ("events", "status", "happened"),
    [
        ((refund(), paid()), "refunded", NEVER),
        ((paid(), refund()), "refunded", None),
        ((paid(), told("failed"), told("pending")), "completed", ONCE),
        ((told("pending"), told("failed"), paid()), "completed", ONCE),
        ((paid(), paid(reference="pay-2")), "completed", ONCE),
        ((refund(of="pay-2"), paid(), paid(reference="pay-2")), "completed", ONCE),
        ((paid(shop_id="shop-2"),), "placed", NEVER),
        ((paid(money=None), paid(reference="pay-2")), "completed", ONCE),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_money_in_every_order_of_arrival(
    kind: Repeat, events: tuple[PaymentEvent, ...], status: str, happened: dict[str, int] | None
) -> None:
    """Refund first grants nothing, doubts come too late, a second payment grants nothing more."""
    case = Case(kind, order=an_order())
    assert status == case.work(*events).status
    assert case.happened == (happened or case.happened)
    assert all(times <= 1 for times in case.happened.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_refund_while_a_call_is_under_way_stops_what_follows(kind: Repeat) -> None:
    """The receipt of the call is kept, the next step is not begun, and a person takes the access back."""
    case = Case(kind)

    def meanwhile() -> None:
        order = case.order
        case.shop.ports.orders.save(order.apply(refund(), now=case.clock()))

    racing = a_shop(
        frail_effects(case.world.effects(), Fuse(AFTER, meanwhile)),
        orders=case.shop.ports.orders,
        queue=case.shop.ports.queue,
    )
    order = case.work(shop=racing)
    assert (order.status, case.happened) == ("refunded", {**NEVER, "invitation": 1})
    assert (order.step("invitation").state, len(order.attention)) == ("done", 1)
