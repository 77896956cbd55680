"""A door in front of Azurite that counts: each request that passes is one transaction on a bill."""

from __future__ import annotations

import http.client
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from tests.azurite.storage import Azurite, connection

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host"})


class Counting:
    """Both services of an Azurite, each behind a port of its own."""

    def __init__(self, azurite: Azurite) -> None:
        self.passed: Counter[str] = Counter()
        self.calls: list[str] = []
        self.largest_row = 0
        self._lock = Lock()
        ports = {"queue": azurite.queue_port, "table": azurite.table_port}
        self._doors = {service: self._door(service, port) for service, port in ports.items()}
        doors = self._doors.values()
        self._threads = [Thread(target=each.serve_forever, args=(0.05,), daemon=True) for each in doors]
        for thread in self._threads:
            thread.start()

    @property
    def connection(self) -> str:
        """Return the connection string of what lies behind."""
        return connection(self._doors["queue"].server_port, self._doors["table"].server_port)

    def reset(self) -> None:
        """Count from nothing."""
        with self._lock:
            self.passed.clear()
            self.calls.clear()
            self.largest_row = 0

    def close(self) -> None:
        """Close both doors."""
        for door in self._doors.values():
            door.shutdown()
            door.server_close()
        for thread in self._threads:
            thread.join(10)

    def count(self, service: str, call: str, body: bytes) -> None:
        """Count one transaction."""
        with self._lock:
            self.passed[service] += 1
            self.calls.append(f"{service} {call}")
            if service == "table":
                self.largest_row = max(self.largest_row, len(body))

    def _door(self, service: str, port: int) -> ThreadingHTTPServer:
        counting = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                counting.count(service, f"{self.command} {self.path.partition('?')[0]}", body)
                behind = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                behind.request(self.command, self.path, body, {**headers, "host": f"127.0.0.1:{port}"})
                answer = behind.getresponse()
                content = answer.read()
                behind.close()
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOP | {"content-length"}:
                        self.send_header(name, value)
                if answer.status not in (204, 304):
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_MERGE = _pass  # noqa: N815 - their names in Python

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
