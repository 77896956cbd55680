"""The text of a file that a person wrote, from whatever editor; and what to say of one that is no text, or no TOML.

What is wrong with a value of `shop.toml` is told with the line of its key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from kramik.errors import ConfigurationError, Problem

SETTINGS = "shop.toml"

_HINTS = {
    "at the end of a table declaration": 'put quotes around a name with other letters than A to Z, as in ["ZIMA-ŻÓŁW"]',
    "Invalid initial character for a key part": "put quotes around a name with other letters than A to Z",
    "Invalid value": "put quotes around a text",
    "Illegal character": "end the text with a quote on its own line",
    "Expected '='": "write a key, the sign = and a value",
    "after a statement": "write one key and its value on a line",
    "Cannot ": "it is written twice; keep one",
    "Unclosed array": "end the list with ]",
}
"""What a sentence of the TOML reader means for somebody who writes settings, most likely."""


def text(folder: Path, file: str) -> str:
    """Return a file of a shop's folder, without a byte order mark and with plain line ends.

    Raises:
        ConfigurationError: it is not written in UTF-8.
        OSError: it can not be read.
    """
    path = folder / file
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        why = "is not written in UTF-8; save it again with the encoding UTF-8"
        raise ConfigurationError(Problem(field=f"{file}:{line}", code="not_utf8", message=why)) from None


def not_toml(file: str, content: str, error: tomllib.TOMLDecodeError) -> Problem:
    """Return the problem that a file is no TOML, with its line."""
    place = re.search(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)\Z", str(error))
    line = place["line"] if place and place["line"] else content.count("\n") + 1
    said = str(error)[: place.start()] if place else str(error)
    hint = next((f"; {hint}" for words, hint in _HINTS.items() if words in said), "")
    return Problem(field=f"{file}:{line}", code="not_toml", message=f"is not TOML: {said}{hint}")


def lines(text: str, header: str, key: str) -> Iterator[int]:
    """Yield the line of the key inside the table, then that of the table."""
    inside, start = False, None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("["):
            inside = line.strip().startswith(header.rstrip("]")) and line.strip()[len(header) - 1 :][:1] in (
                "]",
                ".",
            )
            start = number if inside and start is None else start
        elif inside and key and re.match(rf"\s*{re.escape(key)}\s*=", line):
            yield number
    if start is not None:
        yield start


def keyed(folder: Path, slug: str, key: str = "sequence") -> str:
    """Return the place of a key in the file of a product; the first line of a file that leaves it out."""
    name = f"products/{slug}.md"
    file = folder / name
    text = file.read_text("utf-8-sig", "replace") if file.is_file() else ""
    found = (number for number, line in enumerate(text.splitlines(), start=1) if line.startswith(f"{key}:"))
    return f"{name}:{next(found, 1)}"


def located(folder: Path, header: str, problem: Problem) -> Problem:
    """Return a problem of a key in a table of `shop.toml` with its line; one that has a place already, as it is."""
    file = folder / SETTINGS
    if ":" in problem.field or not file.is_file():
        return problem
    line = next(lines(file.read_text("utf-8-sig", "replace"), header, problem.field), 1)
    said = " ".join(filter(None, (header, problem.field, problem.message)))
    return replace(problem, field=f"{SETTINGS}:{line}", message=said)
