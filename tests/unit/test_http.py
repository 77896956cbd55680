"""The outgoing client: what becomes of every status, and of every way to lose a connection."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Semaphore
from time import monotonic

import msgspec
import pytest

from kramik.errors import ConfigurationError, KramikError, NeedsOperator, OutcomeUnknown, Rejected, Transient
from kramik.http import LONGEST_WAIT, SHOWN, Budget, Client
from kramik.wire import LARGEST
from tests.unit.raw_server import (
    PATIENCE,
    RawServer,
    Script,
    answering,
    closing,
    dripping,
    reply,
    resetting,
    serving,
    silent,
)

CALL = 1.0
"""Of a call that is to end by its time; one that is answered has all the patience that a busy machine needs."""
TOKEN = "a token nobody may see"
LINE_LIMIT = CALL + 4.0


class Said(msgspec.Struct):
    ok: bool


@contextmanager
def peer(script: Script, *, path: str = "", call: float = PATIENCE) -> Iterator[tuple[RawServer, Client]]:
    """Serve a script, with a client that knows a secret."""
    with serving(script) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        client = Client(server.url + path, name="peer", call_seconds=call, headers=headers)
        yield server, client
        client.close()


def failure(script: Script, *, call: float = PATIENCE) -> KramikError:
    """Make one call against a script and return what it raised."""
    with peer(script, call=call) as (_, client), pytest.raises(KramikError) as caught:
        client.send("POST", "/grants", doing="granting", json={"email": "anna@example.com"}).json(Said)
    return caught.value


@pytest.mark.parametrize(
    ("status", "headers", "decision"),
    [
        (301, ["location: http://127.0.0.1:1/?token=x"], NeedsOperator),
        (304, [], NeedsOperator),
        (400, [], Rejected),
        (401, [], Rejected),
        (403, ["retry-after: 5"], Rejected),
        (404, [], Rejected),
        (408, [], Transient),
        (409, [], Rejected),
        (422, [], Rejected),
        (429, [], Transient),
        (429, ["retry-after: soon"], Transient),
        (500, [], OutcomeUnknown),
        (500, ["retry-after: 5"], OutcomeUnknown),
        (502, [], OutcomeUnknown),
        (503, [], OutcomeUnknown),
        (503, ["retry-after: soon"], OutcomeUnknown),
        (503, ["retry-after: 5"], Transient),
        (504, [], OutcomeUnknown),
        (599, [], OutcomeUnknown),
    ],
)
def test_status(status: int, headers: list[str], decision: type[KramikError]) -> None:
    """Each status is one decision."""
    assert decision is type(failure(answering(reply(status, b"{}", *headers))))


@pytest.mark.parametrize(("status", "headers"), [(302, ["location: https://pay.example/1"]), (404, [])])
def test_a_status_that_is_an_answer(status: int, headers: list[str]) -> None:
    """A status that the caller knows what to do with is an answer; any other one is decided as ever."""
    with serving(answering(reply(status, b"{}", *headers))) as server:
        client = Client(server.url, name="peer", call_seconds=2)
        answer = client.send("GET", "/", doing="asking", answers=(302, 404))
        with pytest.raises((Rejected, NeedsOperator)):
            client.send("GET", "/", doing="asking", answers=(201,))
        client.close()
    assert (status, b"{}") == (answer.status, answer.body)


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ("0", 0),
        ("120", 120),
        ("999999999999", LONGEST_WAIT),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("-5", None),
        ("1.5", None),
    ],
)
def test_retry_after(said: str, after: float | None) -> None:
    """Seconds and dates are read, and no peer can ask for more than a day."""
    error = failure(answering(reply(429, b"", f"retry-after: {said}")))
    assert isinstance(error, Transient)
    assert after == error.after


def test_retry_after_date() -> None:
    """A date in the future is so many seconds from now."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    error = failure(answering(reply(503, b"", f"retry-after: {date}")))
    assert isinstance(error, Transient)
    assert error.after == pytest.approx(90, abs=5)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'{"ok": 1}', b"<html>ok</html>", b"\xff\xff", b'{"ok": true', b"[" * 90_000],
)
def test_unreadable_success(body: bytes) -> None:
    """A 200 without the JSON that was asked for may have had its effect."""
    assert type(failure(answering(reply(200, body)))) is OutcomeUnknown


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(closing(), id="closed"),
        pytest.param(resetting, id="reset"),
        pytest.param(closing(b'HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"ok": true}'), id="cut off"),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"), id="cut chunk"),
        pytest.param(closing(b"HTTP/1.1 20"), id="cut head"),
        pytest.param(closing(b"EHLO mail\r\n\r\n"), id="no HTTP"),
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\n\r\n"), id="huge head"),
        pytest.param(answering(reply(200, b'{"ok": true}' + b" " * LARGEST)), id="huge body"),
        pytest.param(silent, id="silent"),
    ],
)
def test_lost_after_sending(script: Script) -> None:
    """Whatever breaks after the request was sent, its outcome is unknown."""
    assert type(failure(script, call=CALL if script is silent else PATIENCE)) is OutcomeUnknown


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(reply(200, b'{"ok": true}' + b" " * 2000), id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2000, id="head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, id="continue"),
    ],
)
def test_slow_drip(raw: bytes) -> None:
    """An answer that comes a byte at a time does not outlive the time of the call."""
    begun = monotonic()
    assert type(failure(dripping(raw, 0.02), call=CALL)) is OutcomeUnknown
    assert CALL * 0.9 < monotonic() - begun < LINE_LIMIT


