"""A payment gateway with a pay page, in the protocol of any vendor (`dialect.py`).

A start request (GET, or POST of a form) anywhere below `/<name>` answers 303 to the pay page of a session;
the same request is the same session. What the vendor would refuse is answered with a page that says why.
`POST` to the session with `action` answers 303 to the return URL `done` or `failed`, and the shop is told.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import get_args
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kramik.sandbox.dialect import Begun, Call, CalledDialect, Dialect
from kramik.sandbox.door import Door, Handler, Refusal, answer, read
from kramik.sandbox.ledger import Ledger, What
from kramik.sandbox.notifier import Notification, Notifier, Parcel
from kramik.sandbox.pages import page
from kramik.sandbox.session import Action, Session
from kramik.sandbox.session import Request as Asked

LIMIT = 50_000
START = "start"
ACTIONS: tuple[Action, ...] = get_args(Action)


class Gateway:
    """The sessions and payments of one vendor in one world; the dialect is made when it is first needed."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Dialect | CalledDialect],
        book: tuple[Ledger, Notifier],
        *,
        place: str = "session",
    ) -> None:
        self.name = name
        self._ledger, self.notifier = book
        self._make, self._place = make, place
        self._sessions: dict[str, Session] = {}
        self._payments: dict[str, Notification] = {}

    @cached_property
    def dialect(self) -> Dialect | CalledDialect:
        """Return the vendor's protocol."""
        return self._make()

    def routes(self, door: Door) -> list[Route]:
        """Return the routes below `/<name>`."""
        session, name = f"/{self._place}/{{session}}", self.name
        return [
            Route(session, self.show, methods=["GET"]),
            Route(session, door(name, "act", self.act), methods=["POST"]),
            Route("/{rest:path}", self._entry(door), methods=["GET", "POST", "PUT", "DELETE"]),
        ]

    def _entry(self, door: Door) -> Handler:
        """Return what stands before everything else: one operation for a browser, several for a program."""

        async def entered(request: Request) -> Response:
            called, operation = self.dialect, START
            if isinstance(called, CalledDialect):
                operation = called.operation(request.method, f"/{request.path_params['rest']}")
            handler = self.start if operation == START else self.called
            return await door(self.name, operation, handler)(request)

        return entered

    async def called(self, request: Request) -> Response:
        """Answer a call of the shop; a payment that it begins has its pay page."""
        call = Call(
            method=request.method,
            path=f"/{request.path_params['rest']}",
            query=request.url.query,
            headers=dict(request.headers),
            body=await read(request),
        )
        if not isinstance(self.dialect, CalledDialect):
            raise Refusal(404, "this vendor is not called")
        reply = self.dialect.call(call, self)
        if isinstance(reply, Begun):
            session = self._opened(reply.request)
            reply = reply.reply(f"{str(request.base_url).rstrip('/')}{self._page(session)}")
        return Response(reply.body, reply.status, dict(reply.headers))

    def payments(self, order: str) -> list[Notification]:
        """Return everything that happened about an order, oldest first."""
        return [each for each in self._payments.values() if each.order == order]

    def write(self, effect: What, order: str, **facts: str | int) -> None:
        """Write an effect of a call into the ledger."""
        self._ledger.write(self.name, effect, order, **facts)

    async def start(self, request: Request) -> Response:
        """Open the pay page of a payment request."""
        body, query = await read(request), request.url.query
        if not isinstance(self.dialect, Dialect):
            raise Refusal(404, "this vendor is called")
        try:
            wanted = self.dialect.start(request.method, f"/{request.path_params['rest']}", query, body)
        except Refusal as refusal:
            lang = dict(parse_qsl(query or body.decode("utf-8", "replace"))).get("lang", "")
            title = str(refusal.status)
            return page("message", refusal.status, lang=lang, title=title, text=refusal.message)
        session = self._opened(wanted)
        return RedirectResponse(f"{str(request.base_url).rstrip('/')}{self._page(session)}", 303)

    async def show(self, request: Request) -> Response:
        """Show the pay page."""
        session = self._sessions.get(request.path_params["session"])
        if session is None:
            return page("message", 404, title="404", text="no_session")
        return page("pay", lang=session.request.lang, session=session, action=self._page(session.id))

    async def act(self, request: Request) -> Response:
        """Do what a button says and send the buyer back to the shop."""
        session = self._sessions.get(request.path_params["session"])
        if session is None:
            raise Refusal(404, "no such session; begin with a payment request")
        action = dict(parse_qsl((await read(request)).decode("utf-8", "replace"))).get("action", "")
        known = next((each for each in ACTIONS if each == action), None)
        if known is None:
            raise Refusal(422, f"action must be one of {', '.join(ACTIONS)}")
        self._tell(session, known)
        return RedirectResponse(session.request.failed if known == "fail" else session.request.done, 303)

    def payment(self, payment_id: str) -> dict[str, object] | None:
        """Return what became of a payment, and how much of it was returned."""
        payment = self._payments.get(payment_id)
        if payment is None:
            return None
        returned = sum(each.amount for each in self._payments.values() if each.of == payment_id)
        return {**msgspec.to_builtins(payment), "returned": returned}

    def _opened(self, wanted: Asked) -> str:
        """Open the pay page of what is wanted and return its id; the same wish is the same page."""
        session = sha256(msgspec.json.encode((self.name, wanted))).hexdigest()[:32]
        self._sessions.setdefault(session, Session(id=session, request=wanted))
        _bound(self._sessions)
        return session

    def _tell(self, session: Session, action: Action) -> None:
        told = session.act(action)
        parcels = [parcel for each in told for parcel in self._parcels(each, session)]
        if action == "refund_before_pay":
            for first, then in pairwise(parcels):
                first.then = then
            parcels = parcels[:1]
        for each in told:
            self._payments[each.id] = each
            _bound(self._payments)
            self._ledger.write(self.name, "payment", each.order, **_facts(each))
        for parcel in parcels:
            self.notifier.put(parcel)

    def _parcels(self, told: Notification, session: Session) -> list[Parcel]:
        return [
            Parcel(
                notification=told,
                letter=letter,
                url=session.request.notify,
                accepts=self.dialect.accepts,
                delivered=self._delivered,
                pauses=self.dialect.pauses,
            )
            for letter in self.dialect.letters(told, session.request)
        ]

    def _delivered(self, parcel: Parcel) -> None:
        told = parcel.notification
        self._ledger.write(self.name, "notification", told.order, **_facts(told), attempts=parcel.attempts)

    def _page(self, session: str) -> str:
        return f"/{self.name}/{self._place}/{session}"


