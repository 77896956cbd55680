"""The handler of every route, for any host.

A handler parses, asks the shop and answers; it decides nothing about orders and knows no framework.
No stack trace, no secret and no expected signature ever leaves through here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs

import msgspec

from kramik import download, form, openapi, status
from kramik.answer import PRIVATE, Answer, Pending, Request, Response, as_json, at_once, plain, see
from kramik.errors import GatewayDown, KramikError, NotAuthentic, Problem, Rejected, Transient
from kramik.intent import Intent
from kramik.invariants import ENDED
from kramik.order import Order
from kramik.payment import RawNotification
from kramik.ports import Clock, CourseFile, Shelf
from kramik.replies import Pages, Replies
from kramik.shop import Placed, Shop

LARGEST_BODY = 64 * 1024

FRONT = "index.html"
"""The file of a course that is shown in place of the list, if it is a file of this machine."""

Handler = Callable[[Request, str], Answer]


class Web:
    """Every route of one shop."""

    def __init__(self, shop: Shop, pages: Pages, clock: Clock, *, page_headers: Mapping[str, str]) -> None:
        self._shop, self._pages, self._clock = shop, pages, clock
        self._say = Replies(shop, pages, clock, page_headers=page_headers)
        self._routes: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
            ("GET", re.compile(r"/api/warm"), self.warm),
            ("POST", re.compile(r"/api/orders"), self.place),
            ("POST", re.compile(r"/api/payments/([a-z0-9_-]{1,40})"), self.notify),
            ("GET", re.compile(r"/api/orders/([^/]{1,64})"), self.status),
            ("POST", re.compile(r"/api/orders/([^/]{1,64})/payment"), self.pay),
            ("GET", re.compile(r"/access/([^/]{1,128})"), self.open_access),
            ("GET", re.compile(r"/access/([^/]{1,128}/.{0,1024})", re.DOTALL), self.course),
            ("POST", re.compile(r"/api/access/resend"), self.resend),
            ("POST", re.compile(r"/api/withdrawals"), self.withdraw),
            ("GET", re.compile(r"/healthz"), self.health),
            ("GET", re.compile(r"/api/openapi\.json"), self.describe),
        )

    def warm_up(self) -> None:
        """Load everything that a first order needs."""
        form.warm()
        self._shop.warm()

    def handle(self, request: Request) -> Answer:
        """Find the handler and let it answer; whatever goes wrong becomes an answer too."""
        if request.method == "OPTIONS":
            return self._say.allowed(request)
        methods = []
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and (request.method == method or (request.method, method) == ("HEAD", "GET")):
                found = match[1] if match.re.groups else ""
                return self._say.guarded(request, partial(handler, request, found))
            methods += [method] if match else []
        if methods:
            allow = (("allow", ", ".join(sorted({*methods, "OPTIONS"}))),)
            return self._say.finished(
                request, self._say.failure(request, HTTPStatus.METHOD_NOT_ALLOWED, "method", headers=allow)
            )
        return self._say.finished(request, self._say.failure(request, HTTPStatus.NOT_FOUND, "not_found"))

    def too_large(self, request: Request) -> Response:
        """Answer a body over the limit."""
        return self._say.finished(
            request, self._say.failure(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        )

    def warm(self, request: Request, _: str) -> Answer:  # noqa: ARG002 - a handler
        """Answer 204 with everything loaded that a first order needs; no store, no gateway, nothing logged."""
        self.warm_up()
        return Response(status=HTTPStatus.NO_CONTENT, headers=(("cache-control", "no-store"),))

    def place(self, request: Request, _: str) -> Answer:
        """Place an order and send the buyer to the gateway."""
        fields: dict[str, str] = {}
        try:
            fields = form.decode_json(request.body) if request.has_json() else form.decode_form(request.body)
            if fields.get(form.HONEYPOT):
                return see(f"{self._shop.addresses.site}/thanks/", self._say.lang(fields.get("lang", "")))
            draft, problems = form.read_draft(fields, key=request.headers.get("idempotency-key", ""))
            placed = self._shop.place(draft, now=self._clock(), problems=problems)
        except Rejected as error:
            return self._say.invalid(request, fields, error.problems)
        return Pending(
            stored=placed.stored,
            then=lambda: self._say.guarded_now(request, lambda: self._placed(request, placed)),
            calls=self._shop.calls(placed.order),
        )

    def notify(self, request: Request, gateway: str) -> Answer:
        """Verify, put, acknowledge."""
        raw = RawNotification(headers=request.headers, query=request.query, body=request.body)
        try:
            accepted = self._shop.notify(gateway, raw, now=self._clock())
        except NotAuthentic:
            self._shop.ports.log("notification_refused", gateway=gateway)
            return plain(HTTPStatus.BAD_REQUEST, "not authentic")
        except Rejected:
            return plain(HTTPStatus.NOT_FOUND, "unknown gateway")
        except Transient:
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, "try again later")
        answer = accepted.acknowledgement
        response = Response(
            status=answer.status, body=answer.body, headers=(("content-type", answer.content_type),)
        )
        return Pending(stored=accepted.stored, then=lambda: self._acknowledged(accepted.stored, response))

    def status(self, request: Request, order_id: str) -> Answer:
        """Show the buyer where their order stands; unknown and foreign look the same."""
        order = self._shop.status(order_id, _key(request))
        if order is None:
            return self._say.failure(request, HTTPStatus.NOT_FOUND, "not_found", program=True)
        return as_json(HTTPStatus.OK, status.shown(self._shop, order), headers=PRIVATE)

    def pay(self, request: Request, order_id: str) -> Answer:
        """Send the buyer of an unpaid order to the gateway again: the same order, whatever happened on the way."""
        order = self._shop.status(order_id, _key(request))
        if order is None:
            return self._say.failure(request, HTTPStatus.NOT_FOUND, "not_found")
        if order.status != "placed":
            return self._paid_before(request, order)
        return Pending(
            stored=at_once(),
            then=lambda: self._say.guarded_now(request, lambda: self._payment(request, order, HTTPStatus.OK)),
            calls=self._shop.calls(order),
        )

    def open_access(self, request: Request, token: str) -> Answer:
        """Send the buyer to the course; whoever only looks ahead gets no link, so that nothing is used up."""
        if request.method == "HEAD" or _looks_ahead(request):
            order = self._shop.holder(token)
            if order is None or not order.opened:
                return self._closed(request, order, token)
            status = HTTPStatus.OK if request.method == "HEAD" else HTTPStatus.SERVICE_UNAVAILABLE
            return Response(status=status, headers=(("content-type", "text/html; charset=utf-8"), *PRIVATE))
        if self._shop.asks_for_links:
            return self._aside(request, lambda: self._opened(request, token))
        return self._opened(request, token)

    def _opened(self, request: Request, token: str) -> Response:
        order, link = self._shop.open_access(token)
        return see(link, order.intent.lang) if order and link else self._closed(request, order, token)

    def _aside(self, request: Request, answer: Callable[[], Response]) -> Pending:
        """Answer where a vendor that hangs keeps nobody else waiting."""
        return Pending(stored=at_once(), then=lambda: self._say.guarded_now(request, answer), calls=True)

    def course(self, request: Request, asked: str) -> Answer:
        """Show the files of a course, or one of them, to whoever holds the access link of an order that is open."""
        token, _, path = asked.partition("/")
        shelf, order = self._shop.ports.shelf, self._shop.holder(token)
        if shelf is None or order is None or not order.opened:
            return self._closed(request, None if shelf is None else order, token)
        if order.ended(self._clock()):
            return self._say.failure(request, HTTPStatus.GONE, "gone", lang=order.intent.lang)
        found = shelf.fetch(order.intent.course, path or FRONT)
        if isinstance(found, CourseFile):
            return download.answer(found, request)
        if found is not None and path:
            return see(found, order.intent.lang)
        if path:
            return self._say.failure(request, HTTPStatus.NOT_FOUND, "not_found", lang=order.intent.lang)
        return self._aside(request, lambda: self._listed(shelf, order.intent))

    def _listed(self, shelf: Shelf, intent: Intent) -> Response:
        page = self._pages.files(intent.title, intent.lang, shelf.items(intent.course))
        return self._say.page(HTTPStatus.OK, page)

    def _closed(self, request: Request, order: Order | None, token: str) -> Response:
        if order is None:
            replaced = self._shop.replaced(token)
            if replaced is not None:
                return self._say.failure(request, HTTPStatus.GONE, "replaced", lang=replaced.intent.lang)
            return self._say.failure(request, HTTPStatus.NOT_FOUND, "not_found")
        if order.status in ENDED:
            return self._say.failure(request, HTTPStatus.GONE, "gone", lang=order.intent.lang)
        return self._say.failure(request, HTTPStatus.NOT_FOUND, "not_ready", lang=order.intent.lang)

    def resend(self, request: Request, _: str) -> Answer:
        """Answer the same to everybody; the worker finds out whether there is something to send."""
        fields = form.decode_json(request.body) if request.has_json() else form.decode_form(request.body)
        lang, email = fields.get("lang", ""), form.read_email(fields.get("email", "")[:254])
        if not email:
            return self._resent(request, lang)
        stored = self._shop.ask_resend(email, now=self._clock())
        return Pending(
            stored=stored,
            then=lambda: self._say.guarded_now(request, lambda: self._resent_when(stored, request, lang)),
        )

    def withdraw(self, request: Request, _: str) -> Answer:
        """Take a withdrawal in two steps, state and confirm; the answer never says whether there is an order."""
        fields = form.decode_json(request.body) if request.has_json() else form.decode_form(request.body)
        lang, now = self._say.lang(fields.get("lang", "")), self._clock()
        stated, problems = form.read_withdrawal(fields)
        if problems or fields.get("confirm") != "yes":
            return self._to_confirm(request, stated, problems, lang)
        stored = self._shop.ask_withdrawal(
            stated["email"], stated["name"], order=stated["order"], statement=stated["statement"], now=now
        )
        return Pending(
            stored=stored,
            then=lambda: self._say.guarded_now(
                request, lambda: self._withdrawn(stored, request, stated | {"lang": lang}, at=now)
            ),
        )

    def health(self, request: Request, _: str) -> Answer:  # noqa: ARG002 - a handler
        """Answer 200 when the store does."""
        self._shop.ports.orders.ping()
        return as_json(HTTPStatus.OK, {"status": "ok"}, headers=(("cache-control", "no-store"),))

    def describe(self, request: Request, _: str) -> Answer:  # noqa: ARG002 - a handler
        """Answer the OpenAPI document."""
        return as_json(HTTPStatus.OK, openapi.document(self._shop.addresses.api))

    # What follows the commit

    def _placed(self, request: Request, placed: Placed) -> Response:
        order = self._shop.placed(placed)
        if order.status != "placed" and order.intent.price.minor and not request.wants_json():
            return self._paid_before(request, order)  # the buyer went back and pressed once more
        return self._payment(request, order, HTTPStatus.CREATED)

    def _payment(self, request: Request, order: Order, made: HTTPStatus) -> Response:
        """Send the buyer to the gateway, or show how to go on with the order when there is no way now."""
        try:
            payment = self._shop.request(order, now=self._clock())
        except GatewayDown:
            return self._unpayable(request, order)
        if request.wants_json():
            content = {"order": order.id, "payment": payment, "status_url": self._shop.status_url(order)}
            return as_json(made, content, headers=PRIVATE)
        if payment.method == "GET":
            return see(payment.url, order.intent.lang)
        return self._say.page(HTTPStatus.OK, self._pages.payment_form(payment, order.intent.lang))

    def _unpayable(self, request: Request, order: Order) -> Response:
        later = (("retry-after", "5"),)
        url = self._shop.payment_url(order)
        if not request.wants_json():
            page = self._say.page(
                HTTPStatus.SERVICE_UNAVAILABLE, self._pages.unpayable(url, order.intent.lang)
            )
            return msgspec.structs.replace(page, headers=page.headers + later)
        message = "the order is kept, but the payment can not begin now; post to payment_url in a moment"
        problem = Problem(field="gateway", code="gateway_down", message=message)
        more = {"order": order.id, "payment_url": url, "status_url": self._shop.status_url(order)}
        return self._say.problems(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The payment can not begin now.",
            [problem],
            headers=later,
            more=more,
        )

    def _paid_before(self, request: Request, order: Order) -> Response:
        if not request.wants_json():
            return see(self._shop.returns(order).done, order.intent.lang)
        problem = Problem(field="", code="already_paid", message="this order is paid; look at its status")
        return self._say.failure(request, HTTPStatus.CONFLICT, "conflict", problem=problem)

    def _acknowledged(self, stored: Future[None], response: Response) -> Response:
        try:
            stored.result()
        except KramikError as error:
            self._shop.ports.log("notification_not_stored", why=str(error))
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, "try again later")
        return response

    def _to_confirm(
        self, request: Request, stated: Mapping[str, str], problems: Sequence[Problem], lang: str
    ) -> Response:
        """Show the statement again: with what is wrong with it, or with the button that confirms it."""
        if not request.wants_json():
            status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
            return self._say.page(status, self._pages.withdrawal(stated, problems, lang))
        if problems:
            return self._say.problems(
                HTTPStatus.UNPROCESSABLE_ENTITY, "Some fields need to be corrected.", problems
            )
        return as_json(HTTPStatus.OK, {"status": "to_confirm", **stated}, headers=PRIVATE)

    def _withdrawn(
        self, stored: Future[None], request: Request, stated: Mapping[str, str], *, at: datetime
    ) -> Response:
        stored.result()
        if request.wants_json():
            told = {"status": "accepted", "at": at.isoformat(), **stated}
            return as_json(HTTPStatus.ACCEPTED, told, headers=PRIVATE)
        return self._say.page(HTTPStatus.ACCEPTED, self._pages.withdrawal(stated, (), stated["lang"], at=at))

    def _resent_when(self, stored: Future[None], request: Request, lang: str) -> Response:
        stored.result()
        return self._resent(request, lang)

    def _resent(self, request: Request, lang: str) -> Response:
        if request.wants_json():
            return as_json(HTTPStatus.ACCEPTED, {"status": "accepted"}, headers=PRIVATE)
        return self._say.page(HTTPStatus.ACCEPTED, self._pages.message("resent", self._say.lang(lang)))


def _key(request: Request) -> str:
    return parse_qs(request.query).get("key", [""])[0]


def _looks_ahead(request: Request) -> bool:
    """Say whether a browser loads a page in case somebody clicks; it throws away what is no success."""
    purposes = (request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz"))
    return any("prefetch" in purpose.lower() or "preview" in purpose.lower() for purpose in purposes)
