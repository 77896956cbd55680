"""What a peer made for somebody, and the four ways of asking for it.

A request with a key gets the first result again. A request that sets something finds it set.
A plain request makes one more thing each time, and a list shows new things only after a lag.
"""

from __future__ import annotations

from itertools import islice
from secrets import token_hex
from time import monotonic

import msgspec

LIMIT = 200_000


class Record(msgspec.Struct, kw_only=True):
    """One thing that was made for an order; `facts` is what the request said."""

    id: str
    order: str
    facts: dict[str, str]
    made: float
    revoked: bool = False


class KeyReused(Exception):
    """The same key came with other content: answer 409."""


class Records:
    """Everything of one kind that a peer made, the last 200,000 of them; used from one event loop."""

    def __init__(self, prefix: str, lag: float) -> None:
        self._prefix, self._lag = prefix, lag
        self._made: dict[str, Record] = {}
        self._keys: dict[str, Record] = {}
        self._orders: dict[str, list[Record]] = {}

    def make(self, order: str, facts: dict[str, str], key: str = "") -> tuple[Record, bool]:
        """Make one, or return what this key made before; the flag says whether it is new.

        Raises:
            KeyReused: the key was used for something else.
        """
        known = self._keys.get(key) if key else None
        if known is not None:
            if known.facts != facts:
                raise KeyReused
            return known, False
        record = Record(id=f"{self._prefix}-{token_hex(8)}", order=order, facts=facts, made=monotonic())
        self._keep(record, key)
        return record, True

    def set(self, natural: tuple[str, ...], order: str, facts: dict[str, str]) -> tuple[Record, bool]:
        """Make one unless it is there for this order; what `natural` names has one id, whoever pays for it."""
        key, shared = "/".join((*natural, order)), "/".join(natural)
        known = self._keys.get(key)
        if known is not None:
            return known, False
        first = self._keys.get(shared)
        record = first or Record(
            id=f"{self._prefix}-{token_hex(8)}", order=order, facts=facts, made=monotonic()
        )
        self._keep(record, key)
        self._keys[shared] = record
        return record, True

    def get(self, record_id: str) -> Record | None:
        """Return the thing of this id."""
        return self._made.get(record_id)

    def find(self, order: str) -> list[Record]:
        """Return what was made for this order, oldest first, as far as the list knows already."""
        seen = monotonic() - self._lag
        return [record for record in self._orders.get(order, ()) if record.made <= seen]

    def latest(self, most: int) -> list[Record]:
        """Return the newest things, newest first."""
        return list(islice(reversed(self._made.values()), most))

    def _keep(self, record: Record, key: str) -> None:
        self._made[record.id] = record
        self._orders.setdefault(record.order, []).append(record)
        if key:
            self._keys[key] = record
        for kept in (self._made, self._orders, self._keys):
            if len(kept) > LIMIT:
                del kept[next(iter(kept))]


class Snapshots:
    """How a peer shows things that change, by their key: each as it was `lag` seconds ago."""

    def __init__(self, lag: float) -> None:
        self._lag = lag
        self._taken: dict[str, list[tuple[float, bytes]]] = {}

    def take(self, key: str, thing: object) -> None:
        """Remember how a thing is from now on."""
        seen, now = monotonic() - self._lag, monotonic()
        taken = self._taken.setdefault(key, [])
        old = sum(made <= seen for made, _ in taken)
        self._taken[key] = [*taken[max(old - 1, 0) :], (now, msgspec.json.encode(thing))]
        if len(self._taken) > LIMIT:
            del self._taken[next(iter(self._taken))]

    def show(self, key: str) -> msgspec.Raw | None:
        """Return the JSON of a thing as this peer shows it now; None when it does not show it (yet)."""
        seen = monotonic() - self._lag
        shown = [content for made, content in self._taken.get(key, ()) if made <= seen]
        return msgspec.Raw(shown[-1]) if shown else None
