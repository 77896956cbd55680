"""Kit, API v3, as it stands before a shop with an old account: everything opens with one `api_secret`.

What it leaves open is played the way that hurts most: a repeated transaction id is a second purchase, a repeated
subscription returns the first one and mails nobody, fields that do not exist are ignored, lists begin with the oldest.
Source: developers.kit.com/api-reference/v3.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from time import monotonic

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kramik.sandbox.door import Handler, answer, read
from kramik.sandbox.mailers.kit.account import (
    Account,
    Answered,
    Content,
    Kind,
    Person,
    Refused,
    Thing,
    shown,
)
from kramik.sandbox.stage import Stage

SECRET = "kit_v3_secret_of_the_sandbox"  # noqa: S105 - made up
DEMO: Mapping[str, object] = {
    "api_secret": SECRET,
    "sequences": {"agregaty-start": 1001, "kolejki-start": 1002},
}
LIMIT, WINDOW, PAGE = 120, 60.0, 50

OPERATIONS = {
    "GET /v3/sequences": "setup",
    "GET /v3/custom_fields": "setup",
    "POST /v3/custom_fields": "setup",
    "GET /v3/tags": "person",
    "POST /v3/tags": "person",
    "POST /v3/tags/{id:int}/subscribe": "person",
    "PUT /v3/subscribers/{id:int}": "person",
    "GET /v3/purchases": "find",
    "POST /v3/purchases": "purchase",
    "GET /v3/sequences/{id:int}/subscriptions": "find",
    "POST /v3/sequences/{id:int}/subscribe": "sequence",
}
"""What the faults call each operation."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that passed the gate: the id of its path, the page, the order, and what it says."""

    id: int
    page: int
    newest_first: bool
    said: Content


