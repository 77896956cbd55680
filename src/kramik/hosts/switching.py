"""Builds the site again at each moment at which its pages switch, for whoever reads them without script.

A clock may be set and a machine may sleep, so no wait is longer than a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from kramik.errors import ConfigurationError
from kramik.hosts.worker import utc_now
from kramik.ports import Log

LONGEST = 60.0
"""Seconds of one wait, and until what could not be built is tried again."""


class Switching:
    """A thread that waits for the next moment; `build` makes the site of now and returns when it changes next."""

    def __init__(self, build: Callable[[], datetime | None], due: datetime | None, log: Log) -> None:
        self._build, self._due, self._log = build, due, log
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="kramik-switching", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """Wait no longer; a build in hand is ended."""
        self._end.set()
        self._thread.join(30)

    def _wait(self) -> None:
        while not self._end.wait(self._left()):
            if self._due and utc_now() >= self._due:
                self._switch()

    def _left(self) -> float:
        if self._due is None:
            return LONGEST
        return min(max((self._due - utc_now()).total_seconds(), 0.0), LONGEST)

    def _switch(self) -> None:
        try:
            self._due = self._build()
        except ConfigurationError as error:  # the settings were read at the start: only a restart mends them
            self._due = None
            self._log("not_switched", why=str(error))
        except OSError as error:
            self._log("not_switched", why=str(error), again=LONGEST)
            self._end.wait(LONGEST)
        else:
            self._log("switched", next=self._due.isoformat() if self._due else "never")
