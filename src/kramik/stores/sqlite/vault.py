"""Secrets in a table, each with a version; they lie beside the orders and need the same care as `.env`."""

from __future__ import annotations

import apsw

from kramik.errors import Conflict
from kramik.ports import Kept
from kramik.stores.sqlite.readers import Readers
from kramik.stores.sqlite.writer import Writer

_GET = "SELECT value, version FROM vault WHERE name = ?"
_FIRST = "INSERT INTO vault (value, version, name) VALUES (?, 1, ?) ON CONFLICT DO NOTHING"
_NEXT = "UPDATE vault SET value = ?, version = version + 1 WHERE name = ? AND version = ?"


class SqliteVault:
    """The secrets of one file."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    def get(self, name: str) -> Kept | None:
        """Return the secret as it was last stored."""
        found = self._readers.rows(_GET, (name,))
        return Kept(value=str(found[0][0]), version=int(str(found[0][1]))) if found else None

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store a secret if nobody stored one since."""

        def work(connection: apsw.Connection) -> None:
            if version:
                connection.execute(_NEXT, (value, name, version))
            else:
                connection.execute(_FIRST, (value, name))
            if connection.changes() == 0:
                msg = f"the secret {name!r} was written by somebody else"
                raise Conflict(msg)

        self._writer.wait(work)
        return Kept(value=value, version=version + 1)
