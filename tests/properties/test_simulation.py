"""Hundreds of orders through everything that can go wrong, judged by the ledgers of the outside world.

`KRAMIK_SEEDS=200` runs the full length; a seed that fails is repeated alone with `-k "seed and [17]"`.
"""

from __future__ import annotations

import os

import pytest
from msgspec.structs import replace

from kramik.order import Order
from kramik.ports import Repeat
from kramik.stores.memory import MemoryOrders
from tests.properties.simulation import Findings, Plot, Simulation

SEEDS = int(os.environ.get("KRAMIK_SEEDS", "60"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_stuck(seed: int) -> None:
    """With p = 0.2, deaths, sleepers, duplicates, refunds and slow lists: lost 0, doubled 0, stuck 0, none left."""
    found = Simulation(Plot(seed=seed)).run()
    assert (found.lost, found.doubled, found.given, found.silent, found.left) == ([], [], [], [], [])
    assert [] == found.untold
    assert found.deaths > 10
    assert found.naps > 5


@pytest.mark.parametrize("kind", ["keyed", "set", "lookup"])
def test_no_person_is_asked_where_the_other_side_can_tell(kind: Repeat) -> None:
    """Only a refusal for good parks an order whose peers keep a key, a set or a list."""
    plot = Plot(seed=7, kinds=(kind,), posts=("keyed",))
    found = Simulation(plot).run()
    assert (found.lost, found.doubled, found.left) == ([], [], [])
    assert found.parked <= plot.orders * 0.05


def test_the_same_seed_is_the_same_history() -> None:
    """A history can be lived again to the byte; another seed is another history."""
    first, again, other = (Simulation(Plot(seed=seed)).run().history for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_checker_sees_doubles_without_compare_and_set() -> None:
    """Negative control: a store in which the last writer wins."""
    assert any(found.doubled or found.lost for found in _lived(kinds=("lookup",), orders=LastWriterWins))


def test_the_checker_sees_doubles_without_started() -> None:
    """Negative control: a peer without a key that is called as if it had one, so `started` is never written."""
    assert any(found.doubled for found in _lived(kinds=("lookup",), claimed="keyed"))


def test_the_checker_sees_mails_that_are_sent_twice() -> None:
    """Negative control: a post without keys that says it has them doubles confirmations and fallbacks."""
    doubled = {
        step
        for found in _lived(kinds=("keyed",), posts=("unsafe",), claimed="keyed")
        for _, step in found.doubled
    }
    assert {"confirmation", "sequence"} <= doubled


def test_the_checker_hears_a_bell_that_rings_twice() -> None:
    """Negative control: a channel without keys that says it has them."""
    found = _lived(kinds=("keyed",), posts=("unsafe",), claimed_bell="keyed")
    assert any(name == "bell" for each in found for name, _ in each.doubled)


def test_the_checker_sees_what_nobody_was_told() -> None:
    """Negative control: a store that forgets the notices."""
    assert any(found.untold for found in _lived(orders=Forgetful))


def test_the_checker_sees_doubles_when_nobody_waits_for_the_lag() -> None:
    """Negative control: a list that shows an effect after ten minutes, asked as if it showed it at once."""
    assert any(found.doubled for found in _lived(kinds=("lookup",), lag=600, told_lag=0))


def test_the_checker_sees_doubles_when_nobody_waits_for_the_call() -> None:
    """Negative control: calls of 45 seconds under a visibility time-out of ten."""
    assert any(found.doubled for found in _lived(kinds=("lookup",), visibility=10, lag=0))


class LastWriterWins(MemoryOrders):
    """A store that forgot compare-and-set."""

    def save(self, order: Order) -> Order:
        found = self.get(order.id)
        return self._write(order, expected=found.version if found else None)


class Forgetful(MemoryOrders):
    """A store that does not keep what is owed to the seller."""

    def save(self, order: Order) -> Order:
        return super().save(replace(order, notices=()))


def _lived(*, orders: type[MemoryOrders] = MemoryOrders, **lies: object) -> list[Findings]:
    plots = [Plot(seed=seed, **lies) for seed in range(3)]  # type: ignore[arg-type]
    return [Simulation(plot, orders=orders()).run() for plot in plots]
