"""Many pages made at once, by copies of this process: each has everything in its memory and is told numbers only.

Where a process can not be copied, or it is not worth it, the pages are made one after another.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from typing import Any, TypeVar

Task = TypeVar("Task")
Made = TypeVar("Made")

WORTH = 64
"""From this many tasks on copies are quicker than one process."""

_FIRST = 2
"""These many tasks are done before the process is copied: what they load is there for all."""
_MOST = 8
_PORTION = 25


def count() -> int:
    """Return how many processes this machine runs at once, within reason."""
    able = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(able, _MOST)


def each(make: Callable[[Task], Made], tasks: Sequence[Task], hands: int = 1) -> Iterator[Made]:
    """Yield what is made of each task, in their order; it has to be fit for a pipe.

    With more than one hand, this process must have no other threads.
    """
    alone = hands < 2 or len(tasks) < WORTH or "fork" not in multiprocessing.get_all_start_methods()  # noqa: PLR2004 - one hand is no help
    here = len(tasks) if alone else _FIRST
    yield from map(make, tasks[:here])
    try:
        for made in _copied(make, tasks[here:], hands):
            here += 1
            yield made
    except BrokenProcessPool:  # a copy was killed: what is left is made here
        yield from map(make, tasks[here:])


def _copied(make: Callable[[Task], Made], tasks: Sequence[Task], hands: int) -> Iterator[Made]:
    if not tasks:
        return
    portions = [range(start, len(tasks))[:_PORTION] for start in range(0, len(tasks), _PORTION)]
    copied = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(hands, copied, _begin, (make, tasks)) as copies:
        yield from chain.from_iterable(copies.map(_made, portions))


_given: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []
"""In a copy: how things are made, and of what."""


def _begin(make: Callable[[Any], Any], tasks: Sequence[Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that was copied stops its copies
    _given.append((make, tasks))


def _made(portion: range) -> list[Any]:
    make, tasks = _given[-1]
    return [make(tasks[number]) for number in portion]
