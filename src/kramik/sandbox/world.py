"""One world: its peers, its ledger and its switches, as one web application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from kramik.sandbox import academies, faults, mailers, vendors
from kramik.sandbox.academy import Academy
from kramik.sandbox.dialect import Panel
from kramik.sandbox.door import Door, Refusal, answer, facts, read, resetting, told
from kramik.sandbox.gateway import Gateway, Status
from kramik.sandbox.ledger import Ledger
from kramik.sandbox.mail import MailingTool
from kramik.sandbox.notifier import Notifier
from kramik.sandbox.pages import page, style
from kramik.sandbox.settings import Settings
from kramik.sandbox.stage import Curtain, Stage, Vendor
from kramik.sandbox.vendors.sandbox import SandboxDialect

SHOWN = 25


class World:
    """Everything outside of a shop. `app` is an ASGI application; run it on uvicorn (`start`, `serve`)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger, self.faults = Ledger(settings.ledger), faults.Faults()
        self.notifier = Notifier(pace=settings.pace)
        self._book = self.ledger, self.notifier
        self.panels = {name: Panel() for name in vendors.NAMES}
        self._own = SandboxDialect(settings.gateway_key)
        self.gateway = Gateway("gateway", lambda: self._own, self._book, place="pay")
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
            Route("/panel", self._panel, methods=["GET", "POST"]),
            Mount("/gateway", routes=[*self._status(), *self.gateway.routes(door)]),
            *(Mount(f"/{name}", routes=self._vendor(name).routes(door)) for name in vendors.NAMES),
            Mount("/academy", routes=self.academy.routes(door, settings.academy_token)),
            *(self._played(name, academies.platform) for name in academies.NAMES),
            Mount("/mail", routes=self.mail.routes(door, settings.mail_token)),
            *(self._played(name, mailers.tool) for name in mailers.NAMES),
        ]

    def _played(self, name: str, load: Callable[[str], Vendor]) -> Mount:
        stage = Stage(
            name=name,
            ledger=self.ledger,
            lag=self.settings.lag,
            pace=self.settings.pace,
            mailbox=self.mail.mailbox,
            door=self._door,
        )
        return Mount(f"/{name}", app=Curtain(lambda: load(name).routes(stage)))

    def _status(self) -> list[Route]:
        return Status(self.gateway, self._own.signed).routes(self._door)

    def _vendor(self, name: str) -> Gateway:
        panel = self.panels[name]
        return Gateway(name, lambda: vendors.vendor(name).dialect(panel), self._book)

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        self._door.open()
        self.notifier.open()
        try:
            yield
        finally:
            self.notifier.close()
            self.ledger.close()

    async def _index(self, request: Request) -> Response:
        latest = self.ledger.entries()[-SHOWN:][::-1]
        waiting = len(self.notifier.undelivered())
        lang = request.query_params.get("lang", "")
        counts = self.ledger.counts()
        return page(
            "index", lang=lang, entries=latest, counts=counts, faults=self.faults.list(), waiting=waiting
        )

    async def _ledger(self, request: Request) -> Response:
        order, effect = request.query_params.get("order", ""), request.query_params.get("effect", "")
        found = self.ledger.entries(order, effect)
        waiting = [
            each.shown() for each in self.notifier.undelivered() if order in ("", each.notification.order)
        ]
        return answer({"entries": found, "counts": self.ledger.counts(), "undelivered": waiting})

    async def _panel(self, request: Request) -> Response:
        """Show every vendor's panel, or set what a shop would type into one of them."""
        if request.method == "GET":
            return answer(self.panels)
        try:
            given = await facts(request, "vendor", "notify")
        except Refusal as refusal:
            return told(refusal.status, refusal.message)
        panel = self.panels.get(given["vendor"])
        if panel is None:
            return told(422, f"vendor must be one of {', '.join(self.panels)}")
        panel.notify, panel.shop = given["notify"], given.get("shop", panel.shop)
        return answer(panel)

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
