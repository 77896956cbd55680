"""Moodle as it stands before a shop: four functions of its web services, over REST, and the page of a course.

Every error comes with status 200. A name of a user is taken once, and an enrolment that is there is set again.
Source: Moodle core (user/externallib.php, enrol/manual/externallib.php); the words of an error are not verified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kramik.payment import same
from kramik.sandbox.door import Handler, answer, read
from kramik.sandbox.school import COURSES, KNOWN, School
from kramik.sandbox.stage import Stage

TOKEN = "moodledemotoken0123456789abcdef00"  # noqa: S105 - made up

DEMO: dict[str, object] = {
    "token": TOKEN,
    "site": "{url}",
    "courses": KNOWN,
    "private_network": True,
}

Form = Mapping[str, str]
OPERATIONS = {
    "core_user_get_users_by_field": "find",
    "core_user_create_users": "member",
    "enrol_manual_enrol_users": "grant",
    "enrol_manual_unenrol_users": "revoke",
}


class Moodle:
    """One site."""

    def __init__(self, stage: Stage) -> None:
        self._school = School(stage)
        functions: Mapping[str, Callable[[Form], Response]] = {
            "core_user_get_users_by_field": self._find,
            "core_user_create_users": self._make,
            "enrol_manual_enrol_users": self._enrol,
            "enrol_manual_unenrol_users": self._unenrol,
        }
        self._doors = {
            name: stage.guarded(OPERATIONS[name], _called(function)) for name, function in functions.items()
        }
        self._open_door = stage.guarded("open", self._open)

    def routes(self) -> list[BaseRoute]:
        """Return the one address of the web services, and the course pages."""
        return [
            Route("/webservice/rest/server.php", self._call, methods=["POST"]),
            Route("/course/view.php", self._open_door, methods=["GET"]),
        ]

    async def _call(self, request: Request) -> Response:
        request.state.form = form = dict(parse_qsl((await read(request)).decode(), keep_blank_values=True))
        if not same(TOKEN.encode(), form.get("wstoken", "").encode("utf-8", "replace")):
            return _error("invalidtoken", "Invalid token - token not found")
        door = self._doors.get(form.get("wsfunction", ""))
        if door is None or form.get("moodlewsrestformat") != "json":
            return _error("accessexception", "Access control exception")
        return await door(request)

    def _find(self, form: Form) -> Response:
        found = self._school.person(form.get("values[0]", "")) if form.get("field") == "email" else None
        return answer([{"id": found.id, "username": found.email, "email": found.email}] if found else [])

    def _make(self, form: Form) -> Response:
        name, email = form.get("users[0][username]", ""), form.get("users[0][email]", "")
        if self._school.person(email) or name != name.lower() or not name:
            return _error("invalidparameter", "Invalid parameter value detected (Username already exists)")
        names = (form.get("users[0][firstname]", ""), form.get("users[0][lastname]", ""))
        if not all(names):
            return _error("invalidparameter", "Invalid parameter value detected")
        return answer([{"id": self._school.welcome(email, " ".join(names)).id, "username": name}])

    def _enrol(self, form: Form) -> Response:
        person = self._school.by_id(form.get("enrolments[0][userid]", ""))
        course = COURSES.get(form.get("enrolments[0][courseid]", ""))
        if person is None or course is None or form.get("enrolments[0][roleid]") != "5":
            return _error("wsusercannotassign", "You don't have the permission to assign this role")
        if not self._school.places(person, course):
            self._school.enroll(person, course)
        return answer(None)

    def _unenrol(self, form: Form) -> Response:
        person = self._school.by_id(form.get("enrolments[0][userid]", ""))
        course = COURSES.get(form.get("enrolments[0][courseid]", ""), "")
        for place in self._school.places(person, course) if person else []:
            self._school.end(place)
        return answer(None)

    async def _open(self, request: Request) -> Response:
        return self._school.show(request, COURSES.get(request.query_params.get("id", ""), ""))


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/moodle`."""
    return Moodle(stage).routes()


def _called(function: Callable[[Form], Response]) -> Handler:
    async def handler(request: Request) -> Response:
        return function(request.state.form)

    return handler


def _error(code: str, message: str) -> Response:
    return answer({"exception": "moodle_exception", "errorcode": code, "message": message})
