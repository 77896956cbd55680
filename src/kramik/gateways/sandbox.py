"""The gateway of the sandbox world: a pay page for demos and tests, signed like a real one.

The payment request is signed over all its fields as JSON, sorted by name, so that no two requests look alike.
A notification carries the HMAC-SHA256 of its raw body in `X-Sandbox-Signature`, in small hex letters.
Source: the protocol in `kramik/sandbox/gateway.py`.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem
from kramik.event import PaymentEvent
from kramik.gateways import Features
from kramik.money import LIMIT, Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded, same, sign
from kramik.ports import Returns
from kramik.table import Secret

NAME = "sandbox"
FEATURES = Features(
    title="sandbox (for tests)",
    start="link",
    hash="HMAC-SHA256",
    address="request",
    request="computed",
    notification="computed",
    refunds=True,
    chargebacks=True,
)
HEADER = "x-sandbox-signature"

_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_OK = Acknowledgement(body=b"OK")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.sandbox]`: where the pay page is, our id there and the key that signs (a secret)."""

    base_url: str
    shop_id: str
    key: Secret


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A notification as the gateway writes it; `amount` in minor units, `of` the payment that goes back."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    kind: Literal["paid", "pending", "failed", "refund", "chargeback"]
    order: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    shop_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    amount: Annotated[int, msgspec.Meta(ge=0, lt=LIMIT)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    of: Annotated[str, msgspec.Meta(max_length=100)] = ""


class SandboxGateway:
    """Our account at the gateway of a sandbox world."""

    def __init__(self, settings: Settings) -> None:
        if not settings.key:
            problem = Problem(
                field="key", code="empty_key", message="is empty; an empty key signs for everybody"
            )
            raise ConfigurationError(problem)
        self._settings, self._key = settings, settings.key.encode()
        self._url = f"{settings.base_url.rstrip('/')}/gateway/pay"

    def __repr__(self) -> str:
        return f"SandboxGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our id at the gateway."""
        return self._settings.shop_id

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed payment request, a GET whose fields are in the URL."""
        intent = order.intent
        fields = {
            "amount": intent.price.amount,
            "currency": intent.price.currency,
            "description": intent.title,
            "done": returns.done,
            "email": intent.buyer.email,
            "failed": returns.failed,
            "lang": intent.lang,
            "notify": returns.notify,
            "order": order.id,
            "shop_id": self.shop_id,
        }
        fields["signature"] = sign(self._key, msgspec.json.encode(fields, order="sorted")).hex()
        return PaymentRequest(method="GET", url=f"{self._url}?{encoded(fields)}", fields=fields)

    def verify(self, raw: RawNotification) -> PaymentEvent:
        """Read a notification.

        Raises:
            NotAuthentic: the gateway did not sign this; nothing may be stored.
            NeedsOperator: the gateway did sign it, but it can not be read; it is kept for a person.
        """
        given = raw.headers.get(HEADER, "")
        if not _SIGNATURE.fullmatch(given):
            raise NotAuthentic(f"the header {HEADER} must hold one signature of 64 small hex digits")
        if not same(sign(self._key, raw.body), bytes.fromhex(given)):
            raise NotAuthentic("the signature does not fit the body")
        return _event(raw.body)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return `OK`: this gateway repeats whatever is answered with another text."""
        return _OK


def _event(body: bytes) -> PaymentEvent:
    try:
        told = msgspec.convert(_read(body), Told)
    except (ValueError, RecursionError):
        why = "a signed notification of the sandbox gateway can not be read; look at its payments, then update kramik"
        raise NeedsOperator(why) from None
    return PaymentEvent(
        order=told.order,
        gateway=NAME,
        reference=told.id,
        kind=told.kind,
        shop_id=told.shop_id,
        money=Money(minor=told.amount, currency=told.currency),
        of=told.of,
    )


def _read(body: bytes) -> object:
    """Read JSON without doubled names and without floats, which the standard allows and money does not."""
    return json.loads(body.decode(), object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields


def _refuse(text: str) -> object:
    raise ValueError(f"{text} is no whole number")
