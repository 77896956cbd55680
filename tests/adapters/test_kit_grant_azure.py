"""Workers on Azure share Kit's grant through the storage account, and burn it as little as those on one machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from kramik.ports import Vault
from kramik.stores.azure import Account, AzureStore
from tests.adapters.kit import office
from tests.adapters.test_kit_grant import Grants, patiently
from tests.azurite.storage import Azurite
from tests.contracts.race import race
from tests.sandbox.place import opened

WORKERS = 6


@pytest.fixture(scope="module")
def vaults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Vault]]:
    """The vault of one account as each worker opens it."""
    running = Azurite(tmp_path_factory.mktemp("azurite"))
    running.start()
    with ExitStack() as stack:
        stack.callback(running.end)
        yield [
            stack.enter_context(AzureStore(Account(running.connection, prefix="kit"))).vault
            for _ in range(WORKERS)
        ]


def test_workers_refresh_once(vaults: list[Vault]) -> None:
    """Of many workers who need a token at once, one refreshes, and all get the same."""
    with opened() as place, office(place) as account:
        place.fault(peer="kit", operation="token", fault="slow", seconds=0.5)
        workers = [Grants(account, vault).one() for vault in vaults]
        tokens = race([partial(patiently, worker) for worker in workers])
        assert (1, ["refreshed"]) == (len(set(tokens)), account.tokens())
        assert tokens[0] == Grants(account, vaults[0]).record().access
