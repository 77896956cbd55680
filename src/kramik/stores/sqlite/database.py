"""The file and its connections: how they are opened, which are refused, and what their errors mean to a caller."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import apsw
import msgspec

from kramik.errors import ConfigurationError, Problem, Transient
from kramik.stores.sqlite import schema

BUSY_SECONDS = 5.0
"""How long a connection waits for another process."""

_WAL_LIMIT = 64 * 1024 * 1024
"""A log that grew larger in a burst is cut back to this many bytes."""

DISK = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
    apsw.SQLError,  # "no such table": somebody put another file in the place of ours
)
"""Errors that are nobody's write's fault."""

_SENTENCES: dict[type[Exception], str] = {
    apsw.BusyError: "another process holds the file for too long; end it or try again",
    apsw.LockedError: "another process holds the file for too long; end it or try again",
    apsw.FullError: "the disk is full; free some space",
    apsw.IOError: "the disk can not be read or written; look at its free space, its quota and its health",
    apsw.CorruptError: "the file is damaged; stop the shop, keep the file and restore a backup",
    apsw.NotADBError: "the file is no SQLite database (any more); stop the shop, keep the file and restore a backup",
    apsw.CantOpenError: "the file can not be opened; create its folder and allow this user to write there",
    apsw.ReadOnlyError: "the file can not be written; allow this user to write it and its folder",
    apsw.PermissionsError: "the file can not be written; allow this user to write it and its folder",
}
_WRONG_FILE = (
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.PermissionsError,
)


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and how many seconds to wait for other processes; the rest is for tests that bring their own disk."""

    path: str
    busy: float = BUSY_SECONDS
    synchronous: Literal["full", "off"] = "full"
    vfs: str | None = None
    exclusive: bool = False

    def writer(self) -> apsw.Connection:
        """Open the file, which exists, to write."""
        return self._open(apsw.SQLITE_OPEN_READWRITE)

    def reader(self) -> apsw.Connection:
        """Open the file, which exists, to read."""
        connection = apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READONLY, vfs=self.vfs)
        connection.set_busy_timeout(round(self.busy * 1000))
        return connection

    def creator(self) -> apsw.Connection:
        """Open the file to write; make it when it is not there."""
        return self._open(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)

    def _open(self, flags: int) -> apsw.Connection:
        connection = apsw.Connection(self.path, flags=flags, vfs=self.vfs)
        connection.set_busy_timeout(round(self.busy * 1000))
        if self.exclusive:
            connection.pragma("locking_mode", "exclusive")
        if connection.pragma("journal_mode", "wal") != "wal":
            connection.close()
            raise _unusable(
                self.path, "no_wal", "lies on a disk without shared memory; choose a folder on a local disk"
            )
        connection.pragma("synchronous", self.synchronous)
        connection.pragma("fullfsync", 1)  # macOS syncs to the disk's own cache without it
        connection.pragma("journal_size_limit", _WAL_LIMIT)
        connection.pragma("temp_store", "memory")  # the undo log of a statement with many rows needs no file
        return connection


def prepare(database: Database, steps: tuple[str, ...]) -> apsw.Connection:
    """Open the file for its first time in this process, and bring it to the newest version.

    Raises:
        ConfigurationError: the file or the library can not be used.
        Transient: the disk is full, broken or busy.
    """
    refuse_library(apsw.sqlite_lib_version())
    try:
        connection = _patiently(database)
        schema.migrate(connection, steps)
    except _WRONG_FILE as error:
        raise _unusable(database.path, "unusable_file", _sentence(error)) from error
    except apsw.Error as error:
        raise transient(error) from error
    return connection


def reopen(database: Database, steps: tuple[str, ...]) -> apsw.Connection:
    """Open the file again after the disk failed; it may have been replaced by a backup meanwhile.

    Raises:
        Transient: it is none of ours.
    """
    connection = database.writer()
    try:
        schema.migrate(connection, steps)
    except ConfigurationError as error:
        connection.close(force=True)
        raise Transient(str(error)) from error
    return connection


def refuse_library(version: str) -> None:
    """Refuse an SQLite that can lose commits in WAL mode: 3.7.0 to 3.51.2, but for 3.44.6+ and 3.50.7+.

    Source: sqlite.org/wal.html#walresetbug.

    Raises:
        ConfigurationError: it is one of these.
    """
    number = tuple(int(part) for part in version.split(".")[:3])
    mended = {(3, 44): 6, (3, 50): 7}.get((number[0], number[1]))
    if (3, 7, 0) <= number < (3, 51, 3) and (mended is None or number[2] < mended):
        message = f"SQLite {version} can lose orders; install the apsw of PyPI, which brings 3.51.3 or newer"
        raise ConfigurationError(Problem(field="sqlite", code="unsafe_library", message=message))


def identity(database: Database) -> tuple[int, int]:
    """Return which file lies at the path now, so that one that was moved or deleted under us is noticed."""
    try:
        found = Path(database.path).stat()
    except OSError as error:
        raise apsw.CantOpenError(str(error)) from None
    return found.st_dev, found.st_ino


def transient(error: Exception) -> Transient:
    """Say what the error of the disk means; it may work later."""
    return error if isinstance(error, Transient) else Transient(f"the store failed: {_sentence(error)}")


def _patiently(database: Database) -> apsw.Connection:
    """Open the file; switching a new file to its log is refused at once while another process does the same."""
    give_up = time.monotonic() + database.busy
    while True:
        try:
            return database.creator()
        except (apsw.BusyError, apsw.LockedError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _sentence(error: Exception) -> str:
    known = (sentence for kind, sentence in _SENTENCES.items() if isinstance(error, kind))
    return f"{next(known, 'something unexpected happened')} ({type(error).__name__}: {error})"


def _unusable(path: str, code: str, why: str) -> ConfigurationError:
    return ConfigurationError(Problem(field="data", code=code, message=f"{path}: {why}"))
