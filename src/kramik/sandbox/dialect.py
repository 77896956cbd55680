"""What one vendor does its own way: how a payment starts, what its notifications look like, what acknowledges them.

Sessions, the pay page, its buttons, the ledger, faults and repeats are the same for all of them (`gateway.py`).
A dialect is written from the vendor's documents, never from our adapter: the two must meet on the wire.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from kramik.sandbox.door import Refusal
from kramik.sandbox.notifier import Letter, Notification
from kramik.sandbox.session import Request

__all__ = ["Dialect", "Letter", "Notification", "Panel", "Refusal", "Request"]


class Panel(msgspec.Struct, kw_only=True):
    """What the seller typed into the vendor's panel: where notifications go, and where the shop is (base URLs).

    The world changes it by `POST /panel`, also while it runs: read it at each use.
    """

    shop: str = "http://127.0.0.1:8000"
    notify: str = ""


class Dialect(Protocol):
    """The protocol of one vendor."""

    @property
    def name(self) -> str:
        """Where it is mounted (`/<name>`), and the peer that the ledger and the faults name."""
        ...

    @property
    def pauses(self) -> tuple[float, ...]:
        """Seconds before each repeat of a notification, scaled by the world's pace; the last one is repeated."""
        ...

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check a start request as the vendor does; `path` begins with `/` and is what stands below the mount.

        Raises:
            Refusal: the vendor would show an error; the sentence says what is wrong.
        """
        ...

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write what the vendor sends the shop about this, signed; nothing when it tells nothing of the kind."""
        ...

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:
        """Say whether this answer is the vendor's acknowledgement; anything else is repeated."""
        ...
