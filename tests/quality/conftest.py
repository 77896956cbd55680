"""One browser, one built shop and one running shop for all tests that judge pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kramik.hosts.cli import new
from tests.quality import odd
from tests.quality.states import answered, files
from tests.site.conftest import chromium
from tests.site.world import Running, serving

__all__ = ["chromium"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `kramik build` writes for the shop that `kramik new` makes."""
    shop = tmp_path_factory.mktemp("built") / "shop"
    new.make(shop)
    command = [sys.executable, "-m", "kramik", "build", "--shop", str(shop)]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env=dict(os.environ))
    return shop / "public"


@pytest.fixture(scope="session")
def extremes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the odd shop, where its pictures may be resized."""
    return odd.copy(tmp_path_factory.mktemp("odd") / "shop")


@pytest.fixture(scope="module")
def running(extremes: Path) -> Iterator[Running]:
    """The example shop and the odd one on loopback."""
    with showing(extremes) as shop:
        yield shop


@contextmanager
def showing(extremes: Path, theme: str = "zeszyt") -> Iterator[Running]:
    """Serve both shops, and below `/answered/` what the API would answer."""
    with serving(theme=theme) as shop:
        shop.extra = {f"/answered/{name}": page for name, page in answered(shop.url, extremes, theme).items()}
        shop.files = files(shop.url, extremes, theme)
        yield shop
