"""A browser that takes the commands of W3C WebDriver, over whatever line its maker gave it.

Playwright's Firefox and WebKit are builds of its own; here are those that people have, as Debian ships them.
One vocabulary for both is shorter than two clients, and no package knows both without a download.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Sent = Callable[[str, Mapping[str, object]], Any]
"""Sends a command by its name in `COMMANDS`; returns its value."""

Found = TypeVar("Found")

COMMANDS = {
    "go": ("WebDriver:Navigate", "POST", "/url"),
    "url": ("WebDriver:GetCurrentURL", "GET", "/url"),
    "back": ("WebDriver:Back", "POST", "/back"),
    "find": ("WebDriver:FindElement", "POST", "/element"),
    "click": ("WebDriver:ElementClick", "POST", "/element/{id}/click"),
    "type": ("WebDriver:ElementSendKeys", "POST", "/element/{id}/value"),
    "act": ("WebDriver:PerformActions", "POST", "/actions"),
    "run": ("WebDriver:ExecuteScript", "POST", "/execute/sync"),
}
"""Each command as Marionette calls it, then its method and path in HTTP. Source: W3C WebDriver, section 6.4."""

KEYS = {"Tab": "\ue004", "Enter": "\ue007"}
"""Source: W3C WebDriver, section 17.4.2."""

PATIENCE = 20.0
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key of a reference to an element. Source: W3C WebDriver, section 12.1."""


class Refused(Exception):
    """The browser could not do it: perhaps not yet, while a page is loaded or a fold opens."""


class Driver:
    """One window of a browser."""

    def __init__(self, send: Sent) -> None:
        self._send = send

    @property
    def url(self) -> str:
        """Where the window is."""
        return str(self._send("url", {}))

    def go(self, url: str) -> None:
        """Open an address."""
        self._send("go", {"url": url})

    def back(self) -> None:
        """Press the button that leads back."""
        self._send("back", {})

    def click(self, selector: str) -> None:
        """Press the first element that fits."""
        self.until(lambda: self._sent("click", selector))

    def fill(self, selector: str, text: str) -> None:
        """Type into an empty field."""
        self.until(lambda: self._sent("type", selector, text=text))

    def press(self, key: str) -> None:
        """Press a key, whoever has the focus."""
        strokes = [{"type": way, "value": KEYS[key]} for way in ("keyDown", "keyUp")]
        self._send("act", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def run(self, body: str, *arguments: object) -> Any:  # noqa: ANN401 - each script has an answer of its own shape
        """Run the body of a function in the page; return what it returns."""
        return self._send("run", {"script": body, "args": list(arguments)})

    def text(self, selector: str) -> str:
        """Return what is to be read there, nothing if it is not shown."""
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def until(self, seen: Callable[[], Found]) -> Found:
        """Look again and again; return the first thing that is there."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if found := seen():
                    return found
            except Refused:
                if time.monotonic() > end:
                    raise
            assert time.monotonic() < end, f"it never came so far at {self.url}"
            time.sleep(0.03)

    def arrive(self, url: str) -> None:
        """Wait until the window is at an address that begins like this, and shows its page."""
        self.until(lambda: self.url.startswith(url) and self.run("return document.readyState === 'complete'"))

    def _sent(self, command: str, selector: str, **fields: object) -> bool:
        found = self._send("find", {"using": "css selector", "value": selector})
        # Drivers scroll there themselves, but do not wait until a page that scrolls smoothly has arrived.
        self.run("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", found)
        self._send(command, {"id": found[_ELEMENT], **fields})
        return True
