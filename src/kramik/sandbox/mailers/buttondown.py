"""Buttondown as a shop sees it: one newsletter with a tag for buyers and a tag for each course.

A tag of a course starts its automation for people who get mails; its first mail shows the metadata of that course.
Everything is checked as Buttondown describes it, and what it refuses is told as a code or a list of details.
Played the way that hurts most: adding brings back who unsubscribed, changing replaces tags and metadata as a whole.
Source: docs.buttondown.com, version 2026-04-01 (read in November 2026).
"""

from __future__ import annotations

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

API_KEY = "01234567-89ab-cdef-0123-456789abcdef"
BUYERS = "sub_tag_sandbox0buyers"
COURSES = {"agregaty-start": "sub_tag_sandbox1agregaty", "kolejki-start": "sub_tag_sandbox2kolejki"}
DEMO: Mapping[str, object] = {"api_key": API_KEY, "buyers": BUYERS, "tags": COURSES}

SHOWN = {
    COURSES["agregaty-start"]: "link_agregaty_w_praktyce",
    COURSES["kolejki-start"]: "link_kolejki_bez_strachu",
}
"""The metadata that the first mail of each course shows."""

MAILED = ("regular", "premium", "gifted", "trialed", "churning")
SUPPRESSED = ("blocked", "complained", "undeliverable")
Type = Literal["regular", "unactivated", "unsubscribed", "blocked", "complained", "undeliverable", "premium"]
Tag = Literal["sub_tag_sandbox0buyers", "sub_tag_sandbox1agregaty", "sub_tag_sandbox2kolejki"]
Body = TypeVar("Body")
Handler = Callable[[Request], Awaitable[Response]]


class Change(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`PATCH /v1/subscribers/{id_or_email}`."""

    metadata: dict[str, object] | UnsetType = UNSET
    tags: list[Tag] | UnsetType = UNSET
    type: Type | UnsetType = UNSET


class Addition(Change, kw_only=True, forbid_unknown_fields=True):
    """`POST /v1/subscribers`."""

    email_address: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]


class Subscriber(msgspec.Struct, kw_only=True):
    """Somebody who subscribed."""

    id: str
    email_address: str
    type: str
    metadata: dict[str, object] = {}
    tags: list[str] = []


class Refused(Exception):
    """Answer with a code and a detail."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status, self.code, self.detail = status, code, detail
        super().__init__(code)


class Newsletter:
    """The one newsletter: subscribers by their address in small letters."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people: dict[str, Subscriber] = {}
        self._numbers = count(1)
        self._shown = Snapshots(stage.lag)

    def routes(self) -> list[Route]:
        """Return the routes below `/buttondown`."""
        return [
            Route("/v1/tags", self._guarded("setup", self.tags), methods=["GET"]),
            Route("/v1/subscribers", self.posted, methods=["POST"]),
            Route("/v1/subscribers/{person}", self._guarded("find", self.show), methods=["GET"]),
            Route("/v1/subscribers/{person}", self._guarded("purchase", self.change), methods=["PATCH"]),
        ]

    def _guarded(self, operation: str, handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            try:
                _authorised(request)
                return await handler(request)
            except Refused as refused:
                return answer(
                    {"code": refused.code, "detail": refused.detail, "metadata": {}}, refused.status
                )

        return self._stage.guarded(operation, checked)

    async def posted(self, request: Request) -> Response:
        """Add to somebody, behind the switch for what is added: a tag of buyers, one of a course, or no tag."""
        content = await request.body()
        operation = "purchase" if BUYERS.encode() in content else "person"
        if any(tag.encode() in content for tag in COURSES.values()):
            operation = "sequence" if operation == "person" else self._new(content)
        return await self._guarded(operation, self.add)(request)

    def _new(self, content: bytes) -> str:
        """Name what is new when the tags of buyers and of a course come together."""
        body = msgspec.json.decode(content, type=Addition)
        known = self._people.get(body.email_address.lower())
        return "sequence" if known is not None and BUYERS in known.tags else "purchase"

    async def tags(self, _request: Request) -> Response:
        """List the tags."""
        found = [{"id": tag, "name": name} for name, tag in {"kupujacy": BUYERS, **COURSES}.items()]
        return answer({"count": len(found), "next": None, "previous": None, "results": found})

    async def add(self, request: Request) -> Response:
        """Create somebody, or do what the header says when they are there."""
        body = await _body(request, Addition)
        key = body.email_address.lower()
        known = self._people.get(key)
        if known is None:
            kind = "unactivated" if body.type is UNSET else body.type
            known = Subscriber(id=f"sub_{next(self._numbers)}", email_address=body.email_address, type=kind)
            self._people[key] = known
            self._merge(known, body)
            return answer(known, 201)
        if request.headers.get("x-buttondown-collision-behavior", "no_op") != "add":
            raise Refused(400, "email_already_exists", "A subscriber with this email address already exists.")
        if known.type in SUPPRESSED:
            raise Refused(400, "subscriber_suppressed", "This subscriber can not be subscribed again.")
        if known.type == "unsubscribed":
            known.type = "regular"
        self._merge(known, body)
        return answer(known)

    async def change(self, request: Request) -> Response:
        """Replace what is given; the rest stays."""
        person, body = self._person(request), await _body(request, Change)
        if body.type is not UNSET:
            person.type = body.type
        if body.metadata is not UNSET:
            person.metadata = {}
        before, person.tags = person.tags, [] if body.tags is not UNSET else person.tags
        self._merge(person, body, before=before)
        return answer(person)

    async def show(self, request: Request) -> Response:
        """Show somebody, by id or by address."""
        found = self._shown.show(self._person(request).id)
        if found is None:
            raise Refused(404, "subscriber_not_found", "Not found.")
        return answer(found)

    def _merge(self, person: Subscriber, body: Change, *, before: Sequence[str] = ()) -> None:
        metadata = {} if body.metadata is UNSET else body.metadata
        person.metadata = {**person.metadata, **metadata}
        for tag in () if body.tags is UNSET else body.tags:
            if tag not in person.tags:
                person.tags = [*person.tags, tag]
                if tag not in before:
                    self._tagged(person, tag)
        self._shown.take(person.id, person)

    def _tagged(self, person: Subscriber, tag: str) -> None:
        if tag == BUYERS:
            self._stage.write("purchase", "", email=person.email_address, tag=tag)
        elif person.type in MAILED:
            link = str(person.metadata.get(SHOWN[tag], "—"))
            order, name = order_in(link), str(person.metadata.get("name", ""))
            self._stage.write("sequence", order, sequence=tag, email=person.email_address)
            subject, text = welcome(
                {"sequence": tag, "order": order, "link": link, "lang": "pl", "name": name}
            )
            self._stage.deliver(order=order, to=person.email_address, subject=subject, text=text)

    def _person(self, request: Request) -> Subscriber:
        wanted = request.path_params["person"]
        found = self._people.get(wanted.lower())
        found = found or next((each for each in self._people.values() if each.id == wanted), None)
        if found is None:
            raise Refused(404, "subscriber_not_found", "Not found.")
        return found


def routes(stage: Stage) -> Sequence[Route]:
    """Return the routes below `/buttondown`."""
    return Newsletter(stage).routes()


def _authorised(request: Request) -> None:
    given = request.headers.get("authorization", "")
    if not same(f"Token {API_KEY}".encode(), given.encode("utf-8", "replace")):
        raise Refused(401, "authentication_invalid", "Invalid token.")


async def _body(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await read(request), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(422, "validation_failed", str(error)) from None
