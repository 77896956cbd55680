"""Stripe by Payment Links: one link a product, made in the dashboard; our order's id travels in its address.

Nothing in the address is signed, so a buyer can change it; the worker compares link, amount and currency.
Refunds and disputes name the payment and no order; the order is found by the payment that it was granted for.
Without an API key nothing is ever asked of Stripe; with one, lost events are found by the order's id in our links.
Source: https://docs.stripe.com/payment-links/url-parameters , https://docs.stripe.com/api/checkout/sessions/list
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.gateways.stripe.api import Api
from kramik.gateways.stripe.signature import OK, check, empty
from kramik.gateways.stripe.things import Account, Before, Charge, Session, Told, read
from kramik.intent import Intent
from kramik.money import parse_price
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.ports import Returns
from kramik.table import Secret

NAME = "stripe"
FEATURES = Features(
    title="Stripe",
    start="link",
    hash="HMAC-SHA256",
    address="panel",
    request="unsigned",
    notification="computed",
    refunds=True,
    chargebacks=True,
    asks=True,
    hops=("stripe.com",),
)
EXPIRED = "checkout.session.expired"
SKEW = timedelta(hours=1)
"""By how much our clock may be ahead of Stripe's."""

_CODE = re.compile(r"[A-Za-z0-9_/-]{1,200}")


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Payment Link: its id (`plink_…`), what stands in its address behind `base_url`, and what it costs.

    Without a `price` an order is sent there unless it was made for less than the product's own price.
    """

    id: str
    code: str
    price: str = ""

    def costs(self, intent: Intent) -> bool:
        """Say whether what was agreed is, as far as we know, what this link asks for."""
        if self.price:
            return parse_price(self.price) == intent.price
        return intent.regular is None and not intent.coupon


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.stripe]`; `links` has one entry a product, a test link has another secret and id.

    With an `api_key` (restricted, reading Checkout Sessions alone) `kramik sweep` asks about unpaid orders.
    """

    account: str
    webhook_secret: Secret
    links: Mapping[str, Link]
    api_key: Secret = ""
    base_url: str = "https://buy.stripe.com"
    api_url: str = "https://api.stripe.com"


class StripeGateway:
    """Our account at Stripe and its Payment Links; it calls nobody."""

    def __init__(self, settings: Settings) -> None:
        problems = list(_problems(settings))
        if problems:
            raise ConfigurationError(*problems)
        self._settings, self._secret = settings, settings.webhook_secret.encode()
        self._ours = {link.id for link in settings.links.values()}
        self._account = Account(gateway=NAME, shop_id=settings.account)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our account; a payment over a link that is not ours names that link instead."""
        return self._settings.account

    def request(self, order: Order, returns: Returns) -> PaymentRequest:  # noqa: ARG002 - the return address is set in the dashboard
        """Build the address of the product's link.

        Raises:
            Rejected: the product has no link, or its link another price; the buyer may choose another way.
        """
        link = self._settings.links.get(order.intent.product)
        if link is None:
            message = "this product can not be paid this way yet; choose another payment method"
            raise Rejected(Problem(field="gateway", code="no_link", message=message))
        if not link.costs(order.intent):
            message = f"{order.intent.price} can not be paid this way; choose another payment method"
            raise Rejected(Problem(field="gateway", code="other_price", message=message))
        fields = {"client_reference_id": order.id, "prefilled_email": order.intent.buyer.email}
        url = f"{self._settings.base_url.rstrip('/')}/{link.code.strip('/')}?{encoded(fields)}"
        return PaymentRequest(method="GET", url=url)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read an event.

        Raises:
            NotAuthentic: Stripe did not sign this; nothing may be stored.
            NeedsOperator: Stripe did sign it, but it can not be read; it is kept for a person.
        """
        check(raw, self._secret)
        return read(raw.body, self._about)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return status 200; Stripe prescribes no text."""
        return OK

    def _about(self, told: Told) -> PaymentEvent | None:
        """Return the fact of an event; a page that was left says nothing, since its link can be opened again."""
        return None if told.type == EXPIRED else self._account.about(told, self._session, self._refund)

    def _session(self, session: Session, kind: Kind) -> PaymentEvent | None:
        """Return what became of a session; None for a sale that has nothing to do with this shop."""
        if session.payment_link in self._ours:
            return self._account.session(session, kind, order=session.client_reference_id or session.id)
        if not session.client_reference_id:
            return None
        foreign = replace(self._account, shop_id=session.payment_link or "another kind of sale")
        return foreign.session(session, kind, order=session.client_reference_id)

    def _refund(self, charge: Charge, before: Before) -> PaymentEvent:
        return self._account.refund(charge, before)


class AskedStripeGateway(StripeGateway):
    """The same account, with a key by which Stripe can be asked; one call lasts at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        super().__init__(settings)
        if not settings.api_key.strip():
            raise ConfigurationError(empty("api_key"))
        self._api = Api(settings.api_url, settings.api_key, call_seconds=call_seconds)

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Look through the completed sales of the product's link for this order's id; never by an address.

        Raises:
            KramikError: it can not be asked now.
        """
        link = self._settings.links.get(order.intent.product)
        if link is None:
            return []
        found = self._api.completed(link.id, order.id, since=order.created_at - SKEW)
        events = (self._session(each, each.completed_as) for each in found)
        return [event for event in events if event is not None]

    def close(self) -> None:
        """Close the connections."""
        self._api.close()


def _problems(settings: Settings) -> Iterator[Problem]:
    if not settings.webhook_secret.strip():
        yield empty("webhook_secret")
    if not settings.links:
        message = 'names no link; add a line such as my-course = { id = "plink_…", code = "…" }'
        yield Problem(field="links", code="no_link", message=message)
    for product, link in settings.links.items():
        if not _CODE.fullmatch(link.code) or not link.id:
            message = "needs the id of the link and what follows base_url in its address, without the `?`"
            yield Problem(field=f"links.{product}", code="bad_link", message=message)
        try:
            parse_price(link.price or "1.00 PLN")
        except Rejected as error:
            yield Problem(field=f"links.{product}", code="bad_price", message=str(error))
