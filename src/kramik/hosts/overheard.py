"""What libraries say through `logging`, above all uvicorn, as events of our own log.

Without it Python prints them as they are, with a stack trace in which anything may stand.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

from kramik.ports import Log


class Overheard(logging.Handler):
    """Hands warnings and errors to our log: the sentence, and of an exception its kind and its place."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event."""
        error = record.exc_info[1] if record.exc_info else None
        facts = {} if error is None else {"error": type(error).__name__, "at": place(error)}
        self._log("overheard", who=record.name, why=record.getMessage(), **facts)


@contextmanager
def overheard(log: Log) -> Iterator[None]:
    """Listen to all libraries until the block ends."""
    handler = Overheard(log)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def place(error: BaseException) -> str:
    """Return the file and line that raised an error; empty when nobody did."""
    frames = extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
