"""A server of bytes: it reads one request after the other and does with the connection what a test says."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

PATIENCE = 10.0

Script = Callable[[socket.socket, Event], None]


class RawServer:
    """What was asked so far, one entry a request, and how many connections there were."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[bytes] = []
        self.connections = 0


@contextmanager
def serving(script: Script) -> Iterator[RawServer]:
    """Run the script for every request; its event is set when the test is over."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        listening.settimeout(0.05)
        server = RawServer(listening.getsockname()[1])
        thread = Thread(target=_accept, args=(listening, server, script, over))
        thread.start()
        try:
            yield server
        finally:
            over.set()
            thread.join(PATIENCE)


def answering(raw: bytes) -> Script:
    """Answer every request with these bytes and keep the connection."""
    return lambda connection, _over: connection.sendall(raw)


def in_turn(*answers: bytes) -> Script:
    """Answer each request with the next of these, and with the last one from then on."""
    left = list(answers)

    def script(connection: socket.socket, _over: Event) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return script


def closing(raw: bytes = b"") -> Script:
    """Answer with these bytes and close the connection."""

    def script(connection: socket.socket, _over: Event) -> None:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def resetting(connection: socket.socket, _over: Event) -> None:
    """Reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def dripping(raw: bytes, pause: float) -> Script:
    """Answer one byte at a time."""

    def script(connection: socket.socket, over: Event) -> None:
        for at in range(len(raw)):
            connection.sendall(raw[at : at + 1])
            if over.wait(pause):
                return

    return script


def silent(_connection: socket.socket, over: Event) -> None:
    """Never answer."""
    over.wait(PATIENCE)


def reply(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Write an answer."""
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _accept(listening: socket.socket, server: RawServer, script: Script, over: Event) -> None:
    threads: list[Thread] = []
    while not over.is_set():
        with suppress(TimeoutError):
            connection, _ = listening.accept()
            server.connections += 1
            threads.append(Thread(target=_talk, args=(connection, server, script, over)))
            threads[-1].start()
    for thread in threads:
        thread.join(PATIENCE)


def _talk(connection: socket.socket, server: RawServer, script: Script, over: Event) -> None:
    with connection, suppress(OSError):
        connection.settimeout(0.05)
        heard = b""
        while not over.is_set() and connection.fileno() >= 0:
            with suppress(TimeoutError):
                chunk = connection.recv(65536)
                if not chunk:
                    return
                heard += chunk
            if _complete(heard):
                server.asked.append(heard)
                heard = b""
                connection.settimeout(PATIENCE)
                script(connection, over)
                if connection.fileno() >= 0:
                    connection.settimeout(0.05)


def _complete(heard: bytes) -> bool:
    head, end, body = heard.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    return bool(end) and len(body) >= int(lengths[0] if lengths else 0)
