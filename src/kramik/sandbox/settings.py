"""What a world is made of: the keys that a shop must know, and how fast things happen."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of one world. `lag` (seconds) is how late new things show in lists; `pace` scales repeats.

    A notification that is not acknowledged comes again after 1, 2, 5, 10, 30, then every 60 times `pace` seconds.
    With `ledger` every entry is appended to this file too, a line of JSON each.
    """

    gateway_key: str
    academy_token: str
    mail_token: str
    lag: float = 0.0
    pace: float = 1.0
    ledger: Path | None = None

    @classmethod
    def fresh(cls, *, lag: float = 0.0, pace: float = 1.0, ledger: Path | None = None) -> Settings:
        """Make settings with new keys, for a world that lives shortly."""
        keys = {name: token_hex(20) for name in ("gateway_key", "academy_token", "mail_token")}
        return cls(**keys, lag=lag, pace=pace, ledger=ledger)
