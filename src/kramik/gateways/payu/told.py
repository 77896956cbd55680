"""What PayU says of an order or a refund, in a notification or as an answer, and the facts that we make of it.

Only what we need is read; fields that a later version adds change nothing. It knows no message about chargebacks.
Source: https://developers.payu.com/europe/docs/payment-flows/lifecycle ,
https://developers.payu.com/europe/docs/payment-flows/refunds
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import msgspec

from kramik.errors import NeedsOperator, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.money import Money

KINDS: Mapping[str, Kind] = {
    "PENDING": "pending",
    "WAITING_FOR_CONFIRMATION": "pending",
    "COMPLETED": "paid",
    "CANCELED": "failed",
}
"""What the status of an order means; `NEW`, and one that is not listed, says nothing."""

LONGEST = 255

_MINOR = re.compile(r"0|[1-9][0-9]{0,11}")


class ToldOrder(msgspec.Struct, frozen=True):
    """What we read of an order; `totalAmount` in minor units."""

    orderId: str  # noqa: N815 - PayU's spelling, here and below
    extOrderId: str  # noqa: N815
    merchantPosId: str | int  # noqa: N815
    currencyCode: str  # noqa: N815
    totalAmount: str | int  # noqa: N815
    status: str


class ToldRefund(msgspec.Struct, frozen=True):
    """What we read of a refund; `amount` in minor units."""

    amount: str | int
    currencyCode: str  # noqa: N815
    status: str
    refundId: str | int = ""  # noqa: N815
    statusDateTime: str | int = ""  # noqa: N815


class Told(msgspec.Struct, frozen=True):
    """A notification: about an order, or about a refund, whose order is named beside it."""

    order: ToldOrder | None = None
    refund: ToldRefund | None = None
    orderId: str = ""  # noqa: N815
    extOrderId: str = ""  # noqa: N815


def as_it_is(name: str) -> str:
    """Return the order's id where PayU knows the order by it alone."""
    return name


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whose facts they are: the name of the gateway, our point of sale, and which order a name of ours is about."""

    gateway: str
    shop_id: str
    about: Callable[[str], str] = as_it_is

    def read(self, body: bytes) -> PaymentEvent | None:
        """Read a notification that was signed; None for a status, or a message, that is new to us.

        Raises:
            NeedsOperator: it can not be read; it is kept for a person.
        """
        told = _told(body)
        if told.refund is not None:
            return self.refund(told.refund, name=told.extOrderId, of=told.orderId)
        return None if told.order is None else self.payment(told.order)

    def payment(self, told: ToldOrder) -> PaymentEvent | None:
        """Return what became of an order; None for a status that says nothing."""
        kind = KINDS.get(told.status)
        if kind is None:
            return None
        return PaymentEvent(
            order=self.about(_named(told.extOrderId)),
            gateway=self.gateway,
            reference=_named(told.orderId),
            kind=kind,
            shop_id=_named(str(told.merchantPosId)),
            money=_money(told.totalAmount, told.currencyCode),
        )

    def refund(self, told: ToldRefund, *, name: str, of: str) -> PaymentEvent | None:
        """Return money that went back; no point of sale is named, but only ours has this key."""
        if told.status != "FINALIZED":
            return None
        return PaymentEvent(
            order=self.about(_named(name)),
            gateway=self.gateway,
            reference=_named(str(told.refundId or told.statusDateTime)),
            kind="refund",
            shop_id=self.shop_id,
            money=_money(told.amount, told.currencyCode),
            of=_named(of),
        )


def _told(body: bytes) -> Told:
    try:
        return msgspec.convert(json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once), Told)
    except (ValueError, RecursionError):
        why = "a signed notification of PayU can not be read; look at the payment in its panel, then update kramik"
        raise NeedsOperator(why) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields


def _named(text: str) -> str:
    if not 0 < len(text) <= LONGEST or not text.isprintable():
        raise NeedsOperator(
            "PayU signed a notification that does not name its order; look for it in PayU's panel"
        )
    return text


def _money(minor: str | int, currency: str) -> Money:
    text = str(minor)
    try:
        if _MINOR.fullmatch(text):
            return Money(minor=int(text), currency=currency)
    except Rejected:
        pass
    raise NeedsOperator(
        f"PayU signed the amount {text[:40]!r} {currency[:9]!r}, which is no money; look in its panel"
    )
