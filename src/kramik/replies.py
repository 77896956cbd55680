"""How the handlers answer: pages for people, problems for programs, and what every answer carries.

No stack trace, no secret and no expected signature ever leaves through here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Protocol

import msgspec

from kramik.answer import PRIVATE, Answer, Request, Response, as_json
from kramik.errors import Conflict, KramikError, Problem, Rejected
from kramik.offer import Offer
from kramik.payment import PaymentRequest
from kramik.ports import Clock, CourseFile
from kramik.shop import Shop

_SAFE = (("x-content-type-options", "nosniff"),)
_KEPT = {"cache-control": "private, no-cache"}
"""Who comes back from the gateway finds their form; of one that may not be stored, browsers say that it is gone."""

_READERS = "access-control-allow-origin"


class Pages(Protocol):
    """The pages that the functions answer with; made from the templates of the static site."""

    def order_form(
        self,
        product: str,
        lang: str,
        values: Mapping[str, str],
        problems: Sequence[Problem],
        *,
        offer: Offer | None = None,
        now: datetime | None = None,
    ) -> str:
        """Return the order page of an offer at a moment with the values kept and the problems shown."""
        ...

    def payment_form(self, request: PaymentRequest, lang: str) -> str:
        """Return a page that submits the gateway's form."""
        ...

    def unpayable(self, url: str, lang: str) -> str:
        """Return a page that says that the order is kept, with a button that tries to pay it again."""
        ...

    def withdrawal(
        self, stated: Mapping[str, str], problems: Sequence[Problem], lang: str, *, at: datetime | None = None
    ) -> str:
        """Return the withdrawal as it was stated: to be corrected, to be confirmed, or taken at a moment."""
        ...

    def message(self, name: str, lang: str) -> str:
        """Return a page that says one thing."""
        ...

    def files(self, title: str, lang: str, items: Sequence[CourseFile]) -> str:
        """Return a page that lists the files of a course; their links are relative to it."""
        ...


