"""Stripe as it stands before a shop that uses Payment Links: the links of its dashboard, signed events, a list to ask.

Nothing in the address of a link is signed, and a reference of odd characters is dropped without a word.
The price belongs to the link, and so does the page that a buyer returns to, which is the same for all orders.
Events are repeated for three days, later each time. Refunds and disputes name the payment and no order.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from kramik.money import Money
from kramik.sandbox.dialect import Book, Call, Letter, Notification, Panel, Refusal, Reply, Request
from kramik.sandbox.vendors.stripe_objects import (
    PAUSES,
    SESSIONS,
    Till,
    answered,
    dispute,
    letter,
    session,
    unlock,
)

ACCOUNT = "acct_demo"
SECRET = "whsec_demo_secret_of_the_sandbox"  # noqa: S105 - made up
API_KEY = "rk_test_demo_key_of_the_sandbox"
CODES = {"agregaty-w-praktyce": "test_agregaty", "kolejki-bez-strachu": "test_kolejki"}
PRICES = {
    "test_agregaty": Money(minor=29_900, currency="PLN"),
    "test_kolejki": Money(minor=19_900, currency="PLN"),
}
"""The dashboard of the example shop: its links, and what each of them costs."""

DEMO: dict[str, object] = {
    "account": ACCOUNT,
    "api_key": API_KEY,
    "webhook_secret": SECRET,
    "links": {product: {"id": f"plink_{code}", "code": code} for product, code in CODES.items()},
}
LISTED = {"payment_link", "status", "created[gte]", "limit", "starting_after"}
"""What a list of sessions can be asked for here."""

LONGEST = 100

_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,200}")


class StripeDialect:
    """One account with its links."""

    name = "stripe"
    pauses = PAUSES

    def __init__(self, panel: Panel) -> None:
        self._panel, self._till = panel, Till()

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:  # noqa: ARG002 - a link has no body
        """Open a link.

        Raises:
            Refusal: there is no such link.
        """
        code = path.strip("/")
        if method != "GET" or code not in PRICES:
            raise Refusal(404, "Stripe knows no such link")
        address = dict(parse_qsl(query))
        reference = address.get("client_reference_id", "")
        return Request(
            order=reference if _REFERENCE.fullmatch(reference) else "",
            shop_id=ACCOUNT,
            money=PRICES[code],
            description=code,
            email=address.get("prefilled_email", ""),
            lang=address.get("locale", "en"),
            done=f"{self._panel.shop}/thanks/",
            failed=f"{self._panel.shop}/",
            notify=self._panel.notify,
        )

    def operation(self, method: str, path: str) -> str:  # noqa: ARG002 - the path says it all
        """Return what the faults call this request: a link is opened by a browser, a list asked for by a shop."""
        return "ask" if path.startswith("/v1/") else "start"

    def call(self, call: Call, book: Book) -> Reply:  # noqa: ARG002 - the sessions are kept here
        """Answer with the sessions of a link, newest first.

        Raises:
            Refusal: as Stripe refuses it.
        """
        unlock(call, API_KEY)
        asked = dict(parse_qsl(call.query, keep_blank_values=True))
        if (call.method, call.path) != ("GET", SESSIONS):
            raise Refusal(404, "Unrecognized request URL")
        if asked.keys() - LISTED:
            raise Refusal(400, f"Received unknown parameter: {', '.join(sorted(asked.keys() - LISTED))}")
        limit, since = asked.get("limit", "10"), asked.get("created[gte]", "0")
        if not (limit.isdigit() and since.isdigit() and 1 <= int(limit) <= LONGEST):
            raise Refusal(400, "Invalid integer")
        return answered(self._listed(asked, int(limit), int(since)))

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Write the event, signed as of now."""
        return [letter(told, SECRET, self._event(told, asked))]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - only the status counts
        """Say whether the status is any of 2xx."""
        return 200 <= status < 300  # noqa: PLR2004 - as Stripe wants it

    def _event(self, told: Notification, asked: Request) -> dict[str, object]:
        if told.kind == "refund":
            return self._till.refund(told, {})
        if told.kind == "chargeback":
            return dispute(told)
        link = f"plink_{asked.description}" if told.shop_id == ACCOUNT else told.shop_id
        kind = "async_payment_failed" if told.kind == "failed" else "completed"
        about = self._till.keep(session(told, asked.email, payment_link=link))
        return {"type": f"checkout.session.{kind}", "data": {"object": about}}

    def _listed(self, asked: dict[str, str], limit: int, since: int) -> dict[str, object]:
        found = [
            each
            for each in reversed(self._till.sessions.values())
            if asked.get("payment_link") in (None, each["payment_link"])
            and asked.get("status") in (None, each["status"])
            and int(str(each["created"])) >= since
        ]
        ids = [str(each["id"]) for each in found]
        after = asked.get("starting_after", "")
        if after and after not in ids:
            raise Refusal(400, f"No such checkout.session: {after}")
        begin = ids.index(after) + 1 if after else 0
        more = len(found) > begin + limit
        return {"object": "list", "data": found[begin : begin + limit], "has_more": more, "url": SESSIONS}


def dialect(panel: Panel) -> StripeDialect:
    """Make the account."""
    return StripeDialect(panel)
