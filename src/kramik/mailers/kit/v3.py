"""Kit, API v3, for accounts that have no V4 key yet: one `api_secret` does everything, purchases included.

A tag makes the person known with the access link, then the purchase is registered and the sequence started.
| effect | repeat | why |
|---|---|---|
| purchase | lookup | a repeated transaction id is undocumented, the list of purchases shows it |
| sequence | lookup | what a repeat does is undocumented, the list of subscriptions shows whether there was one |
v3 is not developed any more and will end on a day that is not announced yet.
Source: developers.kit.com/api-reference/v3 (tags, sequences, purchases, custom fields).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kramik.catalogue import Product
from kramik.errors import (
    ConfigurationError,
    NeedsOperator,
    OutcomeUnknown,
    Problem,
    Rejected,
)
from kramik.http import Answer, Budget, Client, Method
from kramik.mailers.kit import live
from kramik.mailers.kit.people import FIELD_ADVICE, MEND, UNPROCESSABLE, Person, nothing_yet, refused
from kramik.mailers.kit.purchases import KNOWN, Purchase, body
from kramik.mailers.kit.sequences import had_before, mailable, moment, since
from kramik.mailers.kit.settings import SHARED, V3Settings
from kramik.ports import Delivery, Effect

BAD_REQUEST = 400
PAGES = 20
"""How many pages of 50 a look-up reads, from either end where the order is not documented."""


class Subscription(msgspec.Struct, frozen=True):
    """Somebody has a tag or a sequence, since then."""

    id: int
    created_at: str
    subscriber: Person


class Subscribed(msgspec.Struct, frozen=True):
    """The answer to a tag or a sequence."""

    subscription: Subscription


class Updated(msgspec.Struct, frozen=True):
    """The answer to a change of a person."""

    subscriber: Person


class Tag(msgspec.Struct, frozen=True):
    """A tag."""

    id: int
    name: str = ""


class Account(msgspec.Struct, frozen=True):
    """What lists answer: whichever of these was asked for."""

    tags: list[Tag] = []
    courses: list[live.Listed] = []
    custom_fields: list[live.Field] = []


class Page(msgspec.Struct, frozen=True):
    """One page of purchases or subscriptions."""

    total_pages: int
    purchases: list[Purchase] = []
    subscriptions: list[Subscription] = []


class KitV3Mailer:
    """Our old account at Kit. The calls of one effect last at most `call_seconds` together."""

    def __init__(self, settings: V3Settings, *, call_seconds: float) -> None:
        wrong = {"api_secret": not settings.api_secret and "is empty; copy it from Kit, Settings, Developer"}
        wrong["field"] = "{product}" not in settings.field and SHARED
        problems = [Problem(field=key, code="wrong", message=why) for key, why in wrong.items() if why]
        if problems:
            raise ConfigurationError(*problems)
        self._settings, self._call_seconds = settings, call_seconds
        secrets = [settings.api_secret]
        self._client = Client(settings.base_url, name="Kit", call_seconds=call_seconds, secrets=secrets)

    @property
    def purchase(self) -> Effect:
        """Register the purchase; the receipt is its id."""
        return Effect(repeat="lookup", do=self._buy, find=self._find_purchase, lag=self._settings.lag)

    @property
    def sequence(self) -> Effect:
        """Start the sequence; the receipt is Kit's ids of sequence and person."""
        return Effect(repeat="lookup", do=self._begin, find=self._find_start, lag=self._settings.lag)

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:
        """Return what does not fit at Kit: the secret, sequences, custom fields."""
        budget = Budget(self._call_seconds * 3)
        try:
            courses = self._listed("sequences", budget).courses
        except (Rejected, NeedsOperator) as error:
            return [live.problem("api_secret", str(error))]
        fields = self._listed("custom_fields", budget).custom_fields
        make = self._make_field if create else None
        return list(live.compared(self._settings, products, courses, fields, make=make))

    def directed(self, product: Product) -> object:
        """Return what the mails of a product begin with."""
        return product.sequence and self._settings.sequence_of(product.sequence)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _buy(self, delivery: Delivery) -> str:
        budget = Budget(self._call_seconds)
        with nothing_yet():
            self._known(delivery, budget)
        answer = self._client.send(
            "POST",
            "/v3/purchases",
            doing="registering a purchase",
            json={"api_secret": self._settings.api_secret, **body(delivery.order)},
            answers=(BAD_REQUEST, UNPROCESSABLE),
            budget=budget,
        )
        if answer.status in (BAD_REQUEST, UNPROCESSABLE):
            if any(word in answer.body.decode("utf-8", "replace").lower() for word in KNOWN):
                raise OutcomeUnknown(f"{answer.what}: Kit seems to have this transaction; it is looked up")
            raise refused(self._client, answer, MEND)
        return str(answer.json(Purchase).id)

    def _find_purchase(self, delivery: Delivery) -> str | None:
        budget = Budget(self._call_seconds)
        for page in self._both_ends("/v3/purchases", budget):
            for purchase in page.purchases:
                if purchase.transaction_id == delivery.order.id:
                    return str(purchase.id)
        return None

    def _begin(self, delivery: Delivery) -> str:
        intent, budget = delivery.order.intent, Budget(self._call_seconds)
        sequence = self._settings.starts(delivery.order)
        with nothing_yet():
            person = self._known(delivery, budget)
        mailable(person)
        path, doing = f"/v3/sequences/{sequence}/subscribe", "starting a sequence"
        about = {"api_secret": self._settings.api_secret, "email": intent.buyer.email}
        found = self._client.send("POST", path, doing=doing, json=about, budget=budget).json(Subscribed)
        mailable(found.subscription.subscriber)
        if moment(found.subscription.created_at) < since(delivery.order):
            raise had_before(sequence)
        return f"{sequence}/{found.subscription.subscriber.id}"

    def _find_start(self, delivery: Delivery) -> str | None:
        intent, budget, begin = delivery.order.intent, Budget(self._call_seconds), since(delivery.order)
        if not intent.sequence:
            return None
        sequence, email = self._settings.sequence_of(intent.sequence), intent.buyer.email.lower()
        path = f"/v3/sequences/{sequence}/subscriptions"
        for number in range(1, PAGES + 1):
            page = self._page(path, number, budget, sort_order="desc")
            for each in page.subscriptions:
                if moment(each.created_at) < begin:
                    return None
                if each.subscriber.email_address.lower() == email:
                    return f"{sequence}/{each.subscriber.id}"
            if number >= page.total_pages:
                return None
        raise NeedsOperator(f"Kit: sequence {sequence} got too many people since; look for the buyer there")

    def _known(self, delivery: Delivery, budget: Budget) -> Person:
        """Make the buyer known with the link, by a tag; compare what Kit keeps with what was sent."""
        intent, settings = delivery.order.intent, self._settings
        field = settings.field_of(intent.product)
        first = intent.buyer.name.split()[:1]
        about: dict[str, object] = {"fields": {field: delivery.access_link}}
        body = {**about, "email": intent.buyer.email, **({"first_name": first[0]} if first else {})}
        path = f"/v3/tags/{self._tag(settings.tag_of(intent.product), budget)}/subscribe"
        person = self._asked("POST", path, body, budget=budget).json(Subscribed).subscription.subscriber
        if person.fields.get(field) != delivery.access_link:
            path = f"/v3/subscribers/{person.id}"
            person = self._asked("PUT", path, about, budget=budget).json(Updated).subscriber
        if person.fields.get(field) != delivery.access_link:
            raise NeedsOperator(f"Kit has no custom field {field!r}; {FIELD_ADVICE}")
        return person

    def _tag(self, name: str, budget: Budget) -> int:
        """Return the number of a tag, which is made when it is not there."""
        known = self._listed("tags", budget).tags
        found = next((tag for tag in known if tag.name.lower() == name.lower()), None)
        return (
            found.id
            if found
            else self._asked("POST", "/v3/tags", {"tag": {"name": name}}, budget=budget).json(Tag).id
        )

    def _make_field(self, key: str) -> str:
        try:
            answer = self._asked(
                "POST", "/v3/custom_fields", {"label": key}, budget=Budget(self._call_seconds)
            )
        except Rejected as error:
            return "" if "taken" in str(error).lower() else str(error)
        return live.named(key, answer.json(live.Field).key)

    def _listed(self, name: str, budget: Budget) -> Account:
        query = {"api_secret": self._settings.api_secret}
        return self._client.send(
            "GET", f"/v3/{name}", doing=f"listing {name}", query=query, budget=budget
        ).json(Account)

    def _both_ends(self, path: str, budget: Budget) -> Iterator[Page]:
        """Yield the first and the last pages, each once: which of them are the newest is not documented."""
        first = self._page(path, 1, budget)
        yield first
        last = first.total_pages
        for number in range(2, last + 1):
            if number <= PAGES or number > last - PAGES:
                yield self._page(path, number, budget)

    def _page(self, path: str, number: int, budget: Budget, **more: str) -> Page:
        query = {"api_secret": self._settings.api_secret, "page": str(number), **more}
        return self._client.send("GET", path, doing="looking it up", query=query, budget=budget).json(Page)

    def _asked(self, method: Method, path: str, about: Mapping[str, object], *, budget: Budget) -> Answer:
        body = {"api_secret": self._settings.api_secret, **about}
        return self._client.send(method, path, doing="making a person known", json=body, budget=budget)
