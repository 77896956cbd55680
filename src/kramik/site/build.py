"""Write the static site: the same source is the same bytes, and only what changed is written.

A manifest remembers which files are ours. Files that we did not write are never changed or removed.
It is written before the first page and again after the last, so that a build that was killed forgets none of its files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.site import feed, headers, static_web_app, versions
from kramik.site.pages import Pages
from kramik.site.source import Source

MANIFEST = ".kramik-site.json"


def build(source: Source, out: Path, *, templates: Path | None = None) -> list[str]:
    """Write the site below `out` and return the relative paths of all its files, sorted.

    Raises:
        ConfigurationError: names collide, a page is wrong, or a file that is not ours is in the way.
    """
    files = site(source, templates)
    ours = _remembered(out)
    _refuse_foreign(out, files, ours)
    out.mkdir(parents=True, exist_ok=True)
    _remember(out, ours | files.keys())
    for path, content in files.items():
        _write(out / path, content)
    for path in sorted(ours - files.keys()):
        _remove(out, path)
    _remember(out, files.keys())
    return sorted(files)


def site(source: Source, templates: Path | None = None) -> Mapping[str, bytes]:
    """Return every file of the site by its relative path; assets come first, for whoever reads meanwhile.

    Raises:
        ConfigurationError: names collide, or a page is wrong.
    """
    problems = (*source.problems(), *versions.problems(source))
    if problems:
        raise ConfigurationError(*problems)
    pages = Pages(source, templates, api=False)
    files = {asset.path: asset.content for asset in pages.theme.assets.values()}
    for lang in source.langs:
        files |= {
            f"{source.prefix(lang)}/{path}".lstrip("/"): html.encode()
            for path, html in _pages(source, pages, lang)
        }
    files |= {path: text.encode() for path, text in _for_machines(source).items()}
    return {**pages.theme.pictures.files, **files}


def _pages(source: Source, pages: Pages, lang: str) -> Iterator[tuple[str, str]]:
    for product in source.catalogue:
        yield f"{product.slug}/order/index.html", pages.order_form(product.slug, lang, {}, ())
        yield f"{product.slug}/index.html", pages.sales(product, lang)
    for name in source.page_names():
        yield f"{name}/index.html", pages.text(name, lang)
        for version in versions.of(source, name):
            yield f"{name}/{version}/index.html", pages.text(name, lang, version)
    yield "thanks/index.html", pages.thanks(lang)
    yield "resend/index.html", pages.resend(lang)
    yield "withdraw/index.html", pages.withdrawal({}, (), lang)
    yield "404.html", pages.message("not_found", lang)
    yield "index.html", pages.shop(lang)


def _for_machines(source: Source) -> Mapping[str, str]:
    hidden = [
        f"{source.prefix(lang)}/{name}/" for lang in source.langs for name in ("thanks", "resend", "withdraw")
    ]
    robots = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in hidden),
        f"Sitemap: {source.site}/sitemap.xml",
    ]
    feeds = {
        f"{source.prefix(lang)}/{feed.FILE}".lstrip("/"): feed.atom(source, lang) for lang in source.langs
    }
    return {
        **feeds,
        "robots.txt": "\n".join(robots) + "\n",
        "sitemap.xml": _sitemap(source),
        "_headers": headers.host_file(source),
        ".htaccess": headers.apache(source),
        "headers.nginx.conf": headers.nginx(source),
        static_web_app.FILE: static_web_app.config(source),
    }


def _sitemap(source: Source) -> str:
    paths = [
        "/",
        *(f"/{product.slug}/" for product in source.catalogue),
        *(f"/{name}/" for name in source.page_names()),
    ]
    places = [f"{source.site}{source.prefix(lang)}{path}" for lang in source.langs for path in paths]
    entries = "".join(f"  <url><loc>{place}</loc></url>\n" for place in places)
    start = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{start}{entries}</urlset>\n"


def _refuse_foreign(out: Path, files: Mapping[str, bytes], ours: set[str]) -> None:
    foreign = [path for path, content in files.items() if path not in ours and _differs(out / path, content)]
    if foreign:
        why = "is not a file of this site; move it away, or build into another folder"
        raise ConfigurationError(
            *(Problem(field=str(out / path), code="foreign_file", message=why) for path in foreign)
        )


def _differs(file: Path, content: bytes) -> bool:
    return file.exists() and (not file.is_file() or file.read_bytes() != content)


def _write(file: Path, content: bytes) -> None:
    if file.is_file() and file.read_bytes() == content:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.write_bytes(content)
    beside.replace(file)


def _remove(out: Path, path: str) -> None:
    (out / path).unlink(missing_ok=True)
    for folder in (out / path).parents:
        if folder == out or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def _remembered(out: Path) -> set[str]:
    file = out / MANIFEST
    if not file.is_file():
        return set()
    try:
        paths = msgspec.json.decode(file.read_bytes(), type=list[str])
    except msgspec.DecodeError:
        why = "cannot be read; remove it together with the files of the site, and build again"
        raise ConfigurationError(Problem(field=str(file), code="wrong", message=why)) from None
    return {path for path in paths if _inside(path)}


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts


def _remember(out: Path, paths: Iterable[str]) -> None:
    _write(out / MANIFEST, msgspec.json.format(msgspec.json.encode(sorted(paths))) + b"\n")
