"""Ports for servers that are told where to listen, and that come back to the same place after a kill."""

from __future__ import annotations

import socket
from contextlib import suppress
from random import SystemRandom

LOW, HIGH = 20_000, 32_000
"""Below the ports that Linux gives away by itself (from 32,768): nobody gets one of these by chance meanwhile."""


def free_port() -> int:
    """Return a port that nobody uses."""
    chance = SystemRandom()
    for _ in range(1_000):
        port = chance.randrange(LOW, HIGH)
        with suppress(OSError), socket.socket() as door:
            door.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"every port from {LOW} to {HIGH} is taken")
