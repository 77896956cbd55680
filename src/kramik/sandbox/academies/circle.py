"""Circle as it stands before a shop: members and access groups of its Admin API v2, and the pages of the community.

A member that is there is answered 201 with a sentence, as public code saw it; a group holds a person once.
Source: api.circle.so/apis/admin-api.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kramik.payment import same
from kramik.sandbox.door import Refusal, answer
from kramik.sandbox.school import COURSES, KNOWN, School, body
from kramik.sandbox.stage import Stage

TOKEN = "circle_demo_token_0123456789"  # noqa: S105 - made up

DEMO: dict[str, object] = {
    "token": TOKEN,
    "site": "{url}",
    "courses": KNOWN,
    "private_network": True,
}


class NewMember(msgspec.Struct):
    """The body of a new member."""

    email: str
    name: str = ""
    skip_invitation: bool = True


class Somebody(msgspec.Struct):
    """The body that names a member."""

    email: str


class Circle:
    """One community."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._school = stage, School(stage)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API and of the community's pages."""
        on, group = self._stage.guarded, "/api/admin/v2/access_groups/{group}/community_members"
        return [
            Route(group, on("setup", self._course), methods=["GET"]),
            Route("/api/admin/v2/community_members", on("member", self._member), methods=["POST"]),
            Route(group, on("grant", self._add), methods=["POST"]),
            Route(group, on("revoke", self._remove), methods=["DELETE"]),
            Route("/c/{slug}", on("open", self._open), methods=["GET"]),
        ]

    async def _member(self, request: Request) -> Response:
        _known(request)
        wanted = await body(request, NewMember)
        before = self._school.person(wanted.email)
        member = before or self._school.welcome(wanted.email, wanted.name)
        message = "This user is already a member of this community." if before else "User has been invited."
        shown = {"id": member.id, "email": member.email, "name": member.name}
        return answer({"message": message, "community_member": shown}, 201)

    async def _add(self, request: Request) -> Response:
        _known(request)
        wanted = await body(request, Somebody)
        member, course = self._school.person(wanted.email), COURSES.get(request.path_params["group"])
        if member is None or course is None:
            return answer({"success": False, "message": "Not found"}, 404)
        if not self._school.places(member, course):
            self._school.enroll(member, course)
        return answer({"success": True, "message": "Member added to access group"})

    async def _remove(self, request: Request) -> Response:
        _known(request)
        member = self._school.person(request.query_params.get("email", ""))
        places = self._school.places(member, COURSES.get(request.path_params["group"], "")) if member else []
        for place in places:
            self._school.end(place)
        return answer({"success": bool(places)}, 200 if places else 404)

    async def _course(self, request: Request) -> Response:
        _known(request)
        return self._school.describe(COURSES.get(request.path_params["group"], ""))

    async def _open(self, request: Request) -> Response:
        return self._school.show(request, request.path_params["slug"])


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/circle`."""
    return Circle(stage).routes()


def _known(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme not in ("Token", "Bearer") or not same(TOKEN.encode(), token.encode("utf-8", "replace")):
        raise Refusal(401, "Your account could not be authenticated")
