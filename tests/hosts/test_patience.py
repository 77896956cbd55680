"""How long the door waits for a slow sender; a real uvicorn in a thread, with short limits."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from kramik.answer import Answer, Request, Response
from kramik.hosts.asgi import Door
from kramik.hosts.head import Protocol
from tests.hosts.asking import answered, ask, connected
from tests.hosts.served import eventually

SHORT = 0.4


class Echo:
    """Handlers that say what came."""

    def handle(self, request: Request) -> Answer:
        return Response(status=200, body=request.body)

    def too_large(self, request: Request) -> Response:
        return Response(status=413)


class Impatient(Protocol):
    """The protocol with a short limit."""

    slowest_head = SHORT


@contextmanager
def serving() -> Iterator[str]:
    """Serve the echo with short limits."""
    door = socket.create_server(("127.0.0.1", 0))
    app = Door(Echo(), slowest_body=SHORT)
    server = uvicorn.Server(uvicorn.Config(app, http=Impatient, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, args=([door],))
    thread.start()
    assert eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the echo."""
    with serving() as address:
        yield address


def drip(line: socket.socket, sent: bytes) -> float:
    """Send one byte every tenth of a second until the other side has had enough; return the seconds."""
    begun = time.monotonic()
    line.settimeout(0.1)
    for byte in sent:
        try:
            line.sendall(bytes([byte]))
            if not line.recv(1, socket.MSG_PEEK):
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
        else:
            break
    return time.monotonic() - begun


def test_a_body_that_comes_byte_by_byte_is_cut_off(url: str) -> None:
    """408 after the time for a body, however steadily it drips, and the line is closed."""
    with connected(url) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        seconds = drip(line, b"a" * 100)
        line.settimeout(5)
        answer = answered(line)
    assert (SHORT <= seconds + 0.1, seconds < 5) == (True, True)
    assert answer is not None
    assert (408, "close") == (answer.status, answer.headers["connection"])


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 100])
def test_a_head_that_does_not_come_is_cut_off(url: str, sent: bytes) -> None:
    """A line on which no request arrives is closed, whether nothing comes or a byte at a time."""
    with connected(url) as line:
        seconds = drip(line, sent)
        line.settimeout(5)
        assert answered(line) is None
    assert seconds < 5


def test_a_second_request_on_a_line_is_held_to_the_same(url: str) -> None:
    """One good request buys no time for a slow one."""
    with connected(url) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert getattr(answered(line), "status", 0) == 200
        assert drip(line, b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 100) < 5
        line.settimeout(5)
        assert answered(line) is None


def test_who_is_quick_is_answered_however_often_they_come(url: str) -> None:
    """The limits count from each request anew: a line may live longer than they are."""
    with connected(url) as line:
        begun = time.monotonic()
        while time.monotonic() - begun < 3 * SHORT:
            line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            assert b"hi" == getattr(answered(line), "body", b"")
    assert 200 == ask(url).status
