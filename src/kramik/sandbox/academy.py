"""A course platform.

`POST /grants` with `Idempotency-Key` (or without: then each call grants anew),
`PUT /courses/{course}/members/{email}`, `GET /grants?order=`, `DELETE /grants/{grant}`; bearer token.

A grant is `{"order", "course", "email", "title"?, "lang"?, "name"?}`; the answer is `{"id", "order", "link"}`.
The link opens the course page until the grant is revoked (410).
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kramik.sandbox.door import Door, Refusal, answer, facts
from kramik.sandbox.ledger import Ledger
from kramik.sandbox.pages import page
from kramik.sandbox.records import KeyReused, Record, Records


class Academy:
    """The grants of one world."""

    def __init__(self, ledger: Ledger, *, lag: float) -> None:
        self._ledger, self._grants = ledger, Records("grant", lag)

    def routes(self, door: Door, token: str) -> list[Route]:
        """Return the routes below `/academy`."""
        return [
            Route("/grants", door("academy", "grant", self.grant, token=token), methods=["POST"]),
            Route("/grants", door("academy", "find", self.find, token=token), methods=["GET"]),
            Route("/grants/{grant}", door("academy", "revoke", self.revoke, token=token), methods=["DELETE"]),
            Route(
                "/courses/{course}/members/{email}",
                door("academy", "grant", self.set, token=token),
                methods=["PUT"],
            ),
            Route("/open/{grant}", door("academy", "open", self.open), methods=["GET"]),
        ]

    async def grant(self, request: Request) -> Response:
        """Grant access; with a key at most once."""
        wanted = await facts(request, "order", "course", "email")
        try:
            record, new = self._grants.make(
                wanted["order"], wanted, request.headers.get("idempotency-key", "")
            )
        except KeyReused:
            raise Refusal(409, "this key was used for another grant") from None
        return self._granted(request, record, wanted, new=new)

    async def set(self, request: Request) -> Response:
        """Make somebody a member of a course; a repeat changes nothing."""
        course, email = request.path_params["course"], request.path_params["email"]
        wanted = {**await facts(request, "order"), "course": course, "email": email}
        record, new = self._grants.set((course, email), wanted["order"], wanted)
        return self._granted(request, record, wanted, new=new)

    async def find(self, request: Request) -> Response:
        """List the grants of an order, as far as the list knows them already."""
        found = self._grants.find(request.query_params.get("order", ""))
        return answer({"grants": [_shown(request, record, record.order) for record in found]})

    async def revoke(self, request: Request) -> Response:
        """Take access back; a repeat changes nothing."""
        record = self._grants.get(request.path_params["grant"])
        if record is None:
            raise Refusal(404, "no such grant")
        if not record.revoked:
            record.revoked = True
            self._ledger.write("academy", "revoke", record.order, grant=record.id)
        return Response(status_code=204)

    async def open(self, request: Request) -> Response:
        """Show the course to whoever holds the link."""
        record = self._grants.get(request.path_params["grant"])
        if record is None:
            return page("message", 404, title="404", text="no_course")
        lang = record.facts.get("lang", "")
        if record.revoked:
            return page("message", 410, lang=lang, title="410", text="revoked")
        self._ledger.write("academy", "open", record.order, grant=record.id)
        title = record.facts.get("title") or record.facts["course"]
        return page("course", lang=lang, title=title, name=record.facts.get("name", ""))

    def _granted(self, request: Request, record: Record, wanted: Mapping[str, str], *, new: bool) -> Response:
        if new:
            course, email, order = wanted["course"], wanted["email"], wanted["order"]
            self._ledger.write("academy", "grant", order, grant=record.id, course=course, email=email)
        return answer(_shown(request, record, wanted["order"]), 201 if new else 200)


def _shown(request: Request, record: Record, order: str) -> dict[str, str]:
    return {"id": record.id, "order": order, "link": f"{request.base_url}academy/open/{record.id}"}
