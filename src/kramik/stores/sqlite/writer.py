"""The one thread that writes: everything that waits goes into its next transaction and shares one fsync.

Nobody is told that something is stored before its transaction is on the disk.
A write that fails by its own fails alone; when the disk fails, everybody in the transaction fails, with `Transient`.
Every statement gives the interpreter lock away and has to win it back, so rows of one kind share a few statements.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Generic, Protocol, TypeVar

import apsw

from kramik.errors import KramikError, Transient
from kramik.stores.sqlite.database import DISK, transient
from kramik.stores.sqlite.rows import Row

Result = TypeVar("Result")
Work = Callable[[apsw.Connection], Result]
"""Runs inside the transaction; it may raise a `KramikError` as long as it has changed nothing."""
Bulk = Callable[[apsw.Connection, Sequence[Row]], Mapping[int, KramikError]]
"""Writes many rows at once, and returns the positions of those that it refused."""

LIMIT = 10_000
"""So many writes may wait; the disk is not going to make it, and the door should say so at once."""

PATIENCE = 30.0
"""Seconds that a thread waits for the disk before its outcome counts as unknown."""

_CUT_OFF = (apsw.FullError, apsw.BusyError, apsw.LockedError)
"""After these a connection is as good as before; after any other error it is opened anew."""


class _Write(Generic[Result]):
    """One write that waits: work of its own, or a row for a bulk."""

    __slots__ = ("bulk", "error", "future", "result", "row", "work")

    def __init__(self, work: Work[Result] | None, bulk: Bulk | None = None, row: Row = ()) -> None:
        self.work, self.bulk, self.row = work, bulk, row
        self.future: Future[Result] = Future()
        self.future.set_running_or_notify_cancel()  # a write that was accepted is made, even if nobody waits for it
        self.result: Result | None = None
        self.error: Exception | None = None

    def run(self, connection: apsw.Connection) -> None:
        """Do the work; keep what it returns, or the decision that it raises."""
        if self.work is None:
            return
        try:
            self.result = self.work(connection)
        except KramikError as error:
            self.error = error

    def settle(self) -> None:
        """Tell whoever waits."""
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type] # the result of `work`, which has run


class _Waiting(Protocol):
    """A write, whatever it returns."""

    bulk: Bulk | None
    row: Row
    error: Exception | None

    def run(self, connection: apsw.Connection) -> None: ...

    def settle(self) -> None: ...


class Writer:
    """The thread, its connection and what waits for it. `reopen` opens the connection anew after the disk failed."""

    def __init__(
        self,
        connection: apsw.Connection,
        reopen: Callable[[], apsw.Connection],
        *,
        check: Callable[[], None],
        limit: int = LIMIT,
    ) -> None:
        self._connection: apsw.Connection | None = connection
        self._reopen, self._check, self._limit = reopen, check, limit
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._lock = Lock()
        self._closed = False
        self.commits, self._committed = 0, time.monotonic()
        self._thread = Thread(target=self._run, name="kramik-writer", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> float:
        """Return how many seconds ago something was last written well."""
        return time.monotonic() - self._committed

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Write something; the future ends after the commit, with what the work returned or raised."""
        return self._accept(_Write(work))

    def add(self, bulk: Bulk, row: Row) -> Future[None]:
        """Write a row together with all others that wait for the same `bulk`, before any other work."""
        write: _Write[None] = _Write(None, bulk, row)  # subscripted it would take twice as long
        return self._accept(write)

    def wait(self, work: Work[Result]) -> Result:
        """Write something and return what the work returned.

        Raises:
            KramikError: what the work raised; nothing is stored.
            Transient: it is unknown whether it is stored.
        """
        try:
            return self.submit(work).result(PATIENCE)
        except TooLate:
            msg = f"the disk did not answer for {PATIENCE:g} seconds"
            raise Transient(msg) from None

    def close(self) -> None:
        """Write what was accepted and end; a repeat is harmless."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _accept(self, write: _Write[Result]) -> Future[Result]:
        with self._lock:
            if not self._closed and self._waiting.qsize() < self._limit:
                self._waiting.put(write)
                return write.future
        why = "the store is closed" if self._closed else f"{self._limit} writes wait for the disk already"
        write.future.set_exception(Transient(why))
        return write.future

    # Inside the thread

    def _run(self) -> None:
        while batch := self._next():
            self._write(batch)
        self._disconnect()

    def _next(self) -> list[_Waiting]:
        """Return all that waits, but wait for the first; nothing when the end has come."""
        taken = [self._waiting.get()]
        taken += [self._waiting.get() for _ in range(self._waiting.qsize())]
        if taken[-1] is None and len(taken) > 1:
            self._waiting.put(None)
        return [write for write in taken if write is not None]

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            self._commit(batch)
        except (*DISK, Transient) as error:
            self._recover(error)
            for write in batch:
                write.error = transient(error)
        except Exception as error:  # noqa: BLE001 - a bug in one write must not end the thread, nor hit the others
            self._recover(error)
            if len(batch) > 1:
                self._write_each(batch)
                return
            batch[0].error = error
        for write in batch:
            write.settle()

    def _write_each(self, batch: list[_Waiting]) -> None:
        for write in batch:
            self._write([write])

    def _commit(self, batch: list[_Waiting]) -> None:
        if self._connection is None:
            self._connection = self._reopen()
        connection = self._connection
        self._check()
        connection.execute("BEGIN IMMEDIATE")
        bulks: dict[Bulk, list[_Waiting]] = {}
        for write in batch:
            write.error = None
            if write.bulk is not None:
                bulks.setdefault(write.bulk, []).append(write)
        for bulk, writes in bulks.items():
            for position, error in bulk(connection, [write.row for write in writes]).items():
                writes[position].error = error
        for write in batch:
            write.run(connection)
        connection.execute("COMMIT")
        self.commits, self._committed = self.commits + 1, time.monotonic()

    def _recover(self, error: Exception) -> None:
        """Undo the transaction; a connection that can not, or that the disk failed, is opened anew for the next one."""
        broken = isinstance(error, DISK) and not isinstance(error, _CUT_OFF)
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - a disk that failed may fail the undoing too; closing undoes as well
            broken = True
        if broken:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        with suppress(Exception):  # a disk that failed may fail the closing too
            if connection is not None:
                connection.close(force=True)
