"""Sites that somebody else made: their files, the real generators that build them, and a server that shows them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BIN = Path(sys.executable).parent
MODULES = BIN.parent / "generators" / "node_modules"
PATIENCE = 60

_BASE = """<!DOCTYPE html>
<html lang="%s"><head><meta charset="utf-8"><title>%s</title><link rel="icon" href="data:,"></head>
<body><header>Blog Hanny</header><main>%s</main></body></html>
"""
JEKYLL: Mapping[str, str] = {
    "_config.yml": "title: Blog Hanny\n",
    "_layouts/default.html": _BASE % ("{{ page.lang }}", "{{ page.title | escape }}", "{{ content }}"),
    "blog.md": "---\nlayout: default\ntitle: Wpis\nlang: pl\n---\n# Wpis\n\nTekst *autora*.\n\n"
    '{% include course-order.html product="kolejki-bez-strachu" %}\n\nDalszy *ciąg*.\n',
    "odd.md": '---\nlayout: default\n---\n{% include course-order.html product="no-such" %}\n',
}
ELEVENTY_SITE: Mapping[str, str] = {
    "_includes/base.njk": _BASE % ("{{ lang }}", "{{ title }}", "{{ content | safe }}"),
    "blog.md": "---\nlayout: base.njk\ntitle: Wpis\nlang: pl\ntemplateEngineOverride: njk,md\n---\n# Wpis\n\n"
    'Tekst *autora*.\n\n{% set product = "kolejki-bez-strachu" %}{% include "course-order.njk" %}\n\nDalszy *ciąg*.\n',
    "odd.njk": '{% set product = "no-such" %}{% include "course-order.njk" %}\n',
}
HUGO: Mapping[str, str] = {
    "hugo.toml": 'baseURL = "https://blog.example/"\ntitle = "Blog Hanny"\ndefaultContentLanguage = "pl"\n'
    "[languages.pl]\n[languages.en]\n",
    "layouts/single.html": _BASE % ("{{ .Language.Lang }}", "{{ .Title }}", "{{ .Content }}"),
    "layouts/list.html": _BASE % ("{{ .Language.Lang }}", "{{ .Title }}", "{{ len .RegularPages }}"),
    "content/blog.md": "---\ntitle: Wpis\n---\n# Wpis\n\nTekst *autora*.\n\n"
    '{{< course-order "kolejki-bez-strachu" >}}\n\nDalszy *ciąg*.\n',
}
ASTRO: Mapping[str, str] = {
    "package.json": '{"private": true, "type": "module"}\n',
    "astro.config.mjs": "export default { markdown: { syntaxHighlight: false } };\n",
    "src/layouts/Base.astro": "---\nconst { title, lang = 'pl' } = Astro.props;\n---\n"
    + (_BASE % ("", "{title}", "<slot />")).replace('lang=""', "lang={lang}"),
    "src/pages/blog.astro": '---\nimport Base from "../layouts/Base.astro";\n'
    'import CourseOrder from "../components/CourseOrder.astro";\n---\n<Base title="Wpis"><h1>Wpis</h1>'
    '<p>Tekst <em>autora</em>.</p><CourseOrder product="kolejki-bez-strachu" /><p>Dalszy <em>ciąg</em>.</p></Base>\n',
}


def settle(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of a site."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def jekyll(site: Path, out: Path) -> None:
    """Build a site with Debian's Jekyll."""
    _run(
        "jekyll", "build", "--quiet", "--disable-disk-cache", "--source", str(site), "--destination", str(out)
    )


def eleventy(site: Path, out: Path) -> None:
    """Build a site with Eleventy."""
    _run(
        "node",
        str(MODULES / "@11ty" / "eleventy" / "cmd.cjs"),
        "--quiet",
        f"--input={site}",
        f"--output={out}",
        folder=site.parent,
    )


def hugo(site: Path, out: Path) -> None:
    """Build a site with Hugo."""
    _run("hugo", "--source", str(site), "--destination", str(out))


def astro(site: Path, out: Path) -> None:
    """Build a site with Astro, whose modules lie elsewhere."""
    if not (site / "node_modules").exists():
        (site / "node_modules").symlink_to(MODULES)
    _run("node", str(MODULES / "astro" / "astro.js"), "build", "--silent", "--outDir", str(out), folder=site)


Build = Callable[[Path, Path], None]
SITES: Mapping[str, tuple[Build, Mapping[str, str]]] = {
    "jekyll": (jekyll, JEKYLL),
    "eleventy": (eleventy, ELEVENTY_SITE),
    "hugo": (hugo, HUGO),
    "astro": (astro, ASTRO),
}


def _run(*command: str, folder: Path | None = None) -> None:
    environ = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "LANG": "C.UTF-8",
        "ASTRO_TELEMETRY_DISABLED": "1",
    }
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


@contextmanager
def shown(folder: Path) -> Iterator[str]:
    """Serve a built site until the block ends; yield its address."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
