"""Many rows in few statements, with few different texts, so that SQLite keeps them all prepared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

Item = TypeVar("Item")
Value = None | int | float | bytes | str
Row = tuple[Value, ...]

LARGEST = 128


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut the items into pieces whose lengths are powers of two."""
    begin = 0
    while begin < len(items):
        length = min(LARGEST, 1 << ((len(items) - begin).bit_length() - 1))
        yield items[begin : begin + length]
        begin += length


@lru_cache(maxsize=64)
def insertion(table: str, columns: tuple[str, ...], count: int) -> str:
    """Return the statement that inserts so many rows."""
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)}"  # noqa: S608 - our words
