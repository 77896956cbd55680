"""The example shop as the site sees it, and a tiny server that shows it and answers like the API."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from urllib.parse import parse_qsl, urlsplit

import msgspec

from kramik import catalogue
from kramik.consents import DEFAULTS
from kramik.site import headers
from kramik.site.build import site
from kramik.site.source import PayWay, Source

EXAMPLE = Path(__file__).parents[2] / "examples" / "akademia-agregatow"
SELLER = {
    "name": "Akademia Agregatów Hanna Wierzbicka",
    "address": "ul. Introligatorska 7/12, 50-001 Wrocław",
    "email": "hanna@akademia.example",
    "phone": "+48 71 555 01 20",
    "tax_id": "526-000-12-46",
}
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


def texts(folder: str) -> dict[str, str]:
    """Return the files of one folder of the example shop by name."""
    return {file.name: file.read_text("utf-8") for file in sorted((EXAMPLE / folder).glob("*.md"))}


def example(**changes: object) -> Source:
    """Return the example shop as a source, with some fields changed."""
    source = Source(
        name="Akademia Agregatów",
        site="https://kurs.example",
        api="https://api.kurs.example",
        langs=("pl", "en"),
        currency="PLN",
        catalogue=catalogue.read(texts("products"), lang="pl", currency="PLN"),
        pages=texts("pages"),
        consents=DEFAULTS,
        pay_ways=(PayWay(gateway="sandbox", title="Sandbox"),),
        now=datetime(2026, 11, 25, 12, tzinfo=UTC),
        seller=SELLER,
        form_action_origins=("https://pay.example",),
    )
    return msgspec.structs.replace(source, **changes)


class Running:
    """A server on loopback: what it was sent, and what it says about the order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.posts: list[tuple[str, str]] = []
        self.answering = threading.Event()
        self.answering.set()
        self.gets: list[str] = []
        self.answers: list[tuple[int, Mapping[str, object]]] = []
        self.extra: dict[str, str] = {}
        self.priced: dict[str, str] = {}
        self.files: Mapping[str, bytes] = {}
        self.headers: Mapping[str, str] = {}
        self.now: Callable[[], float] = time


@contextmanager
def serving(**changes: object) -> Iterator[Running]:
    """Serve the example shop, with the headers a host should send, until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    source = example(**{"site": url, "api": url, "form_action_origins": (), **changes})
    running = Running(url)
    running.files, running.headers = site(source), headers.security(source)
    _Handler.of[server.server_port] = running
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
        del _Handler.of[server.server_port]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a browser hangs up whenever it likes
            raise  # noqa: PLE0704 - called while the error is being handled


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: dict[int, Running] = {}  # noqa: RUF012 - one table for all servers of this process

    @property
    def running(self) -> Running:
        return self.of[self.server.server_address[1]]  # type: ignore[index]  # the address of an IP server is a tuple

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.running.gets.append(self.path)
        if path == "/api/warm":
            return self._send(204, b"", "")
        if path.startswith("/api/orders/"):
            status, answer = self.running.answers[0]
            if len(self.running.answers) > 1:
                self.running.answers.pop(0)
            return self._send(status, json.dumps(answer).encode(), "application/json")
        if path in self.running.extra:
            return self._send(200, self.running.extra[path].encode(), _TYPES["html"])
        return self._file(path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = dict(parse_qsl(body))
        if (
            self.path == "/api/orders" and "email" not in fields
        ):  # as the API: the page again, with the code's price
            self._send(422, self.running.priced[fields.get("coupon", "")].encode(), _TYPES["html"])
            return
        self.running.posts.append((self.path, body))
        self.running.answering.wait(10)
        self._send(
            200,
            b"<!DOCTYPE html><html lang=en><title>taken</title><link rel=icon href=data:,><p>taken",
            _TYPES["html"],
        )

    def log_message(self, *_: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Write the time of the server's own clock."""
        return super().date_time_string(self.running.now() if timestamp is None else timestamp)

    def _file(self, path: str) -> None:
        name = (path + "index.html" if path.endswith("/") else path).lstrip("/")
        content = self.running.files.get(name)
        if content is None:
            return self._send(404, self.running.files["404.html"], _TYPES["html"])
        return self._send(200, content, _TYPES.get(name.rpartition(".")[2], "text/plain"))

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in self.running.headers.items():
            self.send_header(name, value)
        if kind:
            self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
