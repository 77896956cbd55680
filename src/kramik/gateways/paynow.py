"""paynow (mBank): a payment is begun by one signed call, and a notification names it without an amount.

So a payment is believed only when it is one that we began for this order, for its price, and paynow says over a
connection of our own that it is confirmed. A payment that the buyer repeated on paynow's page has an id that we
never saw; it counts when the one that it replaces is known there as abandoned.
Source: https://docs.paynow.pl/docs/v3/integration , https://docs.paynow.pl/docs/v3/payments ,
https://docs.paynow.pl/docs/reference/v3/get-payment-status , https://github.com/pay-now/paynow-php-sdk
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Transient
from kramik.event import Begun, Kind, PaymentEvent, difference
from kramik.gateways import Features, ask_each, led_to
from kramik.http import Client
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification, same, sign
from kramik.ports import Returns
from kramik.table import Secret

NAME = "paynow"
FEATURES = Features(
    title="paynow",
    start="call",
    hash="HMAC-SHA256",
    address="panel",
    request="published",
    notification="published",
    methods=("blik", "card"),
    confirms=True,
    asks=True,
    hops=("paynow.pl",),
)
KINDS: Mapping[str, Kind] = {
    "CONFIRMED": "paid",
    **dict.fromkeys(("PENDING", "WAITING_FOR_CONFIRMATION"), "pending"),
    **dict.fromkeys(("REJECTED", "ERROR", "EXPIRED", "ABANDONED", "CANCELLED"), "failed"),
}
"""What a status means; `NEW`, and one that is not listed, says nothing."""

LOCALES = {"pl": "pl-PL", "en": "en-GB"}
LONGEST_EMAIL, LONGEST_DESCRIPTION = 50, 255
WINDOW = 3600
"""Seconds in which a call that is repeated is the same call, and what it began has nearly all its time left."""

LOOKED_AT = 5
"""Payments of an order that are asked about, the newest ones."""

NOT_FOUND = 404

_NUMBERED = re.compile(r"(.+)_[0-9]{1,3}")
_OK = Acknowledgement(body=b"")

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,100}\Z")]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.paynow]`; for tests `https://api.sandbox.paynow.pl` and `https://paywall.sandbox.paynow.pl`.

    `shop_id` is a name that orders keep, since paynow's messages name no account; `validity` is in seconds.
    """

    api_key: Secret
    signature_key: Secret
    shop_id: Annotated[str, msgspec.Meta(min_length=1)] = "paynow"
    base_url: str = "https://api.paynow.pl"
    pay_url: str = "https://paywall.paynow.pl"
    validity: Annotated[int, msgspec.Meta(ge=7200, le=864_000)] = 86_400
    blik_id: int = 2007
    card_id: int = 2002


class Started(msgspec.Struct, frozen=True):
    """What a call began."""

    paymentId: Id  # noqa: N815 - paynow's spelling, here and below
    redirectUrl: str  # noqa: N815


class Known(msgspec.Struct, frozen=True):
    """Where a payment stands."""

    paymentId: Id  # noqa: N815
    status: str


class Told(Known, frozen=True):
    """A notification; `externalId` is our name of the payment."""

    externalId: Annotated[str, msgspec.Meta(max_length=100)] = ""  # noqa: N815


