"""Stripe as it stands before a shop that begins a Checkout Session for every order, by a call with its secret key.

A call is a form whose names are checked; the first answer to an idempotency key is kept and given again, and the key
may not come with another form. A session is paid once; metadata of a payment is copied to its charge, not to a dispute.
Source: https://docs.stripe.com/api/checkout/sessions/create , https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import time
from urllib.parse import parse_qsl

from msgspec.structs import replace

from kramik.sandbox.dialect import Begun, Book, Call, Letter, Notification, Panel, Refusal, Reply, Request
from kramik.sandbox.vendors.stripe_objects import (
    PAUSES,
    SESSIONS,
    Till,
    answered,
    dispute,
    intent,
    letter,
    session,
    token,
    units,
    unlock,
)

DEMO = {
    "account": "acct_demo",
    "api_key": "sk_test_demo_key_of_the_sandbox",
    "webhook_secret": "whsec_demo_secret_of_checkout",
}

PRICE = "line_items[0][price_data]"
RULES: Mapping[str, str] = {
    "mode": r"payment",
    "client_reference_id": r"\S.{0,199}",
    "metadata[order]": r".{1,500}",
    "payment_intent_data[metadata][order]": r".{1,500}",
    "customer_email": r"[!-?A-~]+@[!-?A-~]+",
    "success_url": r"https?://\S{1,5000}",
    "cancel_url": r"https?://\S{1,5000}",
    "line_items[0][quantity]": r"1",
    f"{PRICE}[currency]": r"[a-z]{3}",
    f"{PRICE}[unit_amount]": r"[0-9]{1,8}",
    f"{PRICE}[product_data][name]": r".*\S.*",
    "adaptive_pricing[enabled]": r"true|false",
    "locale": r"auto|[a-z]{2}",
    "payment_method_types[0]": r"card|blik|p24|paypal|klarna",
}
"""The names that this world knows, and the shape of their values."""

NEEDED = (
    "mode",
    "success_url",
    "line_items[0][quantity]",
    f"{PRICE}[currency]",
    f"{PRICE}[unit_amount]",
    f"{PRICE}[product_data][name]",
)
LONGEST_KEY = 255
DAY = 86_400

_SESSION = re.compile(r"/v1/checkout/sessions/(cs_[A-Za-z0-9_]+)")


class StripeCheckoutDialect:
    """One account, called by its secret key."""

    name = "stripe_checkout"
    pauses = PAUSES

    def __init__(self, panel: Panel, *, account: str, api_key: str, webhook_secret: str) -> None:
        self._panel, self._account, self._key, self._secret = panel, account, api_key, webhook_secret
        self._till = Till()
        self._keys: dict[str, tuple[bytes, dict[str, object]]] = {}
        self._ended: set[str] = set()
        self._sessions: dict[str, str] = {}

    def operation(self, method: str, path: str) -> str:
        """Return what the faults call this request."""
        if (method, path) == ("POST", SESSIONS):
            return "begin"
        return "ask" if path.startswith(f"{SESSIONS}/") else "call"

    def call(self, call: Call, book: Book) -> Reply | Begun:  # noqa: ARG002 - the sessions are kept here
        """Begin a session, or show one.

        Raises:
            Refusal: as Stripe refuses it.
        """
        unlock(call, self._key)
        asked = _SESSION.fullmatch(call.path)
        if (call.method, call.path) == ("POST", SESSIONS):
            return self._begin(call)
        if call.method != "GET" or asked is None or call.query:
            raise Refusal(404, "Unrecognized request URL")
        if asked[1] not in self._till.sessions:
            raise Refusal(404, f"No such checkout.session: {asked[1]}")
        return answered(self._till.sessions[asked[1]])

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write the event, signed as of now."""
        event = self._event(told, asked)
        connected = {} if told.shop_id == self._account else {"account": told.shop_id}
        return [letter(told, self._secret, {**connected, **event})]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - only the status counts
        """Say whether the status is any of 2xx."""
        return 200 <= status < 300  # noqa: PLR2004 - as Stripe wants it

    def _begin(self, call: Call) -> Begun:
        key = call.headers.get("idempotency-key", "")
        if not 1 <= len(key) <= LONGEST_KEY:
            raise Refusal(400, "this world takes no POST without an Idempotency-Key")
        form = _form(call)
        body, first = self._keys.setdefault(key, (call.body, self._opened(key, form)))
        if body != call.body:
            raise Refusal(400, "Keys for idempotent requests can only be used with the same parameters")
        self._till.sessions.setdefault(str(first["id"]), first)

        def reply(page: str) -> Reply:
            first.setdefault("url", f"{page}#made-up")
            return answered({**first, "status": "open"})

        return Begun(request=self._request(form, str(first["id"])), reply=reply)

    def _opened(self, key: str, form: Mapping[str, str]) -> dict[str, object]:
        money, now = units(form[f"{PRICE}[unit_amount]"], form[f"{PRICE}[currency]"]), int(time())
        return {
            "id": f"cs_test_{token(key)}",
            "object": "checkout.session",
            "amount_total": money.minor,
            "client_reference_id": form.get("client_reference_id"),
            "created": now,
            "currency": money.currency.lower(),
            "customer_email": form.get("customer_email"),
            "expires_at": now + DAY,
            "metadata": _metadata(form.get("metadata[order]", "")),
            "mode": "payment",
            "payment_intent": None,
            "payment_link": None,
            "payment_status": "unpaid",
            "status": "open",
        }

    def _request(self, form: Mapping[str, str], reference: str) -> Request:
        return Request(
            order=form.get("metadata[order]", ""),
            shop_id=self._account,
            money=units(form[f"{PRICE}[unit_amount]"], form[f"{PRICE}[currency]"]),
            description=form[f"{PRICE}[product_data][name]"],
            email=form.get("customer_email", ""),
            lang=form.get("locale", "en"),
            done=form["success_url"],
            failed=form.get("cancel_url", self._panel.shop),
            notify=self._panel.notify,
            reference=reference,
        )

    def _event(self, told: Notification, asked: Request) -> dict[str, object]:
        returned = replace(told, of=self._sessions.get(told.of, told.of))
        if told.kind == "refund":
            return self._till.refund(returned, _metadata(told.order))
        if told.kind == "chargeback":
            return dispute(returned)
        return self._about_session(told, asked)

    def _about_session(self, told: Notification, asked: Request) -> dict[str, object]:
        """Write about this page's session; once that has ended, about another session of the same order."""
        known, waits = self._sessions.get(told.id), asked.reference not in self._ended
        id_ = known or (asked.reference if waits else f"cs_test_{token(told.id)}")
        before = self._till.sessions.get(id_, {}).get("status") == "complete" and known is None
        self._sessions[told.id] = id_
        if told.kind != "pending":
            self._ended.add(id_)
        facts = {"id": id_, "payment_intent": intent(id_), "metadata": _metadata(told.order)}
        about = self._till.keep(session(told, asked.email, **facts))
        succeeded = "async_payment_succeeded" if before and told.kind == "paid" else "completed"
        kind = "async_payment_failed" if told.kind == "failed" else succeeded
        return {"type": f"checkout.session.{kind}", "data": {"object": about}}


def dialect(panel: Panel) -> StripeCheckoutDialect:
    """Make the account."""
    return StripeCheckoutDialect(panel, **DEMO)


def _metadata(order: str) -> dict[str, str]:
    return {"order": order} if order else {}


def _form(call: Call) -> dict[str, str]:
    if call.headers.get("content-type") != "application/x-www-form-urlencoded":
        raise Refusal(400, "send a form")
    pairs = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refusal(400, "a parameter came twice")
    if missing := [name for name in NEEDED if not form.get(name)]:
        raise Refusal(400, f"Missing required param: {', '.join(missing)}")
    for name, value in form.items():
        if name not in RULES:
            raise Refusal(400, f"Received unknown parameter: {name}")
        if not re.fullmatch(RULES[name], value, re.DOTALL):
            raise Refusal(400, f"Invalid value of {name}")
    return form
