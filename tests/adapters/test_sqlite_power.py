"""The power goes at any write: what was promised is there afterwards, and the file is whole.

A kill does not show this, because what a process wrote survives it in the memory of the system.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Literal

from kramik.ports import Query
from kramik.stores.sqlite import SqliteStore
from kramik.stores.sqlite.database import Database
from tests.adapters.platter import NAME, Platter
from tests.contracts.race import PATIENCE
from tests.contracts.sales import NOON, message, placed

CUTS = 80
ORDERS = 40

Outcome = Literal["kept", "lost", "broken"]


def cut(folder: Path, seed: int, synchronous: Literal["full", "off"]) -> Outcome:
    """Sell until the power goes, start again, and say what became of the promises."""
    path, chance = folder / f"{synchronous} {seed}.db", Random(seed)
    SqliteStore(path).close()
    platter = Platter(chance, fuse=chance.randrange(8, 250))
    file = Database(path=str(path), synchronous=synchronous, vfs=NAME, exclusive=True)
    try:
        promised = sold(file, chance)
    finally:
        platter.unregister()
    assert platter.dead, "the power never went: lower the fuse or sell more"
    return judged(path, promised)


def sold(file: Database, chance: Random) -> set[str]:
    """Sell in groups of various sizes; return what was promised."""
    with SqliteStore(file) as store:
        promised, number = set[str](), 0
        while number < ORDERS:
            group = [f"{number + each}" for each in range(chance.randrange(1, 5))]
            number += len(group)
            stored = [store.orders.insert(placed(name)) for name in group]
            puts = [store.queue.put(message(name), now=NOON) for name in group]
            both = zip(group, stored, puts, strict=True)
            promised |= {name for name, *kept in both if not any(each.exception(PATIENCE) for each in kept)}
    return promised


def judged(path: Path, promised: set[str]) -> Outcome:
    """Open the file on an ordinary disk and look for what was promised."""
    with SqliteStore(path) as store:
        if store._readers.rows("PRAGMA integrity_check") != [("ok",)]:
            return "broken"
        orders = {order.id for order in store.orders.search(Query(limit=1000))}
        messages = {str(row[0]) for row in store._readers.rows("SELECT order_id FROM queue")}
    return "kept" if promised <= orders & messages else "lost"


def test_a_cut_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    """Whenever the power goes, every order and message that was acknowledged is there."""
    assert {cut(tmp_path, seed, "full") for seed in range(CUTS)} == {"kept"}


def test_without_syncing_a_cut_loses_orders(tmp_path: Path) -> None:
    """The negative control: with `synchronous=OFF` the same cuts do lose what was acknowledged."""
    outcomes = [cut(tmp_path, seed, "off") for seed in range(CUTS)]
    assert outcomes.count("kept") < CUTS // 2
