"""Discourse as it stands before a shop: users, invitations and groups of its API, and the pages of the forum.

An invitation is found again by its address; who has an account can not be invited. An invitation that is opened
makes the account. A person may be invited three times a day, here without the day.
Source: discourse/discourse_api_docs; discourse/discourse app/models/invite.rb and app/controllers/groups_controller.rb.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kramik.payment import same
from kramik.sandbox.door import Refusal, answer
from kramik.sandbox.pages import page
from kramik.sandbox.school import COURSES, KNOWN, TITLES, Person, School, body
from kramik.sandbox.stage import Stage

KEY = "discourse_demo_key_0123456789"

DEMO: dict[str, object] = {"api_key": KEY, "courses": KNOWN, "private_network": True}


class Wanted(msgspec.Struct):
    """The body of an invitation."""

    email: str
    skip_email: bool = False
    group_ids: str = ""


class People(msgspec.Struct):
    """The body that names members."""

    usernames: str


@dataclass(slots=True)
class Invitation:
    """An invitation of an address into groups."""

    key: str
    email: str
    groups: list[str] = field(default_factory=list)
    redeemed: bool = False


class Discourse:
    """One forum, whose groups have the numbers of the courses."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._school = stage, School(stage)
        self._invited: dict[str, Invitation] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API and of the forum."""
        on = self._stage.guarded
        return [
            Route("/admin/users/list/active.json", on("find", self._users), methods=["GET"]),
            Route("/invites.json", on("grant", self._invite), methods=["POST"]),
            Route("/groups/{group}/members.json", on("grant", self._add), methods=["PUT"]),
            Route("/groups/{group}/members.json", on("revoke", self._remove), methods=["DELETE"]),
            Route("/invites/{key}", on("open", self._redeem), methods=["GET"]),
            Route("/{slug}", on("open", self._open), methods=["GET"]),
        ]

    async def _users(self, request: Request) -> Response:
        _known(request)
        found = self._school.person(request.query_params.get("email", ""))
        return answer([{"id": found.id, "username": _name(found)}] if found else [])

    async def _invite(self, request: Request) -> Response:
        _known(request)
        wanted = await body(request, Wanted)
        email = wanted.email.lower()
        if self._school.person(email):
            return answer(
                {"errors": [f"There's no need to invite {email}, they already have an account!"]}, 422
            )
        found = self._invited.setdefault(email, Invitation(token_hex(8), email))
        for group in filter(None, wanted.group_ids.split(",")):
            if group not in found.groups and group in COURSES:
                found.groups.append(group)
                self._stage.write("grant", "", email=email, course=COURSES[group], invitation=found.key)
        link = f"{request.base_url}discourse/invites/{found.key}"
        shown = {"id": 1, "invite_key": found.key, "link": link, "email": email, "emailed": False}
        return answer({**shown, "expired": False})

    async def _add(self, request: Request) -> Response:
        _known(request)
        person, course = await self._meant(request)
        if self._school.places(person, course):
            return answer({"errors": [f"'{_name(person)}' is already a member of this group."]}, 422)
        self._school.enroll(person, course)
        return answer({"success": "OK", "usernames": [_name(person)], "emails": []})

    async def _remove(self, request: Request) -> Response:
        _known(request)
        person, course = await self._meant(request)
        for place in self._school.places(person, course):
            self._school.end(place)
        return answer({"success": "OK", "usernames": [_name(person)], "skipped_usernames": []})

    async def _redeem(self, request: Request) -> Response:
        """Open an invitation: the first time it makes the account, later it says that it was used."""
        key = request.path_params["key"]
        found = next((each for each in self._invited.values() if each.key == key), None)
        if found is None or found.redeemed:
            return page("message", 404, title="404", text="no_course")
        found.redeemed = True
        person = self._school.welcome(found.email, found.email.partition("@")[0])
        for group in found.groups:
            self._school.admit(person, COURSES[group])
        return RedirectResponse(f"{request.base_url}discourse/{COURSES[found.groups[0]]}", 302)

    async def _open(self, request: Request) -> Response:
        return self._school.show(request, request.path_params["slug"])

    async def _meant(self, request: Request) -> tuple[Person, str]:
        name = (await body(request, People)).usernames
        person = next((each for each in self._school.matching("") if _name(each) == name), None)
        course = COURSES.get(request.path_params["group"], "")
        if person is None or course not in TITLES:
            raise Refusal(404, "The requested URL or resource could not be found.")
        return person, course


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/discourse`."""
    return Discourse(stage).routes()


def _name(person: Person) -> str:
    return f"u{person.id}"


def _known(request: Request) -> None:
    key = request.headers.get("api-key", "")
    if (
        not same(KEY.encode(), key.encode("utf-8", "replace"))
        or request.headers.get("api-username") != "system"
    ):
        raise Refusal(403, "You are not permitted to view the requested resource.")
