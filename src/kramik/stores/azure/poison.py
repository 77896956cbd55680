"""Messages that a person must look at: one row each, so that they can be listed, replayed and discarded one by one.

A replay claims the row first, then puts the message, then removes the row. Whoever dies in between leaves a claim that
lapses: the message may come twice, which is harmless, and is never lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from kramik.errors import Conflict, NeedsOperator
from kramik.queue import Message, Poisoned, decode
from kramik.stores.azure.account import Account
from kramik.stores.azure.row import Row, instant, joined, pieces, row_key
from kramik.stores.azure.rows import Rows

CLAIM = timedelta(minutes=1)
PARTITION = "poison"

_TYPES = (str, int, bytes)


class Poison:
    """The poison of one shop."""

    def __init__(self, account: Account) -> None:
        self._rows = Rows(account, "poison")

    def add(self, poisoned: Poisoned, body: bytes) -> None:
        """Keep a message with its body as it was; a repeat changes nothing."""
        row: Row = {
            **self._keys(poisoned.id),
            "Id": poisoned.id,
            "Order": poisoned.message.order,
            "Why": poisoned.why[:4000],
            "At": instant(poisoned.at),
            "Number": f"{time.time_ns():020}",
            "Deliveries": poisoned.deliveries,
            "Claimed": "",
            **pieces(body, f"message {poisoned.id}"),
        }
        try:
            self._rows.insert(row)
        except Conflict:
            return

    def all(self, order: str = "") -> Sequence[Poisoned]:
        """Return what is kept, oldest first; of one order if it is given."""
        question = "PartitionKey eq @partition" + (" and Order eq @order" if order else "")
        values = {"partition": PARTITION} | ({"order": order} if order else {})
        rows = self._rows.find(question, values)
        rows.sort(key=lambda row: (str(row["At"]), str(row["Number"])))
        return [_poisoned(row) for row in rows]

    def replay(self, poison_id: str, put: Callable[[Message], None], *, now: datetime) -> bool:
        """Put a message back to work; False when it is not there (any more), or somebody else is about to."""
        found = self._rows.get(self._keys(poison_id))
        if found is None or str(found.columns["Claimed"]) > instant(now - CLAIM):
            return False
        message = _poisoned(found.columns).message
        row = {name: value for name, value in found.columns.items() if isinstance(value, _TYPES)}
        try:
            tag = self._rows.replace(row | {"Claimed": instant(now)}, found.tag)
        except Conflict:
            return False
        put(replace(message, attempt=0))
        self._rows.remove(self._keys(poison_id), tag)
        return True

    def discard(self, poison_id: str) -> bool:
        """Remove a message; False when it is not there (any more)."""
        found = self._rows.get(self._keys(poison_id))
        return found is not None and self._rows.remove(self._keys(poison_id), found.tag)

    @staticmethod
    def _keys(poison_id: str) -> Row:
        return {"PartitionKey": PARTITION, "RowKey": row_key(poison_id)}


def unreadable(body: bytes, why: str) -> Message:
    """Return the message that stands for one that nobody can read."""
    return Message(task="unreadable", note=why, raw=body[:8000].decode("utf-8", "replace"))


def _poisoned(row: Mapping[str, object]) -> Poisoned:
    body = joined(row)
    try:
        message = decode(body)
    except NeedsOperator as error:
        message = unreadable(body, str(error))
    return Poisoned(
        id=str(row["Id"]),
        message=message,
        why=str(row["Why"]),
        at=datetime.fromisoformat(str(row["At"])),
        deliveries=int(str(row["Deliveries"])),
    )
