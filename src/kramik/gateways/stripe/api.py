"""Stripe's API, as far as a shop needs it: begin a Checkout Session, and look at sessions.

Every call carries our secret key; a version is named, so that an answer does not change with the account's settings.
Source: https://docs.stripe.com/api/checkout/sessions , https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

import msgspec

from kramik.errors import NeedsOperator, OutcomeUnknown, Rejected, Transient
from kramik.gateways.stripe.things import Session
from kramik.http import Answer, Client

VERSION = "2024-06-20"
SESSIONS = "/v1/checkout/sessions"
PAGE, PAGES = 50, 40
"""Sessions of one answer, which stays well below what we read of one, and answers that are looked through."""

NOT_FOUND, CONFLICT = 404, 409


class Page(msgspec.Struct, frozen=True):
    """Some of a list, newest first; each is read when it is looked at."""

    data: list[dict[str, object]]
    has_more: bool


class Api:
    """Our account, by its secret key; one call lasts at most `call_seconds`."""

    def __init__(self, base_url: str, key: str, *, call_seconds: float) -> None:
        headers = {"Authorization": f"Bearer {key}", "Stripe-Version": VERSION}
        self._client = Client(
            base_url.rstrip("/"), name="Stripe", call_seconds=call_seconds, headers=headers, secrets=(key,)
        )

    def begin(self, form: Mapping[str, str], *, key: str) -> Session:
        """Begin a session; the same key is the same session, with Stripe's first answer.

        Raises:
            Transient: another call with this key is under way.
            KramikError: it did not begin, or nobody knows.
        """
        answer = self._client.send(
            "POST",
            SESSIONS,
            doing="beginning a session",
            form=form,
            headers={"Idempotency-Key": key},
            answers=(CONFLICT,),
        )
        if answer.status == CONFLICT:
            raise Transient("Stripe, beginning a session: the same is being begun at this moment", after=1)
        return _session(answer.json(dict[str, object]), answer)

    def session(self, session_id: str) -> Session | None:
        """Return a session; None when there is none of this id."""
        path = f"{SESSIONS}/{quote(session_id, safe='')}"
        answer = self._client.send("GET", path, doing="asking for a session", answers=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        session = _session(answer.json(dict[str, object]), answer)
        if session.id != session_id:
            raise NeedsOperator("Stripe answered about another session; look at base_url in shop.toml")
        return session

    def completed(self, payment_link: str, reference: str, *, since: datetime) -> Iterator[Session]:
        """Yield the completed sessions of a Payment Link that carry this reference.

        Raises:
            NeedsOperator: there are more than we look through.
        """
        query = {
            "payment_link": payment_link,
            "status": "complete",
            "created[gte]": str(int(since.timestamp())),
            "limit": str(PAGE),
        }
        for _ in range(PAGES):
            answer = self._client.send("GET", SESSIONS, doing="looking through sessions", query=query)
            page = answer.json(Page)
            for each in page.data:
                if each.get("client_reference_id") == reference:
                    yield _session(each, answer)
            if not page.has_more or not page.data:
                return
            query["starting_after"] = str(page.data[-1].get("id"))
        raise NeedsOperator(f"Stripe has more than {PAGE * PAGES} sales of {payment_link} to look through")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _session(found: Mapping[str, object], answer: Answer) -> Session:
    """Read a session.

    Raises:
        OutcomeUnknown: it is something else, although the answer was 2xx.
    """
    try:
        session = msgspec.convert(found, Session)
        session.money  # noqa: B018 - an amount that is no money is found here, not later
    except (msgspec.ValidationError, Rejected):
        raise OutcomeUnknown(f"{answer.what}: answered {answer.status}, but not with a session") from None
    return session
