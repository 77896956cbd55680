"""MailerLite: a purchase is membership in the group of buyers, the mails are an automation that a group starts.

Both are of the kind `set`: a subscriber is created or updated by their address, which removes nothing, and being in
a group is a state. MailerLite's e-commerce orders are left alone: they have no key of ours, and repeats are not
documented. A person who is not active there, or who is in the group already, is `NotMailable`.
Source: developers.mailerlite.com, subscribers and groups (read in November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn, TypeVar
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
    title="MailerLite",
    purchase="tag",
    purchase_repeat=("set",),
    start="automation",
    sequence_repeat=("set",),
    live=True,
)

_MISSING, _INVALID = 404, 422
Page = TypeVar("Page")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]`: our token (a secret), the groups by their ids, and how the link travels."""

    api_key: Secret
    buyers: str
    groups: dict[str, str] = {}
    base_url: str = "https://connect.mailerlite.com"
    link_field: str = "link_{product}"
    only_with_consent: bool = False


class Group(msgspec.Struct, frozen=True):
    """A group."""

    id: str


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody there, as far as we need to know them; who was just created is shown without groups."""

    id: str
    status: str
    fields: dict[str, object] = {}
    groups: list[Group] = []

    def belongs(self, group: str) -> bool:
        """Say whether this person is in the group."""
        return group in (each.id for each in self.groups)


class Person(msgspec.Struct, frozen=True):
    """How MailerLite wraps a subscriber."""

    data: Subscriber


class Joined(msgspec.Struct, frozen=True):
    """How MailerLite wraps a group."""

    data: Group


class Refusal(msgspec.Struct, frozen=True):
    """What MailerLite says when it refuses: by field."""

    errors: dict[str, object] = {}


class Field(msgspec.Struct, frozen=True):
    """A field of subscribers."""

    key: str


class Groups(msgspec.Struct, frozen=True):
    """A page of groups."""

    data: list[Group]


class Fields(msgspec.Struct, frozen=True):
    """A page of fields."""

    data: list[Field]


class Made(msgspec.Struct, frozen=True):
    """How MailerLite wraps a field."""

    data: Field


class MailerLiteMailer:
    """Our account at MailerLite; all calls of one effect last at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings, self._seconds = settings, call_seconds
        self._begin = in_turn(
            self._started, call_seconds=call_seconds, with_consent=settings.only_with_consent
        )
        self._client = Client(
            settings.base_url,
            name="MailerLite",
            call_seconds=call_seconds,
            headers={"Authorization": f"Bearer {settings.api_key}"},
        )

    @property
    def purchase(self) -> Effect:
        """Put the buyer into the group of buyers; the receipt is the ids of person and group."""
        return Effect(repeat="set", do=self._buy)

    @property
    def sequence(self) -> Effect:
        """Put the link into the person's field, then the person into the group that starts the automation."""
        return Effect(repeat="set", do=self._begin)

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:
        """Return what does not fit at MailerLite: the token, the groups, the fields; automations are not asked for."""
        try:
            groups = {each.id for each in self._listed("groups", "1000", Groups).data}
        except (Rejected, NeedsOperator) as error:
            return [misfit("api_key", str(error))]
        return [
            *self._groups(products, groups),
            *sharing(products, self._field),
            *self._fields(products, create=create),
        ]

    def directed(self, product: Product) -> object:
        """Return what the mails of a product begin with."""
        return self._group(product.sequence or product.slug)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _groups(self, products: Sequence[Product], known: set[str]) -> Iterator[Problem]:
        if self._settings.buyers not in known:
            yield misfit(
                "buyers", "MailerLite has no group of this id; take it from the group's address there"
            )
        for product in products:
            try:
                group = self._group(product.sequence or product.slug)
            except NeedsOperator as error:
                yield misfit(product.slug, str(error))
                continue
            if group not in known:
                yield misfit(
                    product.slug, f"MailerLite has no group {group}; take its id from its address there"
                )

    def _fields(self, products: Sequence[Product], *, create: bool) -> Iterator[Problem]:
        known = {each.key for each in self._listed("fields", "100", Fields).data}
        for product in products:
            key = self._field(product.slug)
            if key in known:
                continue
            known.add(key)
            if not create:
                how = "add it there, or with `kramik check --live --create-fields`"
                yield misfit(product.slug, f"MailerLite has no field {key!r}; {how}")
                continue
            made = self._made(key)
            if made != key:
                message = f"MailerLite named the field {made!r} and not {key!r}; set link_field to match"
                yield misfit(product.slug, message)

    def _made(self, key: str) -> str:
        body = {"name": key, "type": "text"}
        return self._client.send("POST", "/api/fields", doing="adding a field", json=body).json(Made).data.key

    def _listed(self, what: str, most: str, shape: type[Page]) -> Page:
        return self._client.send("GET", f"/api/{what}", doing=f"listing {what}", query={"limit": most}).json(
            shape
        )

    def _buy(self, delivery: Delivery) -> str:
        order, budget = delivery.order, Budget(self._seconds)
        self._join(self._put(order, {}, budget), self._settings.buyers, budget)
        return f"{self._shown(order, self._settings.buyers, budget).id}:{self._settings.buyers}"

    def _started(self, delivery: Delivery, budget: Budget) -> str:
        order = delivery.order
        intent = order.intent
        group, key = self._group(intent.sequence or intent.product), self._field(intent.product)
        person = self._find(order, budget)
        if person is not None and person.belongs(group):
            if leads_to(order, str(person.fields.get(key, ""))):
                return f"{person.id}:{group}"
            raise NotMailable(
                f"MailerLite: this person is in group {group} already; its automation does not start again"
            )
        _reachable(person)
        person = self._put(order, {key: delivery.access_link}, budget)
        if person.fields.get(key) != delivery.access_link:
            raise NeedsOperator(
                f"MailerLite did not keep the link in the field {key}; "
                "add a text field with this key and retry the order"
            )
        _reachable(person)
        self._join(person, group, budget)
        seen = self._shown(order, group, budget)
        if not leads_to(order, str(seen.fields.get(key, ""))):
            raise OutcomeUnknown(
                "MailerLite, joining a group: the field holds the link of another order by now"
            )
        return f"{seen.id}:{group}"

    def _join(self, person: Subscriber, group: str, budget: Budget) -> None:
        path = f"/api/subscribers/{quote(person.id, safe='')}/groups/{quote(group, safe='')}"
        self._client.send("POST", path, doing="joining a group", json={}, budget=budget).json(Joined)

    def _shown(self, order: Order, group: str, budget: Budget) -> Subscriber:
        """Look whether the person is in the group, whatever was answered to joining it."""
        seen = self._find(order, budget)
        if seen is None or not seen.belongs(group):
            raise OutcomeUnknown(f"MailerLite, joining a group: the person is not shown in group {group}")
        return seen

    def _put(self, order: Order, fields: dict[str, str], budget: Budget) -> Subscriber:
        buyer = order.intent.buyer
        facts = {"email": buyer.email, "fields": {"name": buyer.name, **fields}}
        answer = self._client.send(
            "POST",
            "/api/subscribers",
            doing="putting a subscriber",
            json=facts,
            answers=(_INVALID,),
            budget=budget,
        )
        if answer.status == _INVALID:
            self._refused(answer)
        return answer.json(Person).data

    def _refused(self, answer: Answer) -> NoReturn:
        try:
            errors = msgspec.json.decode(answer.body, type=Refusal).errors
        except msgspec.MsgspecError:
            errors = {}
        if "email" in errors:
            raise NotMailable(f"MailerLite does not take this address: {self._client.quoted(answer)}")
        raise self._client.decision(answer)

    def _find(self, order: Order, budget: Budget) -> Subscriber | None:
        path = f"/api/subscribers/{quote(order.intent.buyer.email, safe='')}"
        answer = self._client.send(
            "GET", path, doing="looking for a subscriber", answers=(_MISSING,), budget=budget
        )
        return None if answer.status == _MISSING else answer.json(Person).data

    def _field(self, product: str) -> str:
        return field(self._settings.link_field, product)

    def _group(self, sequence: str) -> str:
        """Return the id of the group: the one that the settings have for a product's sequence, or that itself."""
        group = self._settings.groups.get(sequence, sequence)
        if not group.isdigit():
            raise NeedsOperator(
                f"no group of MailerLite is known for {sequence!r}; "
                "add its id to groups in [mailer] and retry the order"
            )
        return group


def _reachable(person: Subscriber | None) -> None:
    if person is not None and person.status != "active":
        raise NotMailable(f"MailerLite: this person is {person.status} there")
