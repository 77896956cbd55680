"""The routes of Kit: each passes the fault switch, the limits, the keys and the description, in this order."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from kramik.sandbox.door import Handler, answer, read
from kramik.sandbox.mailers.kit import gate
from kramik.sandbox.mailers.kit.account import Account, Answered, Content, Person, Refused, Thing, shown
from kramik.sandbox.mailers.kit.gate import Gate
from kramik.sandbox.mailers.kit.rules import Rules
from kramik.sandbox.stage import Stage

DEMO: Mapping[str, object] = {
    "api_key": gate.API_KEY,
    "client_id": gate.CLIENT_ID,
    "client_secret": gate.CLIENT_SECRET,
    "refresh_token": gate.REFRESH_TOKEN,
    "sequences": {"agregaty-start": 1001, "kolejki-start": 1002},
}
MOST = 1000
"""Items of one page, at most; half of it without a wish."""

OPERATIONS = {
    "GET /v4/account": "setup",
    "GET /v4/custom_fields": "setup",
    "POST /v4/custom_fields": "setup",
    "GET /v4/sequences": "setup",
    "GET /v4/tags": "setup",
    "GET /v4/subscribers": "find",
    "POST /v4/subscribers": "person",
    "GET /v4/subscribers/{id}": "person",
    "PUT /v4/subscribers/{id}": "person",
    "POST /v4/tags": "person",
    "POST /v4/tags/{tag_id}/subscribers": "purchase",
    "POST /v4/tags/{tag_id}/subscribers/{id}": "purchase",
    "GET /v4/purchases": "find",
    "GET /v4/purchases/{id}": "find",
    "POST /v4/purchases": "purchase",
    "GET /v4/sequences/{sequence_id}/subscribers": "find",
    "POST /v4/sequences/{sequence_id}/subscribers": "sequence",
    "POST /v4/sequences/{sequence_id}/subscribers/{id}": "sequence",
}
"""What the faults call each operation."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that passed the gate: ids of its path, query, body, and whether unknown fields are refused."""

    ids: Mapping[str, int]
    query: Mapping[str, str]
    body: Content
    strict: bool


