"""PayU by its REST API: one call creates an order there, and it can be asked what became of it.

PayU takes each `extOrderId` once, so every call has a name of its own, made of the order's id and the time:
an answer that was lost stands in nobody's way. Notifications are those of the hosted form, under such a name.
Source: https://developers.payu.com/europe/docs/payment-flows/auth-and-order ,
https://developers.payu.com/europe/docs/payment-flows/lifecycle
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from kramik.errors import NeedsOperator
from kramik.event import Begun, PaymentEvent
from kramik.gateways import Features, ask_each, led_to
from kramik.gateways.payu.api import Api, Started
from kramik.gateways.payu.signature import ACCEPTED, Signature, hold
from kramik.gateways.payu.told import LONGEST, Account
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification
from kramik.ports import Returns
from kramik.table import Secret

NAME = "payu_rest"
FEATURES = Features(
    title="PayU",
    start="call",
    hash="SHA-2 (MD5)",
    address="request",
    request="documents",
    notification="published",
    methods=("blik", "card"),
    refunds=True,
    asks=True,
    hops=("payu.com",),
)
CHANNELS = {"blik": "blik", "card": "c"}
"""PayU's values of the ways to pay; without a choice its page shows every one."""

VALIDITY = 86_400
"""Seconds for which an order can be paid there."""

TRIES = 5
"""Names that are tried within one call, when somebody else began the same order within the same millisecond."""

LOOKED_AT = 5
"""Orders there that are asked about, the newest ones."""

_NUMBERED = re.compile(r"(.+)-[0-9]{13}")
_LANGUAGE = re.compile(r"[a-z]{2}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.payu_rest]`; for tests `https://secure.snd.payu.com` and `https://merch-prod.snd.payu.com`.

    `client_id` is the point of sale's own id unless PayU gave another one; the rest is as in `[gateways.payu]`.
    """

    pos_id: str
    client_secret: Secret
    second_key: Secret
    client_id: str = ""
    base_url: str = "https://secure.payu.com"
    pay_url: str = "https://secure.payu.com"
    md5: bool = True
    customer_ip: str = "127.0.0.1"


class PayuRestGateway:
    """Our point of sale at PayU, called for every order; one call lasts at most `call_seconds`."""

    lasts = VALIDITY - 600.0

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        hold(client_secret=settings.client_secret, second_key=settings.second_key)
        self._settings = settings
        self._signature = Signature(settings.second_key, md5=settings.md5)
        self._account = Account(gateway=NAME, shop_id=settings.pos_id, about=_order)
        self._api = Api(
            settings.base_url,
            client_id=settings.client_id or settings.pos_id,
            client_secret=settings.client_secret,
            call_seconds=call_seconds,
        )

    def __repr__(self) -> str:
        return f"PayuRestGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our `merchantPosId`."""
        return self._settings.pos_id

    def begin(self, order: Order, returns: Returns, *, now: datetime) -> Begun:
        """Create an order at PayU; each call creates one of its own, of which nobody is sent to an earlier one.

        Raises:
            NeedsOperator: PayU sends the buyer elsewhere.
            KramikError: there is no order there; ours waits.
        """
        started = self._created(order, returns, now=now)
        url = led_to(started.redirectUri, self._settings.pay_url, vendor="PayU")
        return Begun(reference=started.orderId, url=url, at=now)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None for a status, or a message, that is new to us.

        Raises:
            NotAuthentic: PayU did not sign this; nothing may be stored.
            NeedsOperator: PayU did sign it, but it can not be read; it is kept for a person.
        """
        self._signature.check(raw)
        return self._account.read(raw.body)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return an empty 200: PayU asks for no text."""
        return ACCEPTED

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Ask for the newest orders that were created there, and what went back of those that were paid.

        What went back comes first, so that a payment which is no more opens nothing for a while.

        Raises:
            NeedsOperator: one of them is about another order of ours.
            KramikError: it can not be asked now.
        """
        begun = (each.reference for each in order.begun[-LOOKED_AT:])
        found = ask_each(begun, lambda each: self._found(order, each))
        returned = [event for each in found if each.kind == "paid" for event in self._returned(each)]
        return [*returned, *found]

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _created(self, order: Order, returns: Returns, *, now: datetime) -> Started:
        wish, budget = self._wish(order, returns), self._api.budget()
        moment = int(now.timestamp() * 1000)
        for name in (f"{order.id}-{moment + each:013d}" for each in range(TRIES)):
            started = self._api.create({**wish, "extOrderId": name}, budget=budget)
            if started is not None:
                return started
        raise NeedsOperator(f"PayU knows {TRIES} orders of this name already; look at them in its panel")

    def _wish(self, order: Order, returns: Returns) -> dict[str, object]:
        intent, price = order.intent, str(order.intent.price.minor)
        title = " ".join(intent.title.split())[:LONGEST].strip() or order.id
        language = {"language": intent.lang} if _LANGUAGE.fullmatch(intent.lang) else {}
        channel = CHANNELS.get(intent.method)
        chosen = {"payMethods": {"payMethod": {"type": "PBL", "value": channel}}} if channel else {}
        return {
            "notifyUrl": returns.notify,
            "continueUrl": returns.done,
            "customerIp": self._settings.customer_ip,
            "merchantPosId": self.shop_id,
            "description": title,
            "currencyCode": intent.price.currency,
            "totalAmount": price,
            "validityTime": str(VALIDITY),
            "buyer": {"email": intent.buyer.email, **language},
            "products": [{"name": title, "unitPrice": price, "quantity": "1"}],
            **chosen,
        }

    def _found(self, order: Order, order_id: str) -> PaymentEvent | None:
        told = self._api.order(order_id)
        event = self._account.payment(told) if told else None
        if event is not None and event.order != order.id:
            raise NeedsOperator("PayU knows this payment under another order; look at it in its panel")
        return event

    def _returned(self, paid: PaymentEvent) -> Iterator[PaymentEvent]:
        for told in self._api.refunds(paid.reference):
            event = self._account.refund(told, name=paid.order, of=paid.reference)
            if event is not None:
                yield event


def _order(name: str) -> str:
    """Return the order that our name of a payment begins with."""
    numbered = _NUMBERED.fullmatch(name)
    return numbered[1] if numbered else name
