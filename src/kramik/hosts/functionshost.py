"""Azure's behaviour on this machine: what the Functions host does around functions, on Azurite or a real account.

It takes batches, hides them while functions run, brings back what failed, and makes poison after five deliveries.
While nothing is there it looks less and less often, as on Azure; `kramik serve` on SQLite knows none of this.
Source: MicrosoftDocs/azure-docs, articles/azure-functions/functions-bindings-storage-queue-trigger.md.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import msgspec

from kramik.answer import Answer, Pending, Request, Response, at_once
from kramik.errors import KramikError
from kramik.hosts.opened import Opened
from kramik.hosts.worker import utc_now
from kramik.stores.azure.queue import Taken


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What `host.json` says about queues, and how often the timer fires; in seconds."""

    batch: int = 8
    again: float = 30.0
    first: float = 0.1
    longest: float = 60.0
    timer: float = 86_400.0


class FunctionsHost:
    """Runs the functions of one shop; also the handlers of a door in front of it."""

    def __init__(self, opened: Opened, pace: Pace) -> None:
        self._opened, self._pace = opened, pace
        self._stopping = Event()
        self._functions = ThreadPoolExecutor(pace.batch, "kramik-function")
        self._threads = [
            Thread(target=self._poll, name="kramik-trigger", daemon=True),
            Thread(target=self._tick, name="kramik-timer", daemon=True),
        ]

    def start(self) -> None:
        """Start the queue trigger and the timer."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float) -> bool:
        """End when every function that runs has ended, within so many seconds; say whether they did."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout)
        self._functions.shutdown(wait=False)
        return not any(thread.is_alive() for thread in self._threads)

    def handle(self, request: Request) -> Answer:
        """Let a function answer, in a thread, then store what its output binding was given, then send the answer."""
        return Pending(stored=at_once(), then=lambda: self._answered(request), calls=True)

    def too_large(self, request: Request) -> Response:
        """Answer a body over the limit."""
        return self._opened.too_large(request)

    def look(self) -> int:
        """Take one batch and let functions work on it; return how many messages there were."""
        taken = self._opened.inbox.take(self._pace.batch, now=utc_now())
        list(self._functions.map(self._run, taken))
        return len(taken)

    def _answered(self, request: Request) -> Response:
        try:
            response, messages = self._opened.answer(request)
            for text in messages:
                self._opened.inbox.write(text)
        except KramikError as error:
            self._opened.log("output_not_stored", why=str(error))
            return Response(status=500)
        return response

    def _run(self, taken: Taken) -> None:
        inbox = self._opened.inbox
        try:
            self._opened.work(taken.body, name=taken.id, receipt=taken.receipt, deliveries=taken.deliveries)
        except Exception as error:  # noqa: BLE001 - the host outlives whatever a function does
            poisoned = inbox.failed(taken, after=self._pace.again)
            why = str(error) if isinstance(error, KramikError) else type(error).__name__
            self._opened.log("function_failed", delivery=taken.deliveries, poison=poisoned, why=why)
        else:
            inbox.succeeded(taken)

    def _poll(self) -> None:
        wait = self._pace.first
        while not self._stopping.is_set():
            if self._tried(self.look):
                wait = self._pace.first
                continue
            self._stopping.wait(wait)
            wait = min(self._pace.longest, wait * random.uniform(1.5, 2.5))  # noqa: S311 - so that hosts spread

    def _tick(self) -> None:
        while not self._stopping.wait(self._pace.timer):
            self._tried(lambda: len(self._opened.sweep()))

    def _tried(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except KramikError as error:
            self._opened.log("store_down", why=str(error))
            return 0
