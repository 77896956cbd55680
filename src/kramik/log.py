"""One event a line, the same keys everywhere: a time, an event and its facts as `key=value`.

E-mail addresses and the secrets of the shop are masked, wherever they turn up.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

_EMAIL = re.compile(r"([^\s@<>\"'(),:;=&?/])[^\s@<>\"'(),:;=&?/]*(?:@|%40)[^\s@<>\"'(),:;=&?/]+")
_PLAIN = re.compile(r"[\w.:/+\-]+")
_LONGEST = 500
_READ = 2000
"""Characters of a fact that are looked at: the search for addresses takes long in long texts."""


class Logger:
    """Writes events to a stream; a port `Log`."""

    def __init__(self, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)
        self._stream = sys.stderr if stream is None else stream

    def __call__(self, event: str, **facts: object) -> None:
        """Write one line."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = (f"{key}={_quoted(self.masked(str(value)[:_READ]))}" for key, value in facts.items())
        with suppress(OSError):  # a full disk below the log must not stop the shop above it
            self._stream.write(" ".join([moment, event, *told]) + "\n")
            self._stream.flush()

    def masked(self, text: str) -> str:
        """Return the text without e-mail addresses and secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return mask_emails(text)


def mask_emails(text: str) -> str:
    """Return the text with every e-mail address cut down to its first letter."""
    return _EMAIL.sub(r"\1***@***", text) if "@" in text or "%40" in text else text


def _quoted(value: str) -> str:
    value = value[:_LONGEST]
    return value if _PLAIN.fullmatch(value) else f'"{"".join(map(_printable, value))}"'


def _printable(sign: str) -> str:
    """Return a sign as it may stand between quotation marks on one line."""
    if sign in ('"', "\\"):
        return f"\\{sign}"
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()
