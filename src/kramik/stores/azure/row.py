"""One row of a table: keys that Azure accepts, a body of any size that fits, and a text of any letters.

Source: learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model: a property holds
64 KiB, a row 1 MiB, and keys hold no slash, backslash, hash or question mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from kramik.errors import NeedsOperator

PIECE = 60 * 1024
LARGEST = 15 * PIECE
"""Bytes of a body: what is left of 1 MiB pays for names, keys and columns."""

PARTITIONS = 16

Value = str | int | bytes
Row = dict[str, Value]

_UNSAFE = frozenset("/\\#?%")


def partition(key: str) -> str:
    """Return the partition of a key: one of 16, evenly."""
    return f"{sha256(key.encode()).digest()[0] % PARTITIONS:x}"


def row_key(name: str) -> str:
    """Return a name as a row key; one with signs that Azure refuses becomes its own hash."""
    plain = name.isprintable() and not _UNSAFE & set(name) and 0 < len(name) <= 200  # noqa: PLR2004 - a key has 1 KiB
    return name if plain and not name.startswith("sha256-") else f"sha256-{sha256(name.encode()).hexdigest()}"


def keys(name: str) -> Row:
    """Return both keys of what has this name."""
    return {"PartitionKey": partition(name), "RowKey": row_key(name)}


def pieces(body: bytes, what: str) -> Row:
    """Return a body as columns of at most 60 KiB each.

    Raises:
        NeedsOperator: it is larger than a row may be; nothing was written.
    """
    if len(body) > LARGEST:
        message = f"{what} has {len(body):,} bytes and a row of Azure holds {LARGEST:,}; export it and look what grew"
        raise NeedsOperator(message)
    cut = range(0, max(len(body), 1), PIECE)
    return {f"Body{number}": body[at : at + PIECE] for number, at in enumerate(cut)}


def joined(row: Mapping[str, object]) -> bytes:
    """Return the body of a row."""
    parts: list[bytes] = []
    while isinstance(part := row.get(f"Body{len(parts)}"), bytes):
        parts.append(part)
    return b"".join(parts)


def instant(moment: datetime) -> str:
    """Return a moment as text that sorts by time, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
