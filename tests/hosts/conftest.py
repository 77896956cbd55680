"""One shop in a real process, for all tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts import served
from tests.hosts.served import Shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that is served, and a sandbox world."""
    folder = tmp_path_factory.mktemp("served") / "shop"
    with served.world() as running, served.shop(folder, running) as open_shop:
        yield open_shop
