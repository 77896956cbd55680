"""What a server or a page said last is told beside whatever went wrong while it was watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LINES = 25


@contextmanager
def witnessed(said: Callable[[], str]) -> Iterator[None]:
    """Add what was said to an exception of the block; a witness that fails itself adds why."""
    try:
        yield
    except BaseException as error:
        try:
            error.add_note(said())
        except Exception as silent:  # noqa: BLE001 - whatever it is, the first error counts
            error.add_note(f"(no witness: {silent!r})")
        raise


def last_lines(log: Path) -> str:
    """Return the end of a log."""
    lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"the last of {len(lines)} lines of {log}:", *lines[-LINES:]])
