"""The way in: every call of a peer passes a fault switch and, where a key is needed, shows it.

Also the small things that all peers share: reading a body with a limit, answering with JSON, losing a connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kramik.payment import same
from kramik.sandbox.faults import Fault, Faults

LARGEST = 64 * 1024
JUNK = b'{"id": "half an ans'

Handler = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """Answer with this status and sentence."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class Door:
    """The doors of one world; `closing` ends every artificial delay."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._closing: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Begin to serve on the running event loop."""
        self._closing, self._loop = asyncio.Event(), asyncio.get_running_loop()

    def close(self) -> None:
        """End every delay; may be called from any thread."""
        if self._loop is not None and self._closing is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._closing.set)

    def __call__(self, peer: str, operation: str, handler: Handler, *, token: str = "") -> Handler:
        """Return the handler behind a fault switch and, with a token, behind a check of the bearer."""

        async def guarded(request: Request) -> Response:
            try:
                if token:
                    _check(request, token)
                fault = self._faults.draw(peer, operation)
                return (
                    await handler(request) if fault is None else await self._spoiled(fault, request, handler)
                )
            except Refusal as refusal:
                return told(refusal.status, refusal.message)

        return guarded

    async def _spoiled(self, fault: Fault, request: Request, handler: Handler) -> Response:
        if fault.fault in ("refuse", "too_many_requests"):
            return _refused(fault)
        if fault.fault == "slow":
            await self._wait(fault.delay)
        answer = await handler(request)
        if fault.fault == "time_out_after_effect":
            await self._wait(fault.delay)
        if fault.fault == "garbage":
            return Response(JUNK, media_type="application/json")
        return Lost() if fault.fault == "drop" else answer

    async def _wait(self, seconds: float) -> None:
        if self._closing is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)


class Lost(Response):
    """No answer at all: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Reset the connection and wait until it is gone."""
        scope["reset"]()
        while (await receive())["type"] != "http.disconnect":
            pass


def resetting(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that `Lost` can reset its connection; it looks into uvicorn, which offers no other way."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        scope["reset"] = lambda: _reset(getattr(getattr(send, "__self__", None), "transport", None))
        await app(scope, receive, send)

    return wrapped


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is None:
        msg = "only uvicorn can lose a connection"
        raise RuntimeError(msg)
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


async def read(request: Request) -> bytes:
    """Read the body.

    Raises:
        Refusal: it is too large.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Refusal(413, f"send at most {LARGEST} bytes")
    return body


async def facts(request: Request, *needed: str) -> dict[str, str]:
    """Read a JSON object of texts in which these fields are not empty.

    Raises:
        Refusal: it is something else, with everything that is missing.
    """
    try:
        found = msgspec.json.decode(await read(request), type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refusal(400, "send a JSON object whose values are texts") from None
    if missing := [field for field in needed if not found.get(field)]:
        raise Refusal(422, f"missing: {', '.join(missing)}")
    return found


def answer(content: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def told(status: int, message: str) -> Response:
    """Answer with a sentence."""
    return answer({"message": message}, status)


def _refused(fault: Fault) -> Response:
    status = 429 if fault.fault == "too_many_requests" else fault.status
    response = told(status, f"this world was told to answer {status}")
    if status in (429, 503):
        response.headers["retry-after"] = str(1 if fault.retry_after is None else fault.retry_after)
    return response


def _check(request: Request, token: str) -> None:
    given = request.headers.get("authorization", "")
    if not same(f"Bearer {token}".encode(), given.encode("utf-8", "replace")):
        raise Refusal(401, "this bearer token is not known here")
