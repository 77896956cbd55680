"""A search for secrets in files that leave this machine.

It knows the values that stand in `.env` and in the environment under the names that `shop.toml` reads, and the
look of the keys that people paste by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kramik.errors import Problem

SHORTEST = 8
"""Characters below which a value is no secret but a word: it would be found everywhere."""

_SHAPES: Mapping[str, re.Pattern[bytes]] = {
    "a storage account key": re.compile(rb"AccountKey=[A-Za-z0-9+/]{40,}"),
    "a shared access signature": re.compile(rb"[?&;]sig=[A-Za-z0-9%+/]{20,}"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a Stripe key": re.compile(rb"\b(?:sk|rk)_live_[0-9A-Za-z]{10,}|\bwhsec_[0-9A-Za-z]{16,}"),
    "an Application Insights key": re.compile(rb"InstrumentationKey=[0-9a-f-]{30,}"),
}


def leaks(files: Mapping[str, bytes], secrets: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem, with file and line, for each file that holds a secret; never the secret."""
    known = {name: value.encode() for name, value in secrets.items() if len(value) >= SHORTEST}
    for file, content in files.items():
        for name, value in known.items():
            if value in content:
                yield _problem(file, content, content.index(value), f"the value of {name}")
        for what, shape in _SHAPES.items():
            if seen := shape.search(content):
                yield _problem(file, content, seen.start(), what)


def _problem(file: str, content: bytes, place: int, what: str) -> Problem:
    line = content[:place].count(b"\n") + 1
    message = f"holds {what}; take it out, write env:NAME in shop.toml, and give it to Azure as a setting"
    return Problem(field=f"{file}:{line}", code="secret", message=message)
