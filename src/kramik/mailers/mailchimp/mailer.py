"""Mailchimp's mailer: the order put into the store, the person put into the audience, the tag added to them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import NoReturn
from urllib.parse import quote

import msgspec

from kramik.catalogue import Product as Sold
from kramik.errors import NeedsOperator, NotMailable, OutcomeUnknown, Problem
from kramik.http import Answer, Budget, Client
from kramik.mailers import in_turn, leads_to
from kramik.mailers.mailchimp import live
from kramik.mailers.mailchimp.settings import Settings, address
from kramik.order import Order
from kramik.ports import Delivery, Effect

_MISSING, _REFUSED = 404, 400
_DONE = 204
_SUBSCRIBED = "subscribed"
_CUSTOMER = "transactional"
"""The status of somebody who only bought: a member who gets no mails of a flow."""

_CLOSED = ("Member In Compliance State", "Forgotten Email Not Subscribed")
"""Titles of a refusal that is about the person. Source: Mailchimp's glossary of errors."""

_DOUBTED = ("looks fake or invalid", "signed up to a lot of lists")
"""Words of a refusal that is about the address. Source: public programs that meet it; both have a common title."""


class Tag(msgspec.Struct, frozen=True):
    """A tag of a member."""

    name: str


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in the audience, as far as we need to know them."""

    id: str
    status: str
    merge_fields: dict[str, object] = {}
    tags: list[Tag] = []

    def tagged(self, tag: str) -> bool:
        """Say whether this member has the tag; Mailchimp does not tell names apart by their case."""
        return tag.casefold() in (each.name.casefold() for each in self.tags)


class Customer(msgspec.Struct, frozen=True):
    """Who an order belongs to."""

    email_address: str


class Stored(msgspec.Struct, frozen=True):
    """An order of the store, as Mailchimp keeps it."""

    id: str
    customer: Customer
    currency_code: str
    order_total: float


class Product(msgspec.Struct, frozen=True):
    """A product of the store."""

    id: str


class Refusal(msgspec.Struct, frozen=True):
    """What Mailchimp says when it refuses."""

    title: str = ""
    detail: str = ""

    @property
    def personal(self) -> bool:
        """Say whether it is about the person, and not about what we asked for."""
        return self.title in _CLOSED or any(words in self.detail for words in _DOUBTED)


class MailchimpMailer:
    """Our account at Mailchimp; all calls of one effect last at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings, self._seconds = settings, call_seconds
        self._begin = in_turn(
            self._started, call_seconds=call_seconds, with_consent=settings.only_with_consent
        )
        basic = b64encode(f"kramik:{settings.api_key}".encode()).decode()
        self._client = Client(
            settings.base_url or address(settings.api_key),
            name="Mailchimp",
            call_seconds=call_seconds,
            headers={"Authorization": f"Basic {basic}"},
            secrets=(settings.api_key,),
        )

    @property
    def purchase(self) -> Effect:
        """Put the order into the store; the receipt is its id there, which is ours."""
        return Effect(repeat="set", do=self._buy)

    @property
    def sequence(self) -> Effect:
        """Put the link into the member's field, then add the tag that starts the flow."""
        return Effect(repeat="set", do=self._begin)

    def problems(self, products: Sequence[Sold], *, create: bool) -> Sequence[Problem]:
        """Return what does not fit at Mailchimp: the key, the audience, the store, the merge fields."""
        return list(live.problems(self._client, self._settings, products, create=create))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _buy(self, delivery: Delivery) -> str:
        order, budget = delivery.order, Budget(self._seconds)
        store = f"/3.0/ecommerce/stores/{_path(self._settings.store)}"
        product = f"{store}/products/{_path(order.intent.product)}"
        self._client.send(
            "PUT", product, doing="putting the product", json=_product(order), budget=budget
        ).json(Product)
        answer = self._client.send(
            "PUT",
            f"{store}/orders/{_path(order.id)}",
            doing="putting the order",
            json=_order(order),
            budget=budget,
        )
        _compare(order, answer.json(Stored))
        return order.id

    def _started(self, delivery: Delivery, budget: Budget) -> str:
        order = delivery.order
        tag, key = (
            order.intent.sequence or order.intent.product,
            self._settings.field_of(order.intent.product),
        )
        member = self._member(order, budget)
        if member is not None and member.tagged(tag):
            if leads_to(order, str(member.merge_fields.get(key, ""))):
                return f"{member.id}:{tag}"
            raise NotMailable(
                f"Mailchimp: this person has the tag {tag!r} already, so its flow does not start again"
            )
        if member is not None and member.status not in (_SUBSCRIBED, _CUSTOMER):
            raise NotMailable(f"Mailchimp: this person is {member.status} there")
        self._linked(delivery, key, member, budget)
        tags = {"tags": [{"name": tag, "status": "active"}], "is_syncing": False}
        answer = self._client.send(
            "POST", f"{self._person(order)}/tags", doing="adding the tag", json=tags, budget=budget
        )
        if answer.status != _DONE:
            raise self._client.decision(answer)
        seen = self._member(order, budget)
        if seen is None or not seen.tagged(tag) or not leads_to(order, str(seen.merge_fields.get(key, ""))):
            raise OutcomeUnknown(f"Mailchimp, adding the tag: the member does not show {tag!r} and the link")
        return f"{seen.id}:{tag}"

    def _linked(self, delivery: Delivery, key: str, member: Member | None, budget: Budget) -> None:
        """Put the person with the link into the audience, and look whether they get mails and the link is there."""
        kept = self._put(delivery, key, budget, subscribe=member is not None and member.status == _CUSTOMER)
        if kept.status == _CUSTOMER:  # an order made them a member since we looked, or the look was late
            kept = self._put(delivery, key, budget, subscribe=True)
        if kept.merge_fields.get(key) != delivery.access_link:
            raise NeedsOperator(
                f"Mailchimp did not keep the link in the merge field {key}; add a text field with this tag to the "
                "audience and retry the order"
            )
        if kept.status != _SUBSCRIBED:
            raise NotMailable(f"Mailchimp: this person is {kept.status} there")

    def _put(self, delivery: Delivery, key: str, budget: Budget, *, subscribe: bool) -> Member:
        intent = delivery.order.intent
        facts = {
            "email_address": intent.buyer.email,
            "status_if_new": _SUBSCRIBED,
            **({"status": _SUBSCRIBED} if subscribe else {}),
            "merge_fields": {"FNAME": intent.buyer.name, key: delivery.access_link},
            **({"language": intent.lang} if intent.lang else {}),
        }
        answer = self._client.send(
            "PUT",
            self._person(delivery.order),
            doing="putting the member",
            json=facts,
            answers=(_REFUSED,),
            budget=budget,
        )
        if answer.status == _REFUSED:
            self._refused(answer)
        return answer.json(Member)

    def _refused(self, answer: Answer) -> NoReturn:
        try:
            refusal = msgspec.json.decode(answer.body, type=Refusal)
        except msgspec.MsgspecError:
            refusal = Refusal()
        if refusal.personal:
            raise NotMailable(f"Mailchimp will not take this person: {self._client.quoted(answer)}")
        raise self._client.decision(answer)

    def _member(self, order: Order, budget: Budget) -> Member | None:
        wanted = {"fields": "id,status,merge_fields,tags"}
        answer = self._client.send(
            "GET",
            self._person(order),
            doing="looking for the member",
            query=wanted,
            answers=(_MISSING,),
            budget=budget,
        )
        return None if answer.status == _MISSING else answer.json(Member)

    def _person(self, order: Order) -> str:
        return f"/3.0/lists/{_path(self._settings.audience)}/members/{_hash(order.intent.buyer.email)}"


