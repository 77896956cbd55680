"""The log of a function: Azure keeps what Python's `logging` is told, and nothing that is written to a stream."""

from __future__ import annotations

import io
import logging

ALARMS = frozenset({"parked", "worker_died", "store_down", "notification_not_stored", "bug"})
"""Events that want a person: errors, for which the template has an alert."""

CHATTY = "azure.core"
"""Tells every request to the storage, which would be kept and paid for, a kilobyte each."""

_LOG = logging.getLogger("kramik")


class Traces(io.StringIO):
    """A stream for `Logger` that hands each line to `logging`."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger(CHATTY).setLevel(logging.WARNING)

    def write(self, line: str) -> int:
        """Hand on one line: a time, an event and its facts."""
        event = line.split(" ", 2)[1].strip()
        _LOG.log(logging.ERROR if event in ALARMS else logging.INFO, "%s", line.rstrip("\n"))
        return len(line)
