"""A notice to the seller: one fact, one channel, and how far telling it has come.

It is written into the order together with the fact, so that a crash forgets neither.
A notice that can not be told is given up with its reason; it never holds up the order.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

Channel = Literal["mail", "webhook"]
NoticeKind = Literal["parked", "mismatch", "second", "refund", "chargeback", "withdrawal"]
NoticeState = Literal["waiting", "started", "told", "given up"]

KEPT = 60
"""Notices that an order keeps; the oldest of those that are over go first."""


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`fact` is what makes two notices the same, `text` what the seller should know and do; times are UTC.

    `due` is when it may be told next, or, once it was started, when nobody can be telling it any more.
    """

    fact: str
    kind: NoticeKind
    channel: Channel
    text: str
    at: datetime
    state: NoticeState = "waiting"
    attempts: int = 0
    due: datetime | None = None
    why: str = ""

    @property
    def key(self) -> tuple[str, Channel]:
        """Return what names this notice in its order."""
        return self.fact, self.channel

    @property
    def owed_at(self) -> datetime | None:
        """Return when it is to be told, or to be given up; None when it is over."""
        return (self.due or self.at) if self.state in ("waiting", "started") else None

    def start(self, *, due: datetime) -> Notice:
        """Write down that it is about to be told by a way that can not be repeated."""
        return replace(self, state="started", due=due)

    def told(self, receipt: str) -> Notice:
        """Keep that it was told."""
        return replace(self, state="told", due=None, why=receipt, attempts=self.attempts + 1)

    def postpone(self, why: str, *, due: datetime) -> Notice:
        """Count an attempt that told nobody."""
        return replace(self, state="waiting", due=due, why=why, attempts=self.attempts + 1)

    def give_up(self, why: str) -> Notice:
        """Tell it no more."""
        return replace(self, state="given up", due=None, why=why, attempts=self.attempts + 1)


def owing(notices: tuple[Notice, ...], more: Collection[Notice]) -> tuple[Notice, ...]:
    """Add what is not there yet; when there are very many, the oldest that are over are left out."""
    known = {notice.key for notice in notices}
    every = (*notices, *(notice for notice in more if notice.key not in known))
    surplus = len(every) - KEPT
    over = [notice.key for notice in every if notice.owed_at is None][: max(0, surplus)]
    return tuple(notice for notice in every if notice.key not in over)
