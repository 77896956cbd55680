"""Walks through a page: runs the commands of its `console` blocks in one shell, as a person at a terminal does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

PATIENCE = 20.0
READS = ("kramik orders list", "kramik orders show", "kramik poison list", "curl -s http")
"""Commands that only look: they are asked again until the shop has got there."""

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ORDER = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")
_UNSTABLE = (
    (_ORDER, "ORDER"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "MOMENT"),
    (re.compile(r"\b(grant|purchase|start|t)-[0-9a-f]{16}"), r"\1-ID"),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
    (re.compile(r"^\[\d+\].*\n", re.MULTILINE), ""),
    (re.compile(r"^(\d+)  ", re.MULTILINE), "N  "),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
    (re.compile(r" {2,}"), "  "),
)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A command of the page and what stands below it."""

    command: str
    output: str


def commands(page: str) -> Iterator[Said]:
    """Yield every command of the page, in order."""
    for block in _BLOCK.finditer(page):
        for part in re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Said(command=command, output=output)


def stable(text: str) -> str:
    """Return a text in which everything that differs from day to day has a name instead."""
    for pattern, name in _UNSTABLE:
        text = pattern.sub(name, text)
    return text.strip()


class Terminal:
    """One shell in a folder; ports and orders of the page are replaced by the real ones."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        here = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = {"PATH": here, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self._shell = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=environ, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._ports, self._order = ports, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._asked("kill %1 2> /dev/null; wait")
        self._shell.communicate("exit\n", timeout=PATIENCE)

    def run(self, said: Said) -> str:
        """Run a command; one that only looks is asked until it says what the page says, or patience ends."""
        command = self._real(said.command)
        until = time.monotonic() + PATIENCE
        seen = self._asked(command)
        while stable(seen) != stable(said.output) and command.startswith(READS) and time.monotonic() < until:
            time.sleep(0.1)
            seen = self._asked(command)
        found = _ORDER.search(seen)
        self._order = found[0] if found else self._order
        return seen

    def _real(self, command: str) -> str:
        for theirs, ours in self._ports.items():
            command = command.replace(theirs, ours)
        return _ORDER.sub(self._order, command) if self._order else command

    def _asked(self, command: str) -> str:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{command}\necho '@@@'\n")
        lines = []
        for line in self._shell.stdout:
            if line.endswith("@@@\n"):
                lines.append(line.removesuffix("@@@\n"))
                break
            lines.append(line)
        return "".join(lines)
