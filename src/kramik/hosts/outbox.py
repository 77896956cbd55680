"""The queue of a function: what the Functions host does for us is left to it, the rest goes to the storage queue.

While a request is answered, messages that can be taken at once are collected for the output binding of its function:
the host stores them before it sends the answer, and sends an error when it can not.
A message that a trigger brought is removed by the host when the function ends well, so `done` does nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING

from kramik.answer import at_once
from kramik.queue import Message, Poisoned, Received

if TYPE_CHECKING:
    from kramik.stores.azure.queue import AzureQueue

_COLLECTED: ContextVar[list[str] | None] = ContextVar("collected", default=None)


class Outbox:
    """A port `Queue` for code that the Functions host runs."""

    def __init__(self, queue: AzureQueue) -> None:
        self._queue = queue

    @contextmanager
    def collecting(self) -> Iterator[list[str]]:
        """Collect what is put meanwhile, by this thread, as the text that a binding writes."""
        collected: list[str] = []
        token = _COLLECTED.set(collected)
        try:
            yield collected
        finally:
            _COLLECTED.reset(token)

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        """Store a message, or collect it."""
        collected = _COLLECTED.get()
        if collected is None or after > 0:
            return self._queue.put(message, now=now, after=after)
        collected.append(self._queue.text(message))
        return at_once()

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        """Take a message that no trigger brought."""
        return self._queue.take(now=now, visibility=visibility)

    def done(self, received: Received) -> None:
        """Do nothing: the host removes the message when the function has ended."""

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:  # noqa: ARG002 - a port
        """Put the new message; the host removes the one that it replaces."""
        self._queue.put(message, now=now, after=after).result()

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        """Keep the message for a person; the host removes it from the queue."""
        self._queue.keep(received, why, now=now)

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        """Return what was moved aside, oldest first."""
        return self._queue.poisoned(order)

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        """Put a poisoned message back to work."""
        return self._queue.replay(poison_id, now=now)

    def discard(self, poison_id: str) -> bool:
        """Remove a poisoned message."""
        return self._queue.discard(poison_id)

    def depth(self) -> int:
        """Return about how many messages there are."""
        return self._queue.depth()
