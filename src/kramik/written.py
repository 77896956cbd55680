"""The text of a file that a person wrote, from whatever editor; and what to say of one that is no text, or no TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from kramik.errors import ConfigurationError, Problem


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
    return Problem(field=f"{file}:{line}", code="not_toml", message=f"is not TOML: {said}")
