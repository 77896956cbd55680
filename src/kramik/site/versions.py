"""Old versions of the terms and the privacy notice: they stay online below their date, for whoever agreed to them.

`kramik build` copies each text that has a `version` into `pages/versions/`, which only grows, like the history of
prices. A text that was published under a version never changes: another text is another version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kramik.errors import Problem
from kramik.site.source import Page, Source, page_of

FOLDER = Path("pages") / "versions"
_NAME = re.compile(
    r"(?P<name>[a-z0-9-]+)@(?P<version>[A-Za-z0-9][A-Za-z0-9._-]*?)(?:\.(?P<lang>[a-z]{2}))?\.md"
)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read(folder: Path) -> dict[str, str]:
    """Return the copies that are kept in a shop's folder, by file name."""
    return {file.name: file.read_text("utf-8") for file in sorted((folder / FOLDER).glob("[!.]*.md"))}


def record(folder: Path, source: Source) -> list[str]:
    """Keep a copy of each text with a version that has none yet; return their names."""
    fresh = [(name, text) for name, text in _today(source) if name not in source.versions]
    for name, text in fresh:
        file = folder / FOLDER / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return [name for name, _ in fresh]


def problems(source: Source) -> Iterator[Problem]:
    """Yield each text that is not what was published under its version, and each version that is no address."""
    for file in source.pages:
        version = page_of(source.pages, file).version
        if version and not _VERSION.fullmatch(version):
            why = f"has the version {version!r}; write a date such as 2026-11-01, it becomes an address"
            yield Problem(field=f"pages/{file}:1", code="wrong", message=why)
    for name, text in _today(source):
        if source.versions.get(name, text) != text:
            original, _, rest = name.partition("@")
            file = f"{original}{_language(rest)}.md"
            why = f"says something else than was published under its version ({FOLDER / name}); give it another version"
            yield Problem(field=f"pages/{file}:1", code="changed_version", message=why)


def of(source: Source, name: str) -> list[str]:
    """Return every version of a page, the newest name first."""
    found = {match["version"] for match in _matches({**source.versions, **dict(_today(source))}, name)}
    return sorted(found, reverse=True)


def page(source: Source, name: str, version: str, lang: str) -> Page | None:
    """Return a version in this language, or in the default one, or in any."""
    texts = {**source.versions, **dict(_today(source))}
    known = {match["lang"] or "": match[0] for match in _matches(texts, name) if match["version"] == version}
    for wanted in (lang, "", *known):
        if wanted in known:
            return page_of(texts, known[wanted], wanted or source.langs[0])
    return None


def _today(source: Source) -> Iterator[tuple[str, str]]:
    for file, text in source.pages.items():
        version = page_of(source.pages, file).version
        if _VERSION.fullmatch(version):
            name, _, rest = file.partition(".")
            yield f"{name}@{version}.{rest}", text


def _matches(texts: Mapping[str, str], name: str) -> Iterator[re.Match[str]]:
    return (match for match in map(_NAME.fullmatch, texts) if match and match["name"] == name)


def _language(rest: str) -> str:
    match = re.search(r"\.[a-z]{2}(?=\.md$)", rest)
    return match[0] if match else ""
