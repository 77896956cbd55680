"""Ghost as it stands before a shop: members and sign-in links of its Admin API, and the pages of the site.

An address has one member; the lists of a change replace what was there. A sign-in link has seven uses, a day, and ten
minutes after its first use. The bodies are those of a Ghost 6.65.0; a course page opens for the label of its name.
Source: answers recorded from a real one; core/server/services/members/api.js for the life of a link.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from secrets import token_hex, token_urlsafe
from time import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kramik.sandbox.door import answer
from kramik.sandbox.pages import page
from kramik.sandbox.school import TITLES, body
from kramik.sandbox.stage import Stage

KID, SECRET = "6b0315b5e313a4527af74ee1", "c0ffee" * 10 + "0123"
TIER = "6b0315b5e313a4527af74ef3"

DEMO: dict[str, object] = {
    "url": "{url}",
    "admin_key": f"{KID}:{SECRET}",
    "pages": {name: f"{name}/" for name in TITLES},
    "tiers": dict.fromkeys(TITLES, TIER),
}

DAY, GRACE, USES = 86_400.0, 600.0, 7
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_FILTER = re.compile(r"email:'((?:[^'\\]|\\.)*)'")


class Named(msgspec.Struct):
    """A label, by its name."""

    name: str


class Held(msgspec.Struct):
    """A tier, and until when."""

    id: str
    expiry_at: datetime | None = None


class Wanted(msgspec.Struct):
    """A member as it is sent; what is left out stays as it is."""

    email: str | None = None
    name: str | None = None
    note: str | None = None
    labels: list[Named] | None = None
    tiers: list[Held] | None = None
    newsletters: list[dict[str, str]] | None = None


class Sent(msgspec.Struct):
    """The body of a write."""

    members: list[Wanted]


@dataclass(slots=True)
class Member:
    """A member of the site."""

    id: str
    email: str
    name: str = ""
    note: str = ""
    labels: list[str] = field(default_factory=list)
    tiers: list[Held] = field(default_factory=list)
    subscribed: bool = True


@dataclass(slots=True)
class Link:
    """A sign-in link: whose, since when, and how often it was used."""

    member: Member
    made: float
    first: float = 0.0
    uses: int = 0


class Ghost:
    """One site."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._members: dict[str, Member] = {}
        self._links: dict[str, Link] = {}
        self._sessions: dict[str, Member] = {}
        self._numbers = count(1)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the Admin API and of the site."""
        on, members = self._stage.guarded, "/ghost/api/admin/members/"
        return [
            Route(members, on("find", self._browse), methods=["GET"]),
            Route(members, on("grant", self._add), methods=["POST"]),
            Route(members + "{id}/", on("grant", self._edit), methods=["PUT"]),
            Route(members + "{id}/signin_urls/", on("link", self._signin_url), methods=["GET"]),
            Route("/ghost/api/admin/tiers/", on("setup", self._tiers), methods=["GET"]),
            Route("/members/", on("open", self._signin), methods=["GET"]),
            Route("/", on("open", self._home), methods=["GET"]),
            Route("/{slug}/", on("open", self._course), methods=["GET"]),
        ]

    async def _browse(self, request: Request) -> Response:
        if wrong := _wrong_token(request):
            return wrong
        asked = _FILTER.fullmatch(request.query_params.get("filter", ""))
        if asked is None:
            return _error(
                400, "Error parsing filter", "Query Error: the filter can not be parsed", "BadRequestError"
            )
        found = self._members.get(re.sub(r"\\(.)", r"\1", asked[1]))
        shown = [_shown(found)] if found else []
        pages = {"page": 1, "limit": 15, "pages": 1, "total": len(shown), "next": None, "prev": None}
        return answer({"members": shown, "meta": {"pagination": pages}})

    async def _add(self, request: Request) -> Response:
        if wrong := _wrong_token(request):
            return wrong
        wanted = (await body(request, Sent)).members[0]
        email = wanted.email or ""
        if not _EMAIL.fullmatch(email):
            return _invalid("Invalid Email")
        if email in self._members:
            return _invalid("Member already exists. Attempting to add member with existing email address")
        member = Member(id=f"6b03{next(self._numbers):020x}", email=email)
        self._members[email] = member
        self._apply(member, wanted)
        return answer({"members": [_shown(member)]}, 201)

    async def _edit(self, request: Request) -> Response:
        if wrong := _wrong_token(request):
            return wrong
        member = self._of(request)
        if member is None:
            return _error(
                404, "Resource not found error, cannot edit member.", "Member not found.", "NotFoundError"
            )
        self._apply(member, (await body(request, Sent)).members[0])
        return answer({"members": [_shown(member)]})

    async def _signin_url(self, request: Request) -> Response:
        if wrong := _wrong_token(request):
            return wrong
        member = self._of(request)
        if member is None:
            return _error(404, "Resource not found error.", "Member not found.", "NotFoundError")
        token = token_urlsafe(24)
        self._links[token] = Link(member, time())
        url = f"{_site(request)}/members/?token={token}&action=signin"
        return answer({"member_signin_urls": [{"member_id": member.id, "url": url}]})

    async def _tiers(self, request: Request) -> Response:
        if wrong := _wrong_token(request):
            return wrong
        tiers = [
            {"id": TIER.replace("f3", "f2"), "name": "Free", "type": "free"},
            {"id": TIER, "name": "Academy", "type": "paid"},
        ]
        return answer({"tiers": tiers, "meta": {}})

    async def _signin(self, request: Request) -> Response:
        link = self._links.get(request.query_params.get("token", ""))
        back = request.query_params.get("r", "")
        site = f"{_site(request)}/"
        target = back if back.startswith(site) else site
        if link is None or not _good(link):
            return RedirectResponse(_with(target, {"action": "signin", "errorCode": "TOKEN_EXPIRED"}), 302)
        link.uses, link.first = link.uses + 1, link.first or time()
        response = RedirectResponse(_with(target, {"action": "signin", "success": "true"}), 302)
        session = token_hex(16)
        self._sessions[session] = link.member
        response.set_cookie("ghost-members-ssr", session, httponly=True)
        response.set_cookie("ghost-members-ssr.sig", token_hex(8), httponly=True)
        return response

    async def _home(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        return page("course", title="Akademia Agregatów", name="")

    async def _course(self, request: Request) -> Response:
        slug = request.path_params["slug"]
        member = self._sessions.get(request.cookies.get("ghost-members-ssr", ""))
        if slug not in TITLES:
            return page("message", 404, title="404", text="no_course")
        if member is None or not any(_open(tier) for tier in member.tiers) or slug not in member.labels:
            return page("message", 403, title="403", text="no_course")
        self._stage.write("open", "", email=member.email, course=slug)
        return page("course", title=TITLES[slug], name=member.name)

    def _apply(self, member: Member, wanted: Wanted) -> None:
        """Change a member, and write down which courses opened or closed by it."""
        member.name, member.note = wanted.name or member.name, wanted.note or member.note
        if wanted.tiers is not None:
            member.tiers = wanted.tiers
        if wanted.newsletters is not None:
            member.subscribed = bool(wanted.newsletters)
        if wanted.labels is None:
            return
        before, member.labels = member.labels, [label.name for label in wanted.labels]
        for name in {*member.labels} - {*before}:
            self._stage.write("grant", member.note.removeprefix("order "), email=member.email, course=name)
        for name in {*before} - {*member.labels}:
            self._stage.write("revoke", member.note.removeprefix("order "), email=member.email, course=name)

    def _of(self, request: Request) -> Member | None:
        return next((each for each in self._members.values() if each.id == request.path_params["id"]), None)


def routes(stage: Stage) -> Sequence[BaseRoute]:
    """Return the routes below `/ghost`."""
    return Ghost(stage).routes()


def _wrong_token(request: Request) -> Response | None:
    """Return what a token is answered that is not ours, too old, or lives longer than five minutes."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        text, _, signature = token.rpartition(".")
        head, claims = (msgspec.json.decode(_decoded(part)) for part in text.split("."))
        right = hmac.digest(bytes.fromhex(SECRET), text.encode(), "sha256")
        good = (
            (scheme, head["alg"], head["kid"], claims["aud"]) == ("Ghost", "HS256", KID, "/admin/")
            and hmac.compare_digest(urlsafe_b64encode(right).rstrip(b"="), signature.encode())
            and claims["iat"] - 5 <= time() < claims["exp"] <= claims["iat"] + 300
        )
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
        good = False
    return None if good else _error(400, "Invalid token", None, "BadRequestError", code="INVALID_JWT")


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _good(link: Link) -> bool:
    now = time()
    return link.uses < USES and now < link.made + DAY and not (link.first and now > link.first + GRACE)