def _path(part: str) -> str:
    return quote(part, safe="")


def _product(order: Order) -> Mapping[str, object]:
    intent = order.intent
    variant = {
        "id": intent.product,
        "title": intent.title,
        "price": msgspec.Raw(intent.price.amount.encode()),
    }
    return {"id": intent.product, "title": intent.title, "variants": [variant]}


def _order(order: Order) -> Mapping[str, object]:
    """Return the order as the store wants it; somebody new becomes a member who gets no news."""
    intent, price = order.intent, msgspec.Raw(order.intent.price.amount.encode())
    customer = {
        "id": _hash(intent.buyer.email),
        "email_address": intent.buyer.email,
        "opt_in_status": False,
        "first_name": intent.buyer.name,
    }
    line = {
        "id": intent.product,
        "product_id": intent.product,
        "product_variant_id": intent.product,
        "quantity": 1,
        "price": price,
    }
    return {
        "id": order.id,
        "customer": customer,
        "currency_code": intent.price.currency,
        "order_total": price,
        "financial_status": "paid",
        "processed_at_foreign": order.created_at.isoformat(timespec="seconds"),
        "lines": [line],
    }


def _compare(order: Order, kept: Stored) -> None:
    price, email = order.intent.price, order.intent.buyer.email
    wanted = (order.id, email.lower(), price.currency, float(price.amount))
    if wanted != (kept.id, kept.customer.email_address.lower(), kept.currency_code, kept.order_total):
        raise OutcomeUnknown("Mailchimp, putting the order: answered with another order than was put")


def _hash(email: str) -> str:
    """Return how Mailchimp names a person: the MD5 of the address in small letters, which is no secret."""
    return md5(email.lower().encode(), usedforsecurity=False).hexdigest()
