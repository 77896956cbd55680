"""LearnWorlds as it stands before a shop: tokens, users, enrollments and sign-in of its API v2, and course pages.

A sign-in link works once and for a short time. Enrolling twice makes two enrollments here, which no document rules out.
Source: learnworlds.dev, as generated into WapplerSystems/learnworlds-api; public code for tokens and sign-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from time import monotonic
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kramik.sandbox.door import Refusal, answer, read
from kramik.sandbox.pages import page
from kramik.sandbox.school import TITLES, Person, School, body
from kramik.sandbox.stage import Stage

CLIENT, SECRET = "learnworlds-demo-client", "learnworlds_demo_secret_0123456789"
LASTS = 60.0

DEMO: dict[str, object] = {
    "client_id": CLIENT,
    "client_secret": SECRET,
    "site": "{url}",
    "private_network": True,
}


class NewUser(msgspec.Struct):
    """The body of a new user."""

    email: str
    username: str


class Product(msgspec.Struct):
    """The body that names a product."""

    productId: str  # noqa: N815 - the vendor's spelling
    productType: str  # noqa: N815 - the vendor's spelling
    price: float | None = None


class Signing(msgspec.Struct):
    """The body that signs somebody in."""

    email: str
    username: str
    redirectUrl: str  # noqa: N815 - the vendor's spelling


class LearnWorlds:
    """One school, whose courses have the names of the shop's."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._school = stage, School(stage)
        self._tokens: set[str] = set()
        self._links: dict[str, tuple[str, float]] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API and of the school."""
        on, user = self._stage.guarded, "/admin/api/v2/users/{user}"
        return [
            Route("/admin/api/v2/courses/{id}", on("setup", self._course), methods=["GET"]),
            Route("/admin/api/oauth2/access_token", on("token", self._token), methods=["POST"]),
            Route("/admin/api/v2/users", on("member", self._new_user), methods=["POST"]),
            Route(user, on("find", self._user), methods=["GET"]),
            Route(user + "/courses", on("find", self._courses), methods=["GET"]),
            Route(user + "/enrollment", on("grant", self._enroll), methods=["POST"]),
            Route(user + "/enrollment", on("revoke", self._unenroll), methods=["DELETE"]),
            Route("/admin/api/sso", on("link", self._sso), methods=["POST"]),
            Route("/sso", on("open", self._sign_in), methods=["GET"]),
            Route("/course/{slug}", on("open", self._open), methods=["GET"]),
        ]

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await read(request)).decode()))
        given = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
        if given != ("client_credentials", CLIENT, SECRET) or request.headers.get("lw-client") != CLIENT:
            return answer({"errors": [{"code": 400, "context": "access_denied"}], "success": False}, 400)
        token = token_hex(20)
        self._tokens.add(token)
        data = {"access_token": token, "token_type": "Bearer", "expires_in": 8000}
        return answer({"tokenData": data, "errors": [], "success": True})

    async def _user(self, request: Request) -> Response:
        return answer(_shown(self._meant(request)))

    async def _new_user(self, request: Request) -> Response:
        self._known(request)
        wanted = await body(request, NewUser)
        if self._school.person(wanted.email):
            return answer({"error": "User already exists", "success": False}, 400)
        return answer(_shown(self._school.welcome(wanted.email, wanted.username)), 201)

    async def _courses(self, request: Request) -> Response:
        person = self._meant(request)
        held = [slug for slug in TITLES if self._school.places(person, slug, listed=True)]
        if not held:
            raise Refusal(404, "no courses")
        return answer(
            {"data": [{"course": {"id": slug, "title": TITLES[slug]}} for slug in held], "meta": {}}
        )

    async def _enroll(self, request: Request) -> Response:
        person, wanted = self._meant(request), await body(request, Product)
        if wanted.productId not in TITLES or wanted.productType != "course" or wanted.price is None:
            return answer({"error": "product not found", "success": False}, 404)
        self._school.enroll(person, wanted.productId)
        return answer({"success": True})

    async def _unenroll(self, request: Request) -> Response:
        person, wanted = self._meant(request), await body(request, Product)
        for place in self._school.places(person, wanted.productId):
            self._school.end(place)
        return Response(status_code=204)

    async def _sso(self, request: Request) -> Response:
        self._known(request)
        wanted = await body(request, Signing)
        token = token_hex(16)
        self._links[token] = wanted.redirectUrl, monotonic()
        return answer({"success": True, "url": f"{request.base_url}learnworlds/sso?token={token}"})

    async def _sign_in(self, request: Request) -> Response:
        target, made = self._links.pop(request.query_params.get("token", ""), ("", 0.0))
        if not target.startswith(f"{request.base_url}learnworlds/") or monotonic() - made > LASTS:
            return page("message", 403, title="403", text="no_course")
        return RedirectResponse(target, 302)

    async def _course(self, request: Request) -> Response:
        self._known(request)
        return self._school.describe(request.path_params["id"])

    async def _open(self, request: Request) -> Response:
        return self._school.show(request, request.path_params["slug"])

    def _meant(self, request: Request) -> Person:
        self._known(request)
        name = request.path_params["user"]
        person = self._school.person(name) or self._school.by_id(name)
        if person is None:
            raise Refusal(404, "user not found")
        return person

    def _known(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._tokens or request.headers.get("lw-client") != CLIENT:
            raise Refusal(401, "Unauthorized")


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/learnworlds`."""
    return LearnWorlds(stage).routes()


def _shown(person: Person) -> dict[str, object]:
    return {"id": str(person.id), "email": person.email, "username": person.name, "is_admin": False}
