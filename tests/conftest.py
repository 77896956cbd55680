"""What all tests share: one clock at noon, how long hypothesis may look, and what is told of a failure."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.hosts.witness import last_lines
from tests.story.example import FakeClock

LONG = ("azure", "browsers", "hosts", "quality", "site")
"""Folders whose files take long: they come first, so that two who share the files come to an end together."""

settings.register_profile(
    "quick", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("quick"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at noon until a test moves it."""
    return FakeClock()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take long before the others, each file in its own order."""
    items.sort(key=lambda item: item.path.relative_to(Path(__file__).parent).parts[0] not in LONG)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failure what the servers that the test shares with others said last."""
    report = yield
    shared = getattr(item, "funcargs", {}) if report.failed else {}
    for name, each in shared.items():
        log = getattr(each, "log", None)
        if isinstance(log, Path):
            report.sections.append((f"log of {name}", last_lines(log)))
    return report
