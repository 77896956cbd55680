"""Workers: threads that take messages and hand them to the shop, and a keeper that mends what breaks.

A thread that dies is seen and replaced; its message comes back when its visibility ends.
Stopping lets each thread finish the call in hand and gives the message back after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Condition, Event, Thread

from kramik.errors import KramikError
from kramik.hosts.courtesy import Courtesy
from kramik.shop import Shop

POLL = 0.5
"""Seconds between looks at a queue in which nothing stirred: for delayed messages and those of other processes."""

STORE_DOWN = 1.0


def utc_now() -> datetime:
    """Return the time of now: the clock of every host."""
    return datetime.now(UTC)


class Workers:
    """A number of worker threads over one shop."""

    def __init__(
        self,
        shop: Shop,
        *,
        threads: int,
        sweep_every: float = 300.0,
        clock: Callable[[], datetime] = utc_now,
        courtesy: Courtesy | None = None,
        look_every: float = POLL,
    ) -> None:
        self._shop, self._clock = shop, clock
        self._sweep_every, self._look_every = sweep_every, look_every
        self._courtesy = courtesy or Courtesy()
        self._stopping = Event()
        self._stirred, self._stirs = Condition(), 0
        self._threads = [self._thread(number) for number in range(threads)]
        self._keeper = Thread(target=self._keep, name="kramik-keeper", daemon=True)

    def start(self) -> None:
        """Start every thread and the keeper."""
        for thread in self._threads:
            thread.start()
        self._keeper.start()

    def wake(self) -> None:
        """Tell one idle thread that a message is there."""
        with self._stirred:
            self._stirs += 1
            self._stirred.notify()

    def alive(self) -> int:
        """Return how many threads live."""
        return sum(thread.is_alive() for thread in self._threads)

    def stop(self, timeout: float) -> bool:
        """Let every thread come to an end within so many seconds; say whether all did."""
        self._stopping.set()
        with self._stirred:
            self._stirred.notify_all()
        until = time.monotonic() + timeout
        for thread in (*self._threads, self._keeper):
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        return self.alive() == 0

    def _thread(self, number: int) -> Thread:
        return Thread(target=self._loop, name=f"kramik-worker-{number}", daemon=True)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            stirs = self._stirs
            self._courtesy.give_way(self._stopping.wait)
            try:
                busy = self._work_once()
            except KramikError as error:
                self._shop.ports.log("store_down", why=str(error))
                self._stopping.wait(STORE_DOWN)
            else:
                if not busy:
                    self._rest(stirs)

    def _work_once(self) -> bool:
        received = self._shop.ports.queue.take(now=self._clock(), visibility=self._shop.timing.visibility)
        if received is None:
            return False
        self._shop.work(received, clock=self._clock, stop=self._stopping.is_set)
        return True

    def _rest(self, stirs: int) -> None:
        """Wait, unless something stirred since the count was taken: its wake-up went to nobody."""
        with self._stirred:
            if stirs == self._stirs and not self._stopping.is_set():
                self._stirred.wait(self._look_every)

    def _keep(self) -> None:
        swept = time.monotonic()
        while not self._stopping.wait(1.0):
            self._mend()
            if time.monotonic() - swept >= self._sweep_every:
                swept = time.monotonic()
                self._sweep()

    def _mend(self) -> None:
        for number, thread in enumerate(self._threads):
            if not thread.is_alive() and not self._stopping.is_set():
                self._shop.ports.log("worker_died", worker=number)
                self._threads[number] = self._thread(number)
                self._threads[number].start()

    def _sweep(self) -> None:
        try:
            self._shop.sweep(now=self._clock())
        except Exception as error:  # noqa: BLE001 - whoever keeps the workers alive must outlive a bug
            why = str(error) if isinstance(error, KramikError) else type(error).__name__
            self._shop.ports.log("sweep_failed", why=why)
