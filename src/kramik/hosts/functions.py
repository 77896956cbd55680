"""The function app on Azure: every route, one queue trigger for all work, one daily timer. `function_app.py` calls it.

    app = function_app(Path(__file__).parent / "shop")

It reads from the environment AzureWebJobsStorage (a connection string; the same for host, queue and orders), or
AzureWebJobsStorage__accountName for an identity without a key, the secrets that `shop.toml` names, and KRAMIK_SWEEP,
when the timer fires (once a day if left out; six fields, of which the first are seconds).
Nothing but the bindings is made here: the shop is opened by the first function that needs it (`opened.py`).
The routes that put a message have the queue as their output: the answer goes out after the host has stored it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, List  # noqa: UP035 - the worker refuses to index a function with list[str]
from urllib.parse import unquote, urlsplit

import azure.functions as func

if TYPE_CHECKING:
    from kramik.answer import Request, Response
    from kramik.hosts.opened import Opened

STORAGE = "AzureWebJobsStorage"
QUEUE = "kramik-work"
DAILY = "0 17 3 * * *"
"""A quiet minute of the night that is not everybody's; UTC, with seconds in front."""

METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")
"""All of them: what a route does not take is answered by the shop, with the right headers."""

ASK = {
    "warm": "api/warm",
    "notify": "api/payments/{gateway}",
    "place": "api/orders",
    "status": "api/orders/{order}",
    "pay": "api/orders/{order}/payment",
    "access": "access/{token}",
    "course": "access/{token}/{*file}",
    "resend": "api/access/resend",
    "withdraw": "api/withdrawals",
    "health": "healthz",
    "describe": "api/openapi.json",
}
PUT = frozenset({"notify", "place", "pay", "resend", "withdraw"})
"""The routes that may put a message; a free order is put to work at once."""


def function_app(folder: Path, environ: Mapping[str, str] = os.environ) -> func.FunctionApp:
    """Return the function app of the shop in this folder."""
    app, late = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS), _Late(folder, environ)
    for name, route in ASK.items():
        if name in PUT:
            _putting(app, late, name, route)
        else:
            _asking(app, late, name, route)
    _working(app, late)
    _sweeping(app, late, environ.get("KRAMIK_SWEEP") or DAILY)
    return app


class _Late:
    """The shop, whose code is loaded when the first function needs it."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, environ
        self._opened: Opened | None = None
        self._lock = Lock()

    @property
    def shop(self) -> Opened:
        from kramik import wiring
        from kramik.hosts.opened import Opened

        with self._lock:
            if self._opened is None:
                self._opened = Opened(lambda: wiring.read(self._folder, self._environ), self._environ)
        return self._opened


def _asking(app: func.FunctionApp, late: _Late, name: str, route: str) -> None:
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        response, _ = late.shop.answer(_request(req))
        return _sent(response)

    routed = app.route(route=route, methods=METHODS)
    app.function_name(name)(routed(answer))


def _putting(app: func.FunctionApp, late: _Late, name: str, route: str) -> None:
    def answer(req: func.HttpRequest, messages: func.Out[List[str]]) -> func.HttpResponse:  # noqa: UP006 - the worker knows no list[str]
        response, collected = late.shop.answer(_request(req))
        if collected:
            messages.set(collected)
        return _sent(response)

    output = app.queue_output(arg_name="messages", queue_name=QUEUE, connection=STORAGE)
    routed = app.route(route=route, methods=METHODS)
    app.function_name(name)(routed(output(answer)))


def _working(app: func.FunctionApp, late: _Late) -> None:
    def work(message: func.QueueMessage) -> None:
        late.shop.work(
            message.get_body(),
            name=str(message.id),
            receipt=str(message.pop_receipt),
            deliveries=int(message.dequeue_count or 1),
        )

    app.queue_trigger(arg_name="message", queue_name=QUEUE, connection=STORAGE)(work)


def _sweeping(app: func.FunctionApp, late: _Late, schedule: str) -> None:
    def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the name of the binding
        late.shop.sweep()

    app.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False, use_monitor=True)(sweep)


def _request(req: func.HttpRequest) -> Request:
    from kramik.answer import Request

    url = urlsplit(req.url)
    headers = {name.lower(): value for name, value in req.headers.items()}
    return Request(
        method=req.method, path=unquote(url.path), query=url.query, headers=headers, body=req.get_body()
    )


def _sent(response: Response) -> func.HttpResponse:
    """Translate an answer; a header that is there twice becomes one, as the host keeps one of each."""
    headers: dict[str, str] = {}
    for name, value in response.headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body = response.body
    if response.part is not None:
        with Path(response.part.file).open("rb") as file:
            file.seek(response.part.start)
            body = file.read(response.part.length)
    return func.HttpResponse(body, status_code=response.status, headers=headers)
