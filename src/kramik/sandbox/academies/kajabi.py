"""Kajabi as it stands before a shop: tokens, contacts and offers of its Public API (JSON:API), and the library page.

A token lives two hours. A contact is found by a part of its address; a grant that is there is not made again.
Source: developers.kajabi.com, as collected by api-evangelist/kajabi; help.kajabi.com for the grant.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kramik.sandbox.door import Refusal, answer, read
from kramik.sandbox.pages import page
from kramik.sandbox.school import COURSES, KNOWN, Person, School, body
from kramik.sandbox.stage import Stage

CLIENT, SECRET, SITE = "kajabi-demo-client", "kajabi_demo_secret_0123456789", "77"

DEMO: dict[str, object] = {
    "client_id": CLIENT,
    "client_secret": SECRET,
    "site_id": SITE,
    "site": "{url}",
    "courses": KNOWN,
    "private_network": True,
}


class Reference(msgspec.Struct):
    """A thing that is named."""

    type: str
    id: str


class Offers(msgspec.Struct):
    """The body that names offers."""

    data: list[Reference]


class One(msgspec.Struct):
    """A relation to one thing."""

    data: Reference


class Relations(msgspec.Struct):
    """The site of a contact."""

    site: One


class Attributes(msgspec.Struct):
    """What is known of a contact."""

    name: str
    email: str


class Contact(msgspec.Struct):
    """A contact as it is sent."""

    type: str
    attributes: Attributes
    relationships: Relations


class NewContact(msgspec.Struct):
    """The body of a new contact."""

    data: Contact


class Kajabi:
    """One account with one site."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._school = stage, School(stage)
        self._tokens: set[str] = set()

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API and of the site."""
        on, offers = self._stage.guarded, "/v1/contacts/{id}/relationships/offers"
        return [
            Route("/v1/offers/{id}", on("setup", self._course), methods=["GET"]),
            Route("/v1/oauth/token", on("token", self._token), methods=["POST"]),
            Route("/v1/contacts", on("find", self._contacts), methods=["GET"]),
            Route("/v1/contacts", on("member", self._new_contact), methods=["POST"]),
            Route(offers, on("find", self._offers), methods=["GET"]),
            Route(offers, on("grant", self._grant), methods=["POST"]),
            Route(offers, on("revoke", self._revoke), methods=["DELETE"]),
            Route("/library", on("open", self._open), methods=["GET"]),
        ]

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await read(request)).decode()))
        if (form.get("grant_type"), form.get("client_id"), form.get("client_secret")) != (
            "client_credentials",
            CLIENT,
            SECRET,
        ):
            return answer({"error": "invalid_client"}, 401)
        token = token_hex(20)
        self._tokens.add(token)
        return answer({"access_token": token, "token_type": "Bearer", "expires_in": 7200})

    async def _contacts(self, request: Request) -> Response:
        self._known(request)
        asked = request.query_params
        part = asked.get("filter[email_contains]", "").lower()
        found = self._school.matching(part) if part and asked.get("filter[site_id]") == SITE else []
        return answer({"data": [_shown(each) for each in found]})

    async def _new_contact(self, request: Request) -> Response:
        self._known(request)
        wanted = (await body(request, NewContact)).data
        if wanted.relationships.site.data.id != SITE:
            return answer({"errors": [{"status": "400", "title": "Site is required"}]}, 400)
        if self._school.person(wanted.attributes.email):
            return answer({"errors": [{"status": "422", "title": "Email has already been taken"}]}, 422)
        person = self._school.welcome(wanted.attributes.email, wanted.attributes.name)
        return answer({"data": _shown(person)}, 201)

    async def _offers(self, request: Request) -> Response:
        person = self._contact(request)
        held = [number for number, slug in COURSES.items() if self._school.places(person, slug, listed=True)]
        return answer({"data": [{"type": "offers", "id": number} for number in held]})

    async def _grant(self, request: Request) -> Response:
        person = self._contact(request)
        for course in await self._named(request):
            if not self._school.places(person, course):
                self._school.enroll(person, course)
        return Response(status_code=204)

    async def _revoke(self, request: Request) -> Response:
        person = self._contact(request)
        for course in await self._named(request):
            for place in self._school.places(person, course):
                self._school.end(place)
        return Response(status_code=204)

    async def _course(self, request: Request) -> Response:
        self._known(request)
        return self._school.describe(COURSES.get(request.path_params["id"], ""))

    async def _open(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        return page("course", title="Agregaty w praktyce", name="")

    async def _named(self, request: Request) -> list[str]:
        wanted = [each.id for each in (await body(request, Offers)).data]
        if unknown := [number for number in wanted if number not in COURSES]:
            raise Refusal(404, f"no such offer: {', '.join(unknown)}")
        return [COURSES[number] for number in wanted]

    def _contact(self, request: Request) -> Person:
        self._known(request)
        person = self._school.by_id(request.path_params["id"])
        if person is None:
            raise Refusal(404, "no such contact")
        return person

    def _known(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._tokens:
            raise Refusal(401, "Unauthorized, Authorization header is missing or invalid")
        if request.method != "GET" and request.headers.get("content-type") != "application/vnd.api+json":
            raise Refusal(415, "send application/vnd.api+json")


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/kajabi`."""
    return Kajabi(stage).routes()


def _shown(person: Person) -> dict[str, object]:
    about = {"name": person.name, "email": person.email, "subscribed": False}
    return {"id": str(person.id), "type": "contacts", "attributes": about}
