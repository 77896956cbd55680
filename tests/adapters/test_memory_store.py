"""Memory keeps what every store promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kramik.ports import Orders, Queue, Vault
from kramik.stores.memory import MemoryOrders, MemoryQueue, MemoryVault
from tests.contracts import orders, queue, vault


@pytest.mark.parametrize("promise", orders.PROMISES)
def test_orders(promise: Callable[[Orders], None]) -> None:
    """Orders in memory keep each promise of an order store."""
    promise(MemoryOrders())


@pytest.mark.parametrize("promise", queue.PROMISES)
def test_queue(promise: Callable[[Queue], None]) -> None:
    """A queue in memory keeps each promise of a queue."""
    promise(MemoryQueue())


@pytest.mark.parametrize("promise", vault.PROMISES)
def test_vault(promise: Callable[[Vault], None]) -> None:
    """A vault in memory keeps each promise of a vault."""
    promise(MemoryVault())
