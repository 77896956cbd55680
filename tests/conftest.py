"""What all tests share: one clock at noon, and how long hypothesis may look."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.story.example import FakeClock

settings.register_profile(
    "quick", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("quick"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at noon until a test moves it."""
    return FakeClock()
