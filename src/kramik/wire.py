"""One peer's connections, and the hard time-out of a call: address, connection, TLS, sending and reading together.

It knows nothing of what an answer means; that is `http.py`. It stands on httpcore2, the transport of httpx2:
only there can every single read be given the time that is left, so that no slow drip of bytes outlives it.
Only the resolver of the system can not be interrupted; when it returns too late, nothing is sent any more.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Lock, local
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from kramik.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    import ssl

    import httpcore2

LARGEST = 1024 * 1024
"""Bytes of an answer that are read; no peer of a shop has more to say."""

IDLE = 3.0
"""Seconds an unused connection is kept; servers close theirs after five or more, so we are the first."""

CONNECTIONS = 100

_NAT64 = IPv6Network("64:ff9b::/96")

Headers = list[tuple[bytes, bytes]]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; `whole` is false when the body was cut off or is larger than we read."""

    status: int
    headers: Headers
    body: bytes
    whole: bool


class Lost(Exception):
    """No reply came: `sent` when a byte of the request may have left, `timed_out` when the time was up."""

    def __init__(self, *, sent: bool, timed_out: bool) -> None:
        self.sent, self.timed_out = sent, timed_out
        super().__init__("no reply")


class Private(Exception):
    """The name leads to an address inside of somebody's network; nothing was sent."""


class Unwritable(Exception):
    """This request can not be written as HTTP; nothing was sent."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a peer is, parsed once, so that a call only adds its path."""

    scheme: str
    host: bytes
    port: int | None
    prefix: str

    @property
    def named(self) -> bytes:
        """Return the value of the header `Host`."""
        host = b"[%b]" % self.host if b":" in self.host else self.host
        return host if self.port is None else b"%b:%d" % (host, self.port)


class Line:
    """The open connections to one origin, shared by all threads; with `public` only to addresses of the internet."""

    def __init__(self, origin: Origin, *, call_seconds: float, public: bool = False) -> None:
        self._origin, self._seconds, self._public = origin, call_seconds, public
        self._pool: httpcore2.ConnectionPool | None = None
        self._lock = Lock()

    def exchange(
        self, method: str, target: str, *, headers: Headers, content: bytes, seconds: float | None = None
    ) -> Reply:
        """Make one call; `target` is a path below the origin, with its query, `seconds` less than its usual time.

        Raises:
            Lost: no reply came within the time, or the connection broke.
            Private: there is no public address behind the name.
            Unwritable: the request has characters that HTTP does not allow.
        """
        import httpcore2  # noqa: PLC0415 - nobody loads it who makes no call

        lasts = self._seconds if seconds is None else min(seconds, self._seconds)
        _call.deadline, _call.sent = time.monotonic() + lasts, False
        try:
            request = httpcore2.Request(
                method,
                self._url(target),
                headers=[(b"host", self._origin.named), *headers],
                content=content,
                extensions={"timeout": {"pool": lasts}},
            )
            response = self._connections().handle_request(request)
        except (httpcore2.LocalProtocolError, UnicodeError):
            raise Unwritable from None
        except _failures() as error:
            raise Lost(sent=_call.sent, timed_out="Timeout" in type(error).__name__) from None
        body, whole = _read(response)
        return Reply(status=response.status, headers=response.headers, body=body, whole=whole)

    def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _url(self, target: str) -> httpcore2.URL:
        import httpcore2  # noqa: PLC0415 - nobody loads it who makes no call

        at, full = self._origin, (self._origin.prefix + target).encode("ascii")
        return httpcore2.URL(scheme=at.scheme.encode(), host=at.host, port=at.port, target=full)

    def _connections(self) -> httpcore2.ConnectionPool:
        import httpcore2  # noqa: PLC0415 - nobody loads it who makes no call

        with self._lock:
            if self._pool is None:
                self._pool = httpcore2.ConnectionPool(
                    ssl_context=httpcore2.default_ssl_context() if self._origin.scheme == "https" else None,
                    max_connections=CONNECTIONS,
                    keepalive_expiry=IDLE,
                    network_backend=_Network(public=self._public),  # type: ignore[arg-type] # it has the methods, and no base to import
                )
            return self._pool


