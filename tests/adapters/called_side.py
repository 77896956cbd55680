"""A vendor's side, called without a world: what a gateway sent is read as the simulator gets it."""

from __future__ import annotations

import json

from msgspec.structs import replace

from kramik.sandbox.dialect import Begun, Call, CalledDialect, Notification, Reply


class Nobody:
    """A book in which nothing is written and nothing looked up."""

    def payments(self, order: str) -> list[Notification]:
        """Return nothing."""
        raise AssertionError(order)

    def write(self, effect: str, order: str, **facts: str | int) -> None:
        """Write nothing."""
        raise AssertionError(effect, order, facts)


def sent(asked: bytes) -> Call:
    """Return a request as the vendor's side reads it."""
    head, _, body = asked.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    method, path = first.split()[:2]
    return Call(method=method, path=path, query="", headers=headers, body=body)


def said(side: CalledDialect, call: Call) -> Reply:
    """Return what the vendor's side answers, where it begins nothing."""
    answer = side.call(call, Nobody())
    assert isinstance(answer, Reply)
    return answer


def taken(side: CalledDialect, token: Call, call: Call, *, word: str = "Bearer {0}") -> Reply | Begun:
    """Return what the vendor's side says to a call under a token that it granted to the call before."""
    granted = json.loads(said(side, token).body)["access_token"]
    headers = {**call.headers, "authorization": word.format(granted)}
    return side.call(replace(call, headers=headers), Nobody())
