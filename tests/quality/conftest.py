"""One browser, one built shop and one running shop for all tests that judge pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kramik.hosts.cli import new
from kramik.site import exports
from tests.quality.states import answered
from tests.site.conftest import chromium
from tests.site.world import Running, serving

__all__ = ["chromium"]

EMBEDDED = Path(exports.__file__).parent / "course-order.css"
"""What an export gives to a site of somebody else."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `kramik build` writes for the shop that `kramik new` makes."""
    shop = tmp_path_factory.mktemp("built") / "shop"
    new.make(shop)
    command = [sys.executable, "-m", "kramik", "build", "--shop", str(shop)]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env=dict(os.environ))
    return shop / "public"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """The example shop on loopback, which also shows what the API would answer below `/answered/`."""
    with serving() as shop:
        shop.extra = {f"/answered/{name}": page for name, page in answered(shop.url).items()}
        shop.files = {**shop.files, "course-order.css": EMBEDDED.read_bytes()}
        yield shop
