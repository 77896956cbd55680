"""A shop as it is in production: pages at one address, the API at another, the gateway at a third.

The host of the pages sends what the build wrote into `_headers`, as Netlify and Cloudflare Pages do, and is told by
browsers of whatever that forbids.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.hosts import served
from tests.hosts.served import Shop

COUPONS = "[LATO]\npercent = 20\n"
POLICY = "Content-Security-Policy"


class Stage:
    """What is played, and what browsers complained of."""

    def __init__(self, shop: Shop, site: str, folder: Path) -> None:
        self.shop, self.site, self.folder = shop, site, folder
        self.headers = dict[str, str]()
        self.reports: list[str] = []
        """Each directive that was broken, as often as a browser said so."""

    @property
    def gateway(self) -> str:
        """The origin of the gateway, which is that of all the world here."""
        return self.shop.world.url

    def nameless(self) -> str:
        """Return the policy of a shop that does not know where its gateway leads."""
        policy = read(self.folder / "_headers", "/")[POLICY]
        assert self.gateway in policy
        return policy.replace(f" {self.gateway}", "")


@contextmanager
def playing(folder: Path) -> Iterator[Stage]:
    """Build a shop, serve its pages here, and its API in a process of its own, before a world."""
    server = _Server(("127.0.0.1", 0), _Host)
    site = f"http://127.0.0.1:{server.server_port}"
    with served.world() as world:
        shop = served.make(folder / "shop", world, url=site)
        settings = shop.folder / "shop.toml"
        settings.write_text(
            settings.read_text("utf-8").replace("locale", f'api = "{shop.url}"\nlocale', 1), "utf-8"
        )
        (shop.folder / "coupons.toml").write_text(COUPONS, "utf-8")
        built = shop.command("build", "--out", str(folder / "site"))
        assert 0 == built.returncode, built.stderr
        server.stage = stage = Stage(shop, site, folder / "site")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            shop.start()
            yield stage
        finally:
            if shop.process is not None:
                shop.end()
            server.shutdown()
            thread.join(10)
            server.server_close()


def read(file: Path, path: str) -> dict[str, str]:
    """Return the headers of a path; of two rules for one header the later wins."""
    found, fits = dict[str, str](), False
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith(" "):
            fits = fnmatch(path, line)
        elif fits:
            name, _, value = line.strip().partition(": ")
            found[name] = value
    return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stage: Stage


class _Host(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def stage(self) -> Stage:
        assert isinstance(self.server, _Server)
        return self.server.stage

    def translate_path(self, path: str) -> str:
        self.directory = str(self.stage.folder)
        return super().translate_path(path)

    def do_POST(self) -> None:
        report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.stage.reports.append(report["csp-report"]["effective-directive"])
        self.send_response(204)
        super().end_headers()

    def end_headers(self) -> None:
        path = self.path.partition("?")[0]
        for name, value in (read(self.stage.folder / "_headers", path) | self.stage.headers).items():
            self.send_header(name, f"{value}; report-uri /reported" if name == POLICY else value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass
