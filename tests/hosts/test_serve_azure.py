"""`kramik serve --store azure`: a developer meets Azure's behaviour before Azure, on Azurite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from kramik.stores.azure import Account, AzureStore
from kramik.stores.azure.inbox import Inbox
from tests.azurite.storage import Azurite
from tests.hosts import served
from tests.hosts.asking import ask
from tests.hosts.served import eventually


class OnAzure(served.Shop):
    """A shop whose store is a storage account."""

    storage = ""

    def environ(self) -> dict[str, str]:
        """Name the account, as Azure does."""
        return {**super().environ(), "KRAMIK_STORE": "azure", "AzureWebJobsStorage": self.storage}


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One Azurite for all tests."""
    running = Azurite(tmp_path_factory.mktemp("azurite"))
    running.start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def shop(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnAzure]:
    """Serve a shop over it."""
    with served.world() as world:
        made = served.make(tmp_path_factory.mktemp("shop"), world, kind=OnAzure)
        assert isinstance(made, OnAzure)
        made.storage = azurite.connection
        made.start()
        yield made
        if made.process is not None:
            made.end()


def status(url: str) -> str:
    """Return the one word that the buyer sees."""
    return str(ask(url).json()["status"])


def test_a_paid_order_is_delivered_and_commands_find_it(shop: OnAzure) -> None:
    """The whole story, then the same commands as over SQLite, beside the process that serves."""
    order, url = shop.bought(key=token_hex(16), email="first@example.org")
    assert "completed" == eventually(lambda: status(url), lambda seen: seen == "completed")
    assert {"grant": 1, "purchase": 1, "sequence": 1, "mail": 1} == shop.effects(order)
    listed = json.loads(shop.command("orders", "list", "--json").stdout)
    assert 1 == [each["id"] for each in listed].count(order)
    assert 0 == shop.command("poison", "list").returncode
    assert 200 == ask(f"{shop.url}/healthz").status


def test_what_the_host_made_poison_of_is_found_by_the_sweep_of_a_person(
    shop: OnAzure, azurite: Azurite
) -> None:
    """`kramik sweep` drains the host's poison queue too, and `kramik poison` shows what was in it."""
    with AzureStore(Account(azurite.connection)) as store:
        Inbox(store.poison_queue, store.poison_queue).write('{"version": 1, "order": "gone"}')
        assert 0 == shop.command("sweep").returncode
        assert 0 == store.poison_queue.depth()
        (poisoned,) = json.loads(shop.command("poison", "list", "--json").stdout)
        assert 0 == shop.command("poison", "discard", poisoned["id"], "--why", "a test").returncode


def test_the_storage_goes_away_and_comes_back(shop: OnAzure, azurite: Azurite) -> None:
    """Meanwhile nothing is acknowledged; afterwards the gateway is heard, and the order is delivered once."""
    placed = shop.place(email="second@example.org").json()
    azurite.end()  # in order: Azurite writes to the disk now and then, where Azure has written before it answers
    assert 503 == shop.place(email="third@example.org").status
    health = eventually(
        lambda: ask(f"{shop.url}/healthz").status, lambda seen: seen == 503
    )  # a beat counts for a while
    assert 503 == health
    assert 303 == served.pay(placed["payment"]["url"]).status
    azurite.start()
    url = placed["status_url"]
    seen = eventually(lambda: ask(url).json().get("status"), lambda found: found == "completed", seconds=60)
    assert "completed" == seen
    assert {"grant": 1, "purchase": 1, "sequence": 1, "mail": 1} == shop.effects(placed["order"])


def test_it_stops_in_order(shop: OnAzure) -> None:
    """SIGTERM ends it with exit code 0."""
    assert 0 == shop.end()
    shop.start()


def test_without_an_account_it_says_what_to_do(tmp_path: Path) -> None:
    """The message names the setting, and nothing is served."""
    with served.world() as world:
        made = served.make(tmp_path / "shop", world, kind=OnAzure)
        found = made.command("serve", "--port", "0")
    assert (1, True) == (found.returncode, "AzureWebJobsStorage" in found.stderr), found.stderr
