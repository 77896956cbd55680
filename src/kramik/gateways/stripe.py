"""Stripe by Payment Links: one link a product, made in the dashboard; our order's id travels in its address.

Nothing in the address is signed, so a buyer can change it; the worker compares link, amount and currency.
No clock is read: an old event that is sent again is a known fact and changes nothing, so no age is refused.
Refunds and disputes name the payment but no order; they are kept for a person.
Source: https://docs.stripe.com/payment-links/url-parameters , https://docs.stripe.com/webhooks/signature ,
https://docs.stripe.com/checkout/fulfillment , https://docs.stripe.com/currencies
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.money import LIMIT, Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded, same, sign
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
)
HEADER = "stripe-signature"
FINER = {"ISK": 100, "UGX": 100}
"""Currencies that Stripe counts in hundredths although they have no minor unit."""

_STAMP = re.compile(r"[0-9]{1,12}")
_HEX = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"[A-Za-z0-9_/-]{1,200}")
_OK = Acknowledgement(body=b"OK")

Amount = Annotated[int, msgspec.Meta(ge=0, lt=LIMIT)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{3}\Z")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Payment Link: its id (`plink_…`), and what stands in its address behind `base_url`."""

    id: str
    code: str


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.stripe]`; `links` has one entry a product, a test link has another secret and id."""

    account: str
    webhook_secret: Secret
    links: Mapping[str, Link]
    base_url: str = "https://buy.stripe.com"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A Checkout Session, as its events show it; `amount_total` in Stripe's minor units."""

    id: Id
    amount_total: Amount
    currency: Currency
    payment_status: str
    payment_link: str | None = None
    payment_intent: str | None = None
    client_reference_id: str | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge of which money went back; `amount_refunded` counts all refunds so far."""

    id: Id
    amount_refunded: Amount
    currency: Currency
    payment_intent: str | None = None


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What changed, as it was before."""

    amount_refunded: Amount = 0


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A chargeback, or an inquiry that takes no money."""

    id: Id
    amount: Amount
    currency: Currency
    charge: Id
    status: str
    payment_intent: str | None = None


class StripeGateway:
    """Our account at Stripe and its Payment Links."""

    def __init__(self, settings: Settings) -> None:
        problems = list(_problems(settings))
        if problems:
            raise ConfigurationError(*problems)
        self._settings, self._secret = settings, settings.webhook_secret.encode()
        self._ours = {link.id for link in settings.links.values()}

    def __repr__(self) -> str:
        return f"StripeGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our account; a payment over a link that is not ours names that link instead."""
        return self._settings.account

    def request(self, order: Order, returns: Returns) -> PaymentRequest:  # noqa: ARG002 - the return address is set in the dashboard
        """Build the address of the product's link.

        Raises:
            Rejected: the product has no link; add it to the settings.
        """
        link = self._settings.links.get(order.intent.product)
        if link is None:
            message = "this product can not be paid this way yet; choose another payment method"
            raise Rejected(Problem(field="gateway", code="no_link", message=message))
        fields = {"client_reference_id": order.id, "prefilled_email": order.intent.buyer.email}
        url = f"{self._settings.base_url.rstrip('/')}/{link.code.strip('/')}?{encoded(fields)}"
        return PaymentRequest(method="GET", url=url)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read an event.

        Raises:
            NotAuthentic: Stripe did not sign this; nothing may be stored.
            NeedsOperator: Stripe did sign it, but it can not be read; it is kept for a person.
        """
        stamp, given = _signatures(raw.headers.get(HEADER, ""))
        expected = sign(self._secret, stamp.encode() + b"." + raw.body)
        if not any([same(expected, each) for each in given]):  # noqa: C419 - every one is tried, so time tells nothing
            raise NotAuthentic(f"no signature v1 in {HEADER} fits the body")
        return self._event(raw.body)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return status 200; Stripe prescribes no text."""
        return _OK

    def _event(self, body: bytes) -> PaymentEvent | None:
        try:
            told = _object(json.loads(body.decode(), object_pairs_hook=_once, parse_float=str))
            data = _object(told.get("data"))
            return self._about(str(told.get("type")), _object(data.get("object")), data)
        except (ValueError, TypeError, RecursionError, Rejected):
            why = "a signed event of Stripe can not be read; look at it in the dashboard, then update kramik"
            raise NeedsOperator(why) from None

    def _about(self, kind: str, thing: dict[str, object], data: dict[str, object]) -> PaymentEvent | None:
        if kind in ("checkout.session.completed", "checkout.session.async_payment_succeeded"):
            session = msgspec.convert(thing, Session)
            paid = session.payment_status in ("paid", "no_payment_required")
            return self._session(session, "paid" if paid else "pending")
        if kind == "checkout.session.async_payment_failed":
            return self._session(msgspec.convert(thing, Session), "failed")
        if kind == "charge.refunded":
            before = msgspec.convert(data.get("previous_attributes") or {}, Before)
            return self._refund(msgspec.convert(thing, Charge), before)
        if kind == "charge.dispute.created":
            return self._dispute(msgspec.convert(thing, Dispute))
        return None

    def _session(self, session: Session, kind: Kind) -> PaymentEvent | None:
        """Return what became of a session; None for a sale that has nothing to do with this shop."""
        ours = session.payment_link in self._ours
        if not ours and not session.client_reference_id:
            return None
        payment = session.payment_intent or session.id
        return PaymentEvent(
            order=session.client_reference_id or session.id,
            gateway=NAME,
            reference=payment if kind == "paid" else f"{session.id}-{kind}",
            kind=kind,
            shop_id=self.shop_id if ours else session.payment_link or "another kind of sale",
            money=_money(session.amount_total, session.currency),
        )

    def _refund(self, charge: Charge, before: Before) -> PaymentEvent:
        payment = charge.payment_intent or charge.id
        return PaymentEvent(
            order=payment,
            gateway=NAME,
            reference=f"{charge.id}-{charge.amount_refunded}",
            kind="refund",
            shop_id=self.shop_id,
            money=_money(charge.amount_refunded - before.amount_refunded, charge.currency),
            of=payment,
        )

    def _dispute(self, dispute: Dispute) -> PaymentEvent | None:
        if dispute.status.startswith("warning_"):
            return None
        payment = dispute.payment_intent or dispute.charge
        return PaymentEvent(
            order=payment,
            gateway=NAME,
            reference=dispute.id,
            kind="chargeback",
            shop_id=self.shop_id,
            money=_money(dispute.amount, dispute.currency),
            of=payment,
        )


def _problems(settings: Settings) -> list[Problem]:
    problems = []
    if not settings.webhook_secret.strip():
        message = "is empty; an empty key signs for everybody"
        problems.append(Problem(field="webhook_secret", code="empty_key", message=message))
    if not settings.links:
        message = 'names no link; add a line such as my-course = { id = "plink_…", code = "…" }'
        problems.append(Problem(field="links", code="no_link", message=message))
    for product, link in settings.links.items():
        if not _CODE.fullmatch(link.code) or not link.id:
            message = "needs the id of the link and what follows base_url in its address, without the `?`"
            problems.append(Problem(field=f"links.{product}", code="bad_link", message=message))
    return problems


def _signatures(header: str) -> tuple[str, list[bytes]]:
    """Read `t=…,v1=…`: one time stamp, any number of signatures; other schemes are ignored."""
    items = [item.partition("=") for item in header.split(",")]
    stamps = [value for name, _, value in items if name == "t"]
    given = [bytes.fromhex(value) for name, _, value in items if name == "v1" and _HEX.fullmatch(value)]
    if not all(equals for _, equals, _ in items) or len(stamps) != 1 or not _STAMP.fullmatch(stamps[0]):
        raise NotAuthentic(f"the header {HEADER} must hold one t=… and signatures v1=…")
    return stamps[0], given


def _money(amount: int, currency: str) -> Money:
    """Read Stripe's amount.

    Raises:
        Rejected: it is negative, or in units that the currency does not have.
    """
    code = currency.upper()
    whole, rest = divmod(amount, FINER.get(code, 1))
    if rest:
        raise Rejected(Problem(field="amount", code="not_money", message="is finer than its currency"))
    return Money(minor=whole, currency=code)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("an object is missing")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields
