"""Step 4 of the story: messages, and the one place that decides what follows a failure.

The queue delivers at least once, in any order, and hides a message while somebody works on it.
A message is small and carries no order: the truth lies in the store, so a lost message is found by the sweep.
`plan_retry` is pure: the jitter comes from the order's id and the attempt, so the same past has the same future.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec

from kramik.errors import Conflict, InvariantBroken, NeedsOperator, Rejected, Transient
from kramik.event import PaymentEvent

Task = Literal["fulfil", "ask", "resend", "tell", "withdraw", "unreadable"]

VERSION = 1
ATTEMPTS = 60
"""Tries before a person is asked: with the longest wait of ten minutes, about nine hours."""

ASKED = 3600.0
"""The longest wait in seconds that another side may ask for: a mistaken Retry-After must not put an order to sleep."""

LONGEST = 600.0
FIRST = 1.0


class Message(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="version", tag=VERSION
):
    """Work to do: `fulfil` an order (with what a gateway told), `ask` its gateway, or `resend` the access mail.

    `tell` the seller what an order owes them, or `note` by a `channel`; `nonce` then names the fact.
    `withdraw` is the statement (`note`) of a buyer (`name`, `email`) that they withdraw, made at `nonce`.

    `unreadable` is an authentic notification that nobody could read: `note` says why, `raw` is what it said.
    `attempt` counts deliveries of this message that failed for a reason outside of any step.
    """

    order: str = ""
    event: PaymentEvent | None = None
    task: Task = "fulfil"
    email: str = ""
    name: str = ""
    nonce: str = ""
    note: str = ""
    channel: str = ""
    raw: str = ""
    attempt: int = 0


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is ours until `until`; `receipt` proves it, `deliveries` counts this one too."""

    id: str
    message: Message
    receipt: str
    deliveries: int
    until: datetime


class Poisoned(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a person must look at, and why."""

    id: str
    message: Message
    why: str
    at: datetime
    deliveries: int = 0


class Done(msgspec.Struct, frozen=True):
    """Nothing is left to do."""


class Again(msgspec.Struct, frozen=True):
    """Try again in so many seconds."""

    after: float


class Park(msgspec.Struct, frozen=True):
    """Stop and ask a person, with this sentence."""

    why: str


Plan = Done | Again | Park


def plan_retry(attempt: int, error: Exception | None, *, seed: str = "", attempts: int = ATTEMPTS) -> Plan:
    """Decide what follows the `attempt`-th try (counted from 1) that ended with `error`."""
    if error is None:
        return Done()
    if isinstance(error, Rejected | NeedsOperator | InvariantBroken):
        return Park(str(error))
    if attempt >= attempts:
        return Park(f"it failed {attempt} times, the last time with: {error}")
    if isinstance(error, Conflict):
        return Again(FIRST * _jitter(seed, attempt))
    asked = error.after if isinstance(error, Transient) and error.after else 0.0
    return Again(max(back_off(attempt, seed), min(asked, ASKED)))


def back_off(attempt: int, seed: str) -> float:
    """Return the seconds to wait after this attempt: doubling up to ten minutes, half to one and a half of it."""
    return min(LONGEST, FIRST * 2.0 ** min(attempt, 20)) * _jitter(seed, attempt)


def encode(message: Message) -> bytes:
    """Return the wire form of a message: JSON, without what has its default."""
    return _ENCODER.encode(message)


def decode(body: bytes) -> Message:
    """Read the wire form.

    Raises:
        NeedsOperator: it is no message that this version reads; keep it for a person.
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, Rejected) as error:
        raise NeedsOperator(f"this is no message of version {VERSION}: {error}") from None


def _jitter(seed: str, attempt: int) -> float:
    return 0.5 + int.from_bytes(sha256(f"{seed}/{attempt}".encode()).digest()[:4], "big") / 2**32


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Message)
