from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.site.visit import PATIENCE
from tests.site.world import Running, serving

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One real browser for all tests of a file."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shop() -> Iterator[Running]:
    """The example shop on loopback, with the headers of its host file."""
    with serving() as running:
        yield running
