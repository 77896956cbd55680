from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik.errors import InvariantBroken
from kramik.event import Payment, PaymentEvent
from kramik.invariants import hold
from kramik.journal import STEPS, Step
from kramik.money import Money
from kramik.order import NOTED, Order
from tests.story.example import NOON, PRICE, a_paid_order, an_order, paid, refund, told

SOON = NOON + timedelta(minutes=1)
LATER = NOON + timedelta(hours=1)


def _through(order: Order, *events: PaymentEvent) -> Order:
    for event in events:
        order = order.apply(event, now=NOON)
    return order


def _completed() -> Order:
    order = a_paid_order()
    for name in STEPS:
        order = order.record(name, f"receipt of {name}", now=NOON)
    return order.complete(now=NOON)


# Money


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (paid(money=Money(minor=100, currency="PLN")), "1.00 PLN instead of 299.00 PLN"),
        (paid(money=Money(minor=29901, currency="PLN")), "299.01 PLN instead of 299.00 PLN"),
        (paid(money=Money(minor=29900, currency="USD")), "299.00 USD instead of 299.00 PLN"),
        (paid(money=None), "no amount instead of 299.00 PLN"),
        (paid(shop_id="shop-2"), "it was paid to shop 'shop-2', not to 'shop-1'"),
        (paid(gateway="other"), "it came through other, the order was sent to till"),
        (paid("order-2"), "it was paid for order order-2, not for this one"),
    ],
)
def test_a_payment_that_does_not_fit_the_intent_grants_nothing(event: PaymentEvent, why: str) -> None:
    """Order, gateway, shop id, currency and amount are held against what was agreed; a person is told."""
    order = _through(an_order(), event)
    assert (order.status, order.state, order.payment) == ("placed", "parked", None)
    assert [why] == [payment.why for payment in order.payments]
    assert len(order.attention) == 1


def test_a_payment_that_fits_makes_the_order_paid() -> None:
    """The first one, and it is the one that grants."""
    order = a_paid_order()
    assert (order.status, order.state, order.attention) == ("paid", "paid", ())
    assert paid() == getattr(order.payment, "event", None)


def test_the_same_fact_is_applied_once() -> None:
    """A repeated notification returns the very same order."""
    order = a_paid_order()
    assert order is _through(order, paid(), paid())


def test_a_second_payment_grants_nothing_and_is_to_be_sent_back() -> None:
    """The buyer paid twice: one course, and a person returns the other sum."""
    order = _through(a_paid_order(), paid(reference="pay-2"))
    assert paid() == getattr(order.payment, "event", None)
    assert order.attention == ("refund 299.00 PLN at till (pay-2): the order was paid before",)


def test_a_second_payment_that_went_back_needs_nobody() -> None:
    """Once it is refunded the order is in order, and still paid."""
    order = _through(a_paid_order(), paid(reference="pay-2"), refund(of="pay-2"))
    assert (order.status, order.attention) == ("paid", ())


def test_the_refund_of_a_second_payment_may_come_before_it() -> None:
    """A bug once ended the whole order here: the first payment still stands."""
    order = _through(a_paid_order(), refund(of="pay-2"), paid(reference="pay-2"))
    assert (order.status, order.attention) == ("paid", ())


def test_a_second_payment_of_which_a_part_went_back_is_still_shown() -> None:
    """Ten zlotys back are not two hundred and ninety-nine."""
    part = refund(of="pay-2", money=Money(minor=1000, currency="PLN"))
    assert len(_through(a_paid_order(), paid(reference="pay-2"), part).attention) == 1


def test_a_refund_before_the_payment_grants_nothing() -> None:
    """The payment that comes after its refund ends the order as refunded."""
    order = _through(an_order(), refund(), paid())
    assert (order.status, order.payment, order.payments[-1].verdict) == ("refunded", None, "already_refunded")


def test_a_refund_of_something_else_takes_nothing_away() -> None:
    """Only the money of the accepted payment ends the order."""
    assert _through(a_paid_order(), refund(of="pay-9")).status == "paid"


def test_a_refund_at_another_gateway_takes_nothing_away() -> None:
    """Two gateways may count from one: a reference is a gateway's own."""
    elsewhere = told("refund", money=PRICE, of="pay-1", gateway="other")
    assert _through(a_paid_order(), elsewhere).status == "paid"


