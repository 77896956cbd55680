"""The journal of an order: where each step of fulfilment stands, and what happened when.

A step that is `done` carries its receipt and is never made again.
A step that is `started` may have had its effect: nobody but the rules of `moves.py` decides about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

StepName = Literal[
    "confirmation", "invitation", "purchase", "sequence", "revocation", "withdrawal", "removal"
]
StepState = Literal["waiting", "started", "done", "parked"]

STEPS: tuple[StepName, ...] = ("invitation", "purchase", "sequence")
"""The steps of every order.

`confirmation` stands before them where the shop mails one when the order is placed: the law wants it out of the door
no later than the access. `revocation` joins them when the money went back and the shop takes access back,
`withdrawal` when the buyer withdrew from the contract and is to get the acknowledgement of it, `removal` when the
address was corrected and the academy still knows the one before.
"""

LATER: tuple[StepName, ...] = ("revocation", "withdrawal", "removal")
"""Steps that may join an order at any time; it is complete without them."""

NAMES: tuple[StepName, ...] = get_args(StepName)

NEEDS: dict[StepName, tuple[StepName, ...]] = {
    "confirmation": (),
    "invitation": (),
    "purchase": (),
    "sequence": ("invitation",),
    "revocation": (),
    "withdrawal": (),
    "removal": ("invitation",),
}
"""The mail carries the access link, so the sequence waits for the invitation; nobody's old access goes before they have
the new one; the others wait for nobody."""

HISTORY_LIMIT = 120


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step: `attempts` without a receipt, `due` when the next one may begin, `why` of the last failure.

    `parks` counts how often it was parked.
    """

    name: StepName
    state: StepState = "waiting"
    attempts: int = 0
    parks: int = 0
    started_at: datetime | None = None
    due: datetime | None = None
    receipt: str = ""
    why: str = ""
    unknown: bool = False
    """Parked without knowing whether the effect happened."""
    by_post: bool = False
    """The mailing tool will not mail this person: the step is made by the shop's own post, for good."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the history; `times` counts equal lines in a row, the last of them at `until`."""

    at: datetime
    what: str
    step: str = ""
    detail: str = ""
    attempt: int = 0
    times: int = 1
    until: datetime | None = None


def written(history: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Add a line; a repeated failure extends the last line, and a very long history loses its middle."""
    if history and _alike(history[-1], entry):
        last = history[-1]
        return (
            *history[:-1],
            msgspec.structs.replace(last, times=last.times + 1, until=entry.at, attempt=entry.attempt),
        )
    if len(history) >= HISTORY_LIMIT:
        history = history[: HISTORY_LIMIT // 2] + history[HISTORY_LIMIT // 2 + 1 :]
    return (*history, entry)


def _alike(last: Entry, entry: Entry) -> bool:
    return (last.what, last.step, last.detail) == (
        entry.what,
        entry.step,
        entry.detail,
    ) and entry.what == "failed"
