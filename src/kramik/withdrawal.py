"""The buyer withdraws from the contract: what they stated, and what the seller decided about it.

The statement is acknowledged by mail in any case; whether the right still exists is the seller's to say.
Source: CRD art. 11a (in force since 19 June 2026): two steps, then content, date and time on a durable medium.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

Decision = Literal["", "accepted", "refused"]

REFUND_WITHIN = timedelta(days=14)
"""How long a seller may take to send the money back (CRD art. 13)."""


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A statement as it was made, and what became of it; times are UTC."""

    at: datetime
    name: str
    statement: str = ""
    lang: str = ""
    decision: Decision = ""
    decided_at: datetime | None = None
    why: str = ""

    @property
    def refund_by(self) -> datetime:
        """Return until when the money has to be on its way back."""
        return self.at + REFUND_WITHIN
