"""Thinkific as it stands before a shop: users and enrollments of its Admin API, and the page of a course.

An address has one user. Enrolling twice makes two enrollments here, which no document rules out.
Source: developers.thinkific.com/api/api-documentation; the wording of a taken address is not verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kramik.payment import same
from kramik.sandbox.door import Refusal, answer
from kramik.sandbox.school import COURSES, KNOWN, Person, Place, School, body
from kramik.sandbox.stage import Stage

KEY = "thinkific_demo_key_0123456789abcdef"
SUBDOMAIN = "akademia"

DEMO: dict[str, object] = {
    "api_key": KEY,
    "subdomain": SUBDOMAIN,
    "site": "{url}",
    "courses": KNOWN,
    "private_network": True,
}


class NewUser(msgspec.Struct):
    """The body of a new user."""

    email: str
    first_name: str
    last_name: str
    send_welcome_email: bool = False


class NewEnrollment(msgspec.Struct):
    """The body of an enrollment; without `activated_at` it is a free trial."""

    course_id: int
    user_id: int
    activated_at: datetime | None = None
    expiry_date: datetime | None = None


class Change(msgspec.Struct):
    """The body that changes an enrollment."""

    activated_at: datetime | None = None
    expiry_date: datetime | None = None


class Thinkific:
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
            Route("/enrollments", on("find", self._enrollments), methods=["GET"]),
            Route("/enrollments", on("grant", self._enroll), methods=["POST"]),
            Route("/enrollments/{id}", on("revoke", self._change), methods=["PUT"]),
            Route("/courses/take/{slug}", on("open", self._open), methods=["GET"]),
        ]

    async def _users(self, request: Request) -> Response:
        _known(request)
        found = self._school.person(request.query_params.get("query[email]", ""), listed=True)
        return answer({"items": [_user(found)] if found else [], "meta": {}})

    async def _new_user(self, request: Request) -> Response:
        _known(request)
        wanted = await body(request, NewUser)
        if self._school.person(wanted.email):
            return answer({"errors": {"email": ["has already been taken"]}}, 422)
        return answer(
            _user(self._school.welcome(wanted.email, f"{wanted.first_name} {wanted.last_name}")), 201
        )

    async def _enrollments(self, request: Request) -> Response:
        _known(request)
        asked = request.query_params
        person = self._school.person(asked["query[email]"]) if "query[email]" in asked else None
        person = person or self._school.by_id(asked.get("query[user_id]", ""))
        course = COURSES.get(asked.get("query[course_id]", ""), "")
        found = self._school.places(person, course, listed=True) if person else []
        return answer({"items": [_enrollment(each) for each in found], "meta": {}})

    async def _enroll(self, request: Request) -> Response:
        _known(request)
        wanted = await body(request, NewEnrollment)
        person, course = self._school.by_id(str(wanted.user_id)), COURSES.get(str(wanted.course_id))
        missing = [
            f"{name} could not be found." for name, it in (("Course", course), ("User", person)) if it is None
        ]
        if person is None or course is None:
            return answer({"errors": missing}, 422)
        place = self._school.enroll(person, course, activated=wanted.activated_at, expires=wanted.expiry_date)
        return answer(_enrollment(place), 201)

    async def _change(self, request: Request) -> Response:
        _known(request)
        change = await body(request, Change)
        place = self._school.place(request.path_params["id"])
        if place is None:
            return answer({"error": "Record not found."}, 404)
        if change.expiry_date and change.expiry_date <= datetime.now(UTC):
            self._school.end(place)
        return Response(status_code=204)

    async def _course(self, request: Request) -> Response:
        _known(request)
        return self._school.describe(COURSES.get(request.path_params["id"], ""))

    async def _open(self, request: Request) -> Response:
        return self._school.show(request, request.path_params["slug"])


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/thinkific`."""
    return Thinkific(stage).routes()


def _known(request: Request) -> None:
    key, subdomain = (request.headers.get(name, "") for name in ("x-auth-api-key", "x-auth-subdomain"))
    if not same(KEY.encode(), key.encode("utf-8", "replace")) or subdomain != SUBDOMAIN:
        raise Refusal(401, "API Key is invalid")


def _user(person: Person) -> dict[str, object]:
    first, _, last = person.name.partition(" ")
    return {
        "id": person.id,
        "email": person.email,
        "first_name": first,
        "last_name": last,
        "full_name": person.name,
    }


def _enrollment(place: Place) -> dict[str, object]:
    number = next(number for number, slug in COURSES.items() if slug == place.course)
    return {
        "id": place.id,
        "user_id": place.person.id,
        "user_email": place.person.email,
        "course_id": int(number),
        "activated_at": place.facts["activated"],
        "expiry_date": place.facts["expires"],
        "expired": place.ended,
        "is_free_trial": place.facts["activated"] is None,
    }