class Replies:
    """The answers of one shop."""

    def __init__(self, shop: Shop, pages: Pages, clock: Clock, *, page_headers: Mapping[str, str]) -> None:
        self._shop, self._pages, self._clock = shop, pages, clock
        own = {name.lower(): value for name, value in page_headers.items()}
        self._page_headers = tuple((own | dict(PRIVATE)).items())

    def guarded(self, request: Request, answer: Callable[[], Answer]) -> Answer:
        """Let a handler answer; whatever goes wrong, now or when the store has written, becomes an answer too."""
        try:
            given = answer()
        except Exception as error:  # noqa: BLE001 - no stack trace ever leaves
            return self.finished(request, self.broken(request, error))
        if isinstance(given, Response):
            return self.finished(request, given)
        return msgspec.structs.replace(given, then=lambda: self.finished(request, given.then()))

    def guarded_now(self, request: Request, answer: Callable[[], Response]) -> Response:
        """Let the second half of a handler answer."""
        try:
            return answer()
        except Exception as error:  # noqa: BLE001 - no stack trace ever leaves
            return self.broken(request, error)

    def broken(self, request: Request, error: Exception) -> Response:
        """Answer an exception: what the sender can mend in words, what is down as that, a bug as nothing."""
        if isinstance(error, Rejected):
            return self.problems(
                HTTPStatus.UNPROCESSABLE_ENTITY, "The request can not be read.", error.problems
            )
        if isinstance(error, Conflict):
            problem = Problem(field="idempotency_key", code="conflict", message=str(error))
            return self.failure(request, HTTPStatus.CONFLICT, "conflict", problem=problem)
        if isinstance(error, KramikError):
            self._shop.ports.log("unavailable", path=_loggable(request.path), why=str(error))
            return self.failure(
                request, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", headers=(("retry-after", "5"),)
            )
        self._shop.ports.log("bug", path=_loggable(request.path), error=type(error).__name__)
        return self.failure(request, HTTPStatus.INTERNAL_SERVER_ERROR, "unavailable")

    def invalid(self, request: Request, fields: Mapping[str, str], problems: Sequence[Problem]) -> Response:
        """Answer an order form with every problem: data for a program, the page again for a person.

        Any site may read it: it says what the sender sent and what everybody is told, such as the price with a coupon.
        """
        answer = self._invalid(request, fields, problems)
        return msgspec.structs.replace(answer, headers=(*answer.headers, (_READERS, "*")))

    def _invalid(self, request: Request, fields: Mapping[str, str], problems: Sequence[Problem]) -> Response:
        unique = tuple({(each.field, each.code): each for each in problems}.values())
        if request.wants_json():
            return self.problems(HTTPStatus.UNPROCESSABLE_ENTITY, "Some fields need to be corrected.", unique)
        sold, lang = self._shop.catalogue.get(fields.get("product", "")), self.lang(fields.get("lang", ""))
        costs, now = None, self._clock()
        if sold is not None:
            # A code that was used up gives nothing, whatever the coupon itself says.
            gone = any(each.code == "coupon_used_up" for each in problems)
            code = "" if gone else fields.get("coupon", "")[:200]
            costs = self._shop.offer(sold, now=now, coupon=code)
        page = self._pages.order_form(fields.get("product", ""), lang, fields, unique, offer=costs, now=now)
        answer = self.page(HTTPStatus.UNPROCESSABLE_ENTITY, page)
        return msgspec.structs.replace(answer, headers=tuple((dict(answer.headers) | _KEPT).items()))

    def problems(
        self,
        status: HTTPStatus,
        title: str,
        problems: Sequence[Problem],
        *,
        headers: tuple[tuple[str, str], ...] = (),
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> Response:
        """Answer with problems as data; `more` stands beside them."""
        content = {"type": "about:blank", "title": title, "status": int(status), "errors": problems, **more}
        return as_json(status, content, headers=(*PRIVATE, *headers), kind="application/problem+json")

    def failure(
        self,
        request: Request,
        status: HTTPStatus,
        name: str,
        *,
        lang: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        problem: Problem | None = None,
        program: bool = False,
    ) -> Response:
        """Answer that something is not to be had: a problem for a program, a page that says one thing for a person."""
        person = name != "method" or "text/html" in request.headers.get("accept", "")
        if program or request.wants_json() or not person:
            found = problem or Problem(field="", code=name, message=status.phrase)
            response = self.problems(status, status.phrase, [found])
        else:
            response = self.page(status, self._pages.message(name, self.lang(lang)))
        return msgspec.structs.replace(response, headers=response.headers + headers)

    def page(self, status: HTTPStatus, page: str) -> Response:
        """Answer with a page."""
        headers = (("content-type", "text/html; charset=utf-8"), *self._page_headers)
        return Response(status=status, body=page.encode(), headers=headers)

    def lang(self, lang: str) -> str:
        """Return the language, if the shop speaks it, else its default."""
        return lang if lang in self._shop.langs else self._shop.langs[0]

    # Other sites

    def allowed(self, request: Request) -> Response:
        """Answer what other sites ask before they call."""
        allow = (
            ("access-control-allow-methods", "GET, POST, OPTIONS"),
            ("access-control-allow-headers", "content-type, idempotency-key, accept"),
            ("access-control-max-age", "600"),
        )
        return self.finished(request, Response(status=HTTPStatus.NO_CONTENT, headers=allow))

    def finished(self, request: Request, response: Response) -> Response:
        """Add what every answer carries: safety, and who may read it."""
        known = {name for name, _ in response.headers}
        headers = response.headers + tuple(each for each in _SAFE if each[0] not in known)
        origin = request.headers.get("origin")
        if origin is not None:
            headers += (("vary", "origin"),)
        if origin == self._shop.addresses.site_origin:
            headers = (*(each for each in headers if each[0] != _READERS), (_READERS, origin))
        return msgspec.structs.replace(
            response, headers=headers, body=b"" if request.method == "HEAD" else response.body
        )


def _loggable(path: str) -> str:
    """Return a path without what opens a course."""
    return "/access/***" if path.startswith("/access/") else path