class Api:
    """One account behind its routes."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._rules = stage, Rules()
        self._account, self._gate = Account(stage), Gate(stage)
        account = self._account
        self._handlers: Mapping[str, Callable[[Asked], Answered]] = {
            "GET /v4/account": _account,
            "GET /v4/custom_fields": self._fields,
            "POST /v4/custom_fields": lambda asked: account.add_field(str(asked.body["label"])),
            "GET /v4/sequences": self._sequences,
            "GET /v4/tags": self._tags,
            "GET /v4/subscribers": self._people,
            "POST /v4/subscribers": lambda asked: account.upsert(asked.body, strict=asked.strict),
            "GET /v4/subscribers/{id}": lambda asked: (
                200,
                {"subscriber": account.person(asked.ids["id"]).shown()},
            ),
            "PUT /v4/subscribers/{id}": lambda asked: account.update(
                asked.ids["id"], asked.body, strict=asked.strict
            ),
            "POST /v4/tags": lambda asked: account.add_tag(str(asked.body["name"])),
            "POST /v4/tags/{tag_id}/subscribers": lambda asked: account.tag(
                asked.ids["tag_id"], self._named(asked)
            ),
            "POST /v4/tags/{tag_id}/subscribers/{id}": lambda asked: account.tag(
                asked.ids["tag_id"], account.person(asked.ids["id"])
            ),
            "GET /v4/purchases": self._purchases,
            "GET /v4/purchases/{id}": self._purchase,
            "POST /v4/purchases": self._buy,
            "GET /v4/sequences/{sequence_id}/subscribers": self._members,
            "POST /v4/sequences/{sequence_id}/subscribers": lambda asked: account.enlist(
                asked.ids["sequence_id"], self._named(asked)
            ),
            "POST /v4/sequences/{sequence_id}/subscribers/{id}": lambda asked: account.enlist(
                asked.ids["sequence_id"], account.person(asked.ids["id"])
            ),
        }

    def routes(self) -> list[Route]:
        """Return the routes below the mount."""
        routes = [
            Route("/v4/oauth/token", self._stage.guarded("token", self._token), methods=["POST"]),
            Route("/v4/oauth/authorize", self._authorize, methods=["GET"]),
        ]
        for key, operation in OPERATIONS.items():
            method, path = key.split()
            for name in ("id", "tag_id", "sequence_id"):
                path = path.replace(f"{{{name}}}", f"{{{name}:int}}")
            guarded = self._stage.guarded(operation, self._answered(key))
            routes.append(Route(path, guarded, methods=[method]))
        return routes

    def _answered(self, key: str) -> Handler:
        async def answered(request: Request) -> Response:
            rule = self._rules.operations[key]
            api_key = request.headers.get("x-kit-api-key", "")
            bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
            credential = self._gate.credential(api_key, bearer)
            if credential not in rule.security:
                return _refused(401, "The access token is invalid")
            if self._gate.full(credential):
                return PlainTextResponse("Retry later", 429)
            try:
                body = msgspec.json.decode(await read(request) or b"{}", type=dict[str, object])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return _refused(422, "The body is no JSON object")
            query = dict(request.query_params)
            if problems := list(rule.problems(query, body)):
                return _refused(422, *problems)
            strict = api_key != gate.OLD_API_KEY
            asked = Asked(ids=request.path_params, query=query, body=body, strict=strict)
            try:
                status, content = self._handlers[key](asked)
            except Refused as refused:
                return _refused(refused.status, *refused.errors)
            if broken := rule.broken(status, content):
                raise RuntimeError(f"this world answers {key} as Kit never would: {broken}")
            return answer(content, status)

        return answered

    async def _authorize(self, request: Request) -> Response:
        """Connect at once: the seller of this world allows whatever a shop asks for."""
        asked = dict(request.query_params)
        code = self._gate.allow(asked)
        if not code:
            return PlainTextResponse("The client or the request is not known here", 400)
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{asked.get('redirect_uri', '')}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        try:
            said = msgspec.json.decode(await read(request), type=dict[str, str])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return answer({"error": "invalid_request"}, 400)
        found = self._gate.trade(said)
        if isinstance(found, str):
            return answer({"error": found, "error_description": "The grant is not valid"}, 400)
        return answer(found)

    def _named(self, asked: Asked) -> Person:
        person = self._account.find(str(asked.body["email_address"]))
        if person is None:
            raise Refused(404, "Not Found")
        return person

    def _fields(self, asked: Asked) -> Answered:
        things = [Thing(id=int(number), made=0.0) for number in self._account.fields.values()]
        keys = {int(number): key for key, number in self._account.fields.items()}
        return _page(
            "custom_fields", self._account.seen(things), lambda it: self._account.field(keys[it.id]), asked
        )

    def _sequences(self, asked: Asked) -> Answered:
        known = self._account.sequences

        def about(it: Thing) -> Content:
            found = known[it.id]
            marks = {"hold": False, "repeat": found.repeat, "active": found.active}
            return {"id": it.id, "name": found.name, **marks, "created_at": it.created_at}

        return _page("sequences", sorted(known.values(), key=lambda it: -it.id), about, asked)

    def _tags(self, asked: Asked) -> Answered:
        tags = self._account.seen(self._account.tags.values())
        return _page(
            "tags", tags, lambda it: {"id": it.id, "name": it.name, "created_at": it.created_at}, asked
        )

    def _people(self, asked: Asked) -> Answered:
        state, email = asked.query.get("status", "active"), asked.query.get("email_address", "").lower()
        found = [
            each
            for each in self._account.seen(self._account.people.values())
            if state in ("all", each.state) and email in ("", each.email.lower())
        ]
        return _page("subscribers", found, lambda it: it.shown(), asked)

    def _purchases(self, asked: Asked) -> Answered:
        return _page("purchases", self._account.seen(self._account.purchases.values()), shown, asked)

    def _purchase(self, asked: Asked) -> Answered:
        found = self._account.purchases.get(asked.ids["id"])
        if found is None:
            raise Refused(404, "Not Found")
        return 200, shown(found)

    def _buy(self, asked: Asked) -> Answered:
        purchase = asked.body["purchase"]
        return self._account.buy(purchase if isinstance(purchase, dict) else {})

    def _members(self, asked: Asked) -> Answered:
        sequence = self._account.sequences.get(asked.ids["sequence_id"])
        if sequence is None:
            raise Refused(404, "Not Found")
        state, since = asked.query.get("status", "active"), asked.query.get("added_after", "")
        members = [
            each
            for each in self._account.seen(sequence.members.values())
            if state in ("all", self._account.people[each.id].state) and each.created_at[:10] >= since[:10]
        ]
        people = self._account.people
        return _page("subscribers", members, lambda it: people[it.id].shown(added_at=it.created_at), asked)


def routes(stage: Stage) -> list[Route]:
    """Return the routes below `/kit`."""
    return Api(stage).routes()


def _account(_asked: Asked) -> Answered:
    account = {"name": "Akademia Agregatów", "plan_type": "creator", "id": 26}
    about = {"primary_email_address": "hanna@akademia.example", "created_at": "2026-01-02T03:04:05Z"}
    zone = {"name": "Europe/Warsaw", "friendly_name": "Warsaw", "utc_offset": "+01:00"}
    return 200, {
        "user": {"email": "hanna@akademia.example"},
        "account": {**account, **about, "timezone": zone},
    }


def _page(name: str, things: Sequence[Thing], about: Callable[..., Content], asked: Asked) -> Answered:
    """Return one page of a list, the newest first; a cursor is the id of an item in brackets, in base64."""
    after, size = asked.query.get("after", ""), asked.query.get("per_page", "500")
    if not size.isdigit() or not 0 < int(size) <= MOST:
        raise Refused(422, "Per page is invalid")
    behind = _read_cursor(after) if after else None
    rest = [each for each in things if behind is None or each.id < behind]
    page = rest[: int(size)]
    pagination = {
        "has_previous_page": bool(after),
        "has_next_page": len(rest) > len(page),
        "start_cursor": _cursor(page[0].id) if page else "",
        "end_cursor": _cursor(page[-1].id) if page else "",
        "per_page": int(size),
    }
    return 200, {name: [about(each) for each in page], "pagination": pagination}


def _cursor(number: int) -> str:
    return b64encode(f"[{number}]".encode()).decode()


def _read_cursor(cursor: str) -> int:
    try:
        return int(b64decode(cursor).strip(b"[]"))
    except (ValueError, NotBase64):
        raise Refused(422, "Cursor is invalid") from None


def _refused(status: int, *errors: str) -> Response:
    return answer({"errors": errors}, status)