class PaynowGateway:
    """Our shop at paynow; one call lasts at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        keys = {"api_key": settings.api_key, "signature_key": settings.signature_key}
        if empty := [name for name, key in keys.items() if not key.strip()]:
            raise ConfigurationError(*map(_empty, empty))
        self._settings, self._key = settings, settings.signature_key.encode()
        self._client = Client(
            settings.base_url.rstrip("/"),
            name="paynow",
            call_seconds=call_seconds,
            headers={"Api-Key": settings.api_key},
            secrets=(settings.signature_key,),
        )

    def __repr__(self) -> str:
        return f"PaynowGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our name of this shop; that a message is about it, its signature says."""
        return self._settings.shop_id

    @property
    def lasts(self) -> float:
        """Seconds for which a payment can be paid, less those by which a repeated call may have begun it earlier."""
        return self._settings.validity - WINDOW

    def begin(self, order: Order, returns: Returns, *, now: datetime) -> Begun:
        """Begin a payment; an equal call within the same hour is the same payment.

        Raises:
            NeedsOperator: paynow takes no address that long, or sends the buyer elsewhere.
            KramikError: there is no payment; the order waits.
        """
        if len(order.intent.buyer.email) > LONGEST_EMAIL:
            raise NeedsOperator(f"paynow takes no e-mail address over {LONGEST_EMAIL} characters")
        body = msgspec.json.encode(self._wish(order, returns))
        window = int(now.timestamp()) // WINDOW
        key = sha256(b"%d/%s" % (window, body)).hexdigest()[:40]
        headers = self._signed(key, body)
        answer = self._client.send(
            "POST", "/v3/payments", doing="beginning a payment", json=msgspec.Raw(body), headers=headers
        )
        started = answer.json(Started)
        url = led_to(started.redirectUrl, self._settings.pay_url, vendor="paynow")
        return Begun(reference=started.paymentId, url=url, at=now)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None for one that says nothing (yet).

        Raises:
            NotAuthentic: paynow did not sign this; nothing may be stored.
            NeedsOperator: paynow did sign it, and it can not be read; it is kept for a person.
        """
        given = raw.headers.get("signature", "").encode("utf-8", "replace")
        if not same(b64encode(sign(self._key, raw.body)), given):
            raise NotAuthentic("the header Signature does not fit the body")
        told = _read(raw.body)
        return self._event(_order(told.externalId) or told.paymentId, told)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return an empty 200."""
        return _OK

    def confirm(self, order: Order, event: PaymentEvent) -> PaymentEvent:
        """Ask for a payment of this order, and put the price in that it was begun with.

        A payment that we did not begin, and that replaces none of ours, comes back without an amount.

        Raises:
            Rejected: paynow knows no such payment; a person has to look.
            NeedsOperator: paynow says something else now; a person has to look.
            KramikError: ask again later.
        """
        priced = replace(event, money=order.intent.price)
        if difference(order.id, order.intent, priced) or not self._ours(order, event.reference):
            return event
        status = self._status(event.reference)
        kind = KINDS.get(status, "pending")
        if kind == "pending":
            raise Transient(f"paynow told of payment {event.reference}, which it does not confirm yet")
        if kind != "paid":
            why = (
                f"paynow told of payment {event.reference} and now calls it {status}; look at it in its panel"
            )
            raise NeedsOperator(why)
        return priced

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Ask for the newest payments of this order: those that we began, and those that we were told of.

        Raises:
            KramikError: it can not be asked now.
        """
        told = (each.event for each in order.payments if each.event.gateway == NAME)
        ids = dict.fromkeys([*(each.reference for each in told), *(each.reference for each in order.begun)])
        return ask_each([*ids][-LOOKED_AT:], lambda payment: self._found(order.id, payment))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _wish(self, order: Order, returns: Returns) -> dict[str, object]:
        intent, settings = order.intent, self._settings
        method = {"blik": settings.blik_id, "card": settings.card_id}.get(intent.method)
        locale = LOCALES.get(intent.lang)
        title = " ".join(intent.title.split())
        return {
            "amount": intent.price.minor,
            "currency": intent.price.currency,
            "externalId": f"{order.id}_{len(order.begun)}",
            "description": title[:LONGEST_DESCRIPTION].strip() or order.id,
            "continueUrl": returns.done,
            "validityTime": settings.validity,
            "buyer": {"email": intent.buyer.email, **({"locale": locale} if locale else {})},
            **({"paymentMethodId": method} if method else {}),
        }

    def _ours(self, order: Order, payment: str) -> bool:
        """Say whether this is a payment that we began for this order, or the buyer's second try of one."""
        begun = [each.reference for each in order.begun]
        return payment in begun or any(self._status(each) == "ABANDONED" for each in begun[-LOOKED_AT:])

    def _found(self, order_id: str, payment: str) -> PaymentEvent | None:
        return self._event(order_id, Known(paymentId=payment, status=self._status(payment, absent="")))

    def _status(self, payment: str, *, absent: str | None = None) -> str:
        """Ask for a payment; a payment that paynow does not know has the status `absent`, if that is given.

        Raises:
            NeedsOperator: the answer is about another payment.
        """
        answer = self._client.send(
            "GET",
            f"/v3/payments/{quote(payment, safe='')}/status",
            doing="asking for a payment",
            headers=self._signed(sha256(payment.encode()).hexdigest()[:40], b""),
            answers=() if absent is None else (NOT_FOUND,),
        )
        if answer.status == NOT_FOUND:
            return absent or ""
        known = answer.json(Known)
        if known.paymentId != payment:
            raise NeedsOperator("paynow answered about another payment; look at base_url in shop.toml")
        return known.status

    def _signed(self, key: str, body: bytes) -> dict[str, str]:
        return {"Idempotency-Key": key, "Signature": signature(self._settings.api_key, self._key, key, body)}

    def _event(self, order_id: str, known: Known) -> PaymentEvent | None:
        kind = KINDS.get(known.status)
        if kind is None:
            return None
        return PaymentEvent(
            order=order_id, gateway=NAME, reference=known.paymentId, kind=kind, shop_id=self.shop_id
        )


def signature(api_key: str, key: bytes, idempotency_key: str, body: bytes) -> str:
    """Return what signs a call without a query: a MAC over the headers and the body as JSON of their own."""
    headers = {"Api-Key": api_key, "Idempotency-Key": idempotency_key}
    text = json.dumps({"headers": headers, "parameters": {}, "body": body.decode()}, separators=(",", ":"))
    return b64encode(sign(key, text.encode())).decode()


def _read(body: bytes) -> Told:
    try:
        return msgspec.convert(json.loads(body.decode(), object_pairs_hook=_once, parse_float=str), Told)
    except (ValueError, RecursionError):
        why = "a signed notification of paynow can not be read; look at its panel, then update kramik"
        raise NeedsOperator(why) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields


def _order(external: str) -> str:
    """Return the order that our name of a payment begins with."""
    numbered = _NUMBERED.fullmatch(external)
    return numbered[1] if numbered else external


def _empty(name: str) -> Problem:
    return Problem(field=name, code="empty_key", message="is empty; copy it from the panel of paynow")
