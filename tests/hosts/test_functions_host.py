"""Our own Functions host counts, hides, brings back and makes poison as Azure's does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from kramik import wiring
from kramik.hosts.cli import new
from kramik.hosts.functionshost import FunctionsHost, Pace
from kramik.hosts.opened import LAST, Opened
from kramik.queue import Message, encode
from kramik.stores.azure import Account, AzureStore
from tests.azurite.storage import Azurite

ENVIRONMENT = {"KRAMIK_SECRET": "a secret of this test and of nobody else", **new.SANDBOX}


class Dying(Opened):
    """A shop whose function dies on every message."""

    def work(self, message: bytes, *, name: str, receipt: str, deliveries: int) -> None:
        raise RuntimeError


@pytest.fixture
def azurite(tmp_path: Path) -> Iterator[Azurite]:
    """Return a storage account of this test."""
    running = Azurite(tmp_path)
    running.start()
    yield running
    running.end()


def opened(kind: type[Opened], azurite: Azurite, folder: Path) -> Opened:
    """Open the example shop over this account."""
    new.make(folder)
    environ = {**ENVIRONMENT, "AzureWebJobsStorage": azurite.connection}
    return kind(lambda: wiring.read(folder, environ), environ, io.StringIO())


def test_a_message_that_kills_its_function_becomes_poison_after_five(
    azurite: Azurite, tmp_path: Path
) -> None:
    """It comes back four times; then it lies in the poison queue, from where the timer brings it to a person."""
    dying = opened(Dying, azurite, tmp_path / "dying")
    host = FunctionsHost(dying, Pace(again=0))
    dying.inbox.write(encode(Message(order="a")).decode())
    with AzureStore(Account(azurite.connection)) as store:
        seen = [(host.look(), store.queue.depth(), store.poison_queue.depth()) for _ in range(LAST)]
        assert [(1, 1, 0)] * (LAST - 1) + [(1, 0, 1)] == seen
        assert 0 == host.look()
        assert [] == opened(Opened, azurite, tmp_path / "shop").sweep()
        (poisoned,) = store.queue.poisoned("a")
        assert (True, 0) == ("gave up" in poisoned.why, store.poison_queue.depth())
    assert host.stop(10)
    dying.close()


def test_a_batch_is_as_large_as_it_was_told(azurite: Azurite, tmp_path: Path) -> None:
    """What is left waits for the next look, and each message is worked on once."""
    shop = opened(Opened, azurite, tmp_path / "shop")
    host = FunctionsHost(shop, Pace(batch=8))
    for number in range(11):
        shop.inbox.write(encode(Message(task="resend", email=f"{number}@example.org")).decode())
    assert [8, 3, 0] == [host.look() for _ in range(3)]
    assert host.stop(10)
    shop.close()


def test_a_failed_message_is_hidden_for_a_while(azurite: Azurite, tmp_path: Path) -> None:
    """It does not come back at once: whatever broke may mend."""
    dying = opened(Dying, azurite, tmp_path / "dying")
    host = FunctionsHost(dying, Pace(again=30))
    dying.inbox.write(encode(Message(order="a")).decode())
    assert [1, 0] == [host.look(), host.look()]
    assert host.stop(10)
    dying.close()
