from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from kramik.errors import KramikError, NeedsOperator, OutcomeUnknown, Problem, Rejected, Transient
from kramik.fulfilment import SAID, Fulfilment
from kramik.journal import STEPS, StepState
from kramik.moves import (
    Ask,
    Call,
    Complete,
    Effects,
    GiveUp,
    Move,
    Rest,
    effects,
    next_move,
    plan,
)
from kramik.order import Order
from kramik.ports import Delivery, Effect, Repeat
from kramik.queue import Again, Done, Park
from kramik.shop import never
from kramik.stores.memory import MemoryOrders
from tests.story.example import NOON, FakeClock, Notebook, a_paid_order, an_order, refund

SETTLE, LAG = 120.0, 30.0
KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
AT_ONCE = timedelta(seconds=1)


def _peers(repeat: Repeat, do: Callable[[Delivery], str] = lambda _: "receipt") -> Effects:
    find = (lambda _: None) if repeat == "lookup" else None
    return dict.fromkeys(STEPS, Effect(repeat=repeat, do=do, find=find, lag=LAG))


def _started(order: Order | None = None) -> Order:
    return (order or a_paid_order()).record("purchase", "p", now=NOON).start("invitation", now=NOON)


def _done() -> Order:
    order = a_paid_order()
    for name in STEPS:
        order = order.record(name, name, now=NOON)
    return order


def _move(order: Order, repeat: Repeat, seconds: float = 0) -> Move:
    return next_move(order, _peers(repeat), now=NOON + timedelta(seconds=seconds), settle=SETTLE)


def _run(
    repeat: Repeat, do: Callable[[Delivery], str], *, seconds: float = 1, order: Order | None = None
) -> Order:
    clock, orders = FakeClock(), MemoryOrders()
    orders.insert(order or a_paid_order()).result()
    _work(orders, _peers(repeat, do), clock).run(
        lambda _: "link", until=clock() + timedelta(seconds=seconds), stop=never
    )
    found = orders.get("order-1")
    assert found is not None
    return found


def _work(orders: MemoryOrders, peers: Effects, clock: FakeClock) -> Fulfilment:
    order = orders.get("order-1")
    assert order is not None
    return Fulfilment(order, peers, orders, settle=SETTLE, clock=clock, log=Notebook())


def _raising(error: Exception) -> Callable[[Delivery], str]:
    def do(delivery: Delivery) -> str:
        raise error

    return do


