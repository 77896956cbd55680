"""The function app in Microsoft's worker core, and around it what the Functions host does: routes, outputs, queue."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kramik.hosts.azure import hostfile, package
from kramik.hosts.functions import QUEUE
from kramik.hosts.worker import utc_now
from kramik.stores.azure import Account, AzureStore
from kramik.stores.azure.inbox import Inbox
from kramik.stores.azure.queue import Taken

Json = dict[str, Any]
PYTHON = os.environ.get("KRAMIK_FUNCTIONS_PYTHON", sys.executable)
"""The interpreter of the function app; another one needs what requirements/azure.txt names."""

WORKER = Path(sys.executable).parents[1] / "worker"


class FunctionApp:
    """One process with the app, driven by the tests; `port` is where its HTTP functions answer."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], storage: str, *, code: str = package.FUNCTION_APP
    ) -> None:
        assert WORKER.is_dir(), "Microsoft's worker core is not installed; run: make azurite"
        (folder / "function_app.py").write_text(code, "utf-8")
        (folder / "host.json").write_text(hostfile.text(), "utf-8")
        queues = json.loads(hostfile.text())["extensions"]["queues"]
        self.store = AzureStore(Account(storage))
        self.inbox = Inbox(self.store.queue, self.store.poison_queue, most=queues["maxDequeueCount"])
        self._batch = queues["batchSize"]
        self.log = folder / "core.log"
        self._lock = Lock()
        source = str(Path(__file__).parents[2] / "src")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [PYTHON, str(Path(__file__).parent / "core.py"), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**environ, "PYTHONPATH": f"{source}:{WORKER}", "AzureWebJobsStorage": storage},
            )
        self.bindings: dict[str, list[Json]] = self._read()

    def call(self, **line: object) -> Json:
        """Let the core do one thing."""
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()
            return self._read()

    def http(
        self, method: str, target: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> Json:
        """Route a request as the host does; its messages are stored before the answer goes out."""
        url = urlsplit(target)
        function, given = self._routed(unquote(url.path), method)
        if not function:
            return {"status": 404, "headers": {}, "body": ""}
        http = {
            "method": method,
            "url": f"http://127.0.0.1{target}",
            "headers": {name.lower(): value for name, value in (headers or {}).items()},
            "params": given,
            "query": dict(parse_qsl(url.query, keep_blank_values=True)),
            "body": body,
        }
        answer = self.call(function=function, trigger=self._trigger(function)["name"], http=http)
        if "failed" in answer:
            return {"status": 500, "headers": {}, "body": "", "failed": answer["failed"]}
        for binding in (each for each in self.bindings[function] if each["type"] == "queue"):
            assert binding["queueName"] == QUEUE
            for text in answer["outputs"].get(binding["name"]) or ():
                self.inbox.write(text)
        return {**answer["http"], "ms": answer["ms"]}

    def look(self, *, after: float = 0) -> list[str]:
        """Take one batch and call the queue trigger for each; return how each ended: done, or why it failed."""
        return [self.deliver(taken, after=after) for taken in self.inbox.take(self._batch, now=utc_now())]

    def deliver(self, taken: Taken, *, after: float = 0) -> str:
        """Call the queue trigger for one message; what failed comes back after so many seconds."""
        (function,) = [name for name in self.bindings if self._trigger(name)["type"] == "queueTrigger"]
        about = {"Id": taken.id, "PopReceipt": taken.receipt, "DequeueCount": taken.deliveries}
        message = {**about, "text": taken.body.decode()}
        answer = self.call(function=function, trigger=self._trigger(function)["name"], message=message)
        if "failed" in answer:
            poisoned = self.inbox.failed(taken, after=after)
            return f"{'poison' if poisoned else 'failed'}: {answer['failed']}"
        self.inbox.succeeded(taken)
        return "done"

    def fire(self) -> Json:
        """Fire the timer."""
        (function,) = [name for name in self.bindings if self._trigger(name)["type"] == "timerTrigger"]
        return self.call(function=function, trigger=self._trigger(function)["name"], timer=True)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
        self.store.close()

    def _read(self) -> Json:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text("utf-8")
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    def _trigger(self, function: str) -> Json:
        return next(each for each in self.bindings[function] if each["type"].endswith("Trigger"))

    def _routed(self, path: str, method: str) -> tuple[str, dict[str, str]]:
        """Return the function of a path and what its route takes out of it; plain text wins over a parameter."""
        found = []
        for name in self.bindings:
            trigger = self._trigger(name)
            if trigger["type"] != "httpTrigger" or method not in trigger["methods"]:
                continue
            literal = re.sub(r"\\\{\\\*(\w+)\\\}", r"(?P<\1>.*)", re.escape(trigger["route"]))
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", literal)
            if match := re.fullmatch(f"/{pattern}", path):
                found.append((trigger["route"].count("{"), name, match.groupdict()))
        best: tuple[int, str, dict[str, str]] = min(found, default=(0, "", {}))
        return best[1], best[2]


class Front:
    """The HTTP functions on a port, for a world that knows nothing of functions."""

    def __init__(self, app: FunctionApp, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                answer = app.http(self.command, self.path, body, dict(self.headers.items()))
                self.send_response_only(answer["status"])
                for name, value in answer["headers"].items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer["body"].encode())

            do_GET = do_POST = _answer  # noqa: N815 - their names in Python

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._door = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = Thread(target=self._door.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the door."""
        self._door.shutdown()
        self._door.server_close()
        self._thread.join(10)
