"""One Azurite, one sandbox world and one function app for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from kramik.stores.azure import Account, AzureStore
from tests.azurite.proxy import Counting
from tests.azurite.storage import Azurite
from tests.functions.app import Front, FunctionApp
from tests.hosts import served


class Cloud(msgspec.Struct, frozen=True, kw_only=True):
    """Everything around a shop on Azure."""

    azurite: Azurite
    counting: Counting
    shop: served.Shop
    app: FunctionApp
    store: AzureStore
    """The same storage, past the door that counts."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return the shop in its cloud."""
    folder = tmp_path_factory.mktemp("functions")
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    azurite.start()
    counting = Counting(azurite)
    with served.world() as world:
        shop = served.make(folder / "shop", world)
        app = FunctionApp(folder, shop.environ(), counting.connection)
        front = Front(app, shop.port)
        store = AzureStore(Account(azurite.connection))
        yield Cloud(azurite=azurite, counting=counting, shop=shop, app=app, store=store)
        store.close()
        front.close()
        app.close()
    counting.close()
    azurite.end()
