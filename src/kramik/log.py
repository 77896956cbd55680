"""One event a line, the same keys everywhere: a time, an event and its facts as `key=value`.

E-mail addresses and the secrets of the shop are masked, wherever they turn up.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

_EMAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+\-]*@[A-Za-z0-9.\-]+")
_PLAIN = re.compile(r"[\w.:/+\-]+")
_LONGEST = 500


class Logger:
    """Writes events to a stream; a port `Log`."""

    def __init__(self, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)
        self._stream = sys.stderr if stream is None else stream

    def __call__(self, event: str, **facts: object) -> None:
        """Write one line."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = " ".join([moment, event, *(f"{key}={_quoted(str(value))}" for key, value in facts.items())])
        self._stream.write(self.masked(line) + "\n")
        self._stream.flush()

    def masked(self, text: str) -> str:
        """Return the text without e-mail addresses and secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return mask_emails(text)


def mask_emails(text: str) -> str:
    """Return the text with every e-mail address cut down to its first letter."""
    return _EMAIL.sub(r"\1***@***", text)


def _quoted(value: str) -> str:
    value = value[:_LONGEST]
    return (
        value
        if _PLAIN.fullmatch(value)
        else '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    )
