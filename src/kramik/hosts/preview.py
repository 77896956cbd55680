"""The live preview of `kramik serve --sandbox`: a file that was saved is seen at once, and mistakes are a page.

It looks at the times of the shop's files twice a second; a thousand of them cost a few milliseconds, and no library.
Nothing of it is in what a build writes: the script is added while a page is sent.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from pathlib import Path

from starlette.requests import Request as Asked
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from starlette.types import Scope

from kramik.answer import Answer, Request, Response
from kramik.errors import ConfigurationError, Problem
from kramik.hosts.asgi import Handlers, Site
from kramik.hosts.worker import utc_now

EVERY = 0.5
"""Seconds between two looks at the files, and between two questions of the page."""

VERSION, SCRIPT, STYLE = "/__preview", "/__preview.js", "/__preview.css"
_WATCHED = ("*.toml", "*.csv", "products/*", "pages/*", "templates/**/*", "pictures/*")
_JS = f"""
let {{ seen }} = document.currentScript.dataset;
setInterval(async () => {{
  const answer = await fetch("{VERSION}", {{ cache: "no-store" }}).catch(() => null);
  const now = answer?.ok ? await answer.text() : seen;
  if (now !== seen) location.reload();
  seen = now;
}}, {int(EVERY * 1000)});
"""


CSS = """
:root { color-scheme: light dark; --paper: #fcfbf7; --ink: #1b1e27; --rule: #dcd8d0; --mark: #f7df6b; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161d; --ink: #ece9e3; --rule: #3a3e48; --mark: #6b5a16; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: clamp(2rem, 8vw, 5rem) 1rem; }
h1 { font: 700 clamp(1.9rem, 5vw, 2.75rem)/1.1 Georgia, serif; margin: 0 0 1rem; }
ul { list-style: none; margin: 2rem 0 0; padding: 0; }
li { border-top: 1px solid var(--rule); padding: 1rem 0; overflow-wrap: anywhere; }
code { display: block; width: fit-content; font: .9375rem/1.5 ui-monospace, monospace; margin-bottom: .25rem;
  background: linear-gradient(var(--mark), var(--mark)) 0 88% / 100% .5em no-repeat; }
"""


class Current:
    """The handlers of the moment: whoever previews puts others in their place."""

    def __init__(self, web: Handlers) -> None:
        self.web = web

    def handle(self, request: Request) -> Answer:
        """Answer a request, whatever it is."""
        return self.web.handle(request)

    def too_large(self, request: Request) -> Response:
        """Answer a body over the limit."""
        return self.web.too_large(request)


class Preview:
    """Watches a shop's folder and builds again, in a thread of its own, what was saved.

    `again` returns when the pages change next by themselves: then they are built again, too.
    """

    def __init__(self, folder: Path, again: Callable[[], datetime | None]) -> None:
        self.version = 1
        self._due: datetime | None = None
        self.trouble: tuple[Problem, ...] = ()
        self._folder, self._again = folder, again
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kramik-preview", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._end.set()
        self._thread.join(10)

    @property
    def routes(self) -> list[Route]:
        """Return the addresses that a previewed page asks."""
        return [Route(VERSION, self._tell), Route(SCRIPT, _script), Route(STYLE, _style)]

    def _watch(self) -> None:
        # The first look builds: somebody may have saved meanwhile.
        before: dict[str, tuple[int, int]] = {}
        while not self._end.wait(EVERY):
            now = dict(_times(self._folder))
            if now != before or (self._due and utc_now() >= self._due):
                before = now
                self._build()

    def _build(self) -> None:
        due: datetime | None = None
        trouble: tuple[Problem, ...] = ()
        try:
            due = self._again()
        except ConfigurationError as error:
            trouble = tuple(error.problems)
        except OSError as error:
            # A full disk, or something in the way, may be gone when the next file is saved.
            message = f"can not be written or read: {error.strerror}"
            trouble = (Problem(field=str(error.filename or self._folder), code="disk", message=message),)
        self._due, self.trouble = due, trouble
        self.version += 1

    async def _tell(self, _: Asked) -> StarletteResponse:
        return PlainTextResponse(str(self.version), headers={"Cache-Control": "no-store"})


class PreviewedSite(Site):
    """The site with the script of the preview in each page, or the mistakes in the place of all of them."""

    def __init__(self, folder: Path, headers: Mapping[str, str], preview: Preview) -> None:
        super().__init__(folder, headers)
        self._preview = preview

    async def get_response(self, path: str, scope: Scope) -> StarletteResponse:
        """Return a file of the site as it is to be seen now."""
        response = await super().get_response(path, scope)
        if not isinstance(response, FileResponse) or response.media_type != "text/html":
            return response
        trouble = self._preview.trouble
        page = (
            mistakes(trouble) if trouble else await asyncio.to_thread(Path(response.path).read_text, "utf-8")
        )
        seen = self._preview.version
        shown = page.replace("</body>", f'<script src="{SCRIPT}" data-seen="{seen}" defer></script>\n</body>')
        # A browser that may store nothing forgets what was typed when a buyer comes back from the gateway.
        fresh = {**self._headers, "Cache-Control": "no-store" if trouble else "no-cache"}
        return HTMLResponse(shown, 500 if trouble else response.status_code, fresh)


def mistakes(problems: Iterable[Problem]) -> str:
    """Return a page that names each mistake with its file and line, in the reader's own paper and ink."""
    items = "".join(
        f"<li><code>{escape(each.field)}</code> {escape(each.message)}</li>\n" for each in problems
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>kramik: mend these</title>\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f'<link rel="stylesheet" href="{STYLE}">\n'
        "</head>\n<body>\n<main>\n<h1>The shop can not be built</h1>\n"
        f"<p>Mend these, and this page shows yours again:</p>\n<ul>\n{items}</ul>\n"
        "</main>\n</body>\n</html>\n"
    )


async def _script(_: Asked) -> StarletteResponse:
    return StarletteResponse(_JS, media_type="text/javascript", headers={"Cache-Control": "no-store"})


async def _style(_: Asked) -> StarletteResponse:
    return StarletteResponse(CSS, media_type="text/css", headers={"Cache-Control": "no-store"})


def _times(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for pattern in _WATCHED:
        for file in folder.glob(pattern):
            try:
                found = file.stat()
            except OSError:  # gone between two looks
                continue
            yield str(file), (found.st_size, found.st_mtime_ns)
