"""Buttondown: a purchase is a tag, the mails are an automation that another tag starts.

Both are of the kind `set`: adding to a subscriber merges, and having a tag is a state. Its idempotency key is left
alone: it is said to give the first answer again, which could be an error for good. Adding would bring back somebody
who unsubscribed, so kramik looks first; a person whom Buttondown will not mail, or who has the tag already, is
`NotMailable`.
Source: docs.buttondown.com, version 2026-04-01 (read in November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn
from urllib.parse import quote

import msgspec

from kramik.catalogue import Product
from kramik.errors import NeedsOperator, NotMailable, OutcomeUnknown, Problem, Rejected
from kramik.http import Answer, Budget, Client
from kramik.mailers import Features, field, in_turn, leads_to, misfit, sharing
from kramik.order import Order
from kramik.ports import Delivery, Effect
from kramik.table import Secret

FEATURES = Features(
    title="Buttondown",
    purchase="tag",
    purchase_repeat=("set",),
    start="automation",
    sequence_repeat=("set",),
    live=True,
)

VERSION = "2026-04-01"
"""The version of the API that this was written for; a newer one may answer in another way."""

PAGES = 20
"""Pages of tags that are read at most."""

_MISSING, _REFUSED = 404, 400
_MAILED = ("regular", "premium", "gifted", "trialed", "churning")
"""Types of people who get mails. Source: docs.buttondown.com, the subscriber's type."""

