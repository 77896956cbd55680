"""Heartbeat as it stands before a shop: users and group memberships of its API v0, and the front page.

A second user of an address is refused; an address that is no user is ignored by a group, without a word.
Source: heartbeat.readme.io; the tests of activepieces/activepieces. The words of a refusal are not verified.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kramik.payment import same
from kramik.sandbox.door import Refusal, answer
from kramik.sandbox.pages import page
from kramik.sandbox.school import TITLES, School, body
from kramik.sandbox.stage import Stage

KEY = "heartbeat_demo_key_0123456789"
ROLE = "97f4285a-18d4-44a9-961d-17e582aa278f"

DEMO: dict[str, object] = {
    "api_key": KEY,
    "role": ROLE,
    "site": "{url}",
    "private_network": True,
}


class NewUser(msgspec.Struct):
    """The body of a new user."""

    name: str
    email: str
    roleID: str  # noqa: N815 - the vendor's spelling
    createIntroductionThread: bool = True  # noqa: N815 - the vendor's spelling


class People(msgspec.Struct):
    """The body that names users."""

    emails: list[str]
    shouldRemoveFromSiblingGroups: bool = False  # noqa: N815 - the vendor's spelling


class Heartbeat:
    """One community, whose groups have the names of the courses."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._school = stage, School(stage)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API and of the community."""
        on = self._stage.guarded
        return [
            Route("/groups/{group}", on("setup", self._course), methods=["GET"]),
            Route("/users", on("member", self._new_user), methods=["PUT"]),
            Route("/groups/{group}/memberships", on("grant", self._add), methods=["PUT"]),
            Route("/groups/{group}/memberships", on("revoke", self._remove), methods=["DELETE"]),
            Route("/", on("open", self._open), methods=["GET"]),
        ]

    async def _new_user(self, request: Request) -> Response:
        _known(request)
        wanted = await body(request, NewUser, status=400)
        if wanted.roleID != ROLE:
            return answer({"error": "role not found"}, 404)
        if self._school.person(wanted.email):
            return answer({"error": "A user with this email already exists"}, 400)
        return answer({"userID": str(self._school.welcome(wanted.email, wanted.name).id)})

    async def _add(self, request: Request) -> Response:
        group = _group(request)
        for email in (await body(request, People)).emails:
            person = self._school.person(email)
            if person and not self._school.places(person, group):
                self._school.enroll(person, group)
        return answer({"success": True})

    async def _remove(self, request: Request) -> Response:
        group = _group(request)
        for email in (await body(request, People)).emails:
            person = self._school.person(email)
            for place in self._school.places(person, group) if person else []:
                self._school.end(place)
        return answer({"success": True})

    async def _course(self, request: Request) -> Response:
        return self._school.describe(_group(request))

    async def _open(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        return page("course", title="Agregaty w praktyce", name="")


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/heartbeat`."""
    return Heartbeat(stage).routes()


def _group(request: Request) -> str:
    _known(request)
    group = str(request.path_params["group"])
    if group not in TITLES:
        raise Refusal(404, "group not found")
    return group


def _known(request: Request) -> None:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not same(KEY.encode(), token.encode("utf-8", "replace")):
        raise Refusal(401, "Unauthorized")
