"""One process that is the whole shop: uvicorn in front, workers behind, one SQLite file below.

On SIGTERM the door closes first, then every worker ends the call in hand and gives its message back.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette

from kramik import publishing, wiring
from kramik.errors import ConfigurationError, Problem
from kramik.hosts.asgi import application
from kramik.hosts.courtesy import Courtesy
from kramik.hosts.overheard import overheard
from kramik.hosts.preview import Current, Preview, PreviewedSite
from kramik.hosts.switching import Switching
from kramik.hosts.worker import Workers, utc_now
from kramik.settings import Settings
from kramik.shop import Shop
from kramik.web import Web

if TYPE_CHECKING:
    import uvicorn

    from kramik.stores.sqlite import SqliteStore

DATABASE = "kramik.sqlite"
SITE = "site"
SWITCH = 0.0002
"""Seconds: the writer's thread must get its turn soon, or a commit waits for the event loop (5 ms by default)."""

GARBAGE = 20_000
"""Objects between two looks for cycles: requests that wait for the disk are many, and make none."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What is served, from where, and by how many workers; with `again`, the settings are read anew for a preview."""

    settings: Settings
    data: Path
    door: socket.socket
    workers: int
    again: Callable[[], Settings] | None = None


def bound(host: str, port: int) -> socket.socket:
    """Take an address; connections wait until the shop is open.

    Raises:
        ConfigurationError: somebody else has it.
    """
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        message = f"{host}:{port} can not be used: {error.strerror}; choose another with --port"
        raise ConfigurationError(Problem(field="", code="address", message=message)) from None
    return door


def address(door: socket.socket) -> str:
    """Return the address that browsers on this machine use."""
    host, port = door.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - to name it
    return f"http://{shown}:{port}"


def serve(served: Served, *, ready: Callable[[], None]) -> None:
    """Serve until the process is told to stop."""
    settings, site = served.settings, served.data / SITE
    due = built(settings, site)
    store = wiring.open_store(served.data / DATABASE, wake=lambda: workers.wake())  # noqa: PLW0108 - made below
    shop = wiring.build(settings, store.orders, store.queue, vault=store.vault)
    courtesy = Courtesy()
    workers = Workers(shop, threads=served.workers, sweep_every=settings.worker.sweep, courtesy=courtesy)
    current = Current(_web(settings, shop))
    preview = _preview(served, store, current)
    watch = preview or Switching(lambda: built(settings, site), due, shop.ports.log)

    def started() -> None:
        workers.start()
        served.door.listen(2048)
        watch.start()
        ready()

    def stopped() -> None:
        watch.stop()
        ended = workers.stop(settings.worker.call + 5)
        shop.ports.log("stopped", workers="ended" if ended else "left; their messages come back")

    headers = publishing.headers(settings, "site")
    app = application(
        current if preview else current.web,
        site,
        headers=headers,
        started=started,
        stopped=stopped,
        courtesy=courtesy,
        shown=PreviewedSite(site, headers, preview) if preview else None,
        more=preview.routes if preview else (),
    )
    try:
        with overheard(shop.ports.log):
            run(app, served.door)
    finally:
        store.close()


def built(settings: Settings, site: Path) -> datetime | None:
    """Build the site of now, and return when its pages change next."""
    now = utc_now()
    publishing.build(settings, site)
    return publishing.next_switch(settings, now=now)


def _web(settings: Settings, shop: Shop) -> Web:
    web = Web(shop, publishing.pages(settings), utc_now, page_headers=publishing.headers(settings, "api"))
    web.warm_up()
    return web


def _preview(served: Served, store: SqliteStore, current: Current) -> Preview | None:
    """Return what shows each change of the shop's files; what is sold follows what is shown."""
    again = served.again
    if again is None:
        return None

    def build() -> datetime | None:
        settings = again()
        shop = wiring.build(settings, store.orders, store.queue, vault=store.vault)
        web = _web(settings, shop)
        due = built(settings, served.data / SITE)
        current.web = web
        return due

    return Preview(served.settings.folder, build)


def run(app: Starlette, door: socket.socket) -> None:
    """Answer with this application until the process is told to stop."""
    import uvicorn  # noqa: PLC0415 - a function app has no server

    from kramik.hosts.head import Protocol  # noqa: PLC0415 - as above

    sys.setswitchinterval(SWITCH)
    gc.freeze()
    gc.set_threshold(GARBAGE)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
        http=Protocol,
        ws="none",
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
    )
    server = uvicorn.Server(config)
    _stop_when_told(server)
    server.run(sockets=[door])


def _stop_when_told(server: uvicorn.Server) -> None:
    """Make being told to stop an orderly end with exit code 0: uvicorn hands a signal on to whoever had it before."""
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, server.handle_exit)
