from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik.errors import NeedsOperator, NotAuthentic, Transient
from kramik.event import PaymentEvent
from kramik.notification import accept
from kramik.payment import RawNotification
from kramik.queue import Message
from kramik.stores.memory import MemoryQueue
from tests.story.example import NOON, PaperGateway, paid

TILL = PaperGateway()


class FullDisk(MemoryQueue):
    """A queue that cannot store anything."""

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        future: Future[None] = Future()
        future.set_exception(Transient("the disk is full"))
        return future


def test_an_authentic_notification_is_one_message() -> None:
    """The event travels as it was told, under the id of its order."""
    queue = MemoryQueue()
    accepted = accept(TILL.notification(paid()), TILL, queue, now=NOON)
    received = queue.take(now=NOON, visibility=1)
    assert (paid(), b"TRUE", None) == (
        accepted.event,
        accepted.acknowledgement.body,
        accepted.stored.result(),
    )
    assert Message(order="order-1", event=paid()) == getattr(received, "message", None)


def test_what_says_nothing_about_a_payment_is_acknowledged_and_not_stored() -> None:
    """A gateway's ping is answered, and nobody works on it."""
    queue = MemoryQueue()
    accepted = accept(TILL.notification(None), TILL, queue, now=NOON)
    assert (accepted.event, accepted.stored.result(), queue.depth()) == (None, None, 0)


def test_an_acknowledgement_is_worth_nothing_when_the_message_is_not_stored() -> None:
    """The future says so, and the door answers that the gateway must try again."""
    accepted = accept(TILL.notification(paid()), TILL, FullDisk(), now=NOON)
    with pytest.raises(Transient, match="disk is full"):
        accepted.stored.result()


@given(place=st.integers(0, 500), bit=st.integers(0, 7))
def test_one_changed_bit_is_a_forgery(place: int, bit: int) -> None:
    """Every bit of the body counts, and nothing of a forgery is kept."""
    raw, queue = TILL.notification(paid()), MemoryQueue()
    body = bytearray(raw.body)
    body[place % len(body)] ^= 1 << bit
    with pytest.raises(NotAuthentic):
        accept(msgspec.structs.replace(raw, body=bytes(body)), TILL, queue, now=NOON)
    assert queue.depth() == 0


class RiddleGateway(PaperGateway):
    """A gateway that signs things which nobody understands."""

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        super().verify(raw)
        raise NeedsOperator("the kind 'rebate' is not known; look at the gateway")


def test_what_is_authentic_and_unreadable_is_acknowledged_and_kept() -> None:
    """It goes onto the queue as it came, with the reason, cut to what a queue can take."""
    till, queue = RiddleGateway(), MemoryQueue()
    raw = till.notification(paid())
    accepted = accept(raw, till, queue, now=NOON)
    received = queue.take(now=NOON, visibility=1)
    note = "the kind 'rebate' is not known; look at the gateway"
    assert (b"TRUE", None) == (accepted.acknowledgement.body, accepted.stored.result())
    assert Message(task="unreadable", note=note, raw=raw.body.decode()) == getattr(received, "message", None)


def test_a_riddle_that_is_not_authentic_is_refused_like_any_other() -> None:
    """Only the gateway's own riddles are kept."""
    till, queue = RiddleGateway(), MemoryQueue()
    with pytest.raises(NotAuthentic):
        accept(msgspec.structs.replace(till.notification(paid()), body=b"{}"), till, queue, now=NOON)
    assert queue.depth() == 0
