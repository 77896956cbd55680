"""Sequences at Kit: who is added, and whether that can lead to a mail.

Adding somebody again is a no-op that sends nothing, so a second purchase of the same sequence needs another mail.
Source: developers.kit.com/api-reference/sequences; help.kit.com article 5022528 (a sequence mails a person once).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from kramik.errors import NeedsOperator, NotMailable
from kramik.http import Budget, Client
from kramik.mailers.kit.people import MEND, UNPROCESSABLE, One, Person, refused, said
from kramik.mailers.kit.purchases import Pagination
from kramik.order import Order

ADDED = 201
PAGES, PAGE = 20, 100
SKEW = timedelta(minutes=1)
"""How far Kit's clock may be behind ours; Kit also cuts the parts of a second."""


class Page(msgspec.Struct, frozen=True):
    """One page of the people in a sequence."""

    subscribers: list[Person]
    pagination: Pagination


def mailable(person: Person) -> None:
    """Look whether Kit mails this person anything.

    Raises:
        NotMailable: it does not.
    """
    if person.state != "active":
        raise NotMailable(f"Kit mails nothing to this person, who is {person.state} there")


def since(order: Order) -> datetime:
    """Return the moment from which on a start can be the one of this order's call."""
    return (order.step("sequence").started_at or order.created_at) - SKEW


def moment(text: str) -> datetime:
    """Read a moment as Kit writes it; what is none lies before everything."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def add(client: Client, sequence: int, person: Person, *, budget: Budget) -> str:
    """Add somebody to a sequence; return both ids.

    Raises:
        NotMailable: nothing will be mailed to this person by it.
    """
    mailable(person)
    path = f"/v4/sequences/{sequence}/subscribers/{person.id}"
    answer = client.send(
        "POST", path, doing="starting a sequence", json={}, answers=(UNPROCESSABLE,), budget=budget
    )
    if answer.status == UNPROCESSABLE:
        if "inactive" in said(answer).lower():
            raise NotMailable(f"sequence {sequence} is not active at Kit")
        raise refused(client, answer, MEND)
    found = answer.json(One).subscriber
    if answer.status != ADDED:
        raise had_before(sequence)
    mailable(found)
    return f"{sequence}/{found.id}"


def had_before(sequence: int) -> NotMailable:
    """Say that somebody is not mailed because they were in this sequence before."""
    return NotMailable(f"this person had sequence {sequence} of Kit before, which mails nobody twice")


def find(client: Client, sequence: int, order: Order, *, budget: Budget) -> str | None:
    """Return both ids if the buyer was added to a sequence by the call of this order; None when they were not.

    Raises:
        NeedsOperator: there are too many people to be sure.
    """
    begin, email = since(order), order.intent.buyer.email.lower()
    day = (begin - timedelta(days=1)).strftime("%Y-%m-%d")
    query = {"status": "all", "added_after": day, "per_page": str(PAGE)}
    path, doing = f"/v4/sequences/{sequence}/subscribers", "looking for a person in a sequence"
    for _ in range(PAGES):
        page = client.send("GET", path, doing=doing, query=query, budget=budget).json(Page)
        for person in page.subscribers:
            if person.email_address.lower() == email and moment(person.added_at) >= begin:
                return f"{sequence}/{person.id}"
        if not page.pagination.has_next_page or not page.pagination.end_cursor:
            return None
        query = {**query, "after": page.pagination.end_cursor}
    raise NeedsOperator(
        f"Kit: sequence {sequence} got more than {PAGES * PAGE} people since; look for the buyer there"
    )
