"""The ledger: every effect that happened in this world, in the order in which it happened.

Tests judge a shop by it alone. It can be written to a file as well, so that it outlives whoever is killed.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO, Literal

import msgspec

LIMIT = 200_000

Peer = str
"""`gateway`, `academy` or `mail` (the sandbox's own), or the name of a vendor."""

What = Literal[
    "payment", "notification", "confirm", "grant", "open", "revoke", "purchase", "sequence", "mail", "token"
]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One effect; `facts` say what it was, `number` counts from 1 and never repeats."""

    number: int
    at: datetime
    peer: Peer
    effect: What
    order: str
    facts: dict[str, str | int]


class Ledger:
    """The last 200,000 effects, and how many of each kind there ever were."""

    def __init__(self, file: Path | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=LIMIT)
        self._counts: Counter[str] = Counter()
        self._lock = Lock()
        self._file: IO[bytes] | None = file.open("ab", buffering=0) if file else None

    def write(self, peer: Peer, effect: What, order: str, **facts: str | int) -> None:
        """Write down an effect that happened just now."""
        with self._lock:
            number = self._counts.total() + 1
            now = datetime.now(UTC)
            entry = Entry(number=number, at=now, peer=peer, effect=effect, order=order, facts=facts)
            self._entries.append(entry)
            self._counts[effect] += 1
            if self._file:
                self._file.write(msgspec.json.encode(entry) + b"\n")

    def entries(self, order: str = "", effect: str = "") -> list[Entry]:
        """Return the effects, oldest first; of one order or one kind if they are given."""
        with self._lock:
            found = list(self._entries)
        return [each for each in found if order in ("", each.order) and effect in ("", each.effect)]

    def counts(self) -> dict[str, int]:
        """Return how many effects of each kind there were."""
        with self._lock:
            return dict(self._counts)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None
