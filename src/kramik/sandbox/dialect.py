"""What one vendor does its own way: how a payment starts, what its notifications look like, what acknowledges them.

Sessions, the pay page, its buttons, the ledger, faults and repeats are the same for all of them (`gateway.py`).
A dialect is written from the vendor's documents, never from our adapter: the two must meet on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from kramik.sandbox.door import Refusal
from kramik.sandbox.ledger import What
from kramik.sandbox.notifier import Letter, Notification
from kramik.sandbox.session import Request

__all__ = [
    "Begun",
    "Book",
    "Call",
    "CalledDialect",
    "Dialect",
    "Letter",
    "Notification",
    "Panel",
    "Refusal",
    "Reply",
    "Request",
]


class Panel(msgspec.Struct, kw_only=True):
    """What the seller typed into the vendor's panel: where notifications go, and where the shop is (base URLs).

    The world changes it by `POST /panel`, also while it runs: read it at each use.
    """

    shop: str = "http://127.0.0.1:8000"
    notify: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the shop to the vendor's API: `path` begins with `/`, header names are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor answers to a call."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that a call has begun: what is to be paid, and the answer once the address of its pay page is known."""

    request: Request
    reply: Callable[[str], Reply]


class Book(Protocol):
    """What happened at this vendor so far, in no vendor's words."""

    def payments(self, order: str) -> Sequence[Notification]:
        """Return everything that happened about an order, oldest first."""
        ...

    def write(self, effect: What, order: str, **facts: str | int) -> None:
        """Write an effect of a call, such as a confirmation, into the ledger."""
        ...


class Telling(Protocol):
    """What every vendor does: it tells the shop, and waits for an answer."""

    @property
    def name(self) -> str:
        """Where it is mounted (`/<name>`), and the peer that the ledger and the faults name."""
        ...

    @property
    def pauses(self) -> tuple[float, ...]:
        """Seconds before each repeat of a notification, scaled by the world's pace; the last one is repeated."""
        ...

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write what the vendor sends the shop about this, signed; nothing when it tells nothing of the kind."""
        ...

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:
        """Say whether this answer is the vendor's acknowledgement; anything else is repeated."""
        ...


@runtime_checkable
class Dialect(Telling, Protocol):
    """The protocol of a vendor to which a signed request leads."""

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:
        """Check a start request as the vendor does; `path` begins with `/` and is what stands below the mount.

        Raises:
            Refusal: the vendor would show an error; the sentence says what is wrong.
        """
        ...


@runtime_checkable
class CalledDialect(Telling, Protocol):
    """The protocol of a vendor whose API the shop calls: to begin a payment, to confirm or to ask about it.

    A vendor can be both: a signed request leads to it, and it can be asked afterwards.
    """

    def operation(self, method: str, path: str) -> str:
        """Return what the faults call this request: `begin`, `confirm`, `ask`, `token`, or `start` for a browser's."""
        ...

    def call(self, call: Call, book: Book) -> Reply | Begun:
        """Answer a call as the vendor does, checking it as strictly.

        Raises:
            Refusal: the vendor would refuse it with this status; the sentence is its message in JSON.
        """
        ...
