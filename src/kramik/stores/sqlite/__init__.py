"""Orders, the queue and the vault in one SQLite file, for a shop on one machine.

One thread writes and shares each fsync among all who wait (`writer`), any number of threads read (`readers`).
Commands in other processes may open the same file at any time.
Source of the measurements behind this shape: `docs/decisions/0003-group-commit-one-writer.md`.
"""

from kramik.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
