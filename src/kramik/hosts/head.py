"""uvicorn's HTTP protocol with the two limits that it lacks: how large and how slow the head of a request may be.

Without them one connection could fill the memory with an endless header, or stay for ever without a request.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
SLOWEST_HEAD = 15.0
"""Seconds in which the head of a request must have arrived."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Protocol(HttpToolsProtocol):
    """One connection."""

    slowest_head = SLOWEST_HEAD
    _timer: asyncio.TimerHandle | None = None
    _size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Expect a request."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._expected()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too large."""
        if self._timer is not None:
            self._size += len(data)
        super().data_received(data)
        if self._timer is not None and self._size > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Expect the rest of the head soon."""
        super().on_message_begin()
        if self._timer is None:
            self._expect()

    def on_headers_complete(self) -> None:
        """Let the request be answered; its body has limits of its own."""
        self._expected()
        super().on_headers_complete()

    def _expect(self) -> None:
        self._size = 0
        self._timer = self.loop.call_later(self.slowest_head, self._hang_up)

    def _expected(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
