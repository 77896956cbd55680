"""Mailing tools, one file a vendor: register a purchase, start the sequence that carries the access link.

Each file declares its `FEATURES`, of which the matrix in `docs/mailers/README.md` is made.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kramik.ports import Repeat

Registers = Literal["purchase", "tag", "purchase or tag", "nothing"]
Starts = Literal["sequence", "automation", "mail"]


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What a mailing tool can do, and why a repeat of it is harmless.

    `purchase` is as what it registers a purchase; the first mail is the start of a sequence, of an automation that is
    triggered, or one mail. The kinds of repeat-safety are those that its settings can lead to, the usual one first.
    `posts` says whether it can also send single mails, `live` whether `kramik check --live` asks it.
    """

    title: str
    purchase: Registers
    purchase_repeat: tuple[Repeat, ...]
    start: Starts
    sequence_repeat: tuple[Repeat, ...]
    refund: str = "nothing"
    posts: bool = False
    live: bool = False
    extra: str = ""
