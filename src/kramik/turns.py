"""Turns of those who work on the same thing in one process: one after the other, each waiting no longer than it has.

A tool that keeps one link a person and course can not serve two orders at once: whoever writes last would hide the
other's link. Several processes are not kept apart by this; what they do to each other is found out by looking again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from kramik.errors import Transient


class _Turn:
    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0


class Turns:
    """Who has their turn at what, by a key; a key that nobody waits for is forgotten."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._turns: dict[str, _Turn] = {}

    @contextmanager
    def take(self, key: str, *, seconds: float) -> Iterator[None]:
        """Wait for the turn at this key, and have it until the block ends.

        Raises:
            Transient: it did not come within so many seconds; nothing was done.
        """
        turn = self._enter(key)
        try:
            if not turn.lock.acquire(timeout=max(seconds, 0.0)):
                msg = "another order of the same buyer took all the time; nothing was sent"
                raise Transient(msg)
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            self._leave(key, turn)

    def __len__(self) -> int:
        return len(self._turns)

    def _enter(self, key: str) -> _Turn:
        with self._guard:
            turn = self._turns.setdefault(key, _Turn())
            turn.users += 1
            return turn

    def _leave(self, key: str, turn: _Turn) -> None:
        with self._guard:
            turn.users -= 1
            if not turn.users:
                del self._turns[key]
