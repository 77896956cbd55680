"""Workers give way while the door is busy: an answer in time matters more than a message a moment earlier.

Both share one interpreter, so each message that is worked on makes everybody at the door wait.
A worker waits a twentieth of a second at most for each message, so no crowd at the door stops the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable

CROWD = 2
"""Requests inside at once from which on the door counts as busy."""

LONGEST = 0.05
PAUSE = 0.002


class Courtesy:
    """How many requests are inside; counted by the event loop alone, read by every worker."""

    def __init__(self) -> None:
        self.inside = 0

    def give_way(self, wait: Callable[[float], object] = time.sleep) -> None:
        """Wait while the door is busy, not for long."""
        until = time.monotonic() + LONGEST
        while self.inside >= CROWD and time.monotonic() < until:
            wait(PAUSE)
