"""One world: its peers, its ledger and its switches, as one web application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from kramik.sandbox import faults
from kramik.sandbox.academy import Academy
from kramik.sandbox.door import Door, Refusal, answer, read, resetting, told
from kramik.sandbox.gateway import Gateway
from kramik.sandbox.ledger import Ledger
from kramik.sandbox.mail import MailingTool
from kramik.sandbox.pages import page, style
from kramik.sandbox.settings import Settings

SHOWN = 25


class World:
    """Everything outside of a shop. `app` is an ASGI application; run it on uvicorn (`start`, `serve`)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger, self.faults = Ledger(settings.ledger), faults.Faults()
        self.gateway = Gateway(self.ledger, key=settings.gateway_key, pace=settings.pace)
        self.academy = Academy(self.ledger, lag=settings.lag)
        self.mail = MailingTool(self.ledger, lag=settings.lag)
        self._door = Door(self.faults)
        self.app = resetting(Starlette(routes=self._routes(), lifespan=self._life))

    def hurry(self) -> None:
        """End every artificial delay; may be called from any thread."""
        self._door.close()

    def _routes(self) -> list[Route | Mount]:
        settings, door = self.settings, self._door
        return [
            Route("/", self._index, methods=["GET"]),
            Route("/style.css", _style, methods=["GET"]),
            Route("/ledger", self._ledger, methods=["GET"]),
            Route("/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Mount("/gateway", routes=self.gateway.routes(door)),
            Mount("/academy", routes=self.academy.routes(door, settings.academy_token)),
            Mount("/mail", routes=self.mail.routes(door, settings.mail_token)),
        ]

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        self._door.open()
        self.gateway.notifier.open()
        try:
            yield
        finally:
            self.gateway.notifier.close()
            self.ledger.close()

    async def _index(self, request: Request) -> Response:
        latest = self.ledger.entries()[-SHOWN:][::-1]
        waiting = len(self.gateway.notifier.undelivered())
        lang = request.query_params.get("lang", "")
        counts = self.ledger.counts()
        return page(
            "index", lang=lang, entries=latest, counts=counts, faults=self.faults.list(), waiting=waiting
        )

    async def _ledger(self, request: Request) -> Response:
        order, effect = request.query_params.get("order", ""), request.query_params.get("effect", "")
        found = self.ledger.entries(order, effect)
        waiting = [
            each for each in self.gateway.notifier.undelivered() if order in ("", each.notification.order)
        ]
        return answer({"entries": found, "counts": self.ledger.counts(), "undelivered": waiting})

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
            return Response(status_code=204)
        if request.method == "GET":
            return answer({"faults": self.faults.list()})
        try:
            found = faults.read(await read(request))
        except Refusal as refusal:
            return told(refusal.status, refusal.message)
        if isinstance(found, list):
            return answer({"problems": found}, 422)
        self.faults.add(found)
        return answer(found, 201)


async def _style(_request: Request) -> Response:
    return Response(style(), media_type="text/css; charset=utf-8")
