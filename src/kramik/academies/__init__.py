"""Academies, one file a vendor: grant access, obtain a link, revoke.

Each file declares its `FEATURES`, of which the matrix in `docs/academies/README.md` is made.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kramik.ports import Repeat

PATIENCE = 5.0
"""Seconds that a buyer who clicks waits for a fresh link at most; then the recorded one has to do."""

Lasts = Literal["for good", "hours", "no link of its own"]


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What an academy can do, and why a repeat of it is harmless.

    `link` says how long the platform's own link lasts; where it is short-lived, a click gets a fresh one.
    The kinds of repeat-safety are those that its settings can lead to, the usual one first.
    `revokes` says whether access can be taken back, `live` whether `kramik check --live` asks it.
    """

    title: str
    repeat: tuple[Repeat, ...]
    link: Lasts
    revokes: bool
    live: bool = False
    extra: str = ""
