"""Write the static site: the same source is the same bytes, and only what changed is made and written.

A manifest remembers which files are ours. Files that we did not write are never changed or removed.
It is written before the first page and again after the last, so that a build that was killed forgets none of its files.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.site import feed, headers, mention, static_web_app, versions
from kramik.site.folder import Folder
from kramik.site.hands import each
from kramik.site.memory import MANIFEST, Entry, Memory
from kramik.site.pictures import Pictures
from kramik.site.plan import Page, Plan
from kramik.site.source import Source

__all__ = ["MANIFEST", "build", "site"]
SITEMAP = "sitemap.xml"
"""Made last of all: it says when each page changed."""


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """The files that are to be written, with what is known of each, and those that stay as they are."""

    files: dict[str, bytes]
    known: dict[str, Entry]
    kept: dict[str, Entry]


class _Output(msgspec.Struct, frozen=True):
    """One page, the pictures that were made for it, those that it shows, and what is wrong with it."""

    content: bytes = b""
    pictures: dict[str, bytes] = {}
    uses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def build(source: Source, out: Path, *, templates: Path | None = None, hands: int = 1) -> list[str]:
    """Write the site below `out` and return the relative paths of all its files, sorted.

    `hands` are the processes that make pages; a process with other threads has one.

    Raises:
        ConfigurationError: names collide, a page is wrong, or a file that is not ours is in the way.
    """
    memory, folder = Memory(out), Folder(out)
    made = _made(source, templates, memory, hands)
    _refuse_foreign(folder, made.files, memory.entries)
    before = {path: made.kept.get(path, Entry()) for path in (memory.entries.keys() | made.files.keys())}
    folder.write(MANIFEST, memory.text(before))
    after = dict(made.kept)
    today = f"{source.now:%Y-%m-%d}"
    for path, content in made.files.items():
        if path != SITEMAP:
            after[path] = memory.entry(
                path, folder.write(path, content), made.known.get(path, Entry()), today
            )
    sitemap = _sitemap(source, {path: entry.since for path, entry in after.items()}).encode()
    after[SITEMAP] = memory.entry(SITEMAP, folder.write(SITEMAP, sitemap), Entry(), today)
    for path in sorted(memory.entries.keys() - after.keys()):
        folder.remove(path)
    folder.write(MANIFEST, memory.text(after))
    return sorted(after)


def site(source: Source, templates: Path | None = None) -> Mapping[str, bytes]:
    """Return every file of the site by its relative path; assets come first, for whoever reads meanwhile.

    Raises:
        ConfigurationError: names collide, or a page is wrong.
    """
    return _made(source, templates, None).files


def _made(source: Source, templates: Path | None, memory: Memory | None, hands: int = 1) -> _Made:
    problems = (*source.problems(), *versions.problems(source))
    if problems:
        raise ConfigurationError(*problems)
    plan = Plan(source, templates)
    kept: dict[str, Entry] = {}
    wanted: list[Page] = []
    for page in plan:
        same = memory.same(page.path, page.made_of) if memory else None
        if memory and same:
            kept |= {path: memory.entries[path] for path in same.uses} | {page.path: same}
        else:
            wanted.append(page)
    theme = plan.pages.theme
    files = {asset.path: asset.content for asset in theme.assets.values()}
    made = list(each(partial(_output, theme.pictures), wanted, hands))
    problems = tuple(dict.fromkeys(problem for output in made for problem in output.problems))
    if problems:
        raise ConfigurationError(
            *(place for each in problems for place in mention.located(each, source.pictures))
        )
    for output in made:
        files |= {path: content for path, content in output.pictures.items() if path not in kept}
    known: dict[str, Entry] = {}
    for page, output in zip(wanted, made, strict=True):
        files[page.path] = output.content
        known[page.path] = Entry(made_of=page.made_of, uses=output.uses)
    files |= {path: text.encode() for path, text in _for_machines(source).items()}
    return _Made(files=files, known=known, kept=kept)


def _output(pictures: Pictures, page: Page) -> _Output:
    before = len(pictures.files)
    pictures.asked.clear()
    try:
        content = page.make().encode()
    except ConfigurationError as error:
        return _Output(problems=tuple(error.problems))
    new = dict(islice(pictures.files.items(), before, None))
    return _Output(content=content, pictures=new, uses=tuple(sorted(pictures.asked)))


def _for_machines(source: Source) -> Mapping[str, str]:
    hidden = [
        f"{source.prefix(lang)}/{name}/" for lang in source.langs for name in ("thanks", "resend", "withdraw")
    ]
    hidden += ["/access/", "/api/"]
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


def _refuse_foreign(out: Folder, files: Mapping[str, bytes], ours: Mapping[str, Entry]) -> None:
    foreign = [path for path, content in files.items() if path not in ours and out.differs(path, content)]
    if foreign:
        why = "is not a file of this site; move it away, or build into another folder"
        raise ConfigurationError(
            *(Problem(field=str(out.root / path), code="foreign_file", message=why) for path in foreign)
        )
