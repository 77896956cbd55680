from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik.errors import (
    Conflict,
    InvariantBroken,
    NeedsOperator,
    OutcomeUnknown,
    Problem,
    Rejected,
    Transient,
)
from kramik.event import PaymentEvent
from kramik.money import Money
from kramik.queue import ASKED, ATTEMPTS, Again, Done, Message, Park, back_off, decode, encode, plan_retry
from tests.story.example import paid, refund

APPROVED = Path(__file__).parents[1] / "approved" / "queue_message.jsonl"
NO = Rejected(Problem(field="key", code="revoked", message="make a new one"))
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
MONEY = st.builds(Money, minor=st.integers(0, 10**12 - 1), currency=st.sampled_from(["PLN", "JPY"]))
EVENTS = st.builds(
    PaymentEvent,
    order=TEXT,
    gateway=TEXT,
    reference=TEXT,
    kind=st.sampled_from(["paid", "pending", "failed", "refund", "chargeback"]),
    shop_id=TEXT,
    money=st.none() | MONEY,
    of=TEXT,
)
MESSAGES = st.builds(
    Message,
    order=TEXT,
    event=st.none() | EVENTS,
    task=st.sampled_from(["fulfil", "resend"]),
    email=TEXT,
    nonce=TEXT,
    attempt=st.integers(0, 100),
)


def test_what_worked_is_done() -> None:
    """No error, nothing left to do."""
    assert Done() == plan_retry(1, None)


@pytest.mark.parametrize("error", [NO, NeedsOperator("look there"), InvariantBroken("a bug")])
def test_what_a_person_must_mend_is_parked_at_once(error: Exception) -> None:
    """No back-off is burnt on a refusal, and its own sentence is the reason."""
    assert Park(str(error)) == plan_retry(1, error)


@pytest.mark.parametrize(
    "error", [Transient("down"), OutcomeUnknown("silence"), Conflict("busy"), TypeError("a bug")]
)
def test_everything_else_is_tried_until_the_last_attempt(error: Exception) -> None:
    """The last attempt but one comes again, the last one is parked with its reason."""
    assert isinstance(plan_retry(ATTEMPTS - 1, error), Again)
    assert Park(f"it failed {ATTEMPTS} times, the last time with: {error}") == plan_retry(ATTEMPTS, error)


def test_the_limit_can_be_another() -> None:
    """A message that nobody knows is not tried for nine hours."""
    assert isinstance(plan_retry(3, Transient("no order"), attempts=3), Park)


def test_a_conflict_comes_back_soon_however_often_it_happened() -> None:
    """Somebody else wrote first: that is no reason to wait ten minutes."""
    plan = plan_retry(20, Conflict("busy"), seed="a")
    assert isinstance(plan, Again)
    assert 0.5 <= plan.after <= 1.5


@given(attempt=st.integers(1, 10_000), seed=st.text(max_size=10))
def test_the_back_off_doubles_up_to_ten_minutes_with_jitter(attempt: int, seed: str) -> None:
    """Half to one and a half of the doubled wait."""
    wait = min(600.0, 2.0 ** min(attempt, 60))
    assert wait * 0.5 <= back_off(attempt, seed) <= wait * 1.5


def test_the_back_off_repeats_itself() -> None:
    """The same past has the same future; another order waits differently, so that they do not come all at once."""
    waits = {back_off(9, f"order-{number}") for number in range(100)}
    assert back_off(9, "order-1") == back_off(9, "order-1")
    assert len(waits) == 100


def test_the_wait_that_was_asked_for_is_kept() -> None:
    """A Retry-After beyond our own back-off wins, a shorter one does not."""
    assert Again(900) == plan_retry(1, Transient("busy", after=900))
    assert plan_retry(9, Transient("busy", after=1), seed="a") == Again(back_off(9, "a"))


@pytest.mark.parametrize("after", [1e12, float("inf"), ASKED + 1])
def test_nobody_puts_an_order_to_sleep(after: float) -> None:
    """A mistaken Retry-After is an hour at the longest."""
    assert Again(ASKED) == plan_retry(1, Transient("busy", after=after))


@pytest.mark.parametrize("after", [float("nan"), -5.0, 0.0, None])
def test_a_wait_that_makes_no_sense_is_our_own(after: float | None) -> None:
    """Not a number, or less than nothing, asks for nothing."""
    assert Again(back_off(1, "")) == plan_retry(1, Transient("busy", after=after))


@given(message=MESSAGES)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    """The wire form keeps every field."""
    assert message == decode(encode(message))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'{"version":2,"order":"a"}',
        b'{"version":1,"attempt":"many"}',
        b'{"version":1,"task":"dance"}',
        encode(Message(event=paid())).replace(b"29900", b"-1"),
    ],
)
def test_what_is_no_message_of_this_version_is_for_a_person(body: bytes) -> None:
    """Another version, a broken text and impossible money are kept aside instead of guessed at."""
    with pytest.raises(NeedsOperator, match="no message of version 1"):
        decode(body)


def test_the_wire_form_is_the_approved_one() -> None:
    """Messages outlive the process that wrote them: a change of their form needs a reviewed diff and a new version."""
    messages = [
        Message(order="order-1", event=paid()),
        Message(order="order-1", event=refund(), attempt=2),
        Message(order="order-1"),
        Message(order="order-1", task="resend", nonce="1793620800.000000"),
        Message(task="resend", email="anna@example.com", nonce="1793620800.000000"),
        Message(order="order-1", task="tell"),
        Message(task="tell", channel="mail", nonce="poison/1", note="a message was moved aside"),
    ]
    lines = APPROVED.read_bytes().splitlines()
    assert lines == [encode(message) for message in messages]
    assert messages == [decode(line) for line in lines]