def _open(tier: Held) -> bool:
    return tier.id == TIER and (tier.expiry_at is None or tier.expiry_at > datetime.now(UTC))


def _invalid(context: str) -> Response:
    message = "Validation error, cannot save member."
    return _error(422, message, context, "ValidationError", about="email")


def _error(
    status: int,
    message: str,
    context: str | None,
    kind: str,
    *,
    code: str | None = None,
    about: str | None = None,
) -> Response:
    told: Mapping[str, str | None] = {
        "message": message,
        "context": context,
        "type": kind,
        "details": None,
        "property": about,
        "help": None,
        "code": code,
        "id": token_hex(16),
        "ghostErrorCode": None,
    }
    return answer({"errors": [told]}, status)


def _shown(member: Member) -> dict[str, object]:
    tiers = [
        {"id": each.id, "expiry_at": int(each.expiry_at.timestamp() * 1000) if each.expiry_at else None}
        for each in member.tiers
    ]
    return {
        "id": member.id,
        "email": member.email,
        "name": member.name,
        "note": member.note,
        "labels": [{"id": name, "name": name, "slug": name} for name in member.labels],
        "tiers": tiers,
        "subscribed": member.subscribed,
        "status": "free",
        "comped": False,
    }


def _site(request: Request) -> str:
    """Return the address of the site, without a slash at the end."""
    return f"{request.base_url}ghost"


def _with(url: str, more: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **more})).geturl()
