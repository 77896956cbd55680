"""The server of `kramik serve`, with all its settings, that answers every request with the same text."""

from __future__ import annotations

import json
from pathlib import Path

from kramik.answer import Answer, Request, Response
from kramik.hosts import server
from kramik.hosts.asgi import application

OK = Response(status=200, body=b"OK", headers=(("content-type", "text/plain; charset=utf-8"),))


class Constant:
    """Handlers that look at nothing."""

    def handle(self, request: Request) -> Answer:  # noqa: ARG002 - nothing is looked at
        """Answer."""
        return OK

    def too_large(self, request: Request) -> Response:  # noqa: ARG002 - as above
        """Answer."""
        return OK


def main() -> None:
    """Serve until told to stop; print the address first."""
    door = server.bound("127.0.0.1", 0)

    def started() -> None:
        door.listen(2048)
        print(json.dumps({"url": server.address(door)}), flush=True)

    app = application(Constant(), Path("none"), headers={}, started=started, stopped=lambda: None)
    server.run(app, door)


if __name__ == "__main__":
    main()
