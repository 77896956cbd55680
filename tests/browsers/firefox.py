"""Firefox as Debian ships it, without a screen, on the line by which Mozilla's own tests drive it (Marionette)."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.browsers import program
from tests.browsers.driver import COMMANDS, Driver, Refused

_SETTINGS: Mapping[str, object] = {
    "marionette.port": 0,  # any: which one, it writes into its profile
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
}
_LISTEN = """
    const said = Services.console.getMessageArray().filter(each => each instanceof Ci.nsIScriptError);
    Services.console.reset();
    return said.filter(each => /^http:/.test(each.sourceName)).map(each => each.errorMessage);
"""


class Firefox(Driver):
    """A window of Firefox, which also tells what stands in its console."""

    def __init__(self, line: Marionette) -> None:
        super().__init__(line.command)
        self._line = line

    def complaints(self) -> list[str]:
        """Return what the console said of pages of this machine since it was last asked."""
        self._line.say("Marionette:SetContext", {"value": "chrome"})
        try:
            return list(self.run(_LISTEN))
        finally:
            self._line.say("Marionette:SetContext", {"value": "content"})


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start Firefox with a new profile in this folder."""
    profile = folder / "profile"
    profile.mkdir(parents=True)
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _SETTINGS.items())
    (profile / "user.js").write_text("\n".join(lines), "utf-8")
    command = [_found(), "--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
    with (
        program.running([*command, "--profile", str(profile)], folder),
        closing(Marionette(_port(profile / "MarionetteActivePort"))) as line,
    ):
        line.say("WebDriver:NewSession", {})
        yield Firefox(line)


class Marionette:
    """Packets of JSON, each after its length. Source: Firefox Source Docs, Marionette, protocol version 3."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")
        self._said = 0
        self._heard()

    def command(self, name: str, fields: Mapping[str, object]) -> Any:  # noqa: ANN401 - as `Driver.run`
        """Send a command of WebDriver; return its value."""
        answer = self.say(COMMANDS[name][0], fields)
        return answer["value"] if isinstance(answer, dict) and "value" in answer else answer

    def say(self, name: str, fields: Mapping[str, object]) -> Any:  # noqa: ANN401 - as `Driver.run`
        """Send a command by its own name; return its answer."""
        self._said += 1
        packet = json.dumps([0, self._said, name, dict(fields)]).encode()
        self._socket.sendall(f"{len(packet)}:".encode() + packet)
        _, _, wrong, answer = self._heard()
        if wrong:
            raise Refused(f"{name}: {wrong['error']}: {wrong['message']}")
        return answer

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def _heard(self) -> Any:  # noqa: ANN401 - as `Driver.run`
        length = b""
        while (byte := self._file.read(1)) != b":":
            assert byte, "Firefox hung up"
            length += byte
        return json.loads(self._file.read(int(length)))


def _found() -> str:
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    assert found, "Firefox is not installed; run: make machine"
    return found


def _port(file: Path) -> int:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if file.exists() and (text := file.read_text("utf-8").strip()):
            return int(text)
        time.sleep(0.03)
    raise AssertionError("Firefox never opened its line")
