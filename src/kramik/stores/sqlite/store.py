"""The store that a shop opens: orders, queue, vault, and the file below them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from kramik.stores.sqlite import database, schema
from kramik.stores.sqlite.database import Database
from kramik.stores.sqlite.orders import SqliteOrders
from kramik.stores.sqlite.queue import SqliteQueue
from kramik.stores.sqlite.readers import Readers
from kramik.stores.sqlite.vault import SqliteVault
from kramik.stores.sqlite.writer import Writer


def _nothing() -> None:
    """Wake nobody: other processes poll."""


class SqliteStore:
    """One open file. `wake` is called, from any thread, for each message of this process that can be taken at once.

    Raises:
        ConfigurationError: the file, or the SQLite library, can not be used; the sentence says what to do.
        Transient: the disk is full or busy at this moment.
    """

    def __init__(self, file: Path | Database, *, wake: Callable[[], None] = _nothing) -> None:
        opened = file if isinstance(file, Database) else Database(path=str(file))
        first = database.prepare(opened, schema.STEPS)
        self._database, self._lies_at = opened, database.identity(opened)
        self._readers = Readers(opened.reader)
        self._writer = Writer(first, self._reopen, check=self._check)
        self.orders = SqliteOrders(self._writer, self._readers)
        self.vault = SqliteVault(self._writer, self._readers)
        self.queue = SqliteQueue(self._writer, self._readers, wake=wake)

    def close(self) -> None:
        """Write what was accepted, then close the file; later writes fail with `Transient`. A repeat is harmless."""
        self._readers.close()  # first: only a writer that leaves last can fold the log into the file
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _reopen(self) -> apsw.Connection:
        self._readers.forget()
        lies_at = database.identity(self._database)
        connection = database.reopen(self._database, schema.STEPS)
        self._lies_at = lies_at
        return connection

    def _check(self) -> None:
        """Notice that the file was moved or deleted under us: what is written to it now would be lost."""
        if database.identity(self._database) != self._lies_at:
            raise apsw.CantOpenError("the file was moved, deleted or replaced")
