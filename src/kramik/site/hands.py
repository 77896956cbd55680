"""Many pages made at once, by copies of this process: each has everything in its memory and sends back what it made.

Where a process can not be copied, or it is not worth it, the pages are made one after another.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from itertools import cycle
from multiprocessing.connection import Connection
from typing import Any, Self, TypeVar

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


def each(make: Callable[[Task], Made], tasks: Sequence[Task], hands: int = 1) -> Generator[Made, None, None]:
    """Yield what is made of each task, in their order; it has to be fit for a pipe.

    With more than one hand, this process must have no other threads.
    """
    alone = hands < 2 or len(tasks) < WORTH or "fork" not in multiprocessing.get_all_start_methods()  # noqa: PLR2004 - one hand is no help
    here = len(tasks) if alone else _FIRST
    yield from map(make, tasks[:here])
    if alone:
        return
    with _Copies(make, tasks[here:], hands) as copies, suppress(EOFError):  # a copy was killed
        for made in copies:
            here += 1
            yield made
    yield from map(make, tasks[here:])


class _Copies:
    """Copies of this process that take portions in turns; each ends with its portions, or with the one who reads."""

    def __init__(self, make: Callable[[Any], Any], tasks: Sequence[Any], hands: int) -> None:
        copied = multiprocessing.get_context("fork")
        self._portions = [tasks[start : start + _PORTION] for start in range(0, len(tasks), _PORTION)]
        self._readers: list[Connection] = []
        self._processes = []
        for hand in range(hands):
            reader, writer = copied.Pipe(duplex=False)
            self._readers.append(reader)
            work = (make, self._portions[hand::hands], writer, tuple(self._readers))
            self._processes.append(copied.Process(target=_work, args=work))
            self._processes[-1].start()
            writer.close()

    def __iter__(self) -> Iterator[Any]:
        """Yield what the copies made, in the order of the tasks.

        Raises:
            EOFError: a copy has died.
        """
        for _, reader in zip(self._portions, cycle(self._readers), strict=False):
            yield from reader.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process, reader in zip(self._processes, self._readers, strict=True):
            process.kill()
            process.join()
            reader.close()


def _work(
    make: Callable[[Any], Any],
    portions: Sequence[Sequence[Any]],
    writer: Connection,
    readers: Sequence[Connection],
) -> None:
    """Make the portions of one copy."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that was copied stops its copies
    for reader in readers:  # so that a write fails when nobody is left to read
        reader.close()
    with suppress(BrokenPipeError):
        for portion in portions:
            writer.send([make(task) for task in portion])
