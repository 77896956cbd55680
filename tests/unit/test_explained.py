"""Whoever never saw the code understands what a parked order needs: who did not do what, for whom, and what to type."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from kramik.event import PaymentEvent
from kramik.explained import comes_next, means
from kramik.journal import STEPS, StepName
from kramik.money import Money
from kramik.notice import Notice
from kramik.order import Order, place
from kramik.withdrawal import Withdrawal
from tests.story.example import NOON, a_paid_order, an_intent, an_order, paid, refund

BEFORE: tuple[StepName, ...] = ("confirmation", *STEPS)
ONE = Money(minor=1, currency="PLN")


def confirmed() -> Order:
    """Return a paid order with every step that there is before a refund."""
    return place("order-1", an_intent(), now=NOON, confirm=True).apply(paid(), now=NOON)


def withdrawn() -> Order:
    """Return an order from which the buyer withdrew."""
    done = a_paid_order()
    for name in STEPS:
        done = done.record(name, "r", now=NOON)
    return done.complete(now=NOON).withdraw(Withdrawal(at=NOON, name="Anna", statement="I withdraw"))


def order_with(name: StepName) -> Order:
    """Return an order that has this step and has not made it."""
    made = {"revocation": refunded, "withdrawal": withdrawn, "removal": corrected}
    return made.get(name, confirmed)()


def refunded() -> Order:
    """Return a refunded order whose access is to be taken back."""
    order = a_paid_order().record("invitation", "https://course", now=NOON).apply(refund(), now=NOON)
    return order.revoke(now=NOON, due=NOON)


def corrected() -> Order:
    """Return an order whose access at the address before is to be taken back."""
    order = a_paid_order().record("invitation", "https://course", now=NOON)
    return order.correct("ania@example.org", now=NOON, remove_from=NOON)


@pytest.mark.parametrize("name", get_args(StepName))
def test_a_step_that_was_refused(name: StepName) -> None:
    """Nothing happened at the other side, and one command goes on."""
    order = order_with(name).park(name, "refused with 403", now=NOON)
    [sentence] = means(order)
    assert "and nothing happened there" in sentence
    assert "mend the cause, then: kramik orders retry order-1" in comes_next(order)
    assert f"{name}: refused with 403" in order.attention


@pytest.mark.parametrize("name", get_args(StepName))
def test_a_step_of_which_nobody_knows(name: StepName) -> None:
    """Where to look, for whom, and one command for either answer."""
    order = order_with(name).park(name, "cut off", now=NOON, unknown=True)
    [sentence] = means(order)
    assert sentence.endswith("look there for anna@example.com")
    receipt = "LINK" if name == "invitation" else "RECEIPT"
    assert [
        f"if it happened: kramik orders retry order-1 --happened {name}={receipt}",
        f"if it did not: kramik orders retry order-1 --not-happened {name}",
    ] == [each for each in comes_next(order) if "retry" in each]


def test_two_of_which_nobody_knows_are_answered_together() -> None:
    """One command names both."""
    order = confirmed()
    for name in ("purchase", "confirmation"):
        order = order.park(name, "cut off", now=NOON, unknown=True)
    [command] = [each for each in comes_next(order) if "retry" in each]
    assert "--happened confirmation=RECEIPT" in command
    assert "--happened purchase=RECEIPT" in command


@pytest.mark.parametrize(
    ("name", "opened", "words"),
    [
        ("invitation", False, "has paid and can not open the course"),
        ("sequence", True, "kramik orders resend order-1"),
        ("purchase", True, "has their course all the same"),
        ("confirmation", True, "no copy of the contract"),
    ],
)
def test_what_it_means_for_the_buyer(name: StepName, words: str, *, opened: bool) -> None:
    """The first thing that a person at the telephone wants to know."""
    order = confirmed()
    order = order.record("invitation", "https://course", now=NOON) if opened else order
    assert words in means(order.park(name, "no", now=NOON))[0]


def test_a_fallback_names_the_post() -> None:
    """It is the shop's own post that did not mail, not the mailing tool."""
    order = a_paid_order().fall_back("sequence", "unsubscribed", now=NOON, begun=None)
    assert "sequence by the shop's own post waits for invitation" in comes_next(order)
    [sentence] = means(order.park("sequence", "550 no", now=NOON))
    assert sentence.startswith("the post did not mail the access link in place of the mailing tool")


@pytest.mark.parametrize(
    ("event", "words"),
    [(paid(money=ONE), "it bought nothing"), (paid(reference="pay-2"), "one payment was enough")],
)
def test_money_that_is_not_wanted(event: PaymentEvent, words: str) -> None:
    """Said in one sentence, once."""
    order = an_order() if event.money == ONE else a_paid_order()
    twice = order.apply(event, now=NOON).apply(replace(event, reference="pay-9"), now=NOON)
    assert 1 == sum(words in each for each in means(twice))


def test_what_waits_for_what() -> None:
    """Each open step in a line, and what the seller is still to be told."""
    order = confirmed().record("purchase", "p", now=NOON)
    owed = Notice(fact="refund/1", kind="refund", channel="mail", text="x", at=NOON)
    assert [
        "confirmation, attempt 1, now, or when a message that died in hand is visible again",
        "invitation, attempt 1, now, or when a message that died in hand is visible again",
        "sequence waits for invitation",
        "you are told of this (refund) by mail at 2026-11-02 12:00:00 UTC",
    ] == comes_next(order.owe([owed], now=NOON))


def test_a_notice_that_was_given_up_is_explained() -> None:
    """Who was not told finds it here."""
    owed = Notice(fact="refund/1", kind="refund", channel="webhook", text="x", at=NOON).give_up(
        "answered 410"
    )
    assert ["refund: you were not told by webhook: answered 410"] == means(
        a_paid_order().owe([owed], now=NOON)
    )


def test_a_withdrawal_that_is_not_decided() -> None:
    """The seller has a command for it."""
    assert any("kramik orders withdrawal order-1 --accept" in each for each in comes_next(withdrawn()))


def test_a_story_that_is_over() -> None:
    """A completed order, and one whose access was taken back, need nothing."""
    done = a_paid_order()
    for name in STEPS:
        done = done.record(name, "r", now=NOON)
    back = refunded().record("revocation", "r", now=NOON)
    for order in (done.complete(now=NOON), back):
        assert ([], ["nothing; the story is over"]) == (means(order), comes_next(order))
