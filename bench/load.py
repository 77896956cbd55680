"""What a load is, and what came of it: the words between the benchmark and its generator."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import msgspec


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Requests for one server; with a rate (per second) an open loop, without one a closed loop for so many seconds."""

    port: int
    requests: list[bytes]
    rate: float = 0.0
    seconds: float = 0.0
    connections: int = 32


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a load: seconds, one latency an answer, counts by status (0: connection lost)."""

    offered: int
    elapsed: float
    latencies: list[float]
    statuses: dict[int, int]
    cpu: float
    """Seconds of processor time that the generator took."""

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return len(self.latencies) / self.elapsed

    @property
    def errors(self) -> int:
        """Return how many requests had no good answer."""
        return self.offered - sum(count for status, count in self.statuses.items() if 200 <= status < 400)

    def at(self, quantile: float) -> float:
        """Return the latency, in milliseconds, that this part of the answers did not exceed."""
        return quantile_of(self.latencies, quantile) * 1000


def quantile_of(values: Sequence[float], quantile: float) -> float:
    """Return the smallest value that this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


def generate(load: Load) -> Outcome:
    """Make the load from a second process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.generator"],
        input=msgspec.msgpack.encode(load),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    return msgspec.msgpack.decode(done.stdout, type=Outcome)
