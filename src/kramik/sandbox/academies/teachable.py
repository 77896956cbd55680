"""Teachable as it stands before a shop: users, their courses, enroll and unenroll of its Admin API, and course pages.

An address has one user. Enrolling twice makes two enrollments here, which no document rules out.
Source: docs.teachable.com, as collected by api-evangelist/teachable; the words of a refusal are not verified.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kramik.payment import same
from kramik.sandbox.door import Refusal, answer
from kramik.sandbox.school import COURSES, KNOWN, Person, School, body
from kramik.sandbox.stage import Stage

KEY = "teachable_demo_key_0123456789"

DEMO: dict[str, object] = {
    "api_key": KEY,
    "site": "{url}",
    "courses": KNOWN,
    "private_network": True,
}


class NewUser(msgspec.Struct):
    """The body of a new user."""

    email: str
    name: str = ""
    src: str = ""


class Enrollment(msgspec.Struct):
    """The body that enrolls or takes out."""

    user_id: int
    course_id: int


class Teachable:
    """One school."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._school = stage, School(stage)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API and of the course pages."""
        on = self._stage.guarded
        return [
            Route("/courses/{id}", on("setup", self._course), methods=["GET"]),
            Route("/users", on("find", self._users), methods=["GET"]),
            Route("/users", on("member", self._new_user), methods=["POST"]),
            Route("/users/{id}", on("find", self._user), methods=["GET"]),
            Route("/enroll", on("grant", self._enroll), methods=["POST"]),
            Route("/unenroll", on("revoke", self._unenroll), methods=["POST"]),
            Route("/courses/enrolled/{id}", on("open", self._open), methods=["GET"]),
        ]

    async def _users(self, request: Request) -> Response:
        _known(request)
        found = self._school.person(request.query_params.get("email", ""), listed=True)
        shown = [{"id": found.id, "name": found.name, "email": found.email}] if found else []
        return answer({"users": shown, "meta": {"total": len(shown), "page": 1, "per_page": 20}})

    async def _new_user(self, request: Request) -> Response:
        _known(request)
        wanted = await body(request, NewUser, status=400)
        if self._school.person(wanted.email):
            return answer({"message": ["Email has already been taken"]}, 400)
        return answer({"user": self._shown(self._school.welcome(wanted.email, wanted.name))}, 201)

    async def _user(self, request: Request) -> Response:
        _known(request)
        found = self._school.by_id(request.path_params["id"])
        return answer({"user": self._shown(found)}) if found else answer({"message": "User not found"}, 404)

    async def _enroll(self, request: Request) -> Response:
        _known(request)
        person, course = await self._meant(request)
        self._school.enroll(person, course)
        return Response(status_code=204)

    async def _unenroll(self, request: Request) -> Response:
        _known(request)
        person, course = await self._meant(request)
        for place in self._school.places(person, course):
            self._school.end(place)
        return Response(status_code=204)

    async def _course(self, request: Request) -> Response:
        _known(request)
        return self._school.describe(COURSES.get(request.path_params["id"], ""))

    async def _open(self, request: Request) -> Response:
        return self._school.show(request, COURSES.get(request.path_params["id"], ""))

    async def _meant(self, request: Request) -> tuple[Person, str]:
        wanted = await body(request, Enrollment)
        person, course = self._school.by_id(str(wanted.user_id)), COURSES.get(str(wanted.course_id))
        if person is None or course is None:
            raise Refusal(404, "not found")
        return person, course

    def _shown(self, person: Person) -> dict[str, object]:
        courses = [
            {"course_id": int(number), "course_name": slug, "is_active_enrollment": True}
            for number, slug in COURSES.items()
            if self._school.places(person, slug, listed=True)
        ]
        return {"id": person.id, "name": person.name, "email": person.email, "courses": courses, "tags": []}


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/teachable`."""
    return Teachable(stage).routes()


def _known(request: Request) -> None:
    if not same(KEY.encode(), request.headers.get("apikey", "").encode("utf-8", "replace")):
        raise Refusal(401, "Unauthorized")
