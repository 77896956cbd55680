"""listmonk, on a server of your own: a purchase is membership in the list of buyers, the access goes by one mail.

Being in a list is a state, so the purchase is of the kind `set`. The mail is `unsafe`: the API for single mails takes
no key and can not be asked, so a lost answer stops the step. The link travels in the mail's own data, so no field of
the person holds it. Somebody on the blocklist is `NotMailable`.
Source: listmonk's documentation and source, version 5 (read in November 2026).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from kramik.catalogue import Product
from kramik.errors import NeedsOperator, NotMailable, OutcomeUnknown, Problem, Rejected, Transient
from kramik.http import Budget, Client
from kramik.mailers import Features, misfit
from kramik.order import Order
from kramik.ports import Delivery, Effect
from kramik.table import Secret

FEATURES = Features(
    title="listmonk",
    purchase="tag",
    purchase_repeat=("set",),
    start="mail",
    sequence_repeat=("unsafe",),
    live=True,
)

_TAKEN = 409


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]`: where it is, its API user and token (a secret), the ids of list and templates."""

    base_url: str
    user: str
    token: Secret
    buyers: int
    templates: dict[str, int]


class Listed(msgspec.Struct, frozen=True):
    """A list that somebody is in, whatever the state of their subscription."""

    id: int


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody there, as far as we need to know them."""

    id: int
    status: str
    lists: list[Listed] = []

    def belongs(self, number: int) -> bool:
        """Say whether this person is in the list."""
        return number in (each.id for each in self.lists)


class Results(msgspec.Struct, frozen=True):
    """A page of subscribers."""

    results: list[Subscriber] = []


class Page(msgspec.Struct, frozen=True):
    """How listmonk wraps a page."""

    data: Results


class Done(msgspec.Struct, frozen=True):
    """How listmonk says that it did something."""

    data: bool


class Template(msgspec.Struct, frozen=True):
    """A template; only those of the type `tx` can be sent singly."""

    id: int
    type: str


class Templates(msgspec.Struct, frozen=True):
    """How listmonk wraps its templates."""

    data: list[Template]


class ListmonkMailer:
    """Our user at a listmonk; all calls of one effect last at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings, self._seconds = settings, call_seconds
        basic = b64encode(f"{settings.user}:{settings.token}".encode()).decode()
        self._client = Client(
            settings.base_url,
            name="listmonk",
            call_seconds=call_seconds,
            headers={"Authorization": f"Basic {basic}"},
            secrets=(settings.token,),
        )

    @property
    def purchase(self) -> Effect:
        """Put the buyer into the list of buyers; the receipt is the ids of person and list."""
        return Effect(repeat="set", do=self._buy)

    @property
    def sequence(self) -> Effect:
        """Send the one mail that carries the access link; the receipt is the ids of person and template."""
        return Effect(repeat="unsafe", do=self._mail)

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:  # noqa: ARG002 - there is nothing to make
        """Return what does not fit in listmonk: the token and what it may do, the list, the templates."""
        try:
            self._found("nobody@example.com", Budget(self._seconds))
            templates = (
                self._client.send("GET", "/api/templates", doing="listing templates").json(Templates).data
            )
        except (Rejected, NeedsOperator) as error:
            return [misfit("token", str(error))]
        try:
            self._client.send(
                "GET", f"/api/lists/{self._settings.buyers}", doing="looking at the list of buyers"
            )
        except (Rejected, NeedsOperator) as error:
            return [misfit("buyers", str(error)), *self._templates(products, templates)]
        return list(self._templates(products, templates))

    def directed(self, product: Product) -> object:
        """Return what the mails of a product begin with."""
        return self._template(product.sequence or product.slug)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _templates(self, products: Sequence[Product], known: Sequence[Template]) -> Iterator[Problem]:
        sendable = {each.id for each in known if each.type == "tx"}
        for product in products:
            try:
                template = self._template(product.sequence or product.slug)
            except NeedsOperator as error:
                yield misfit(product.slug, str(error))
                continue
            if template not in sendable:
                yield misfit(
                    product.slug, f"listmonk has no transactional template {template}; make one there"
                )

    def _buy(self, delivery: Delivery) -> str:
        order, budget, number = delivery.order, Budget(self._seconds), self._settings.buyers
        person = self._known(order, budget)
        if not person.belongs(number):
            self._join(person, budget)
            person = self._known(order, budget)
        if not person.belongs(number):
            raise OutcomeUnknown(f"listmonk, joining a list: the subscriber is not shown in list {number}")
        return f"{person.id}:{number}"

    def _join(self, person: Subscriber, budget: Budget) -> None:
        """Put somebody into the list who never was: whoever left it stays out of it."""
        change = {
            "ids": [person.id],
            "action": "add",
            "target_list_ids": [self._settings.buyers],
            "status": "confirmed",
        }
        answer = self._client.send(
            "PUT", "/api/subscribers/lists", doing="joining a list", json=change, budget=budget
        )
        if not answer.json(Done).data:
            raise OutcomeUnknown("listmonk, joining a list: answered that it was not done")

    def _mail(self, delivery: Delivery) -> str:
        order, budget = delivery.order, Budget(self._seconds)
        template = self._template(order.intent.sequence or order.intent.product)
        with _nothing_yet():
            person = self._known(order, budget)
        if person.status != "enabled":
            raise NotMailable(f"listmonk: this person is {person.status} there")
        words = {"link": delivery.access_link, "title": order.intent.title, "order": order.id}
        mail = {
            "subscriber_id": person.id,
            "template_id": template,
            "data": {**words, "name": order.intent.buyer.name, "lang": order.intent.lang},
        }
        answer = self._client.send(
            "POST", "/api/tx", doing="sending the access mail", json=mail, budget=budget
        )
        if not answer.json(Done).data:
            raise OutcomeUnknown("listmonk, sending the access mail: answered that it was not done")
        return f"{person.id}:{template}"

    def _known(self, order: Order, budget: Budget) -> Subscriber:
        """Return the buyer as listmonk has them, created when it has not."""
        person = self._find(order, budget)
        if person is None:
            buyer = order.intent.buyer
            facts = {"email": buyer.email, "name": buyer.name, "status": "enabled", "lists": []}
            self._client.send(
                "POST",
                "/api/subscribers",
                doing="adding a subscriber",
                json=facts,
                answers=(_TAKEN,),
                budget=budget,
            )
            person = self._find(order, budget)
        if person is None:
            raise OutcomeUnknown("listmonk, adding a subscriber: they are not shown yet")
        return person

    def _find(self, order: Order, budget: Budget) -> Subscriber | None:
        return self._found(order.intent.buyer.email, budget)

    def _found(self, email: str, budget: Budget) -> Subscriber | None:
        quoted = email.lower().replace("'", "''")
        query = {"query": f"subscribers.email = '{quoted}'", "per_page": "1"}
        answer = self._client.send(
            "GET", "/api/subscribers", doing="looking for a subscriber", query=query, budget=budget
        )
        return next(iter(answer.json(Page).data.results), None)

    def _template(self, sequence: str) -> int:
        """Return the id of the template: the one that the settings have for a product's sequence."""
        template = self._settings.templates.get(sequence)
        if template is None:
            raise NeedsOperator(
                f"no template of listmonk is known for {sequence!r}; "
                "add its id to templates in [mailer] and retry the order"
            )
        return template


@contextmanager
def _nothing_yet() -> Iterator[None]:
    """Take an unknown outcome for nothing: what comes before the mail may be done again as often as one likes."""
    try:
        yield
    except OutcomeUnknown as unknown:
        raise Transient(f"{unknown}; no mail was sent") from None
