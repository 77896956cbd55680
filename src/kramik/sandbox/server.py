"""Runs a world: in a thread on a free port for tests and demos, or for good."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Thread
from time import monotonic, sleep
from typing import Self

import uvicorn

from kramik.sandbox.settings import Settings
from kramik.sandbox.world import World

PATIENCE = 15.0


class Running:
    """A world that runs in a thread of this process until `stop()`; also a context manager."""

    def __init__(self, world: World, server: uvicorn.Server, thread: Thread, url: str) -> None:
        self.world, self.url = world, url
        self._server, self._thread = server, thread

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End every delay, close every connection and wait for the thread."""
        self._server.should_exit = True
        self.world.hurry()
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            msg = f"the world at {self.url} did not stop within {PATIENCE:g} seconds"
            raise RuntimeError(msg)


def start(settings: Settings | None = None, *, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Run a world in a thread; port 0 takes a free one, no settings make new keys (`running.world.settings`)."""
    world = World(settings or Settings.fresh())
    listening = _listen(host, port)
    url = f"http://{host}:{listening.getsockname()[1]}"
    server = uvicorn.Server(_config(world))
    thread = Thread(target=server.run, args=([listening],), name="sandbox", daemon=True)
    thread.start()
    deadline = monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or monotonic() > deadline:
            listening.close()
            msg = f"the world did not start at {url}"
            raise RuntimeError(msg)
        sleep(0.01)
    return Running(world, server, thread, url)


def serve(settings: Settings, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Run a world until SIGINT or SIGTERM; `ready` is told its address as soon as it can be asked."""
    with _listen(host, port) as listening:
        ready(f"http://{host}:{listening.getsockname()[1]}")
        uvicorn.Server(_config(World(settings))).run([listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def _config(world: World) -> uvicorn.Config:
    return uvicorn.Config(
        world.app,
        access_log=False,
        log_config=None,
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