class _Call(local):
    """The call that this thread is making: until when, and whether a byte of it may have left."""

    deadline: float = 0.0
    sent: bool = False

    def left(self) -> float:
        """Return the seconds that are left of this call."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Network:
    """Opens connections in the time that is left of the call (see httpcore2.NetworkBackend)."""

    def __init__(self, *, public: bool) -> None:
        import httpcore2  # noqa: PLC0415 - nobody loads it who makes no call

        self._sockets, self._public = httpcore2.SyncBackend(), public
        self._refused = (httpcore2.ConnectError, httpcore2.ConnectTimeout)

    def connect_tcp(self, host: str, port: int, **_theirs: object) -> _Stream:
        *firsts, last = self._resolved(host, port)
        for address in firsts:
            with suppress(*self._refused):
                return _Stream(self._sockets.connect_tcp(address, port, _call.left() / 2))
        return _Stream(self._sockets.connect_tcp(last, port, _call.left()))

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name; connections go to these and to no later answer of the resolver."""
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = dict.fromkeys(str(each[4][0]) for each in answers)
        allowed = [address for address in found if not self._public or is_public(address)]
        if not allowed:
            raise Private
        return allowed


class _Stream:
    """A connection whose every operation gets only the time that is left (see httpcore2.NetworkStream).

    What is written waits until an answer is wanted, so that head and body of a request leave together.
    """

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream, self._unsent = stream, b""

    def read(self, max_bytes: int, **_theirs: object) -> bytes:
        if self._unsent:
            self._send()
        return self._stream.read(max_bytes, _call.left())

    def write(self, buffer: bytes, **_theirs: object) -> None:
        self._unsent += buffer

    def _send(self) -> None:
        import httpcore2  # noqa: PLC0415 - nobody loads it who makes no call

        left, request, self._unsent = _call.left(), self._unsent, b""
        _call.sent = True
        with suppress(httpcore2.WriteError):  # a peer may refuse and close before it has read everything
            self._stream.write(request, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str, **_theirs: object) -> _Stream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _call.left()))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


_call = _Call()


def parse_origin(base_url: str) -> Origin:
    """Read the address of a peer.

    Raises:
        ConfigurationError: it is no address of a server.
    """
    try:
        parts = urlsplit(base_url)
        host, port = (parts.hostname or "").encode("idna"), parts.port
    except (ValueError, UnicodeError):
        parts, host, port = urlsplit(""), b"", None
    odd = parts.query or parts.fragment or "@" in parts.netloc or not parts.path.isascii()
    if parts.scheme not in ("http", "https") or not host or odd:
        message = (
            "is no address of a server; write one like https://api.example.com, without query or password"
        )
        raise ConfigurationError(Problem(field="base_url", code="not_a_url", message=message))
    return Origin(scheme=parts.scheme, host=host, port=port, prefix=parts.path.rstrip("/"))


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the internet, however it is wrapped."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            wrapped = IPv4Address(int(ip) & 0xFFFF_FFFF)
        ip = wrapped or ip
    return ip.is_global and not ip.is_multicast


def _read(response: httpcore2.Response) -> tuple[bytes, bool]:
    """Return the body, and whether it is all of it."""
    chunks: list[bytes] = []
    size = 0
    try:
        for chunk in response.iter_stream():
            size += len(chunk)
            if size > LARGEST:
                return b"".join(chunks), False
            chunks.append(chunk)
    except _failures():
        return b"".join(chunks), False
    finally:
        response.close()
    return b"".join(chunks), True


def _failures() -> tuple[type[Exception], ...]:
    import httpcore2  # noqa: PLC0415 - nobody loads it who makes no call

    return httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, OSError