class Api:
    """One old account behind its routes."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._account = stage, Account(stage)
        self._calls: deque[float] = deque()
        self._handlers: Mapping[str, Callable[[Asked], Answered]] = {
            "GET /v3/sequences": self._sequences,
            "GET /v3/custom_fields": self._fields,
            "POST /v3/custom_fields": self._field,
            "GET /v3/tags": self._tags,
            "POST /v3/tags": self._tag,
            "POST /v3/tags/{id:int}/subscribe": self._tagged,
            "PUT /v3/subscribers/{id:int}": self._updated,
            "GET /v3/purchases": self._purchases,
            "POST /v3/purchases": self._buy,
            "GET /v3/sequences/{id:int}/subscriptions": self._subscriptions,
            "POST /v3/sequences/{id:int}/subscribe": self._subscribe,
        }

    def routes(self) -> list[Route]:
        """Return the routes below the mount."""
        return [
            Route(key.split()[1], self._stage.guarded(name, self._answered(key)), methods=[key.split()[0]])
            for key, name in OPERATIONS.items()
        ]

    def _answered(self, key: str) -> Handler:
        async def answered(request: Request) -> Response:
            if self._full():
                return PlainTextResponse("Retry later", 429)
            try:
                said = msgspec.json.decode(await read(request) or b"{}", type=dict[str, object])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return _refused(400, "The body is no JSON object")
            query = request.query_params
            if SECRET not in (said.pop("api_secret", None), query.get("api_secret")):
                return _refused(401, "API Key not valid")
            page = query.get("page", "1")
            asked = Asked(
                id=request.path_params.get("id", 0),
                page=int(page) if page.isdigit() else 1,
                newest_first=query.get("sort_order") == "desc",
                said=said,
            )
            try:
                status, content = self._handlers[key](asked)
            except Refused as refused:
                return _refused(refused.status, ", ".join(refused.errors))
            return answer(content, status)

        return answered

    def _full(self) -> bool:
        now = monotonic()
        while self._calls and self._calls[0] < now - WINDOW * self._stage.pace:
            self._calls.popleft()
        if len(self._calls) >= LIMIT:
            return True
        self._calls.append(now)
        return False

    def _sequences(self, _asked: Asked) -> Answered:
        found = self._account.sequences.values()
        return 200, {
            "courses": [{"id": each.id, "name": each.name, "created_at": each.created_at} for each in found]
        }

    def _fields(self, _asked: Asked) -> Answered:
        return 200, {"custom_fields": [self._account.field(key) for key in self._account.fields]}

    def _field(self, asked: Asked) -> Answered:
        status, made = self._account.add_field(_text(asked.said, "label"))
        field = made["custom_field"]
        return status, field if isinstance(field, dict) else {}

    def _tags(self, _asked: Asked) -> Answered:
        tags = self._account.tags.values()
        return 200, {
            "tags": [{"id": each.id, "name": each.name, "created_at": each.created_at} for each in tags]
        }

    def _tag(self, asked: Asked) -> Answered:
        about = asked.said.get("tag")
        _, made = self._account.add_tag(_text(about if isinstance(about, dict) else {}, "name"))
        tag = made["tag"]
        return 201, {**(tag if isinstance(tag, dict) else {}), "state": "available"}

    def _tagged(self, asked: Asked) -> Answered:
        person = self._person(asked.said)
        self._account.tag(asked.id, person, sells=False)
        return 200, _subscription(self._account.tags[asked.id].members[person.id], asked.id, "tag", person)

    def _updated(self, asked: Asked) -> Answered:
        person = self._account.person(asked.id)
        said = {"email_address": person.email, **asked.said}
        return self._account.update(asked.id, said, strict=False)

    def _buy(self, asked: Asked) -> Answered:
        purchase = asked.said.get("purchase")
        said: Content = purchase if isinstance(purchase, dict) else {}
        products = said.get("products")
        lines = products if isinstance(products, list) else []
        missing = [name for name in ("transaction_id", "email_address") if not said.get(name)]
        missing += [
            f"{key} for a product" for line in lines for key in ("pid", "lid", "sku") if not line.get(key)
        ]
        if missing or not lines:
            raise Refused(400, *(f"{name} can't be blank" for name in missing or ["products"]))
        status, made = self._account.buy({"currency": "USD", **said})
        found = made["purchase"]
        return status, found if isinstance(found, dict) else {}

    def _purchases(self, asked: Asked) -> Answered:
        found = self._account.seen(self._account.purchases.values())[::-1]
        page, about = _page(found, asked, "purchases")
        return 200, {**about, "purchases": [shown(each) for each in page]}

    def _subscribe(self, asked: Asked) -> Answered:
        person = self._person(asked.said)
        self._account.enlist(asked.id, person)
        begun = self._account.sequences[asked.id].members[person.id]
        return 200, _subscription(begun, asked.id, "course", person)

    def _subscriptions(self, asked: Asked) -> Answered:
        sequence = self._account.sequences.get(asked.id)
        if sequence is None:
            raise Refused(404, "Not Found")
        seen = self._account.seen(sequence.members.values())
        members = sorted(seen, key=lambda each: each.made, reverse=asked.newest_first)
        page, about = _page(members, asked, "subscriptions")
        found = [
            _subscription(each, asked.id, "course", self._account.people[each.id])["subscription"]
            for each in page
        ]
        return 200, {**about, "subscriptions": found}

    def _person(self, said: Content) -> Person:
        """Return who has this address, with the fields that exist."""
        about = {"email_address": _text(said, "email"), "first_name": said.get("first_name")}
        self._account.upsert(about, strict=False)
        person = self._account.find(_text(said, "email"))
        if person is None:
            raise Refused(422, "email is invalid")
        fields = {"email_address": person.email, "fields": said.get("fields")}
        self._account.update(person.id, fields, strict=False)
        return person


def routes(stage: Stage) -> list[Route]:
    """Return the routes below `/kit-v3`."""
    return Api(stage).routes()


def _subscription(since: Thing, to: int, kind: str, person: Person) -> Content:
    about = {"id": since.id, "state": person.state, "created_at": since.created_at, "source": None}
    what = {"referrer": None, "subscribable_id": to, "subscribable_type": kind}
    return {"subscription": {**about, **what, "subscriber": person.shown()}}


def _page(things: Sequence[Kind], asked: Asked, name: str) -> tuple[Sequence[Kind], Content]:
    begin = (asked.page - 1) * PAGE
    about: Content = {
        f"total_{name}": len(things),
        "page": asked.page,
        "total_pages": ceil(len(things) / PAGE),
    }
    return things[begin : begin + PAGE], about


def _text(said: Content, name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str) or not found.strip():
        raise Refused(400, f"{name} can't be blank")
    return found


def _refused(status: int, message: str) -> Response:
    error = "Authorization Failed" if status == 401 else "Your request is wrong"  # noqa: PLR2004 - known by heart
    return answer({"error": error, "message": message}, status)