class Status:
    """What became of a payment at the sandbox's own gateway, for whoever signs its id."""

    def __init__(self, gateway: Gateway, signed: Callable[[bytes, str], bool]) -> None:
        self._gateway, self._signed = gateway, signed

    def routes(self, door: Door) -> list[Route]:
        """Return the route, `GET /payments/{id}`; the HMAC of the id stands in `X-Sandbox-Signature`."""
        return [Route("/payments/{payment}", door("gateway", "status", self.status), methods=["GET"])]

    async def status(self, request: Request) -> Response:
        """Say what became of a payment."""
        payment_id = request.path_params["payment"]
        if not self._signed(payment_id.encode(), request.headers.get("x-sandbox-signature", "")):
            raise Refusal(401, "sign the id of the payment")
        payment = self._gateway.payment(payment_id)
        if payment is None:
            raise Refusal(404, "no such payment")
        return answer(payment)


def _facts(told: Notification) -> dict[str, str | int]:
    shown: dict[str, str | int] = {
        "id": told.id,
        "kind": told.kind,
        "amount": told.amount,
        "currency": told.currency,
    }
    return {**shown, "shop_id": told.shop_id, **({"of": told.of} if told.of else {})}


def _bound(kept: dict[str, Session] | dict[str, Notification]) -> None:
    if len(kept) > LIMIT:
        del kept[next(iter(kept))]
