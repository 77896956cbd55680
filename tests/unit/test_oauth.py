"""Tokens: asked for once, kept while they last, replaced when they are refused, and never shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from threading import Event

import pytest

from kramik.errors import KramikError, Rejected, Transient
from kramik.http import Answer, Budget, Client
from kramik.oauth import LONGEST, MARGIN, Authorized, Granted
from tests.contracts.race import race
from tests.contracts.stopwatch import quickest, timed
from tests.hosts.served import eventually
from tests.unit.raw_server import (
    PATIENCE,
    RawServer,
    Script,
    answering,
    closing,
    in_turn,
    reply,
    resetting,
    serving,
    silent,
)

SECRET = "made-up-client-secret-of-the-tests"
TOKEN, OTHER = "first-made-up-token", "second-made-up-token"
OK, REFUSED = reply(200, b"{}"), reply(401, b'{"error": "invalid_token"}')


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


def granted(token: str = TOKEN, lasts: object = 3600) -> bytes:
    """Return the answer that grants a token."""
    return reply(
        200, json.dumps({"access_token": token, "token_type": "bearer", "expires_in": lasts}).encode()
    )


@contextmanager
def peer(script: Script, *, seconds: float = 1.0) -> Iterator[tuple[Authorized, RawServer, Clock]]:
    """Run a peer that behaves like this, and what calls it with tokens."""
    clock = Clock()
    with serving(script) as server:
        client = Client(server.url, name="peer", call_seconds=seconds, secrets=(SECRET,))
        made = Authorized(client, path="/token", form={"client_secret": SECRET}, clock=clock)
        yield made, server, clock
        made.close()


def call(authorized: Authorized) -> Answer:
    """Make the call that the tests make."""
    return authorized.send("GET", "/thing", doing="asking for a thing")


def refused(authorized: Authorized) -> None:
    """Make that call in vain."""
    with pytest.raises(KramikError):
        call(authorized)


def said(server: RawServer) -> list[tuple[str, str]]:
    """Return the path and the token of each request."""
    heads = [each.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n") for each in server.asked]
    return [
        (
            lines[0].split()[1],
            "".join(line.partition(": ")[2] for line in lines if line.lower().startswith("authorization")),
        )
        for lines in heads
    ]


def test_one_token_for_many_calls() -> None:
    """A token is asked for with the credentials in a form, and serves until its end is near."""
    with peer(in_turn(granted(), OK)) as (authorized, server, _):
        assert [200, 200] == [call(authorized).status for _ in range(2)]
    assert [("/token", ""), *[("/thing", f"Bearer {TOKEN}")] * 2] == said(server)
    assert server.asked[0].endswith(f"client_secret={SECRET}".encode())


@pytest.mark.parametrize(
    ("lasts", "late", "kept"),
    [
        (3600, 3600 - MARGIN - 1, True),
        (3600, 3600 - MARGIN, False),
        (10**9, LONGEST - MARGIN, False),
        (MARGIN, 0, False),
        (0, 0, False),
        (-5, 0, False),
        (1800.5, 1700, True),
    ],
)
def test_end_of_a_token(*, lasts: float, late: float, kept: bool) -> None:
    """A token is replaced a minute before its end, or after a day; one without a time serves for one call."""
    with peer(in_turn(granted(lasts=lasts), OK, granted(OTHER) if not kept else OK, OK)) as (
        authorized,
        server,
        clock,
    ):
        call(authorized)
        clock.now += late
        call(authorized)
    assert f"Bearer {TOKEN if kept else OTHER}" == said(server)[-1][1]


def test_refused_token_is_replaced_once() -> None:
    """A token that the peer forgot is replaced within the call, for that call did nothing."""
    with peer(in_turn(granted(), OK, REFUSED, granted(OTHER), OK)) as (authorized, server, _):
        call(authorized)
        assert 200 == call(authorized).status
    tokens = [token for path, token in said(server) if path == "/thing"]
    assert [f"Bearer {TOKEN}", f"Bearer {TOKEN}", f"Bearer {OTHER}"] == tokens


def test_new_token_that_is_refused() -> None:
    """A peer that refuses a fresh token, too, is believed: it is asked no third time."""
    with peer(in_turn(granted(), REFUSED, granted(OTHER), REFUSED)) as (authorized, server, _):
        with pytest.raises(Rejected, match="check the key"):
            call(authorized)
        assert 4 == len(server.asked)


@pytest.mark.parametrize(
    "answer",
    [
        answering(reply(500)),
        answering(reply(503)),
        answering(reply(429)),
        answering(reply(200, b"<html>")),
        answering(granted("")),
        answering(granted("two words")),
        answering(granted("line\nend")),
        answering(granted("żółw")),
        answering(granted("a" * 8193)),
        answering(granted(lasts="soon")),
        closing(),
        resetting,
        silent,
    ],
    ids=[
        "error",
        "down",
        "too many",
        "html",
        "empty",
        "two words",
        "line end",
        "not ASCII",
        "too long",
        "no number",
        "closed",
        "reset",
        "silent",
    ],
)
def test_without_a_token_nothing_happened(answer: Script) -> None:
    """When there is no token, the call was not made, and may be made again later."""
    with peer(answer, seconds=0.5) as (authorized, server, _), pytest.raises(Transient):
        call(authorized)
    assert {"/token"} == {path for path, _ in said(server)}


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials(status: int) -> None:
    """Credentials that the peer refuses are for a person, and are not shown."""
    body = f'{{"error_description": "no client {SECRET}"}}'.encode()
    with (
        peer(answering(reply(status, body))) as (authorized, _, _clock),
        pytest.raises(Rejected, match="refused") as caught,
    ):
        call(authorized)
    assert SECRET not in str(caught.value)


def test_threads_share_a_token() -> None:
    """Of many threads that need a token at once, one asks and the others wait for it."""
    with peer(in_turn(granted(), OK)) as (authorized, server, _):
        race([lambda: call(authorized)] * 8)
    assert 1 == [path for path, _ in said(server)].count("/token")


def test_waiting_for_a_token_ends() -> None:
    """Who waits for another thread's token waits no longer than a call may last."""

    def waiting() -> float:
        return timed(lambda: refused(authorized))

    with peer(silent, seconds=0.5) as (authorized, _, _clock):
        assert quickest(lambda: max(race([waiting] * 3)), 1.4) < 1.4


