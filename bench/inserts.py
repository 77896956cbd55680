"""What the disk can do: bare durable inserts with the settings of the store, and nothing around them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

ROW = b"x" * 1000
INSERT = "INSERT INTO rows (body) VALUES (?)"


@contextmanager
def _opened(file: Path) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(file))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    try:
        yield connection
    finally:
        connection.close()


def saturated(file: Path, *, seconds: float, group: int) -> float:
    """Return the rows per second, so many in each commit."""
    with _opened(file) as connection:
        begun, rows = time.perf_counter(), 0
        while time.perf_counter() < begun + seconds:
            _commit(connection, group)
            rows += group
        return rows / (time.perf_counter() - begun)


def latencies(file: Path, *, seconds: float, rate: float) -> list[float]:
    """Insert at a rate; all rows that are due share a commit. Return the seconds from each row's due time."""
    took: list[float] = []
    with _opened(file) as connection:
        begun = time.perf_counter()
        while len(took) < rate * seconds:
            due = int((time.perf_counter() - begun) * rate) + 1 - len(took)
            if due <= 0:
                time.sleep(max(0.0, begun + len(took) / rate - time.perf_counter()))
                continue
            _commit(connection, due)
            now = time.perf_counter()
            took += [now - begun - number / rate for number in range(len(took), len(took) + due)]
    return took


def _commit(connection: apsw.Connection, rows: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT, [(ROW,)] * rows)
    connection.execute("COMMIT")
