"""WebKit, the engine of Safari, as Debian ships it, driven by its own WebKitWebDriver on a screen that nobody sees."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.browsers import program
from tests.browsers.driver import COMMANDS, Driver, Refused
from tests.hosts.port import free_port


@contextmanager
def webkit(folder: Path) -> Iterator[Driver]:
    """Start WebKit's small browser with nothing in its memory."""
    folder.mkdir(parents=True)
    port = free_port()
    with _screen(folder) as display:
        known = {"DISPLAY": display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory"}
        with program.running(["WebKitWebDriver", f"--port={port}"], folder, known=known):
            line = _Line(f"http://127.0.0.1:{port}")
            line.open()
            try:
                yield Driver(line.command)
            finally:
                line.close()


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    with os.fdopen(read) as told, program.running(command, folder, inherited=write):
        os.close(write)
        yield f":{told.readline().strip()}"


class _Line:
    """Questions and answers over HTTP."""

    def __init__(self, root: str) -> None:
        self._root, self._session = root, ""

    def open(self) -> None:
        """Wait until somebody listens, and open a window."""
        end = time.monotonic() + 30
        while True:
            try:
                self._ask("GET", "/status")
                break
            except OSError:
                assert time.monotonic() < end, "WebKitWebDriver never listened"
                time.sleep(0.03)
        capabilities = {
            "capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": {"args": ["--automation"]}}}
        }
        self._session = f"/session/{self._ask('POST', '/session', capabilities)['sessionId']}"

    def close(self) -> None:
        """Close the window."""
        self._ask("DELETE", self._session)

    def command(self, name: str, fields: Mapping[str, object]) -> Any:  # noqa: ANN401 - as `Driver.run`
        """Send a command of WebDriver; return its value."""
        _, method, path = COMMANDS[name]
        asked = self._session + path.format(**fields)
        return self._ask(method, asked, fields if method == "POST" else None)

    def _ask(self, method: str, path: str, fields: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - as `Driver.run`
        body = None if fields is None else json.dumps(dict(fields)).encode()
        request = Request(self._root + path, body, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())["value"]
        except HTTPError as error:
            told = json.loads(error.read())["value"]
            raise Refused(f"{path}: {told['error']}: {told['message']}") from None