def test_waiting_is_not_the_others_patience() -> None:
    """Who waits while another thread asks with more time waits only for as long as its own call may last."""

    def held(connection: socket, _over: Event) -> None:
        given_up.wait(PATIENCE)
        connection.sendall(reply(503, b""))

    def patient() -> float:
        return timed(lambda: refused(authorized))

    def hasty() -> float:
        assert eventually(lambda: server.asked)
        waited = timed(turned_away)
        given_up.set()
        return waited

    def turned_away() -> None:
        with pytest.raises(Transient, match="another call"):
            authorized.send("GET", "/thing", doing="asking", budget=Budget(0.1))

    given_up = Event()
    with peer(held, seconds=PATIENCE) as (authorized, server, _):
        _, waited = race([patient, hasty])
    assert waited < PATIENCE / 2


@pytest.mark.parametrize(
    "slow",
    [[(0.4, granted())], [(0.0, granted()), (0.4, REFUSED)]],
    ids=["the token is slow", "the refusal is slow"],
)
def test_everything_shares_the_time(slow: list[tuple[float, bytes]]) -> None:
    """A token, the call, and another token together last no longer than one call."""

    def attempt() -> float:
        left = list(slow)

        def script(connection: socket, over: Event) -> None:
            pause, answer = left.pop(0) if left else (5.0, b"")
            if not over.wait(pause):
                connection.sendall(answer)

        with peer(script, seconds=0.6) as (authorized, _, _clock):
            return timed(lambda: refused(authorized))

    assert quickest(attempt, 0.9) < 0.9


def test_nothing_shows_the_token() -> None:
    """Neither a representation nor the peer's own words show the token."""
    body = f"you sent {TOKEN}".encode()
    with peer(in_turn(granted(), reply(400, body), reply(418, body))) as (authorized, _, _clock):
        with pytest.raises(Rejected) as caught:
            call(authorized)
        answer = authorized.send("GET", "/thing", doing="asking", answers=(418,))
        shown = [str(caught.value), repr(authorized), str(authorized.decision(answer))]
        shown.append(repr(Granted(access_token=TOKEN)))
    assert [] == [each for each in shown if TOKEN in each]
