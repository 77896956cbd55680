"""Things of which there are only so many: seats of a course, uses of a coupon. None is ever given twice.

A thing is held for an order while its buyer may still pay, and is the order's for good when the payment came.
What is held too long is free again. All of it is one versioned value a thing, changed by compare-and-set.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from kramik.errors import Conflict, Transient
from kramik.intent import Quota
from kramik.ports import Vault

TRIES = 50
"""How often somebody else may be faster."""


class _Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who holds one: orders that paid, and orders that may still pay, until when."""

    kept: tuple[str, ...] = ()
    until: dict[str, datetime] = {}

    def alive(self, now: datetime) -> _Held:
        """Return it without what lapsed."""
        return msgspec.structs.replace(
            self, until={order: each for order, each in self.until.items() if each > now}
        )

    def has(self, order: str) -> bool:
        """Say whether this order holds one."""
        return order in self.kept or order in self.until

    def left(self, limit: int) -> int:
        """Return how many are left."""
        return limit - len(self.kept) - len(self.until)


class Quotas:
    """Every limited thing of a shop, in its store."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def hold(self, quota: Quota, order: str, *, now: datetime, until: datetime) -> bool:
        """Hold one for an order while it may be paid; again holds it longer. False when none is left.

        Raises:
            Transient: the store is down, or everybody wants one at once.
        """

        def change(held: _Held) -> _Held | None:
            if order in held.kept:
                return held
            if not held.has(order) and held.left(quota.limit) <= 0:
                return None
            return msgspec.structs.replace(held, until={**held.until, order: until})

        return self._changed(quota.name, change, now)

    def keep(self, quota: Quota, order: str, *, now: datetime) -> bool:
        """Give one to an order that was paid, for good; False when its own lapsed and none is left.

        Raises:
            Transient: as above.
        """

        def change(held: _Held) -> _Held | None:
            if order in held.kept:
                return held
            if not held.has(order) and held.left(quota.limit) <= 0:
                return None
            rest = {each: until for each, until in held.until.items() if each != order}
            return _Held(kept=(*held.kept, order), until=rest)

        return self._changed(quota.name, change, now)

    def free(self, quota: Quota, order: str, *, now: datetime) -> None:
        """Give back what an order has, as its money went back; nothing when it has none.

        Raises:
            Transient: as above.
        """

        def change(held: _Held) -> _Held:
            rest = {each: until for each, until in held.until.items() if each != order}
            return _Held(kept=tuple(each for each in held.kept if each != order), until=rest)

        self._changed(quota.name, change, now)

    def left(self, quota: Quota, *, now: datetime) -> int:
        """Return how many are left at this moment."""
        return max(0, self._read(quota.name)[0].alive(now).left(quota.limit))

    def _changed(self, name: str, change: Callable[[_Held], _Held | None], now: datetime) -> bool:
        for _ in range(TRIES):
            before, version = self._read(name)
            alive = before.alive(now)
            after = change(alive)
            if after is None:
                return False
            if after == before:
                return True
            try:
                self._vault.put(_named(name), msgspec.json.encode(after).decode(), version=version)
            except Conflict:
                continue
            return True
        raise Transient(f"everybody wants {name} at once")

    def _read(self, name: str) -> tuple[_Held, int]:
        kept = self._vault.get(_named(name))
        if kept is None:
            return _Held(), 0
        return msgspec.json.decode(kept.value, type=_Held), kept.version


def _named(name: str) -> str:
    return f"quota/{name}"
