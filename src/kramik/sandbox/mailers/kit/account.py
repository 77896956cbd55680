"""One account: its people, custom fields, sequences, tags and purchases, and what happens when they are changed."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import TypeVar

import msgspec

from kramik.sandbox.mailbox import welcome
from kramik.sandbox.stage import Stage, order_in

STATES = ("active", "cancelled", "bounced", "complained", "inactive")
PRODUCTS = {
    "link_agregaty_w_praktyce": "Agregaty w praktyce",
    "link_kolejki_bez_strachu": "Kolejki bez strachu",
}
"""The custom fields of the account, and the course whose first mail shows each."""

Content = dict[str, object]
Answered = tuple[int, Content]


class Refused(Exception):
    """Answer with this status and these errors."""

    def __init__(self, status: int, *errors: str) -> None:
        self.status, self.errors = status, errors
        super().__init__(*errors)


class Thing(msgspec.Struct, kw_only=True):
    """Anything with an id; `made` is when it came into being, for lists that lag."""

    id: int
    made: float = msgspec.field(default_factory=monotonic)
    created_at: str = msgspec.field(default_factory=lambda: moment(datetime.now(UTC)))


class Person(Thing, kw_only=True):
    """A subscriber; `link` is the last text with an access link that a field was given."""

    email: str
    first_name: str
    state: str
    fields: dict[str, str | None]
    link: str = ""

    def shown(self, **more: str) -> Content:
        """Return the person as answers show them."""
        about = {"id": self.id, "first_name": self.first_name, "email_address": self.email}
        return {
            **about,
            "state": self.state,
            "created_at": self.created_at,
            **more,
            "fields": dict(self.fields),
        }


class Sequence(Thing, kw_only=True):
    """A sequence; its first mail shows `field`."""

    name: str
    field: str
    active: bool = True
    repeat: bool = False
    members: dict[int, Thing] = {}


class Tag(Thing, kw_only=True):
    """A tag and whom it was given."""

    name: str
    members: dict[int, Thing] = {}


class Purchase(Thing, kw_only=True):
    """A purchase as it was posted."""

    said: dict[str, object]


Kind = TypeVar("Kind", bound=Thing)


class Account:
    """Everything of one account; used from one event loop."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._ids = stage, itertools.count(501)
        self.fields = {key: f"{number}" for number, key in enumerate(PRODUCTS, 11)}
        self.labels = {key: key for key in PRODUCTS}
        self.people: dict[int, Person] = {}
        self.tags: dict[int, Tag] = {}
        self.purchases: dict[int, Purchase] = {}
        first, second = PRODUCTS
        self.sequences = {
            each.id: each
            for each in (
                Sequence(id=1001, name="Agregaty: start", field=first),
                Sequence(id=1002, name="Kolejki: start", field=second),
                Sequence(id=1003, name="Asleep", field=first, active=False),
                Sequence(id=1004, name="Again and again", field=first, repeat=True),
            )
        }

    def seen(self, things: Iterable[Kind]) -> list[Kind]:
        """Return what lists show by now, the newest first."""
        return sorted(
            (each for each in things if each.made <= monotonic() - self._stage.lag),
            key=lambda each: each.id,
            reverse=True,
        )

    def add_field(self, label: str) -> Answered:
        """Make a custom field; its key is the label in ASCII, small letters and underscores."""
        plain = unicodedata.normalize("NFKD", label.strip()).encode("ascii", "ignore").decode().lower()
        key = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
        if not key:
            raise Refused(422, "Label can't be blank")
        if key in self.fields:
            raise Refused(422, "Label has already been taken")
        self.fields[key], self.labels[key] = str(next(self._ids)), label.strip()
        return 201, {"custom_field": self.field(key)}

    def field(self, key: str) -> Content:
        """Return a custom field as answers show it."""
        number = self.fields[key]
        return {"id": int(number), "name": f"ck_field_{number}_{key}", "key": key, "label": self.labels[key]}

    def upsert(self, said: Content, *, strict: bool) -> Answered:
        """Make a person; of one who is known only the first name changes."""
        email, fields = str(said["email_address"]).strip(), self._fields(said, strict=strict)
        state = str(said.get("state") or "active")
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            raise Refused(422, "Email address is invalid")
        if state not in STATES:
            raise Refused(422, "State is not included in the list")
        person = self.find(email)
        if person is None:
            person = Person(
                id=next(self._ids),
                email=email,
                first_name=str(said.get("first_name") or ""),
                state=state,
                fields=dict.fromkeys(self.fields),
            )
            self.people[person.id] = person
            self._set(person, fields)
            return 201, {"subscriber": person.shown()}
        person.first_name = str(said.get("first_name") or person.first_name)
        return 200, {"subscriber": person.shown()}

    def update(self, number: int, said: Content, *, strict: bool) -> Answered:
        """Change a person."""
        person, other = self.person(number), self.find(str(said["email_address"]))
        fields = self._fields(said, strict=strict)
        if other is not None and other is not person:
            raise Refused(422, "Email address has already been taken")
        person.email = str(said["email_address"])
        person.first_name = str(said.get("first_name") or person.first_name)
        self._set(person, fields)
        return 200, {"subscriber": person.shown()}

    def buy(self, said: Content) -> Answered:
        """Register a purchase; what a repeated transaction id does is not written anywhere, so it is one more."""
        products = said["products"]
        if not str(said["transaction_id"]).strip():
            raise Refused(422, "Transaction cannot be blank")
        if said.get("status") not in (None, "paid") or not isinstance(products, list) or not products:
            raise Refused(422, "Status or products are invalid")
        if len({each["pid"] for each in products}) != len(products):
            raise Refused(422, "Products must have unique pids")
        person = self.find(str(said["email_address"]))
        if person is None:
            self.upsert({"email_address": said["email_address"]}, strict=True)
            person = self._known(str(said["email_address"]))
        purchase = Purchase(id=next(self._ids), said=said)
        self.purchases[purchase.id] = purchase
        facts = {"email": person.email, "product": str(products[0]["pid"]), "amount": str(said.get("total"))}
        order, currency = str(said["transaction_id"]), str(said["currency"])
        self._stage.write("purchase", order, purchase=purchase.id, currency=currency, **facts)
        return 201, {"purchase": {**shown(purchase), "subscriber_id": person.id}}

    def add_tag(self, name: str) -> Answered:
        """Make a tag, or return the one of this name."""
        if not name.strip():
            raise Refused(422, "Name can't be blank")
        known = next((tag for tag in self.tags.values() if tag.name.lower() == name.strip().lower()), None)
        tag = known or Tag(id=next(self._ids), name=name.strip())
        self.tags[tag.id] = tag
        return 200 if known else 201, {"tag": {"id": tag.id, "name": tag.name, "created_at": tag.created_at}}

    def tag(self, number: int, person: Person, *, sells: bool = True) -> Answered:
        """Give somebody a tag; where purchases are not posted, the tag is the purchase."""
        tag = self.tags.get(number)
        if tag is None:
            raise Refused(404, "Not Found")
        known = person.id in tag.members
        at = tag.members.setdefault(person.id, Thing(id=person.id)).created_at
        if sells and not known:
            facts = {"email": person.email, "tag": tag.name}
            self._stage.write("purchase", order_in(person.link), subscriber=person.id, **facts)
        return 200 if known else 201, {"subscriber": person.shown(tagged_at=at)}

    def enlist(self, number: int, person: Person) -> Answered:
        """Add somebody to a sequence; its first mail leaves at once for whoever is active."""
        sequence = self.sequences.get(number)
        if sequence is None:
            raise Refused(404, "Not Found")
        if not sequence.active:
            raise Refused(422, "Sequence is inactive")
        known = person.id in sequence.members
        at = sequence.members.setdefault(person.id, Thing(id=person.id)).created_at
        if not known:
            self._begin(sequence, person)
        return 200 if known else 201, {"subscriber": person.shown(added_at=at)}

    def find(self, email: str) -> Person | None:
        """Return who has this address."""
        return next(
            (each for each in self.people.values() if each.email.lower() == email.strip().lower()), None
        )

    def person(self, number: int) -> Person:
        """Return who has this id."""
        if number not in self.people:
            raise Refused(404, "Not Found")
        return self.people[number]

    def _known(self, email: str) -> Person:
        person = self.find(email)
        if person is None:
            raise Refused(404, "Not Found")
        return person

    def _fields(self, said: Content, *, strict: bool) -> dict[str, str | None]:
        """Return the fields that exist; what Kit does with others changed between its editions."""
        fields = said.get("fields")
        given = dict(fields) if isinstance(fields, dict) else {}
        unknown = [key for key in given if key not in self.fields]
        if unknown and strict:
            raise Refused(422, f"Custom field {unknown[0]} does not exist")
        return {key: value for key, value in given.items() if key in self.fields}

    def _set(self, person: Person, fields: dict[str, str | None]) -> None:
        person.fields = {**dict.fromkeys(self.fields), **person.fields, **fields}
        person.link = next((text for text in fields.values() if text and order_in(text)), person.link)

    def _begin(self, sequence: Sequence, person: Person) -> None:
        link = person.fields.get(sequence.field) or ""
        order, email = order_in(link), person.email
        self._stage.write("sequence", order, sequence=sequence.id, email=email, subscriber=person.id)
        if person.state == "active":
            title = PRODUCTS.get(sequence.field, sequence.name)
            words = {"title": title, "name": person.first_name, "link": link, "lang": "pl"}
            subject, text = welcome({**words, "order": order_in(link) or "—"})
            self._stage.deliver(order=order_in(link), to=person.email, subject=subject, text=text)


def shown(purchase: Purchase) -> Content:
    """Return a purchase as answers show it."""
    said, products = purchase.said, purchase.said["products"]
    lines = [{"sku": None, **each} for each in products] if isinstance(products, list) else []
    sums = {name: said.get(name) or 0.0 for name in ("subtotal", "discount", "tax", "total")}
    kept = {name: said[name] for name in ("transaction_id", "email_address", "currency")}
    at = said.get("transaction_time") or purchase.created_at
    return {"id": purchase.id, "status": "paid", "transaction_time": at, **kept, **sums, "products": lines}


def moment(at: datetime) -> str:
    """Return a moment as Kit writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


Handler = Callable[..., Answered]
