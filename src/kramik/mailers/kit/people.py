"""The person at Kit: known there, with the access link in the field of the product, before anything else happens.

Repeat-safety: set. The same values are written to the same person; nobody's state is changed by it.
Source: developers.kit.com/api-reference, "create a subscriber", "update a subscriber" and the tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from kramik.errors import NeedsOperator, OutcomeUnknown, Problem, Rejected, Transient
from kramik.http import Answer, Budget, Client, Method
from kramik.intent import Buyer

UNPROCESSABLE = 422
MEND = "mend the cause and retry the order"
FIELD_ADVICE = "make it with `kramik check --live --create-fields`, then retry the order"


class Person(msgspec.Struct, frozen=True):
    """A subscriber; `state` is active, or a reason why nothing is mailed; `added_at` is when a sequence got them."""

    id: int
    state: str
    email_address: str = ""
    fields: dict[str, str | None] = {}
    added_at: str = ""


class One(msgspec.Struct, frozen=True):
    """An answer about one person."""

    subscriber: Person


class Tag(msgspec.Struct, frozen=True):
    """A tag."""

    id: int


class Tagged(msgspec.Struct, frozen=True):
    """An answer about a tag."""

    tag: Tag


class Errors(msgspec.Struct, frozen=True):
    """What Kit answers when it refuses: sentences for people, no code."""

    errors: list[str]


class People:
    """The people of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def known(self, buyer: Buyer, field: str, link: str, *, budget: Budget) -> Person:
        """Make the buyer known with this link, and return what Kit knows now.

        Kit may leave the fields of a known person alone, and ignore or refuse fields that do not exist, so the answer
        is compared with what was sent.

        Raises:
            NeedsOperator: Kit does not keep the field.
        """
        about: dict[str, object] = {"email_address": buyer.email, "fields": {field: link}}
        first = buyer.name.split()[:1]
        body = {**about, "first_name": first[0]} if first else about
        person = self._asked("POST", "/v4/subscribers", body, field=field, budget=budget)
        if person.fields.get(field) != link:
            person = self._asked("PUT", f"/v4/subscribers/{person.id}", about, field=field, budget=budget)
        if person.fields.get(field) != link:
            raise NeedsOperator(f"Kit has no custom field {field!r}; {FIELD_ADVICE}")
        return person

    def tag(self, person: Person, name: str, *, budget: Budget) -> str:
        """Give somebody a tag, which is made when it is not there; return both ids."""
        made = self._client.send("POST", "/v4/tags", doing="making a tag", json={"name": name}, budget=budget)
        tag = made.json(Tagged).tag.id
        path, doing = f"/v4/tags/{tag}/subscribers/{person.id}", "tagging a person"
        given = self._client.send("POST", path, doing=doing, json={}, budget=budget).json(One)
        return f"{tag}/{given.subscriber.id}"

    def _asked(self, method: Method, path: str, body: object, *, field: str, budget: Budget) -> Person:
        answer = self._client.send(
            method, path, doing="making a person known", json=body, answers=(UNPROCESSABLE,), budget=budget
        )
        if answer.status == UNPROCESSABLE:
            words = said(answer).lower()
            about_fields = field in words or "custom field" in words
            raise refused(self._client, answer, FIELD_ADVICE if about_fields else MEND)
        return answer.json(One).subscriber


@contextmanager
def nothing_yet() -> Iterator[None]:
    """Take an unknown outcome for nothing: what comes before the effect may be done again as often as one likes."""
    try:
        yield
    except OutcomeUnknown as unknown:
        raise Transient(f"{unknown}; nothing else was done") from None


def said(answer: Answer) -> str:
    """Return Kit's own words; nothing when there are none."""
    try:
        return "; ".join(msgspec.json.decode(answer.body, type=Errors).errors)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def refused(client: Client, answer: Answer, advice: str, *, hidden: str = "") -> Rejected:
    """Return what an answer of 4xx means that was let through, in Kit's own words, and what to do.

    `hidden` is the token of this call, which is not shown even if Kit repeats it.
    """
    words = client.quoted(answer)
    shown = words.replace(hidden, "***") if hidden else words
    message = f"{answer.what}: refused with {answer.status} ({shown}); {advice}"
    return Rejected(Problem(field="", code="refused", message=message))