_CLOSED = ("subscriber_suppressed", "subscriber_blocked", "email_invalid", "email_blocked")
"""Codes of a refusal that is about the person. Source: docs.buttondown.com, error codes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]`: our key (a secret), the tags by their ids, and how the link travels."""

    api_key: Secret
    buyers: str
    tags: dict[str, str]
    base_url: str = "https://api.buttondown.com"
    link_field: str = "link_{product}"
    only_with_consent: bool = False


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody there, as far as we need to know them."""

    id: str
    type: str
    metadata: dict[str, object] = {}
    tags: list[str] = []

    @property
    def mailed(self) -> bool:
        """Say whether Buttondown mails this person."""
        return self.type in _MAILED


class Refusal(msgspec.Struct, frozen=True):
    """What Buttondown says when it refuses."""

    code: str = ""


class Tag(msgspec.Struct, frozen=True):
    """A tag."""

    id: str


class Tags(msgspec.Struct, frozen=True):
    """A page of tags."""

    results: list[Tag]
    next: str | None = None


class ButtondownMailer:
    """Our newsletter at Buttondown; all calls of one effect last at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings, self._seconds = settings, call_seconds
        self._begin = in_turn(
            self._started, call_seconds=call_seconds, with_consent=settings.only_with_consent
        )
        headers = {"Authorization": f"Token {settings.api_key}"}
        self._client = Client(
            settings.base_url, name="Buttondown", call_seconds=call_seconds, headers=headers
        )

    @property
    def purchase(self) -> Effect:
        """Give the buyer the tag of buyers; the receipt is the ids of person and tag."""
        return Effect(repeat="set", do=self._buy)

    @property
    def sequence(self) -> Effect:
        """Put the link into the person's metadata, then add the tag that starts the automation."""
        return Effect(repeat="set", do=self._begin)

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:  # noqa: ARG002 - metadata needs no making
        """Return what does not fit at Buttondown: the key and the tags; automations are not asked for."""
        try:
            known = {each.id for page in self._tags() for each in page.results}
        except (Rejected, NeedsOperator) as error:
            return [misfit("api_key", str(error))]
        found = [] if self._settings.buyers in known else [misfit("buyers", _untagged(self._settings.buyers))]
        return [
            *found,
            *self._courses(products, known),
            *sharing(products, lambda product: field(self._settings.link_field, product)),
        ]

    def directed(self, product: Product) -> object:
        """Return what the mails of a product begin with."""
        return self._tag(product.sequence or product.slug)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _courses(self, products: Sequence[Product], known: set[str]) -> Iterator[Problem]:
        for product in products:
            try:
                tag = self._tag(product.sequence or product.slug)
            except NeedsOperator as error:
                yield misfit(product.slug, str(error))
                continue
            if tag not in known:
                yield misfit(product.slug, _untagged(tag))

    def _tags(self) -> Iterator[Tags]:
        for number in range(1, PAGES + 1):
            query = {"page": str(number)}
            page = self._client.send(
                "GET", "/v1/tags", doing="listing tags", query=query, headers=_headers()
            ).json(Tags)
            yield page
            if page.next is None:
                return

    def _buy(self, delivery: Delivery) -> str:
        order, budget, tag = delivery.order, Budget(self._seconds), self._settings.buyers
        person = self._find(order, budget)
        if person is None or tag not in person.tags:
            self._add(order, person, {"tags": [*(person.tags if person else ()), tag]}, budget)
            person = self._find(order, budget)
        if person is None or tag not in person.tags:
            raise OutcomeUnknown(f"Buttondown, adding a tag: the subscriber does not show the tag {tag}")
        return f"{person.id}:{tag}"

    def _started(self, delivery: Delivery, budget: Budget) -> str:
        order = delivery.order
        intent = order.intent
        tag, key = (
            self._tag(intent.sequence or intent.product),
            field(self._settings.link_field, intent.product),
        )
        person = self._find(order, budget)
        if person is not None and tag in person.tags:
            if leads_to(order, str(person.metadata.get(key, ""))):
                return f"{person.id}:{tag}"
            raise NotMailable(
                "Buttondown: this person has the tag of this course already, so nothing starts again"
            )
        if person is not None and not person.mailed:
            raise NotMailable(f"Buttondown: this person is {person.type} there")
        person = self._put(delivery, person, key, budget)
        self._add(order, person, {"tags": [*person.tags, tag]}, budget)
        seen = self._find(order, budget)
        if seen is None or tag not in seen.tags or not leads_to(order, str(seen.metadata.get(key, ""))):
            raise OutcomeUnknown(
                "Buttondown, adding a tag: the subscriber does not show the tag and the link"
            )
        return f"{seen.id}:{tag}"

    def _put(self, delivery: Delivery, person: Subscriber | None, key: str, budget: Budget) -> Subscriber:
        """Put the link into the metadata, and look whether it is there."""
        known = dict(person.metadata) if person else {"name": delivery.order.intent.buyer.name}
        kept = self._add(delivery.order, person, {"metadata": {**known, key: delivery.access_link}}, budget)
        if kept.metadata.get(key) != delivery.access_link:
            raise NeedsOperator(f"Buttondown did not keep the link in the metadata {key}; retry the order")
        if not kept.mailed:
            raise NotMailable(f"Buttondown: this person is {kept.type} there")
        return kept

    def _add(
        self, order: Order, person: Subscriber | None, facts: Mapping[str, object], budget: Budget
    ) -> Subscriber:
        """Merge something into a person, or create them; whoever gets no mails is not brought back by it."""
        if person is not None and not person.mailed:
            path, doing = f"/v1/subscribers/{quote(person.id, safe='')}", "changing a subscriber"
            return self._client.send(
                "PATCH", path, doing=doing, json=facts, headers=_headers(), budget=budget
            ).json(Subscriber)
        content = {
            "email_address": order.intent.buyer.email,
            **({} if person else {"type": "regular"}),
            **facts,
        }
        answer = self._client.send(
            "POST",
            "/v1/subscribers",
            doing="adding to a subscriber",
            json=content,
            headers={**_headers(), "X-Buttondown-Collision-Behavior": "add"},
            answers=(_REFUSED,),
            budget=budget,
        )
        if answer.status == _REFUSED:
            self._refused(answer)
        return answer.json(Subscriber)

    def _refused(self, answer: Answer) -> NoReturn:
        try:
            code = msgspec.json.decode(answer.body, type=Refusal).code
        except msgspec.MsgspecError:
            code = ""
        if code in _CLOSED:
            raise NotMailable(f"Buttondown will not take this person: {code}")
        raise self._client.decision(answer)

    def _find(self, order: Order, budget: Budget) -> Subscriber | None:
        path = f"/v1/subscribers/{quote(order.intent.buyer.email, safe='')}"
        answer = self._client.send(
            "GET",
            path,
            doing="looking for a subscriber",
            headers=_headers(),
            answers=(_MISSING,),
            budget=budget,
        )
        return None if answer.status == _MISSING else answer.json(Subscriber)

    def _tag(self, sequence: str) -> str:
        """Return the id of the tag that the settings have for a product's sequence."""
        tag = self._settings.tags.get(sequence)
        if tag is None:
            raise NeedsOperator(
                f"no tag of Buttondown is known for {sequence!r}; add its id to tags in [mailer] and retry the order"
            )
        return tag


def _headers() -> dict[str, str]:
    return {"X-API-Version": VERSION}


def _untagged(tag: str) -> str:
    return f"Buttondown has no tag {tag!r}; take its id from the tag's address there"
