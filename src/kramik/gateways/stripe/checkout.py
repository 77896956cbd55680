"""Stripe by Checkout Sessions: one call begins a session for one order and its price.

The order's id stands in the session, in its payment and so in its charge: what names none, or comes over a link,
is a sale of somebody else in the same account. A dispute names its payment alone, which leads to the order.
Source: https://docs.stripe.com/api/checkout/sessions/create , https://docs.stripe.com/metadata ,
https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator
from kramik.event import Begun, Kind, PaymentEvent
from kramik.gateways import Features, ask_each, led_to
from kramik.gateways.stripe.api import Api
from kramik.gateways.stripe.signature import OK, check, empty
from kramik.gateways.stripe.things import FINER, Account, Before, Charge, Metadata, Session, Told, read
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification, encoded
from kramik.ports import Returns
from kramik.table import Secret

NAME = "stripe_checkout"
FEATURES = Features(
    title="Stripe Checkout",
    start="call",
    hash="HMAC-SHA256",
    address="panel",
    request="documents",
    notification="computed",
    methods=("blik", "card", "transfer"),
    refunds=True,
    chargebacks=True,
    asks=True,
    hops=("stripe.com",),
)
METHODS = {"blik": "blik", "card": "card", "transfer": "p24"}
"""Stripe's words for a way to pay; without a choice its page shows what the dashboard allows."""

LOCALES = frozenset(
    "bg cs da de el en es et fi fil fr hr hu id it ja ko lt lv ms mt nb nl pl pt ro ru sk sl sv th tr vi zh".split()
)
LONGEST_NAME = 250
WINDOW = 600
"""Seconds in which an equal call is the same call. Stripe keeps its first answer to a key, also one that failed."""

LASTS = 24 * 3600.0
LOOKED_AT = 5
"""Sessions of an order that are asked about, the newest ones."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.stripe_checkout]`; test mode has other secrets. `pay_url` is where Checkout is shown."""

    account: str
    api_key: Secret
    webhook_secret: Secret
    base_url: str = "https://api.stripe.com"
    pay_url: str = "https://checkout.stripe.com"


class StripeCheckout:
    """Our account at Stripe, called for every order; one call lasts at most `call_seconds`."""

    lasts = LASTS - 2 * WINDOW

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        keys = {"api_key": settings.api_key, "webhook_secret": settings.webhook_secret}
        if missing := [name for name, key in keys.items() if not key.strip()]:
            raise ConfigurationError(*map(empty, missing))
        self._settings, self._secret = settings, settings.webhook_secret.encode()
        self._account = Account(gateway=NAME, shop_id=settings.account)
        self._api = Api(settings.base_url, settings.api_key, call_seconds=call_seconds)

    def __repr__(self) -> str:
        return f"StripeCheckout({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our account."""
        return self._settings.account

    def begin(self, order: Order, returns: Returns, *, now: datetime) -> Begun:
        """Begin a session; an equal call within ten minutes is the same session.

        Raises:
            NeedsOperator: Stripe began something else than we asked for, or sends the buyer elsewhere.
            KramikError: there is no session; the order waits.
        """
        form = _form(order, returns)
        window = int(now.timestamp()) // WINDOW
        digest = sha256(f"{window}/{encoded(form)}".encode()).hexdigest()[:24]
        session = self._api.begin(form, key=f"{order.id}-{len(order.begun)}-{digest}")
        if _order(session.metadata) != order.id or session.money != order.intent.price:
            why = f"Stripe began a session of {session.money} for {order.intent.price}; switch taxes on top off there"
            raise NeedsOperator(why)
        url = led_to(session.url or "", self._settings.pay_url, vendor="Stripe")
        return Begun(reference=session.id, url=url, at=now)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read an event; None for one that says nothing, or is about somebody else's sale.

        Raises:
            NotAuthentic: Stripe did not sign this; nothing may be stored.
            NeedsOperator: Stripe did sign it, but it can not be read; it is kept for a person.
        """
        check(raw, self._secret)
        return read(raw.body, self._about)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return status 200; Stripe prescribes no text."""
        return OK

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Look at the newest sessions that were begun.

        Raises:
            NeedsOperator: one of them is about another order.
            KramikError: it can not be asked now.
        """
        begun = (each.reference for each in order.begun[-LOOKED_AT:])
        return ask_each(begun, lambda session: self._found(order, session))

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _found(self, order: Order, name: str) -> PaymentEvent | None:
        session = self._api.session(name)
        if session is None or session.status not in ("complete", "expired"):
            return None
        if _order(session.metadata) != order.id:
            raise NeedsOperator("Stripe knows this session under another order; look at it in the dashboard")
        return self._session(session, "failed" if session.status == "expired" else session.completed_as)

    def _about(self, told: Told) -> PaymentEvent | None:
        return self._account.about(told, self._session, self._refund)

    def _session(self, session: Session, kind: Kind) -> PaymentEvent | None:
        order = _order(session.metadata)
        if not order or session.payment_link:
            return None
        return self._account.session(session, kind, order=order, begun=session.id)

    def _refund(self, charge: Charge, before: Before) -> PaymentEvent | None:
        order = _order(charge.metadata)
        return self._account.refund(charge, before, order=order) if order else None


def _form(order: Order, returns: Returns) -> dict[str, str]:
    intent, price = order.intent, "line_items[0][price_data]"
    fields = {
        "mode": "payment",
        "client_reference_id": order.id,
        "metadata[order]": order.id,
        "payment_intent_data[metadata][order]": order.id,
        "success_url": returns.done,
        "cancel_url": returns.failed,
        "line_items[0][quantity]": "1",
        f"{price}[currency]": intent.price.currency.lower(),
        f"{price}[unit_amount]": str(_units(intent.price)),
        f"{price}[product_data][name]": " ".join(intent.title.split())[:LONGEST_NAME].strip() or order.id,
        "adaptive_pricing[enabled]": "false",
        "locale": intent.lang if intent.lang in LOCALES else "auto",
    }
    method, email = METHODS.get(intent.method), intent.buyer.email
    return {
        **fields,
        **({"payment_method_types[0]": method} if method else {}),
        **({"customer_email": email} if email.isascii() else {}),  # else Stripe's page asks for it
    }


def _units(money: Money) -> int:
    return money.minor * FINER.get(money.currency, 1)


def _order(metadata: Metadata | None) -> str:
    """Return the order's id that we put there; nothing where somebody else sold something."""
    return (metadata or {}).get("order", "")
