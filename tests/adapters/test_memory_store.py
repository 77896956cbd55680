"""Memory keeps what every store promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kramik.ports import Orders, Queue
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.contracts import orders, queue


@pytest.mark.parametrize("promise", orders.PROMISES)
def test_orders(promise: Callable[[Orders], None]) -> None:
    """Orders in memory keep each promise of an order store."""
    promise(MemoryOrders())


@pytest.mark.parametrize("promise", queue.PROMISES)
def test_queue(promise: Callable[[Queue], None]) -> None:
    """A queue in memory keeps each promise of a queue."""
    promise(MemoryQueue())
