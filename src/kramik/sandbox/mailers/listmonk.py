"""listmonk as a shop sees it: one server with a list of buyers and a template for each course.

Everything is checked as listmonk does it, and what it refuses is told as a message.
It reads its own database, so nothing it shows is late.
Played the way that hurts most: adding somebody to a list again takes back that they left it, a mail has no key.
Source: listmonk's documentation and source, version 5 (read in November 2026).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Annotated, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kramik.payment import same
from kramik.sandbox.door import answer, read
from kramik.sandbox.mailbox import welcome
from kramik.sandbox.stage import Stage, order_in

USER, TOKEN = "kramik", "sandbox-listmonk-token-0123456789"
BUYERS = 3
TEMPLATES = {"agregaty-start": 5, "kolejki-start": 6}
DEMO: Mapping[str, object] = {"user": USER, "token": TOKEN, "buyers": BUYERS, "templates": TEMPLATES}

QUERY = re.compile(r"subscribers\.email = '((?:[^']|'')+)'")
"""The one query that this server understands: SQL, in which a quote is written twice."""

Body = TypeVar("Body")
Text = Annotated[str, msgspec.Meta(min_length=1)]
Handler = Callable[[Request], Awaitable[Response]]


class Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A body of which listmonk knows every field."""


class SubscriberBody(Strict):
    """`POST /api/subscribers`."""

    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
    name: Text
    status: Literal["enabled", "blocklisted"]
    lists: list[int] = []
    attribs: dict[str, object] = {}
    preconfirm_subscriptions: bool = False


class ListsBody(Strict):
    """`PUT /api/subscribers/lists`."""

    ids: Annotated[list[int], msgspec.Meta(min_length=1)]
    action: Literal["add", "remove", "unsubscribe"]
    target_list_ids: Annotated[list[int], msgspec.Meta(min_length=1)]
    status: Literal["confirmed", "unconfirmed", "unsubscribed"]


class MailBody(Strict):
    """`POST /api/tx`."""

    template_id: int
    subscriber_id: int
    data: dict[str, str] = {}


class Subscriber(msgspec.Struct, kw_only=True):
    """Somebody on this server; `lists` keeps the state of each subscription."""

    id: int
    email: str
    name: str
    status: str
    lists: dict[int, str] = {}

    def shown(self) -> dict[str, object]:
        """Return what listmonk answers."""
        lists = [{"id": number, "subscription_status": state} for number, state in self.lists.items()]
        return {
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "status": self.status,
            "attribs": {},
            "lists": lists,
        }


class Refused(Exception):
    """Answer with a message."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class Server:
    """The one server: subscribers by their address in small letters."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people: dict[str, Subscriber] = {}
        self._numbers = count(1)

    def routes(self) -> list[Route]:
        """Return the routes below `/listmonk`."""
        return [
            self._route("GET", "/api/lists/{list:int}", "setup", self.list),
            self._route("GET", "/api/templates", "setup", self.templates),
            self._route("GET", "/api/subscribers", "find", self.find),
            self._route("POST", "/api/subscribers", "person", self.add),
            self._route("PUT", "/api/subscribers/lists", "purchase", self.join),
            self._route("POST", "/api/tx", "sequence", self.mail),
        ]

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def checked(request: Request) -> Response:
            try:
                _authorised(request)
                return await handler(request)
            except Refused as refused:
                return answer({"message": refused.message}, refused.status)

        return Route(path, self._stage.guarded(operation, checked), methods=[method])

    async def list(self, request: Request) -> Response:
        """Show a list."""
        if request.path_params["list"] != BUYERS:
            raise Refused(400, "List not found")
        return answer({"data": {"id": BUYERS, "name": "Kupujący", "type": "private", "optin": "single"}})

    async def templates(self, _request: Request) -> Response:
        """List the templates."""
        found = [{"id": number, "name": name, "type": "tx"} for name, number in TEMPLATES.items()]
        return answer({"data": found})

    async def find(self, request: Request) -> Response:
        """Find somebody by their address."""
        match = QUERY.fullmatch(request.query_params.get("query", ""))
        if match is None:
            raise Refused(400, "Error in the query")
        found = self._people.get(match[1].replace("''", "'"))
        results = [found.shown()] if found else []
        return answer({"data": {"results": results, "total": len(results), "per_page": 1, "page": 1}})

    async def add(self, request: Request) -> Response:
        """Add somebody who is not there yet."""
        body = await _body(request, SubscriberBody)
        key = body.email.lower()
        if key in self._people:
            raise Refused(409, "E-mail already exists.")
        state = "confirmed" if body.preconfirm_subscriptions else "unconfirmed"
        person = Subscriber(id=next(self._numbers), email=key, name=body.name, status=body.status)
        person.lists = dict.fromkeys(body.lists, state)
        self._people[key] = person
        return answer({"data": person.shown()})

    async def join(self, request: Request) -> Response:
        """Put people into lists and take them out; what is added again takes the new state."""
        body = await _body(request, ListsBody)
        for person in self._people.values():
            if person.id in body.ids:
                self._change(person, body)
        return answer({"data": True})

    def _change(self, person: Subscriber, body: ListsBody) -> None:
        for number in body.target_list_ids:
            if body.action == "add":
                if number == BUYERS and number not in person.lists:
                    self._stage.write("purchase", "", email=person.email, list=number)
                person.lists = {**person.lists, number: body.status}
            elif body.action == "unsubscribe":
                person.lists = {**person.lists, number: "unsubscribed"}
            else:
                person.lists = {each: state for each, state in person.lists.items() if each != number}

    async def mail(self, request: Request) -> Response:
        """Send one mail, each time it is asked for."""
        body = await _body(request, MailBody)
        if body.template_id not in TEMPLATES.values():
            raise Refused(400, "Template not found")
        person = next((each for each in self._people.values() if each.id == body.subscriber_id), None)
        if person is None:
            raise Refused(400, "Subscriber not found")
        link = body.data.get("link", "—")
        order = order_in(link)
        self._stage.write("sequence", order, template=body.template_id, email=person.email)
        words = {**body.data, "sequence": str(body.template_id), "order": order, "link": link}
        subject, text = welcome(words)
        self._stage.deliver(order=order, to=person.email, subject=subject, text=text)
        return answer({"data": True})


def routes(stage: Stage) -> Sequence[Route]:
    """Return the routes below `/listmonk`."""
    return Server(stage).routes()


def _authorised(request: Request) -> None:
    """Look at the user and the token, which come as Basic or as listmonk's own scheme."""
    given = request.headers.get("authorization", "").encode("utf-8", "replace")
    basic = b"Basic " + b64encode(f"{USER}:{TOKEN}".encode())
    if not same(basic, given) and not same(f"token {USER}:{TOKEN}".encode(), given):
        raise Refused(403, "invalid API credentials")


async def _body(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await read(request), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(400, str(error)) from None