def test_refused_connection() -> None:
    """A port that nobody listens on was sent nothing."""
    with pytest.raises(Transient):
        Client("http://127.0.0.1:1", name="peer", call_seconds=CALL).send("POST", "/", doing="asking")


def test_unknown_host() -> None:
    """A name that nobody knows was sent nothing."""
    with pytest.raises(Transient):
        Client("http://nobody.invalid", name="peer", call_seconds=CALL).send("POST", "/", doing="asking")


def test_tls_that_is_none() -> None:
    """A handshake that fails was sent nothing."""
    with serving(closing(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        client = Client(server.url.replace("http:", "https:"), name="peer", call_seconds=CALL)
        with pytest.raises(Transient):
            client.send("POST", "/", doing="asking")


def test_full_backlog_is_a_connect_time_out() -> None:
    """A server that takes no more connections was sent nothing, and the call ends when its time is up."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        taken = [socket.socket() for _ in range(4)]
        for each in taken:
            each.setblocking(False)  # noqa: FBT003 - the name of the method says what it sets
            each.connect_ex(full.getsockname())
        client, begun = (
            Client(f"http://127.0.0.1:{full.getsockname()[1]}", name="peer", call_seconds=CALL),
            monotonic(),
        )
        with pytest.raises(Transient):
            client.send("POST", "/", doing="asking")
        assert monotonic() - begun < LINE_LIMIT
        for each in taken:
            each.close()


def test_connections_are_kept() -> None:
    """Calls one after the other share one connection."""
    with peer(answering(reply(200, b'{"ok": true}'))) as (server, client):
        for _ in range(20):
            client.send("GET", "/", doing="asking")
        assert (server.connections, len(server.asked)) == (1, 20)


def test_closed_by_the_server_meanwhile() -> None:
    """A kept connection that the server closed is noticed, and the next call opens another."""
    closed = Semaphore(0)

    def script(connection: socket.socket, over: Event) -> None:
        closing(reply(200, b'{"ok": true}'))(connection, over)
        closed.release()

    with peer(script) as (server, client):
        for _ in range(5):
            client.send("GET", "/", doing="asking")
            assert closed.acquire(timeout=PATIENCE)
        assert server.connections == 5


def test_threads_do_not_mix() -> None:
    """Calls of many threads at once each get their own answer."""

    def echo(connection: socket.socket, _over: object) -> None:
        connection.sendall(reply(200, numbers.pop().encode()))

    numbers = [str(number) for number in range(200)]
    with peer(echo, call=5) as (_, client), ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: client.send("GET", "/", doing="asking").body, range(200))
        assert sorted(str(number) for number in range(200)) == sorted(body.decode() for body in answers)


def test_request_on_the_wire() -> None:
    """A request has the path below the base, its query, its headers and its JSON, and asks for no compression."""
    with peer(answering(reply(200, b"{}")), path="/api/v4/") as (server, client):
        query = {"email": "anna+1@example.com"}
        client.send(
            "PUT", "/subscribers/7", doing="asking", query=query, json={"ż": 1}, headers={"X-Key": "k"}
        )
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "PUT /api/v4/subscribers/7?email=anna%2B1%40example.com HTTP/1.1"
    assert body.decode() == '{"ż":1}'
    assert sorted(each.lower() for each in headers) == sorted(
        [
            f"host: {server.url.removeprefix('http://')}",
            "user-agent: kramik",
            "accept: application/json",
            f"authorization: bearer {TOKEN}",
            "x-key: k",
            "content-type: application/json",
            "content-length: 8",
        ]
    )


def test_form_on_the_wire() -> None:
    """A form travels as a browser would send it, and an empty POST says that it is empty."""
    with peer(answering(reply(204))) as (server, client):
        client.send("POST", "/", doing="asking", form={"a": "1 & 2", "b": "ż"})
        client.send("POST", "/", doing="asking")
    assert server.asked[0].endswith(b"\r\n\r\na=1+%26+2&b=%C5%BC")
    assert b"content-length: 0" in server.asked[1].lower()


@pytest.mark.parametrize("odd", ["x\r\nx-evil: 1", "x\0", "\udcff"])
def test_odd_header_is_never_sent(odd: str) -> None:
    """A header that would smuggle another one is for a person, and nothing is sent."""
    with peer(answering(reply(200))) as (server, client), pytest.raises(NeedsOperator):
        client.send("POST", "/", doing="asking", headers={"Idempotency-Key": odd})
    assert server.asked == []


@pytest.mark.parametrize("odd", ["/a b", "/a\r\nx: 1", "/ż"])
def test_odd_path_is_never_sent(odd: str) -> None:
    """A path that was not escaped is for a person, and nothing is sent."""
    with peer(answering(reply(200))) as (server, client), pytest.raises(NeedsOperator):
        client.send("GET", odd, doing="asking")
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    ["", "kurs.example", "ftp://kurs.example", "http://", "https://a:b@kurs.example", "https://kurs.example/?a=b",
     "https://kurs.example/#a", "https://kurs.example:http", "https://kurs.example/ż", "http://[::1"],
)  # fmt: skip
def test_odd_base_url(url: str) -> None:
    """An address that is none is a problem of the configuration."""
    with pytest.raises(ConfigurationError):
        Client(url, name="peer", call_seconds=CALL)


def test_refusal_in_the_peers_words() -> None:
    """A refusal names who refused what, in the peer's own words, and what to do."""
    error = failure(answering(reply(404, b'{"message": "nie ma kursu\n\x1b[31m 7"}')))
    assert str(error) == (
        'peer, granting: refused with 404 ({"message": "nie ma kursu [31m 7"}); '
        "check base_url in shop.toml and the id in the product"
    )


def test_long_refusal_is_cut() -> None:
    """At most 200 characters of the peer's own words are shown."""
    shown = str(failure(answering(reply(400, b"x" * 5000)))).partition("(")[2].partition(")")[0]
    assert (len(shown), shown[-1]) == (SHOWN, "…")


@pytest.mark.parametrize(
    "said",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        "a%20token%20nobody%20may%20see",
        "anna@example.com",
        "anna%40example.com",
        "x" * (SHOWN - 10) + TOKEN,
    ],
)
def test_refusal_shows_no_secret(said: str) -> None:
    """A peer that repeats our key or the buyer's address is not quoted with them."""
    shown = str(failure(answering(reply(403, said.encode()))))
    assert [
        word for word in ("token", "nobody", "anna") if word in shown.removeprefix("peer, granting")
    ] == []


def test_header_of_one_call_is_not_shown() -> None:
    """A secret that one call alone carries is as hidden as those of all calls."""
    script = answering(reply(403, b"you sent a secret of today"))
    with peer(script) as (_, client), pytest.raises(Rejected) as caught:
        client.send("GET", "/", doing="asking", headers={"X-Key": "a secret of today"})
    assert "of today" not in str(caught.value)


def test_calls_share_a_budget() -> None:
    """Calls with one budget end together with it, and what would begin behind it is not sent at all."""
    with peer(silent, call=PATIENCE) as (server, client):
        budget, begun = Budget(0.3), monotonic()
        with pytest.raises(OutcomeUnknown):
            client.send("POST", "/first", doing="asking", json={}, budget=budget)
        with pytest.raises(Transient, match="nothing was sent"):
            client.send("POST", "/second", doing="asking", json={}, budget=budget)
        assert monotonic() - begun < LINE_LIMIT
    assert 1 == len(server.asked)


def test_a_budget_never_lengthens_a_call() -> None:
    """A call with a large budget still ends at its own time."""
    with peer(silent, call=CALL) as (_, client):
        begun = monotonic()
        with pytest.raises(OutcomeUnknown):
            client.send("POST", "/", doing="asking", json={}, budget=Budget(PATIENCE))
        assert monotonic() - begun < LINE_LIMIT


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(silent, id="silent"),
        pytest.param(resetting, id="reset"),
        pytest.param(answering(reply(500, TOKEN.encode())), id="broken"),
        pytest.param(answering(reply(200, b"{")), id="garbage"),
    ],
)
def test_failure_shows_no_secret(script: Script) -> None:
    """No failure shows a key, an address, a body or where it came from."""
    error: BaseException | None = failure(script, call=CALL if script is silent else PATIENCE)
    while error is not None:
        assert [word for word in (TOKEN, "anna", "127.0.0.1", "/grants") if word in f"{error!r}"] == []
        error = error.__cause__


@pytest.mark.parametrize("module", ["kramik.http"])
def test_import_is_light(module: str) -> None:
    """Importing the client loads no HTTP library: who makes no call pays for none."""
    heavy = "httpcore2", "httpx2", "h11", "ssl"
    code = f"import sys, {module}; print([each for each in {heavy} if each in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
