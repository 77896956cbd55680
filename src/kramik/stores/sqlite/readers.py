"""Connections that only read: taken for one question each, kept for the next, so there are as many as ask at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

import apsw

from kramik.errors import Transient
from kramik.stores.sqlite.database import transient
from kramik.stores.sqlite.rows import Row


class Readers:
    """The connections that nobody uses at this moment, the last used first."""

    def __init__(self, opened: Callable[[], apsw.Connection]) -> None:
        self._opened = opened
        self._idle: deque[apsw.Connection] = deque()
        self._lock = Lock()
        self._age = 0
        self._closed = False

    def rows(self, question: str, bindings: Row = ()) -> list[Row]:
        """Return every row of the answer; a connection that failed is thrown away, the next one begins afresh.

        Raises:
            Transient: the file can not be read, with the reason.
        """
        try:
            connection, age = self._lend()
            try:
                rows = connection.execute(question, bindings).fetchall()
            except apsw.Error:
                connection.close(force=True)
                raise
        except apsw.Error as error:
            raise transient(error) from error
        self._give_back(connection, age)
        return rows

    def forget(self) -> None:
        """Open every connection anew: the file may be another one."""
        with self._lock:
            self._age += 1
            while self._idle:
                self._idle.pop().close(force=True)

    def close(self) -> None:
        """Close every connection; whoever reads at this moment is let finish."""
        self._closed = True
        self.forget()

    def _lend(self) -> tuple[apsw.Connection, int]:
        with self._lock:
            age = self._age
            if self._closed:
                msg = "the store is closed"
                raise Transient(msg)
            if self._idle:
                return self._idle.pop(), age
        return self._opened(), age

    def _give_back(self, connection: apsw.Connection, age: int) -> None:
        with self._lock:
            if age == self._age:
                self._idle.append(connection)
                return
        connection.close(force=True)
