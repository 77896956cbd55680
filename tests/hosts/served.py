"""A shop that is served by a real process, with the sandbox world in a thread of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from kramik import sandbox
from kramik.hosts.cli import new
from kramik.sandbox import Running
from tests.hosts.asking import Reply, ask, post_json
from tests.hosts.port import free_port
from tests.hosts.witness import last_lines, witnessed

REPOSITORY = Path(__file__).parents[2]
PRODUCT = "agregaty-w-praktyce"
PRICE = "299.00 PLN"
SECRET = "canary-shop-secret-5f1d9c77e2"
PATIENCE = 30.0

Found = TypeVar("Found")


def fields(**changes: str) -> dict[str, str]:
    """Return a good order form; a field that is changed to nothing is left out."""
    good = {
        "product": PRODUCT,
        "email": "jan.kowalski@example.org",
        "name": "Jan Kowalski",
        "lang": "pl",
        "consent_terms": "yes",
        "consent_immediate": "yes",
    }
    return {name: text for name, text in (good | changes).items() if text}


def toml(world: str, *, url: str, more: str = "", academy: str = "keyed", mailer: str = "keyed") -> str:
    """Return a shop.toml that points to a sandbox world."""
    return f"""\
[shop]
name = "Akademia Agregatów"
url = "{url}"
locale = "pl"
languages = ["pl", "en"]
currency = "PLN"
secret = "env:KRAMIK_SECRET"

[gateways.sandbox]
base_url = "{world}"
shop_id = "akademia"
key = "env:SANDBOX_GATEWAY_KEY"

[mailer]
kind = "sandbox"
base_url = "{world}"
token = "env:SANDBOX_MAIL_TOKEN"
repeat = "{mailer}"

[academy]
kind = "sandbox"
base_url = "{world}"
token = "env:SANDBOX_ACADEMY_TOKEN"
repeat = "{academy}"

{more}
"""


class Shop:
    """One shop folder and the process that serves it, which can be killed and started again."""

    def __init__(self, folder: Path, world: Running, port: int) -> None:
        self.folder, self.world, self.port = folder, world, port
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it is open."""
        arguments = [
            sys.executable,
            "-m",
            "kramik",
            "serve",
            "--shop",
            str(self.folder),
            "--port",
            str(self.port),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*arguments, "--json"], stdout=subprocess.PIPE, stderr=log, env=self.environ()
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, last_lines(self.log)
        assert self.url == json.loads(line)["url"]

    def environ(self) -> dict[str, str]:
        """Return the environment of the process: nothing but what a shop needs."""
        keys = self.world.world.settings
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY / "src"),
            "KRAMIK_SECRET": SECRET,
            "SANDBOX_GATEWAY_KEY": keys.gateway_key,
            "SANDBOX_ACADEMY_TOKEN": keys.academy_token,
            "SANDBOX_MAIL_TOKEN": keys.mail_token,
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of this shop, beside the one that serves."""
        command = [sys.executable, "-m", "kramik", *arguments, "--shop", str(self.folder)]
        return subprocess.run(
            command, env=self.environ(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process; return its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return code

    def place(self, key: str = "", **changes: str) -> Reply:
        """Place an order as a program does, with a key of its own unless one is given."""
        return post_json(f"{self.url}/api/orders", fields(**changes), idempotency_key=key or token_hex(16))

    def bought(self, **changes: str) -> tuple[str, str]:
        """Place an order and pay for it; return its id and its status address."""
        placed = self.place(**changes).json()
        assert 303 == pay(placed["payment"]["url"]).status
        return placed["order"], placed["status_url"]

    def effects(self, order: str) -> dict[str, int]:
        """Return how often each effect on this order happened in the world."""
        happened = [each.effect for each in self.world.world.ledger.entries(order)]
        return {name: happened.count(name) for name in ("grant", "purchase", "sequence", "mail")}


def pay(url: str, action: str = "pay") -> Reply:
    """Go to the pay page of a payment request and press a button."""
    session = ask(url)
    assert 303 == session.status, session.body
    body = urlencode({"action": action}).encode()
    return ask(urljoin(url, session.headers["location"]), "POST", body=body)


def query(url: str) -> Mapping[str, str]:
    """Return the fields of a URL."""
    return dict(parse_qsl(urlsplit(url).query))


def eventually(
    found: Callable[[], Found], good: Callable[[Found], bool] = bool, *, seconds: float = PATIENCE
) -> Found:
    """Look again and again until it is good; return what was seen last."""
    until = time.monotonic() + seconds
    seen = found()
    while not good(seen) and time.monotonic() < until:
        time.sleep(0.02)
        seen = found()
    return seen


@contextmanager
def world(*, pace: float = 0.05, lag: float = 0.0) -> Iterator[Running]:
    """Run a sandbox world in a thread; a notification that was not acknowledged comes again soon."""
    with sandbox.start(sandbox.Settings.fresh(pace=pace, lag=lag)) as running:
        yield running


@contextmanager
def shop(folder: Path, running: Running, *, kind: type[Shop] = Shop, **settings: str) -> Iterator[Shop]:
    """Make a shop folder and serve it until the block ends."""
    made = make(folder, running, kind=kind, **settings)
    made.start()
    try:
        with witnessed(lambda: last_lines(made.log)):
            yield made
    finally:
        if made.process is not None:
            made.end()


def make(folder: Path, running: Running, *, kind: type[Shop] = Shop, **settings: str) -> Shop:
    """Make a shop folder that is not served yet."""
    port = free_port()
    new.make(folder)
    (folder / ".env").unlink()
    text = toml(running.url, **({"url": f"http://127.0.0.1:{port}"} | settings))
    (folder / "shop.toml").write_text(text, "utf-8")
    return kind(folder, running, port)
