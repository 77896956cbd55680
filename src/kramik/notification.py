"""Step 3 of the story: a notification is verified, put on the queue and acknowledged. Nothing more.

No order is read and nothing is decided here: an authentic notification is never refused for its content,
a forged one is never stored, and the acknowledgement is worth its name only when `stored` has ended well.
"""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime

import msgspec

from kramik.errors import NeedsOperator
from kramik.event import PaymentEvent
from kramik.payment import Acknowledgement, RawNotification
from kramik.ports import Notifying, Queue
from kramik.queue import Message

LARGEST_RAW = 8000
"""Bytes of an unreadable notification that are kept; a queue of the cloud takes no message over 64 KiB."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """An authentic notification: answer `acknowledgement` when `stored` ends, and 503 when it fails."""

    event: PaymentEvent | None
    acknowledgement: Acknowledgement
    stored: Future[None]


def accept(raw: RawNotification, gateway: Notifying, queue: Queue, *, now: datetime) -> Accepted:
    """Verify, put, acknowledge.

    Raises:
        NotAuthentic: answer 400; nothing was stored.
        Transient: nothing was stored; answer so that the gateway tries again.
    """
    try:
        event = gateway.verify(raw)
    except NeedsOperator as error:
        return _kept(raw, gateway, queue.put(_unreadable(raw, error), now=now))
    stored = (
        _nothing_to_store() if event is None else queue.put(Message(order=event.order, event=event), now=now)
    )
    return _kept(raw, gateway, stored, event)


def _kept(
    raw: RawNotification, gateway: Notifying, stored: Future[None], event: PaymentEvent | None = None
) -> Accepted:
    return Accepted(event=event, acknowledgement=gateway.acknowledge(raw), stored=stored)


def _unreadable(raw: RawNotification, error: NeedsOperator) -> Message:
    """Keep what is authentic and makes no sense: a person sees it among the poison."""
    return Message(task="unreadable", note=str(error), raw=raw.body[:LARGEST_RAW].decode("utf-8", "replace"))


def _nothing_to_store() -> Future[None]:
    stored: Future[None] = Future()
    stored.set_result(None)
    return stored
