"""Brevo's mailer: the order, the contact with the link, the list that starts the mails, and single mails."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import msgspec

from kramik.catalogue import Product
from kramik.errors import NeedsOperator, NotMailable, OutcomeUnknown, Problem, Rejected
from kramik.http import Budget, Client
from kramik.mailers import field, in_turn, leads_to, misfit, sharing
from kramik.mailers.brevo.answers import Attributes, Contact, Sent, refusal
from kramik.mailers.brevo.settings import Settings
from kramik.order import Order
from kramik.ports import Delivery, Effect, File, Mail

_MISSING, _REFUSED = 404, 400
_LISTED = "invalid_parameter"
"""Code of the refusal to add somebody who is in the list already. Source: public programs that meet it."""


class BrevoMailer:
    """Our account at Brevo; all calls of one effect last at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings = settings
        self._begin = in_turn(
            self._started, call_seconds=call_seconds, with_consent=settings.only_with_consent
        )
        headers = {"api-key": settings.api_key}
        self._client = Client(settings.base_url, name="Brevo", call_seconds=call_seconds, headers=headers)

    @property
    def purchase(self) -> Effect:
        """Create or update the order; the receipt is its id there, which is ours."""
        return Effect(repeat="set", do=self._buy)

    @property
    def sequence(self) -> Effect:
        """Put the link into the contact's attribute, then the contact into the list that starts the automation."""
        return Effect(repeat="set", do=self._begin)

    @property
    def repeat(self) -> Literal["unsafe"]:
        """Return why a second single mail is harmless: it is not."""
        return "unsafe"

    def send(self, mail: Mail) -> str:
        """Send one mail; Brevo's key spares the buyer a double within some minutes."""
        words = {
            "sender": {
                "email": self._settings.sender,
                "name": self._settings.sender_name or self._settings.sender,
            },
            "to": [{"email": mail.to}],
            "subject": mail.subject,
            "textContent": mail.text,
            **({"htmlContent": mail.html} if mail.html else {}),
            **({"attachment": [_attached(each) for each in mail.files]} if mail.files else {}),
            "headers": {"idempotencyKey": str(uuid5(NAMESPACE_URL, mail.key))},
        }
        answer = self._client.send(
            "POST", "/v3/smtp/email", doing="sending a mail", json=words, answers=(_REFUSED,)
        )
        if answer.status != _REFUSED:
            return answer.json(Sent).message_id
        if refusal(answer).code == "duplicate_parameter":
            return "sent before"
        raise self._client.decision(answer)

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:
        """Return what does not fit at Brevo: the key, the lists, the attributes; automations are not asked for."""
        try:
            self._client.send("GET", "/v3/account", doing="looking at the account")
        except (Rejected, NeedsOperator) as error:
            return [misfit("api_key", str(error))]
        return [
            *self._lists(products),
            *sharing(products, self._field),
            *self._attributes(products, create=create),
        ]

    def directed(self, product: Product) -> object:
        """Return what the mails of a product begin with."""
        return self._list(product.sequence or product.slug)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _lists(self, products: Sequence[Product]) -> Iterator[Problem]:
        for product in products:
            try:
                number = self._list(product.sequence or product.slug)
            except NeedsOperator as error:
                yield misfit(product.slug, str(error))
                continue
            path = f"/v3/contacts/lists/{number}"
            if (
                self._client.send("GET", path, doing="looking at a list", answers=(_MISSING,)).status
                == _MISSING
            ):
                yield misfit(product.slug, f"Brevo has no list {number}; take its id from the lists there")

    def _attributes(self, products: Sequence[Product], *, create: bool) -> Iterator[Problem]:
        path, doing = "/v3/contacts/attributes", "listing attributes"
        known = {
            each.name for each in self._client.send("GET", path, doing=doing).json(Attributes).attributes
        }
        for product in products:
            name = self._field(product.slug)
            if name not in known and create:
                made = f"/v3/contacts/attributes/normal/{quote(name, safe='')}"
                self._client.send("POST", made, doing="adding an attribute", json={"type": "text"})
            elif name not in known:
                how = "add it there, or with `kramik check --live --create-fields`"
                yield misfit(product.slug, f"Brevo has no attribute {name!r}; {how}")
            known.add(name)

    def _known(self, budget: Budget) -> set[str]:
        path, doing = "/v3/contacts/attributes", "listing attributes"
        answer = self._client.send("GET", path, doing=doing, budget=budget).json(Attributes)
        return {each.name for each in answer.attributes}

    def _buy(self, delivery: Delivery) -> str:
        order = delivery.order
        answer = self._client.send("POST", "/v3/orders/status", doing="putting the order", json=_order(order))
        if answer.body:
            answer.json(dict[str, object])
        return order.id

    def _started(self, delivery: Delivery, budget: Budget) -> str:
        order = delivery.order
        intent = order.intent
        number, key = self._list(intent.sequence or intent.product), self._field(intent.product)
        contact = self._find(order, budget)
        if contact is not None and number in contact.list_ids:
            if leads_to(order, str(contact.attributes.get(key, ""))):
                return f"{contact.id}:{number}"
            raise NotMailable(f"Brevo: this person is in list {number} already, so nothing starts again")
        if contact is not None and contact.unwilling(number):
            raise NotMailable("Brevo: this person is on the blocklist or left the list")
        self._put(delivery, key, budget)
        return self._join(order, number, key, budget)

    def _put(self, delivery: Delivery, key: str, budget: Budget) -> None:
        """Put the contact with the link, and look whether the link is there: Brevo's answer shows nothing of it."""
        buyer = delivery.order.intent.buyer
        facts = {
            "email": buyer.email,
            "attributes": {self._settings.name_field: buyer.name, key: delivery.access_link},
            "updateEnabled": True,
        }
        doing = "putting a contact"
        answer = self._client.send(
            "POST", "/v3/contacts", doing=doing, json=facts, answers=(_REFUSED,), budget=budget
        )
        if answer.status == _REFUSED:
            if "email" in refusal(answer).message.lower():
                raise NotMailable(f"Brevo does not take this address: {self._client.quoted(answer)}")
            raise self._client.decision(answer)
        kept = self._find(delivery.order, budget)
        if kept is None:
            raise OutcomeUnknown("Brevo, putting a contact: the contact is not shown yet")
        if kept.attributes.get(key) == delivery.access_link:
            return
        if key not in self._known(budget):
            raise NeedsOperator(
                f"Brevo has no attribute {key}, so it dropped the link; "
                "add a text attribute of this name and retry the order"
            )
        raise OutcomeUnknown("Brevo, putting a contact: the contact does not show the link yet")

    def _join(self, order: Order, number: int, key: str, budget: Budget) -> str:
        answer = self._client.send(
            "POST",
            f"/v3/contacts/lists/{number}/contacts/add",
            doing="joining a list",
            json={"emails": [order.intent.buyer.email]},
            answers=(_REFUSED,),
            budget=budget,
        )
        seen = self._find(order, budget)
        listed = seen is not None and number in seen.list_ids
        if answer.status == _REFUSED and not listed and refusal(answer).code != _LISTED:
            raise self._client.decision(answer)
        if answer.status != _REFUSED:
            answer.json(dict[str, object])
        if seen is None or not listed or not leads_to(order, str(seen.attributes.get(key, ""))):
            raise OutcomeUnknown(
                f"Brevo, joining a list: the contact does not show list {number} and the link"
            )
        return f"{seen.id}:{number}"

    def _find(self, order: Order, budget: Budget) -> Contact | None:
        path, query = (
            f"/v3/contacts/{quote(order.intent.buyer.email, safe='')}",
            {"identifierType": "email_id"},
        )
        answer = self._client.send(
            "GET", path, doing="looking for a contact", query=query, answers=(_MISSING,), budget=budget
        )
        return None if answer.status == _MISSING else answer.json(Contact)

    def _field(self, product: str) -> str:
        return field(self._settings.link_field, product).upper()

    def _list(self, sequence: str) -> int:
        """Return the id of the list: the one that the settings have for a product's sequence, or that itself."""
        number = self._settings.lists.get(sequence)
        if number is None and not sequence.isdecimal():
            raise NeedsOperator(
                f"no list of Brevo is known for {sequence!r}; add its id to lists in [mailer] and retry the order"
            )
        return int(sequence) if number is None else number


def _order(order: Order) -> Mapping[str, object]:
    intent, price = order.intent, msgspec.Raw(order.intent.price.amount.encode())
    return {
        "id": order.id,
        "createdAt": _moment(order.created_at),
        "updatedAt": _moment(order.created_at),
        "status": "completed",
        "amount": price,
        "products": [{"productId": intent.product, "quantity": 1, "price": price}],
        "identifiers": {"email_id": intent.buyer.email},
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _attached(file: File) -> Mapping[str, str]:
    return {"name": file.name, "content": b64encode(file.text.encode()).decode()}
