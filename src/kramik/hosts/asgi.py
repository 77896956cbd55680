"""The local host: Starlette on uvicorn in front of the handlers of `web.py`, the static site and the workers.

The event loop never waits for the disk or for a peer: it awaits the store's futures, and the two handlers
that may read much or call out run in a thread.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from kramik.answer import Answer, Part, Request, Response
from kramik.hosts.courtesy import Courtesy
from kramik.site.headers import FOREVER, FRESH
from kramik.web import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Receive, Scope, Send

SLOWEST_BODY = 15.0
"""Seconds in which a body must have arrived."""

PIECE = 256 * 1024
"""Bytes of a file that are in memory at once, for each who reads it."""

CALLERS = 16
"""Buyers for whom a gateway is called at the same time; the others wait their turn."""

METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")

_THANKS = re.compile(r"(?:[a-z]{2}/)?thanks(?:/|\Z)")


class Handlers(Protocol):
    """Who answers: `kramik.web.Web`, or what the benchmark compares it with."""

    def handle(self, request: Request) -> Answer:
        """Answer a request, whatever it is."""
        ...

    def too_large(self, request: Request) -> Response:
        """Answer a body over the limit."""
        ...


class Door:
    """An ASGI application: one request to the handlers, one answer back."""

    def __init__(
        self, web: Handlers, *, slowest_body: float = SLOWEST_BODY, courtesy: Courtesy | None = None
    ) -> None:
        self._web, self._slowest_body, self._landings = web, slowest_body, Landings()
        self._courtesy = courtesy or Courtesy()
        self._callers = ThreadPoolExecutor(CALLERS, "kramik-caller")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in and out again."""
        self._courtesy.inside += 1
        try:
            await self._served(scope, receive, send)
        finally:
            self._courtesy.inside -= 1

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, let it be handled, send the answer."""
        request = _request(scope)
        try:
            async with asyncio.timeout(self._slowest_body):
                body = await _body(receive, request.headers)
        except TimeoutError:
            await _send(send, Response(status=408, headers=(("connection", "close"),)))
            return
        if body is None:
            await _send(send, self._web.too_large(request))
            return
        answer = await self._handled(_request(scope, body))
        while not isinstance(answer, Response):
            await self._landings.of(answer.stored)
            answer = await self._called(answer.then) if answer.calls else answer.then()
        if answer.part is None:
            await _send(send, answer)
        else:
            await _send_part(receive, send, answer, answer.part)

    async def _called(self, then: Callable[[], Response]) -> Response:
        """Let an answer call a vendor, in threads of its own: a vendor that hangs takes none from anybody else."""
        return await asyncio.get_running_loop().run_in_executor(self._callers, then)

    async def _handled(self, request: Request) -> Answer:
        if request.path.startswith("/access/") or request.path == "/healthz":
            return await asyncio.to_thread(self._web.handle, request)
        return self._web.handle(request)


class Landings:
    """Wakes the requests that wait for the store: all whose futures ended meanwhile, with one call into the loop."""

    def __init__(self) -> None:
        self._landed: deque[asyncio.Future[None]] = deque()
        self._called = False

    async def of(self, future: Future[None]) -> None:
        """Wait for the end of a future, however it ends; the handler looks at the future itself."""
        if future.done():
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        future.add_done_callback(lambda _: self._land(waiter, loop))
        await waiter

    def _land(self, waiter: asyncio.Future[None], loop: asyncio.AbstractEventLoop) -> None:
        self._landed.append(waiter)
        if not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._called = False  # before the look, so that who lands during it calls again
        while self._landed:
            waiter = self._landed.popleft()
            if not waiter.done():
                waiter.set_result(None)


class Site(StaticFiles):
    """The static site with the headers that a host would add."""

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._headers = headers

    async def get_response(self, path: str, scope: Scope) -> StarletteResponse:
        """Return a file of the site, or its page 404; send a folder on to its slash, whatever host was named."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            response = PlainTextResponse(error.detail, error.status_code, error.headers)
        if isinstance(response, RedirectResponse):
            response = RedirectResponse(f"/{quote(path)}/")
        sent = {**_kept(path, response.status_code), **self._headers, **_told(path)}
        for name, value in sent.items():
            response.headers.setdefault(name, value)
        return response


def _kept(path: str, status: int) -> dict[str, str]:
    """Return how long a browser keeps a file, as `_headers` says it to other hosts: names of assets carry a hash."""
    there = status < HTTPStatus.BAD_REQUEST
    return {"Cache-Control": FOREVER if there and path.startswith("assets/") else FRESH}


def _told(path: str) -> dict[str, str]:
    """Return what other sites are told of a page: nothing where its address holds the key of an order."""
    return {"Referrer-Policy": "no-referrer"} if _THANKS.match(path) else {}


def application(
    web: Handlers,
    site: Path,
    *,
    headers: Mapping[str, str],
    started: Callable[[], None],
    stopped: Callable[[], None],
    courtesy: Courtesy | None = None,
    shown: Site | None = None,
    more: Sequence[Route] = (),
) -> Starlette:
    """Return the application: API, access links and static site under one address.

    `shown` shows the site in another way, and `more` are routes beside those of a shop.
    """
    door = Door(web, courtesy=courtesy)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        started()
        yield
        await asyncio.to_thread(stopped)

    routes = [
        Route("/api/{path:path}", door, methods=None),
        Route("/access/{token:path}", door, methods=None),
        Route("/healthz", door, methods=None),
        *more,
        Mount("/", shown or Site(site, headers)),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _request(scope: Scope, body: bytes = b"") -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query = scope["query_string"].decode("latin-1")
    return Request(method=scope["method"], path=scope["path"], query=query, headers=headers, body=body)


async def _body(receive: Receive, headers: Mapping[str, str]) -> bytes | None:
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > LARGEST_BODY:
        return None
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send_part(receive: Receive, send: Send, response: Response, part: Part) -> None:
    """Send a part of a file piece by piece, read by threads, no faster than it is taken and only while it is wanted."""
    try:
        file = await asyncio.to_thread(Path(part.file).open, "rb")
    except OSError:
        await _send(send, Response(status=404))
        return
    gone = asyncio.ensure_future(receive())
    try:
        await asyncio.to_thread(file.seek, part.start)
        await send({"type": "http.response.start", "status": response.status, "headers": _headers(response)})
        left = part.length
        while left > 0 and not gone.done():
            piece = await asyncio.to_thread(file.read, min(left, PIECE))
            if not piece:
                break  # the file became shorter: the length that was told is not met, and the connection ends
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
    finally:
        gone.cancel()
        await asyncio.to_thread(file.close)


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]


async def _send(send: Send, response: Response) -> None:
    headers = _headers(response)
    told = any(name == b"content-length" for name, _ in headers)
    if response.status not in (204, 304) and not told:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