def test_an_amount_that_was_not_told_is_all() -> None:
    """A refund without a sum is the whole payment; so is one in money that cannot be compared."""
    euros = refund(money=Money(minor=1, currency="EUR"))
    assert [_through(a_paid_order(), event).status for event in (refund(money=None), euros)] == [
        "refunded",
        "refunded",
    ]


@given(parts=st.lists(st.integers(1, 29_900), max_size=3), data=st.data())
def test_money_means_the_same_in_every_order_of_arrival(parts: list[int], data: st.DataObject) -> None:
    """One payment and its refunds: they end the order exactly when all of it went back, whatever came first."""
    backs = [
        refund(money=Money(minor=part, currency="PLN"), reference=f"b{n}") for n, part in enumerate(parts)
    ]
    events = data.draw(st.permutations([paid(), *backs]))
    expected = "refunded" if sum(parts) >= PRICE.minor else "paid"
    assert expected == _through(an_order(), *events).status


def test_a_chargeback_ends_a_completed_order() -> None:
    """The access is to be taken back by a person, and the receipts stay."""
    order = _through(_completed(), told("chargeback", money=PRICE, of="pay-1"))
    assert ("refunded", _completed().steps) == (order.status, order.steps)
    assert order.attention == ("the money went back: take the access back at the academy",)


def test_a_refund_while_an_invitation_is_under_way_asks_to_look() -> None:
    """Nobody knows whether the access was given, so a person is sent to look."""
    order = _through(a_paid_order().start("invitation", now=NOON), refund())
    assert order.attention == ("the money went back: take the access back at the academy",)


def test_money_after_a_refund_is_to_be_sent_back() -> None:
    """A refunded order does not begin again."""
    order = _through(a_paid_order(), refund(), paid(reference="pay-2"))
    assert (order.status, len(order.attention)) == ("refunded", 1)


@pytest.mark.parametrize("kind", ["pending", "failed"])
def test_late_doubts_change_nothing(kind: str) -> None:
    """Pending after paid, or rejected after completed, is kept in the history and ignored."""
    late = told(kind)  # type: ignore[arg-type]
    assert [_through(order, late).status for order in (a_paid_order(), _completed())] == ["paid", "completed"]


def test_a_card_that_fails_for_ever_does_not_grow_the_order() -> None:
    """The first failures are kept, the rest is not; the payment after them counts."""
    order = _through(an_order(), *(told("failed", reference=f"f{n}") for n in range(500)), paid())
    assert (len(order.payments), order.status) == (NOTED + 1, "paid")


@given(
    st.lists(
        st.sampled_from(["paid", "second", "small", "pending", "refund", "refund 2", "part", "chargeback"]),
        max_size=8,
    )
)
def test_no_legitimate_history_breaks_an_invariant(names: list[str]) -> None:
    """Whatever a gateway says in whatever order, the order takes it."""
    events = {
        "paid": paid(),
        "second": paid(reference="pay-2"),
        "small": paid(reference="pay-3", money=Money(minor=1, currency="PLN")),
        "pending": told("pending"),
        "refund": refund(),
        "refund 2": refund(of="pay-2"),
        "part": refund(money=Money(minor=1, currency="PLN"), reference="part"),
        "chargeback": told("chargeback", of="pay-1"),
    }
    order = _through(an_order(), *(events[name] for name in names))
    assert ("paid" in names or "second" in names) >= (order.payment is not None)
    assert order == msgspec.json.decode(msgspec.json.encode(order), type=Order)


# Steps


def test_a_receipt_is_kept_once() -> None:
    """The same receipt again changes nothing; another one is an orphan in the history and is not used."""
    order = a_paid_order().record("invitation", "link-1", now=NOON)
    again, orphan = (
        order.record("invitation", "link-1", now=NOON),
        order.record("invitation", "link-2", now=NOON),
    )
    assert order is again
    assert (orphan.step("invitation").receipt, orphan.history[-1].what) == ("link-1", "orphan")


def test_a_failed_attempt_is_counted_and_waits() -> None:
    """Attempts, the reason and the time of the next try are in the order."""
    step = a_paid_order().postpone("purchase", "closed", now=NOON, due=SOON).step("purchase")
    assert Step(name="purchase", attempts=1, due=SOON, why="closed") == step


def test_a_started_step_stays_started_until_its_own_call_did_not_happen() -> None:
    """An unknown outcome, or the failure of an older call, says nothing about the call under way."""
    order = a_paid_order().start("invitation", now=NOON, due=SOON)
    states = [
        order.postpone("invitation", "closed", now=NOON, due=SOON, begun=begun).step("invitation").state
        for begun in (None, NOON - timedelta(minutes=5), NOON)
    ]
    assert states == ["started", "started", "waiting"]


