"""The servers that are measured, each a process of its own, and the sandbox world beside them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from bench.stock import ENVIRONMENT


class Server:
    """A running server: its port, and its process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it stand still, so that another one can be measured alone."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def resident(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    def cpu(self) -> float:
        """Return the seconds of processor time that it took so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def constant() -> Iterator[Server]:
    """Run the server that answers a constant."""
    with _running([sys.executable, "-m", "bench.constant"]) as server:
        yield server


@contextmanager
def serve(shop: Path, data: Path, *, workers: int = 8) -> Iterator[Server]:
    """Run `kramik serve`."""
    command = [*serve_command(shop, data), "--workers", str(workers)]
    with _running(command, log=data.with_suffix(".log")) as server:
        yield server


@contextmanager
def preview(shop: Path, data: Path) -> Iterator[Server]:
    """Run `kramik serve --sandbox`, which shows each change of the shop's files."""
    with _running([*serve_command(shop, data), "--sandbox", "--sandbox-port", "0"]) as server:
        yield server


def serve_command(shop: Path, data: Path) -> list[str]:
    """Return the command line of `kramik serve`."""
    options = ["--shop", str(shop), "--data", str(data), "--port", "0", "--json"]
    return [sys.executable, "-m", "kramik", "serve", *options]


def said(line: bytes) -> str:
    """Return the address in the line that a server prints when it is open."""
    found = re.search(rb"http://127\.0\.0\.1:\d+", line)
    assert found, f"the server did not open: {line!r}"
    return found[0].decode()


@contextmanager
def world() -> Iterator[Server]:
    """Run the sandbox world."""
    with _running([sys.executable, "-m", "kramik", "sandbox", "--port", "0"]) as server:
        yield server


def fault(world: Server, **facts: object) -> None:
    """Turn a fault of the sandbox world on."""
    headers = {"content-type": "application/json"}
    url = f"http://127.0.0.1:{world.port}/faults"
    with urlopen(Request(url, json.dumps(facts).encode(), headers), timeout=10) as answer:
        assert answer.status < 300, answer.status


@contextmanager
def _running(command: list[str], log: Path = Path(os.devnull)) -> Iterator[Server]:
    environment = {**os.environ, **ENVIRONMENT, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as lines:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=lines, env=environment)
        try:
            assert process.stdout is not None
            yield Server(process, int(said(process.stdout.readline()).rpartition(":")[2]))
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