# The table of moves


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "order",
    [an_order(), _done().complete(now=NOON), a_paid_order().apply(refund(), now=NOON)],
    ids=["placed", "completed", "refunded"],
)
def test_only_a_paid_order_is_worked_on(order: Order, kind: Repeat) -> None:
    """Before the money, after the end and after a refund there is nothing to do."""
    assert Rest() == _move(order, kind)
    assert Done() == plan(order, _peers(kind), now=NOON, settle=SETTLE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_move_is_the_invitation(kind: Repeat) -> None:
    """The buyer waits for it."""
    assert Call("invitation") == _move(a_paid_order(), kind)


def test_the_purchase_does_not_wait_for_an_invitation_that_waits() -> None:
    """A step that fails holds up only what needs it."""
    order = a_paid_order().postpone("invitation", "closed", now=NOON, due=NOON + AT_ONCE)
    assert Call("purchase") == _move(order, "keyed")
    assert Rest() == _move(order.record("purchase", "p", now=NOON), "keyed")


def test_every_receipt_completes() -> None:
    """Nothing is left but to say so."""
    assert Complete() == _move(_done(), "keyed")


@pytest.mark.parametrize(
    ("kind", "seconds", "move"),
    [
        ("keyed", 0, Call("invitation")),
        ("set", 0, Call("invitation")),
        ("lookup", SETTLE + LAG - 0.001, Rest()),
        ("lookup", SETTLE + LAG, Ask("invitation")),
        ("unsafe", SETTLE + LAG - 0.001, Rest()),
        ("unsafe", SETTLE + LAG, GiveUp("invitation")),
    ],
)
def test_what_was_started_is_decided_by_its_repeat_safety(kind: Repeat, seconds: float, move: Move) -> None:
    """Repeat, or wait until the call is over and its effect shows and then ask, or ask a person."""
    assert move == _move(_started(), kind, seconds)


@pytest.mark.parametrize(("seconds", "move"), [(0.999, Rest()), (1, Call("purchase"))])
def test_a_step_waits_for_its_time_and_not_longer(seconds: float, move: Move) -> None:
    """Due is the first moment at which it may begin."""
    order = a_paid_order().record("invitation", "i", now=NOON).record("sequence", "s", now=NOON)
    assert move == _move(order.postpone("purchase", "closed", now=NOON, due=NOON + AT_ONCE), "keyed", seconds)


@pytest.mark.parametrize("kind", KINDS)
def test_a_parked_step_rests_and_the_others_go_on(kind: Repeat) -> None:
    """Without its invitation the sequence rests too, and the reason is what the person reads."""
    parked = a_paid_order().park("invitation", "closed", now=NOON)
    assert Call("purchase") == _move(parked, kind)
    assert Park("invitation: closed") == plan(
        parked.record("purchase", "p", now=NOON), _peers(kind), now=NOON, settle=SETTLE
    )


@pytest.mark.parametrize(
    ("kind", "after"), [("keyed", 0.0), ("lookup", SETTLE + LAG), ("unsafe", SETTLE + LAG)]
)
def test_a_message_comes_back_when_the_next_move_can_be_made(kind: Repeat, after: float) -> None:
    """Never earlier, so that nobody spins, and never later."""
    assert Again(after) == plan(_started(), _peers(kind), now=NOON, settle=SETTLE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rest_is_never_followed_by_at_once(kind: Repeat) -> None:
    """Whenever nothing can be done now, the plan waits: there is no hot loop."""
    for order in (
        _started(),
        _started().postpone("invitation", "?", now=NOON, due=NOON + AT_ONCE),
        a_paid_order(),
    ):
        for seconds in (0, 0.5, 1, 119, 149.9, 150, 1000):
            now = NOON + timedelta(seconds=seconds)
            if Rest() == next_move(order, _peers(kind), now=now, settle=SETTLE):
                waiting = plan(order, _peers(kind), now=now, settle=SETTLE)
                assert isinstance(waiting, Again)
                assert waiting.after > 0


# What follows a call


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_worked_leaves_its_receipt(kind: Repeat) -> None:
    """Three steps, three receipts, complete."""
    order = _run(kind, lambda delivery: delivery.access_link)
    assert ("completed", {"link"}) == (order.status, {step.receipt for step in order.steps})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [Rejected(Problem(field="", code="no", message="no")), NeedsOperator("no")])
def test_a_refusal_parks_at_once(error: KramikError, kind: Repeat) -> None:
    """No attempt is burnt on what cannot work, and the effect is known not to be there."""
    step = _run(kind, _raising(error)).step("invitation")
    assert (step.state, step.why, step.unknown) == ("parked", "no", False)


@pytest.mark.parametrize("kind", KINDS)
def test_what_did_not_happen_is_tried_again(kind: Repeat) -> None:
    """Also where nothing is known of repeats: the peer said that it did not happen."""
    step = _run(kind, _raising(Transient("closed", after=60))).step("invitation")
    assert ("waiting", 1, NOON + timedelta(seconds=60)) == (step.state, step.attempts, step.due)


@pytest.mark.parametrize("error", [OutcomeUnknown("silence"), ValueError("<html>"), TimeoutError()])
@pytest.mark.parametrize(
    ("kind", "state"), [("keyed", "waiting"), ("set", "waiting"), ("lookup", "started"), ("unsafe", "parked")]
)
def test_an_unknown_outcome_is_no_failure(error: Exception, kind: Repeat, state: str) -> None:
    """Lost answers and nonsense alike: repeat where it is harmless, ask where one can, park where nobody knows."""
    step = _run(kind, _raising(error)).step("invitation")
    assert (state, kind == "unsafe") == (step.state, step.unknown)


@pytest.mark.parametrize(("kind", "waits"), [("keyed", False), ("set", False), ("lookup", True)])
def test_an_order_is_not_due_before_its_unknown_call_can_be_asked_about(kind: Repeat, *, waits: bool) -> None:
    """Or every sweep would bring one more message for it, which could only wait."""
    order = _run(kind, _raising(OutcomeUnknown("cut off")))
    due = order.step("invitation").due
    assert due is not None
    assert waits == (NOON + timedelta(seconds=SETTLE + LAG) <= due)


@pytest.mark.parametrize("kind", ["lookup", "unsafe"])
def test_started_is_written_before_the_call(kind: Repeat) -> None:
    """Whoever finds the order meanwhile knows that a call may be under way, and when to look."""
    orders, clock = MemoryOrders(), FakeClock()
    seen: list[StepState] = []
    orders.insert(a_paid_order()).result()

    def do(delivery: Delivery) -> str:
        seen.extend(
            step.state
            for step in getattr(orders.get("order-1"), "steps", ())
            if step.due == NOON + timedelta(seconds=SETTLE + LAG)
        )
        return "receipt"

    _work(orders, _peers(kind, do), clock).run(lambda _: "link", until=clock() + AT_ONCE, stop=never)
    assert seen == ["started", "started", "started"]


def test_a_failure_says_little() -> None:
    """An order keeps a sentence, not the page that a proxy sent."""
    assert len(_run("keyed", _raising(Transient("x" * 100_000))).step("invitation").why) == SAID


def test_a_bug_in_an_adapter_does_not_tell_what_it_held() -> None:
    """Its text may hold a secret or an address, so only its kind is kept."""
    step = _run("keyed", _raising(ValueError("secret-token"))).step("invitation")
    assert step.why == "ValueError inside the adapter, which is a bug"


def test_a_worker_stops_before_its_message_is_anothers() -> None:
    """With no time left nothing is begun."""
    assert a_paid_order().steps == _run("keyed", lambda _: "receipt", seconds=0).steps


def test_a_refund_between_two_steps_stops_the_next() -> None:
    """The order is read again before each step: what was paid back is not delivered."""
    orders, clock = MemoryOrders(), FakeClock()
    orders.insert(a_paid_order()).result()

    def do(delivery: Delivery) -> str:
        order = orders.get("order-1")
        if order is not None and order.status == "paid":
            orders.save(order.apply(refund(), now=clock()))
        return "receipt"

    assert Done() == _work(orders, _peers("keyed", do), clock).run(
        lambda _: "link", until=clock() + AT_ONCE, stop=never
    )
    order = orders.get("order-1")
    assert order is not None
    assert (order.status, [step.state for step in order.steps]) == (
        "refunded",
        ["done", "waiting", "waiting"],
    )


def test_a_receipt_survives_whoever_wrote_first() -> None:
    """The effect happened: its receipt is written onto whatever the others left."""
    orders, clock = MemoryOrders(), FakeClock()
    orders.insert(a_paid_order()).result()

    def do(delivery: Delivery) -> str:
        order = orders.get("order-1")
        assert order is not None
        orders.save(order.note_mail("in between", now=clock()))
        return "receipt"

    _work(orders, _peers("unsafe", do), clock).run(lambda _: "link", until=clock() + AT_ONCE, stop=never)
    assert getattr(orders.get("order-1"), "status", "") == "completed"


def test_saving_that_takes_too_long_makes_no_call() -> None:
    """The others may take this call for dead, so it is not made, and the step is known not to have begun."""
    clock = FakeClock()
    calls: list[str] = []

    class Slow(MemoryOrders):
        def save(self, order: Order) -> Order:
            clock.forward(SETTLE / 2 + 0.1)
            return super().save(order)

    orders = Slow()
    orders.insert(a_paid_order()).result()

    def do(delivery: Delivery) -> str:
        calls.append(delivery.order.id)
        return "receipt"

    peers = _peers("unsafe", do)
    _work(orders, peers, clock).run(lambda _: "link", until=NOON + AT_ONCE, stop=never)
    order = orders.get("order-1")
    assert order is not None
    assert (calls, order.step("invitation").state) == ([], "waiting")


def test_an_order_that_others_write_all_the_time_is_left_to_them() -> None:
    """A worker steps back after so many conflicts instead of spinning."""
    clock = FakeClock()

    class Crowded(MemoryOrders):
        def save(self, order: Order) -> Order:
            other = self.get(order.id)
            assert other is not None
            super().save(other.note_mail("mine", now=NOON))
            return super().save(order)

    orders = Crowded()
    orders.insert(a_paid_order()).result()
    with pytest.raises(Transient, match="written by others"):
        _work(orders, _peers("lookup"), clock).run(lambda _: "link", until=NOON + AT_ONCE, stop=never)


def test_an_order_that_is_gone_is_nothing_to_work_on() -> None:
    """A store that lost an order says so, loudly and again."""
    orders = MemoryOrders()
    orders.insert(a_paid_order()).result()
    work = _work(orders, _peers("lookup"), FakeClock())
    orders._orders.clear()
    with pytest.raises(Transient, match="gone"):
        work.run(lambda _: "link", until=NOON + AT_ONCE, stop=never)


def test_an_effect_can_be_asked_about_exactly_when_it_says_so() -> None:
    """A kind without its look-up, or a look-up without its kind, is a mistake of the adapter's author."""
    for repeat, find in (("lookup", None), ("keyed", lambda _: None)):
        with pytest.raises(TypeError, match="exactly when"):
            Effect(repeat=repeat, do=lambda _: "", find=find)  # type: ignore[arg-type]


def test_the_effects_are_the_academys_and_the_mailers() -> None:
    """The invitation is the academy's, the rest the mailing tool's."""

    class Peer:
        invitation, purchase, sequence = (
            Effect(repeat="keyed", do=_raising(ValueError(name))) for name in STEPS
        )

    made = effects(Peer(), Peer())
    assert dict.fromkeys(STEPS, True) == {name: made[name] == getattr(Peer, name) for name in STEPS}
