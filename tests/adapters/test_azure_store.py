"""A storage account keeps what every store promises, also when it goes away in the middle; Azurite plays it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime

import pytest

from kramik.ports import Orders, Queue, Vault
from kramik.queue import Message, Poisoned, Received
from kramik.stores.azure import Account, AzureStore
from kramik.stores.azure.queue import AzureQueue
from tests.azurite.storage import Azurite
from tests.contracts import orders, queue, vault

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One Azurite for all tests; each has tables and a queue of its own."""
    running = Azurite(tmp_path_factory.mktemp("azurite"))
    running.start()
    yield running
    running.end()


@pytest.fixture
def store(azurite: Azurite) -> Iterator[AzureStore]:
    """Return an empty store."""
    azurite.set_clock(None)
    number = next(_NUMBERS)
    with AzureStore(Account(azurite.connection, prefix=f"shop{number}"), queue=f"work-{number}") as opened:
        yield opened
    azurite.set_clock(None)


class Timed:
    """A queue whose storage has the clock of the test: the time that each call names."""

    def __init__(self, inner: AzureQueue, azurite: Azurite) -> None:
        self._inner, self._azurite = inner, azurite

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        self._azurite.set_clock(now)
        return self._inner.put(message, now=now, after=after)

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        self._azurite.set_clock(now)
        return self._inner.take(now=now, visibility=visibility)

    def done(self, received: Received) -> None:
        self._inner.done(received)

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:
        self._azurite.set_clock(now)
        self._inner.again(received, message, now=now, after=after)

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        self._azurite.set_clock(now)
        self._inner.poison(received, why, now=now)

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        return self._inner.poisoned(order)

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        self._azurite.set_clock(now)
        return self._inner.replay(poison_id, now=now)

    def discard(self, poison_id: str) -> bool:
        return self._inner.discard(poison_id)

    def depth(self) -> int:
        return self._inner.depth()


@pytest.mark.parametrize("promise", orders.PROMISES)
def test_orders(store: AzureStore, promise: Callable[[Orders], None]) -> None:
    """Orders in a table keep each promise of an order store."""
    promise(store.orders)


@pytest.mark.parametrize("promise", queue.PROMISES)
def test_queue(store: AzureStore, azurite: Azurite, promise: Callable[[Queue], None]) -> None:
    """A storage queue keeps each promise of a queue."""
    promise(Timed(store.queue, azurite))


@pytest.mark.parametrize("promise", vault.PROMISES)
def test_vault(store: AzureStore, promise: Callable[[Vault], None]) -> None:
    """A vault in a table keeps each promise of a vault."""
    promise(store.vault)