def test_only_the_call_that_was_asked_about_is_cleared() -> None:
    """A step that was started anew meanwhile stays started: its call may be under way."""
    order = a_paid_order().start("invitation", now=NOON)
    stale = order.clear("invitation", "absent", now=SOON, begun=NOON - timedelta(minutes=5))
    assert order is stale
    assert order.clear("invitation", "absent", now=SOON, begun=NOON).step("invitation").state == "waiting"


def test_what_is_done_is_not_undone() -> None:
    """A late failure, a late park and a late answer about a finished step change nothing."""
    order = a_paid_order().record("purchase", "p-1", now=NOON)
    assert order is order.postpone("purchase", "closed", now=NOON, due=SOON)
    assert order is order.park("purchase", "closed", now=NOON)
    assert order is order.clear("purchase", "absent", now=NOON, begun=None)


def test_a_parked_step_is_not_started_again_by_a_late_failure() -> None:
    """Only a person resumes it; but the receipt of a call that did end is kept."""
    order = a_paid_order().park("purchase", "closed", now=NOON)
    assert order is order.postpone("purchase", "closed", now=NOON, due=SOON)
    assert order.record("purchase", "p-1", now=NOON).step("purchase").state == "done"


def test_a_resumed_step_begins_again() -> None:
    """Fresh attempts, nothing to wait for; the others are left alone."""
    order = a_paid_order().start("purchase", now=NOON).park("purchase", "closed", now=NOON, unknown=True)
    step = order.resume(now=LATER).step("purchase")
    assert (step.state, step.attempts, step.due, step.started_at, step.unknown) == (
        "waiting",
        0,
        None,
        None,
        False,
    )
    assert order.step("invitation") == order.resume(now=LATER).step("invitation")


def test_a_resumed_step_that_can_be_asked_about_is_not_made_unasked() -> None:
    """A bug once called again at once what had perhaps happened; a step that never began need not be asked about."""
    begun = a_paid_order().start("purchase", now=NOON).park("purchase", "silence", now=NOON, unknown=True)
    fresh = a_paid_order().park("purchase", "closed", now=NOON)
    assert (
        begun.resume(now=LATER, ask=["purchase"]).step("purchase").state,
        begun.resume(now=LATER, ask=["purchase"]).step("purchase").started_at,
    ) == ("started", NOON)
    assert fresh.resume(now=LATER, ask=["purchase"]).step("purchase").state == "waiting"


def test_nothing_parked_is_nothing_to_resume() -> None:
    """The very same order comes back."""
    order = a_paid_order()
    assert order is order.resume(now=LATER)


def test_an_order_is_due_when_a_step_that_can_be_made_is_due() -> None:
    """A bug once found orders overdue because of a step that waits for another one, and the sweep multiplied work."""
    order = (
        a_paid_order().record("purchase", "p", now=NOON).postpone("invitation", "closed", now=NOON, due=LATER)
    )
    assert order.due == LATER


def test_a_started_step_is_due_when_it_can_be_asked_about() -> None:
    """The sweep leaves a call alone that may be under way."""
    order = a_paid_order().record("purchase", "p", now=NOON).start("invitation", now=NOON, due=SOON)
    assert order.due == SOON


def test_only_paid_orders_are_due() -> None:
    """Placed and completed orders, and those of which nothing goes on without a person, wait for somebody else."""
    parked = a_paid_order()
    for name in ("purchase", "invitation"):
        parked = parked.park(name, "closed", now=NOON)
    assert [order.due for order in (an_order(), _completed(), parked, a_paid_order())] == [
        None,
        None,
        None,
        NOON,
    ]


def test_what_goes_on_beside_a_parked_step_is_due() -> None:
    """A person is asked about one step; the others are not forgotten meanwhile."""
    parked = a_paid_order().park("purchase", "closed", now=NOON)
    assert ("parked", NOON) == (parked.state, parked.due)


def test_an_order_completes_once() -> None:
    """Its time is kept, and a placed order does not complete."""
    order = _completed()
    assert (order.completed_at, order) == (NOON, order.complete(now=LATER))
    assert an_order().complete(now=NOON).status == "placed"


def test_time_that_runs_backwards_does_not_turn_the_order_back() -> None:
    """The last change is never older than the one before."""
    order = an_order(now=LATER).apply(paid(), now=NOON)
    assert order.updated_at == LATER


