"""Asking a server: one plain request that follows nothing, and bytes that no client would send."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

import msgspec

SECONDS = 20.0
JSON = {"accept": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: header names in small letters, doubled ones joined with a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    def json(self) -> dict:
        """Return the body as a JSON object."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


def ask(
    url: str, method: str = "GET", *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """Make one request and follow nothing."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target or "/", body, dict(headers or {}))
        return _reply(connection.getresponse())
    finally:
        connection.close()


def post_form(url: str, fields: Mapping[str, str], **headers: str) -> Reply:
    """Send a form as a browser does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(url, "POST", body=urlencode(fields).encode(), headers=FORM | named)


def post_json(url: str, content: object, **headers: str) -> Reply:
    """Send JSON as a program does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps(content).encode()
    return ask(url, "POST", body=body, headers={"content-type": "application/json"} | JSON | named)


def raw(url: str, *sent: bytes, seconds: float = SECONDS) -> Reply | None:
    """Send bytes and read one answer; None when the server hung up without one."""
    with connected(url, seconds=seconds) as line:
        with suppress(ConnectionError):
            for part in sent:
                line.sendall(part)
        return answered(line, method=sent[0].partition(b" ")[0].decode("latin-1"))


def connected(url: str, *, seconds: float = SECONDS) -> socket.socket:
    """Connect and say nothing."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=seconds)


def answered(line: socket.socket, *, method: str = "GET") -> Reply | None:
    """Read one answer; None when the server hung up without one."""
    answer = http.client.HTTPResponse(line, method=method)
    try:
        answer.begin()
        return _reply(answer)
    except (ConnectionError, http.client.BadStatusLine):
        return None
    finally:
        answer.close()


def _reply(answer: http.client.HTTPResponse) -> Reply:
    joined: dict[str, str] = {}
    for name, value in answer.getheaders():
        known = joined.get(name.lower())
        joined[name.lower()] = value if known is None else f"{known}, {value}"
    return Reply(status=answer.status, headers=joined, body=answer.read())
