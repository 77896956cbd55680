"""A payment gateway with a pay page.

A payment request (GET or POST of a form) to `/gateway/pay` has the fields
`order shop_id amount currency description email lang done failed notify` and `signature`: the HMAC-SHA256, in hex,
of all other fields as JSON: sorted by name, no spaces, UTF-8. It answers 303 to the pay page of a session.

`POST /gateway/pay/{session}` with `action` answers 303 to the return URL `done` or `failed`.
A notification is JSON with the header `X-Sandbox-Signature`: the HMAC-SHA256 of the raw body, in hex.
`GET /gateway/payments/{id}` says what became of a payment; it asks for the HMAC of the id in the same header.
"""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import pairwise
from typing import get_args
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kramik.money import Money, exponent
from kramik.payment import same, sign
from kramik.sandbox.door import Door, Refusal, answer, read
from kramik.sandbox.ledger import Ledger
from kramik.sandbox.notifier import Notification, Notifier, Parcel
from kramik.sandbox.pages import page
from kramik.sandbox.session import Action, Session
from kramik.sandbox.session import Request as PaymentRequest

LIMIT = 50_000
FIELDS = (
    "order",
    "shop_id",
    "amount",
    "currency",
    "description",
    "email",
    "lang",
    "done",
    "failed",
    "notify",
)
ACTIONS: tuple[Action, ...] = get_args(Action)
URLS = ("done", "failed", "notify")

_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]+))?")


class Gateway:
    """The sessions and payments of one world."""

    def __init__(self, ledger: Ledger, *, key: str, pace: float) -> None:
        self._ledger, self._key = ledger, key.encode()
        self._sessions: dict[str, Session] = {}
        self._payments: dict[str, Notification] = {}
        self.notifier = Notifier(key, pace=pace, delivered=self._delivered)

    def routes(self, door: Door) -> list[Route]:
        """Return the routes below `/gateway`."""
        return [
            Route("/pay", door("gateway", "start", self.start), methods=["GET", "POST"]),
            Route("/pay/{session}", self.show, methods=["GET"]),
            Route("/pay/{session}", door("gateway", "act", self.act), methods=["POST"]),
            Route("/payments/{payment}", door("gateway", "status", self.status), methods=["GET"]),
        ]

    async def start(self, request: Request) -> Response:
        """Open the pay page of a signed payment request; the same request is the same session."""
        raw = (
            (await read(request)).decode("utf-8", "replace")
            if request.method == "POST"
            else request.url.query
        )
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=50)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            return page("message", 400, title="400", text="doubled")
        signature = fields.pop("signature", "")
        if not self._signed(_canonical(fields), signature):
            return page("message", 400, lang=fields.get("lang", ""), title="400", text="not_signed")
        wanted = _payment_request(fields)
        if wanted is None:
            return page("message", 400, lang=fields.get("lang", ""), title="400", text="not_complete")
        session = sha256(signature.encode()).hexdigest()[:32]
        self._sessions.setdefault(session, Session(id=session, request=wanted))
        _bound(self._sessions)
        return RedirectResponse(f"{request.base_url}gateway/pay/{session}", 303)

    async def show(self, request: Request) -> Response:
        """Show the pay page."""
        session = self._sessions.get(request.path_params["session"])
        if session is None:
            return page("message", 404, title="404", text="no_session")
        return page("pay", lang=session.request.lang, session=session)

    async def act(self, request: Request) -> Response:
        """Do what a button says and send the buyer back to the shop."""
        session = self._sessions.get(request.path_params["session"])
        if session is None:
            raise Refusal(404, "no such session; begin with a payment request")
        action = dict(parse_qsl((await read(request)).decode("utf-8", "replace"))).get("action", "")
        known = next((each for each in ACTIONS if each == action), None)
        if known is None:
            raise Refusal(422, f"action must be one of {', '.join(ACTIONS)}")
        self._tell(session, known)
        return RedirectResponse(session.request.failed if known == "fail" else session.request.done, 303)

    async def status(self, request: Request) -> Response:
        """Say what became of a payment."""
        payment_id = request.path_params["payment"]
        if not self._signed(payment_id.encode(), request.headers.get("x-sandbox-signature", "")):
            raise Refusal(401, "sign the id of the payment")
        payment = self._payments.get(payment_id)
        if payment is None:
            raise Refusal(404, "no such payment")
        returned = sum(each.amount for each in self._payments.values() if each.of == payment_id)
        return answer({**msgspec.to_builtins(payment), "returned": returned})

    def _tell(self, session: Session, action: Action) -> None:
        told = session.act(action)
        parcels = [Parcel(notification=each, url=session.request.notify) for each in told]
        if action == "refund_before_pay":
            parcels = [msgspec.structs.replace(first, then=then) for first, then in pairwise(parcels)]
        for each in told:
            self._payments[each.id] = each
            _bound(self._payments)
            self._ledger.write("gateway", "payment", each.order, **_facts(each))
        for parcel in parcels:
            self.notifier.put(parcel)

    def _delivered(self, parcel: Parcel) -> None:
        told = parcel.notification
        self._ledger.write("gateway", "notification", told.order, **_facts(told), attempts=parcel.attempts)

    def _signed(self, message: bytes, signature: str) -> bool:
        return same(sign(self._key, message).hex().encode(), signature.encode("utf-8", "replace"))


def _canonical(fields: dict[str, str]) -> bytes:
    return msgspec.json.encode(fields, order="sorted")


def _payment_request(fields: dict[str, str]) -> PaymentRequest | None:
    money = _money(fields.get("amount", ""), fields.get("currency", ""))
    urls = all(fields.get(name, "").startswith(("http://", "https://")) for name in URLS)
    if (
        money is None
        or not urls
        or set(fields) != set(FIELDS)
        or not fields["order"]
        or not fields["shop_id"]
    ):
        return None
    rest = {name: text for name, text in fields.items() if name not in ("amount", "currency")}
    return PaymentRequest(money=money, **rest)


def _money(amount: str, currency: str) -> Money | None:
    match = _AMOUNT.fullmatch(amount)
    if match is None or not _CURRENCY.fullmatch(currency) or len(match[2] or "") != exponent(currency):
        return None
    return Money(minor=int(match[1] + (match[2] or "")), currency=currency)


def _facts(told: Notification) -> dict[str, str | int]:
    shown: dict[str, str | int] = {
        "id": told.id,
        "kind": told.kind,
        "amount": told.amount,
        "currency": told.currency,
    }
    return {**shown, "shop_id": told.shop_id, **({"of": told.of} if told.of else {})}


def _bound(kept: dict[str, Session] | dict[str, Notification]) -> None:
    if len(kept) > LIMIT:
        del kept[next(iter(kept))]