# Invariants

BROKEN: dict[str, Callable[[], tuple[Order, Order]]] = {
    "the identity and the intent never change": lambda: (an_order(), an_order("order-2")),
    "the status only moves forward": lambda: (
        _completed(),
        msgspec.structs.replace(_completed(), status="paid"),
    ),
    "no step before a confirmed payment": lambda: (
        an_order(),
        msgspec.structs.replace(an_order(), steps=a_paid_order().start("purchase", now=NOON).steps),
    ),
    "one payment grants, and it fits the intent": lambda: (
        a_paid_order(),
        msgspec.structs.replace(
            a_paid_order(), payments=(*a_paid_order().payments, *_accepted(paid(reference="2")))
        ),
    ),
    "what is done stays done": lambda: (
        a_paid_order().record("purchase", "p", now=NOON),
        msgspec.structs.replace(a_paid_order(), payments=a_paid_order().payments),
    ),
    "complete means every receipt": lambda: (
        a_paid_order(),
        msgspec.structs.replace(a_paid_order(), status="completed"),
    ),
    "a completed order is worked on no more": lambda: (
        _completed(),
        msgspec.structs.replace(
            _completed(),
            steps=(*_completed().steps, Step(name="purchase", state="done", receipt="one more")),
        ),
    ),
    "payments are only added to": lambda: (
        _through(an_order(), told("pending"), paid()),
        _through(an_order(), paid()),
    ),
}


def _accepted(event: PaymentEvent) -> tuple[Payment]:
    return (Payment(event=event, at=NOON, verdict="accepted"),)


def test_a_person_settles_a_payment_that_does_not_fit() -> None:
    """Nothing is left to look at, the reason is kept, and the order waits for the right amount."""
    wrong = paid(money=Money(minor=1, currency="PLN"))
    stuck = an_order().apply(wrong, now=NOON)
    settled = stuck.settle(wrong, "sent back by hand", now=NOON)
    assert ("parked", "placed", ()) == (stuck.state, settled.state, settled.attention)
    assert "sent back by hand" in settled.history[-1].detail
    assert "paid" == settled.apply(paid(reference="pay-2"), now=NOON).state


def test_there_is_nothing_to_settle_about_the_payment_that_counts() -> None:
    """The accepted payment of an order is not a person's to settle."""
    order = an_order().apply(paid(), now=NOON)
    assert order is order.settle(paid(), "why not", now=NOON)


@pytest.mark.parametrize("sentence", BROKEN)
def test_an_impossible_change_is_never_written(sentence: str) -> None:
    """Each invariant is asserted on every change, in production too."""
    before, after = BROKEN[sentence]()
    with pytest.raises(InvariantBroken, match=sentence):
        hold(before, after)


@pytest.mark.parametrize(
    "wrong", [{"money": Money(minor=1, currency="PLN")}, {"shop_id": "shop-2"}, {"order": "order-2"}]
)
def test_a_payment_that_does_not_fit_can_never_grant(wrong: dict[str, object]) -> None:
    """Even if a bug accepted it, it would not be written."""
    event = msgspec.structs.replace(paid(), **wrong)
    with pytest.raises(InvariantBroken, match="it fits the intent"):
        hold(an_order(), msgspec.structs.replace(an_order(), payments=_accepted(event), status="paid"))


def test_the_verbs_never_trip_over_each_other() -> None:
    """Any two verbs in a row, on any order: no legitimate history raises."""
    verbs: list[Callable[[Order], Order]] = [
        *(lambda order, name=name: order.record(name, "r", now=SOON) for name in STEPS),
        lambda order: order.postpone("purchase", "closed", now=SOON, due=LATER),
        lambda order: order.clear("purchase", "absent", now=SOON, begun=NOON),
        lambda order: order.park("purchase", "closed", now=SOON),
        lambda order: order.resume(now=SOON),
        lambda order: (
            order.complete(now=SOON) if all(step.state == "done" for step in order.steps) else order
        ),
        lambda order: order.note_mail("now", now=SOON),
        lambda order: order.apply(refund(), now=SOON),
        lambda order: order.apply(paid(reference="pay-2"), now=SOON),
    ]
    for first, second, third in itertools.product(verbs, repeat=3):
        for order in (a_paid_order(), a_paid_order().start("purchase", now=NOON), _completed()):
            assert order.id == third(second(first(order))).id
