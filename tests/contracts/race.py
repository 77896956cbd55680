"""Threads that begin at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

Result = TypeVar("Result")

PATIENCE = 60


def race(runners: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all of them at once, each in its own thread; return what each returned."""
    barrier = Barrier(len(runners))

    def run(runner: Callable[[], Result]) -> Result:
        barrier.wait(PATIENCE)
        return runner()

    with ThreadPoolExecutor(len(runners)) as threads:
        return list(threads.map(run, runners, timeout=PATIENCE))
