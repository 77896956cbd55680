"""The load generator, a process of its own: one thread, plain sockets, `select` with microseconds.

In an open loop every request has a time at which it is due, whatever became of the ones before it, and its latency
counts from there: a server that stalls is charged for all who would have come meanwhile.
An event loop would round each wait up to a millisecond, which is longer than many answers take.
"""

from __future__ import annotations

import gc
import select
import socket
import sys
import time
from collections import Counter, deque

import msgspec

from bench.load import Load, Outcome

PATIENCE = 30.0
"""Seconds without any answer after which the rest counts as lost."""

MOST_CONNECTIONS = 500


class Line:
    """One connection and the request that is under way on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._answer = b""

    def fileno(self) -> int:
        """Return what `select` wants."""
        return self.socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Begin a request."""
        self.due, self._answer = due, b""
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Read; return the status when the answer is whole, None when it is not yet, 0 when it never will be."""
        try:
            part = self.socket.recv(65536)
        except ConnectionError:
            return 0
        self._answer += part
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not part:
            return 0
        if not found or len(body) < _length(head):
            return None
        return int(head[9:12])


class Generator:
    """One load on its way."""

    def __init__(self, load: Load) -> None:
        self._load, self._next = load, 0
        self._idle = [Line(load.port) for _ in range(load.connections)]
        self._busy: set[Line] = set()
        self._late: deque[tuple[bytes, float]] = deque()
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()

    def run(self) -> Outcome:
        """Send everything, wait for the answers, tell."""
        begun, cpu = time.perf_counter(), time.process_time()
        offered = self._open(begun + 0.01) if self._load.rate else self._closed(begun)
        elapsed, used = time.perf_counter() - begun, time.process_time() - cpu
        for line in (*self._idle, *self._busy):
            line.socket.close()
        return Outcome(
            offered=offered,
            elapsed=elapsed,
            latencies=self._latencies,
            statuses=dict(self._statuses),
            cpu=used,
        )

    def _open(self, begun: float) -> int:
        dues = [begun + number / self._load.rate for number in range(len(self._load.requests))]
        while self._next < len(dues):
            while self._next < len(dues) and dues[self._next] <= time.perf_counter():
                self._start(self._load.requests[self._next], dues[self._next])
                self._next += 1
            if self._next < len(dues):
                self._read(dues[self._next] - time.perf_counter())
        self._drain()
        return len(dues)

    def _closed(self, begun: float) -> int:
        until = begun + self._load.seconds
        while self._next < len(self._load.requests) and time.perf_counter() < until:
            while self._idle and self._next < len(self._load.requests):
                self._start(self._load.requests[self._next], time.perf_counter())
                self._next += 1
            self._read(1.0)
        self._drain()
        return self._next

    def _start(self, request: bytes, due: float) -> None:
        if not self._idle and len(self._busy) < MOST_CONNECTIONS:
            self._idle.append(Line(self._load.port))
        if not self._idle:
            self._late.append((request, due))
            return
        line = self._idle.pop()
        line.send(request, due)
        self._busy.add(line)

    def _read(self, wait: float) -> bool:
        ready, _, _ = select.select(self._busy, [], [], max(0.0, wait))
        for line in ready:
            status = line.status()
            if status is not None:
                self._finished(line, status)
        return bool(ready)

    def _finished(self, line: Line, status: int) -> None:
        self._latencies.append(time.perf_counter() - line.due)
        self._statuses[status] += 1
        self._busy.remove(line)
        if status:
            self._idle.append(line)
        else:
            line.socket.close()
        if self._late:
            self._start(*self._late.popleft())

    def _drain(self) -> None:
        while self._busy and self._read(PATIENCE):
            pass


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


if __name__ == "__main__":
    given = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Load)
    gc.disable()
    sys.stdout.buffer.write(msgspec.msgpack.encode(Generator(given).run()))
