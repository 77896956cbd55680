"""Write the static site: the same source is the same bytes, and only what changed is made and written.

A manifest remembers which files are ours. Files that we did not write are never changed or removed.
It is written before the first page and again after the last, so that a build that was killed forgets none of its files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.site import feed, headers, static_web_app, versions
from kramik.site.memory import MANIFEST, Entry, Memory
from kramik.site.plan import Plan
from kramik.site.source import Source

__all__ = ["MANIFEST", "build", "site"]
SITEMAP = "sitemap.xml"
"""Made last of all: it says when each page changed."""


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """The files that are to be written, with what is known of each, and those that stay as they are."""

    files: dict[str, bytes]
    known: dict[str, Entry]
    kept: dict[str, Entry]


def build(source: Source, out: Path, *, templates: Path | None = None) -> list[str]:
    """Write the site below `out` and return the relative paths of all its files, sorted.

    Raises:
        ConfigurationError: names collide, a page is wrong, or a file that is not ours is in the way.
    """
    memory = Memory(out)
    made = _made(source, templates, memory)
    _refuse_foreign(out, made.files, memory.entries)
    out.mkdir(parents=True, exist_ok=True)
    before = {path: made.kept.get(path, Entry()) for path in (memory.entries.keys() | made.files.keys())}
    _write(out / MANIFEST, memory.text(before))
    after = dict(made.kept)
    today = f"{source.now:%Y-%m-%d}"
    for path, content in made.files.items():
        if path == SITEMAP:
            continue
        since = _since(memory, path, today, changed=_write(out / path, content))
        known = made.known.get(path, Entry())
        after[path] = memory.written(path, known.made_of, known.uses, since)
    sitemap = _sitemap(source, {path: entry.since for path, entry in after.items()}).encode()
    _write(out / SITEMAP, sitemap)
    after[SITEMAP] = memory.written(SITEMAP, "", (), today)
    for path in sorted(memory.entries.keys() - after.keys()):
        _remove(out, path)
    _write(out / MANIFEST, memory.text(after))
    return sorted(after)


def site(source: Source, templates: Path | None = None) -> Mapping[str, bytes]:
    """Return every file of the site by its relative path; assets come first, for whoever reads meanwhile.

    Raises:
        ConfigurationError: names collide, or a page is wrong.
    """
    return _made(source, templates, None).files


def _made(source: Source, templates: Path | None, memory: Memory | None) -> _Made:
    problems = (*source.problems(), *versions.problems(source))
    if problems:
        raise ConfigurationError(*problems)
    plan = Plan(source, templates)
    theme = plan.pages.theme
    files = {asset.path: asset.content for asset in theme.assets.values()}
    known: dict[str, Entry] = {}
    kept: dict[str, Entry] = {}
    for page in plan:
        same = memory.same(page.path, page.made_of) if memory else None
        if memory and same:
            kept |= {path: memory.entries[path] for path in same.uses} | {page.path: same}
            continue
        theme.pictures.asked.clear()
        files[page.path] = page.make().encode()
        known[page.path] = Entry(made_of=page.made_of, uses=tuple(sorted(theme.pictures.asked)))
    files |= {path: text.encode() for path, text in _for_machines(source).items()}
    pictures = {path: content for path, content in theme.pictures.files.items() if path not in kept}
    return _Made(files={**pictures, **files}, known=known, kept=kept)


def _since(memory: Memory, path: str, today: str, *, changed: bool) -> str:
    entry = memory.entries.get(path)
    return entry.since if entry and entry.since and not changed else today


def _for_machines(source: Source) -> Mapping[str, str]:
    hidden = [
        f"{source.prefix(lang)}/{name}/" for lang in source.langs for name in ("thanks", "resend", "withdraw")
    ]
    robots = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in hidden),
        f"Sitemap: {source.site}/{SITEMAP}",
    ]
    feeds = {
        f"{source.prefix(lang)}/{feed.FILE}".lstrip("/"): feed.atom(source, lang) for lang in source.langs
    }
    return {
        **feeds,
        "robots.txt": "\n".join(robots) + "\n",
        SITEMAP: _sitemap(source, {}),
        "_headers": headers.host_file(source),
        ".htaccess": headers.apache(source),
        "headers.nginx.conf": headers.nginx(source),
        static_web_app.FILE: static_web_app.config(source),
    }


def _sitemap(source: Source, since: Mapping[str, str]) -> str:
    paths = [
        "",
        *(f"{product.slug}/" for product in source.catalogue),
        *(f"{name}/" for name in source.page_names()),
    ]
    places = [f"{source.prefix(lang)}/{path}".lstrip("/") for lang in source.langs for path in paths]
    entries = "".join(_place(source, place, since.get(f"{place}index.html", "")) for place in places)
    start = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{start}{entries}</urlset>\n"


def _place(source: Source, path: str, changed: str) -> str:
    lastmod = f"<lastmod>{changed}</lastmod>" if changed else ""
    return f"  <url><loc>{source.site}/{path}</loc>{lastmod}</url>\n"


def _refuse_foreign(out: Path, files: Mapping[str, bytes], ours: Mapping[str, Entry]) -> None:
    foreign = [path for path, content in files.items() if path not in ours and _differs(out / path, content)]
    if foreign:
        why = "is not a file of this site; move it away, or build into another folder"
        raise ConfigurationError(
            *(Problem(field=str(out / path), code="foreign_file", message=why) for path in foreign)
        )


def _differs(file: Path, content: bytes) -> bool:
    return file.exists() and (not file.is_file() or file.read_bytes() != content)


def _write(file: Path, content: bytes) -> bool:
    """Write a file unless it says this already; return whether it was written."""
    if file.is_file() and file.read_bytes() == content:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.write_bytes(content)
    beside.replace(file)
    return True


def _remove(out: Path, path: str) -> None:
    (out / path).unlink(missing_ok=True)
    for folder in (out / path).parents:
        if folder == out or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
