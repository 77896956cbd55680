"""MailerLite as a shop sees it: one account with a group of buyers and a group for each course.

A group of a course starts its automation for active people, whose first mail shows the field of that course.
Everything is checked as MailerLite describes it, and what it refuses is told in its envelope of message and errors.
Played the way that hurts most: a field that was never made is dropped without a word.
Source: developers.mailerlite.com, subscribers, groups and fields (read in November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kramik.payment import same
from kramik.sandbox.door import answer, read
from kramik.sandbox.mailbox import welcome
from kramik.sandbox.records import Snapshots
from kramik.sandbox.stage import Stage, order_in

API_KEY = "eyJ0eXAi.sandbox-mailerlite-token.0123456789"
BUYERS = "100000000000000001"
COURSES = {"agregaty-start": "100000000000000002", "kolejki-start": "100000000000000003"}
DEMO: Mapping[str, object] = {"api_key": API_KEY, "buyers": BUYERS, "groups": COURSES}

SHOWN = {
    COURSES["agregaty-start"]: "link_agregaty_w_praktyce",
    COURSES["kolejki-start"]: "link_kolejki_bez_strachu",
}
"""The field that the first mail of each course shows."""

FIELDS = ("name", "last_name", "link_agregaty_w_praktyce", "link_kolejki_bez_strachu")
"""The fields that the account has from the beginning: names, and one for each product of the example shop."""

Status = Literal["active", "unsubscribed", "unconfirmed", "bounced", "junk"]
Body = TypeVar("Body")
Handler = Callable[[Request], Awaitable[Response]]


class SubscriberBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/subscribers`."""

    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
    fields: dict[str, str | int | None] = {}
    groups: list[str] = []
    status: Status | UnsetType = UNSET


class FieldBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/fields`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    type: Literal["text", "number", "date"]


class Subscriber(msgspec.Struct, kw_only=True):
    """Somebody in the account."""

    id: str
    email: str
    status: str
    fields: dict[str, str | int | None] = {}
    groups: list[str] = []

    def shown(self) -> dict[str, object]:
        """Return what MailerLite answers."""
        return {
            "id": self.id,
            "email": self.email,
            "status": self.status,
            "source": "api",
            "fields": self.fields,
            "groups": [_group(each) for each in self.groups],
        }


class Refused(Exception):
    """Answer with MailerLite's envelope."""

    def __init__(self, status: int, message: str, field: str = "") -> None:
        self.status, self.message, self.field = status, message, field
        super().__init__(message)


class Account:
    """The one account: subscribers by their address in small letters."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people: dict[str, Subscriber] = {}
        self._fields = list(FIELDS)
        self._shown = Snapshots(stage.lag)
        self._numbers = count(200_000_000_000_000_001)

    def routes(self) -> list[Route]:
        """Return the routes below `/mailerlite`."""
        groups = "/api/subscribers/{person}/groups"
        return [
            self._route("GET", "/api/fields", "setup", self.fields),
            self._route("POST", "/api/fields", "setup", self.add_field),
            self._route("GET", "/api/groups", "setup", self.groups),
            self._route("POST", "/api/subscribers", "person", self.put),
            self._route("GET", "/api/subscribers/{person}", "find", self.show),
            self._route("POST", f"{groups}/{BUYERS}", "purchase", self.bought),
            self._route("POST", f"{groups}/{{group}}", "sequence", self.join),
        ]

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def checked(request: Request) -> Response:
            try:
                _authorised(request)
                return await handler(request)
            except Refused as refused:
                errors = {refused.field: [refused.message]} if refused.field else {}
                return answer(
                    {"message": refused.message, **({"errors": errors} if errors else {})}, refused.status
                )

        return Route(path, self._stage.guarded(operation, checked), methods=[method])

    async def fields(self, _request: Request) -> Response:
        """List the fields."""
        return answer({"data": [_field(number, key) for number, key in enumerate(self._fields, 1)]})

    async def add_field(self, request: Request) -> Response:
        """Add a field, under a key that is made of its name."""
        body = await _body(request, FieldBody)
        key = re.sub(r"[^a-z0-9]+", "_", body.name.lower())
        if key in self._fields:
            raise Refused(422, "The name has already been taken.", "name")
        self._fields.append(key)
        return answer({"data": _field(len(self._fields), key)})

    async def groups(self, _request: Request) -> Response:
        """List the groups."""
        return answer({"data": [_group(each) for each in (BUYERS, *COURSES.values())]})

    async def put(self, request: Request) -> Response:
        """Create somebody, or update them; what is left out stays."""
        body = await _body(request, SubscriberBody)
        key = body.email.lower()
        person, new = self._people.get(key), key not in self._people
        if person is None:
            status = "active" if body.status is UNSET else body.status
            person = Subscriber(id=str(next(self._numbers)), email=body.email, status=status)
            self._people[key] = person
        elif body.status is not UNSET:
            person.status = body.status
        kept = {name: value for name, value in body.fields.items() if name in self._fields}
        person.fields = {**person.fields, **kept}
        for group in body.groups:
            self._joined(person, group)
        self._shown.take(person.id, person.shown())
        return answer({"data": person.shown()}, 201 if new else 200)

    async def show(self, request: Request) -> Response:
        """Show somebody, by id or by address."""
        found = self._shown.show(self._person(request).id)
        if found is None:
            raise Refused(404, "Resource not found.")
        return answer({"data": found})

    async def bought(self, request: Request) -> Response:
        """Put somebody into the group of buyers."""
        return self._added(self._person(request), BUYERS)

    async def join(self, request: Request) -> Response:
        """Put somebody into the group of a course, which starts its automation for active people."""
        group = request.path_params["group"]
        if group not in COURSES.values():
            raise Refused(404, "Resource not found.")
        return self._added(self._person(request), group)

    def _added(self, person: Subscriber, group: str) -> Response:
        new = self._joined(person, group)
        self._shown.take(person.id, person.shown())
        return answer({"data": _group(group)}, 201 if new else 200)

    def _joined(self, person: Subscriber, group: str) -> bool:
        if group in person.groups:
            return False
        person.groups = [*person.groups, group]
        if group == BUYERS:
            self._stage.write("purchase", "", email=person.email, group=group)
        elif person.status == "active":
            self._start(person, group)
        return True

    def _start(self, person: Subscriber, group: str) -> None:
        link = str(person.fields.get(SHOWN[group]) or "—")
        order = order_in(link)
        self._stage.write("sequence", order, sequence=group, email=person.email)
        name = str(person.fields.get("name") or "")
        subject, text = welcome({"sequence": group, "order": order, "link": link, "lang": "pl", "name": name})
        self._stage.deliver(order=order, to=person.email, subject=subject, text=text)

    def _person(self, request: Request) -> Subscriber:
        wanted = request.path_params["person"]
        found = self._people.get(wanted.lower())
        found = found or next((each for each in self._people.values() if each.id == wanted), None)
        if found is None:
            raise Refused(404, "Resource not found.")
        return found


def routes(stage: Stage) -> Sequence[Route]:
    """Return the routes below `/mailerlite`."""
    return Account(stage).routes()


def _authorised(request: Request) -> None:
    given = request.headers.get("authorization", "")
    if not same(f"Bearer {API_KEY}".encode(), given.encode("utf-8", "replace")):
        raise Refused(401, "Unauthenticated.")
    if "application/json" not in request.headers.get("accept", ""):
        raise Refused(406, "Accept application/json.")


async def _body(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await read(request), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(422, "The given data was invalid.", str(error)) from None


def _field(number: int, key: str) -> dict[str, object]:
    return {"id": str(number), "name": key, "key": key, "type": "text"}


def _group(group: str) -> dict[str, object]:
    names = {BUYERS: "Kupujący", **{number: name for name, number in COURSES.items()}}
    return {"id": group, "name": names.get(group, group), "active_count": 0}
