"""Files that look like a course or a page and are not read: their author wonders why the site lacks them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

_TRANSLATION = re.compile(r"[^.]+\.(?P<lang>[a-z]{2})\.md")
_ALIKE = frozenset({".markdown", ".mdown", ".mdx", ".txt"})
_KEPT = "versions"


def files(folder: Path, languages: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each such file of a shop's folder."""
    for name in ("products", "pages"):
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield from _unread(path.relative_to(folder), languages)


def _unread(file: Path, languages: Collection[str]) -> Iterator[str]:
    if file.parts[:2] == ("pages", _KEPT):
        return
    home = file.parts[0]
    if file.suffix.lower() in _ALIKE or (file.suffix != ".md" and file.suffix.lower() == ".md"):
        yield f"{file} is not read; give it a name that ends with .md"
    elif file.suffix == ".md" and len(file.parts) > 2:  # noqa: PLR2004 - the folder and the file
        yield f"{file} is not read; move it up into {home}/, unless it is a draft"
    elif (found := _TRANSLATION.fullmatch(file.name)) and found["lang"] not in languages:
        yield f"{file} is not shown; add {found['lang']!r} to languages in shop.toml"
