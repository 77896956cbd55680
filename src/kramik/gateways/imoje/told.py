"""What imoje tells of a transaction, in a notification or as the answer to a question, and what we make of it.

Source: https://bump.sh/pgw/doc/imoje-api-en/topic/topic-notifications ,
https://bump.sh/pgw/doc/imoje-api-en/operation/operation-get-parameter-transaction-parameter
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

import msgspec

from kramik.errors import NeedsOperator
from kramik.event import Kind, PaymentEvent
from kramik.money import LIMIT, Money

NAME = "imoje"

KINDS: Mapping[str, Kind] = {
    "settled": "paid",
    **dict.fromkeys(("new", "pending", "authorized", "submitted"), "pending"),
    **dict.fromkeys(("cancelled", "rejected", "error", "expired"), "failed"),
}
"""What became of a sale; a status that is not listed says nothing."""


class Transaction(msgspec.Struct, frozen=True):
    """What a notification says of a transaction, or of a payment link; `amount` in minor units."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    status: str
    order: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = msgspec.field(name="orderId")
    service: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = msgspec.field(name="serviceId")
    amount: Annotated[int, msgspec.Meta(ge=0, lt=LIMIT)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    type: str


class Told(msgspec.Struct, frozen=True):
    """A notification: a transaction with its link, or a link alone when it expired or was cancelled."""

    transaction: Transaction | None = None
    payment: dict[str, object] | None = None
    original: str = msgspec.field(name="originalTransactionId", default="")


def notified(body: bytes) -> PaymentEvent | None:
    """Read a notification that was signed; None for one that says nothing (yet).

    Raises:
        NeedsOperator: it can not be read; it is kept for a person.
    """
    try:
        told = msgspec.convert(_read(body), Told)
    except (ValueError, RecursionError):
        raise _unreadable("can not be read") from None
    if told.transaction is None and told.payment is None:
        raise _unreadable("tells of neither a transaction nor a link")
    if told.transaction is None:
        return None
    if told.transaction.type == "refund":
        return _refund(told.transaction, told.original)
    return sale(told.transaction)


def answered(found: Mapping[str, object]) -> Transaction:
    """Read the answer to a question about a transaction, which comes alone or under a name of its own.

    Raises:
        ValueError: it is something else.
    """
    return msgspec.convert(found.get("transaction", found), Transaction)


def sale(transaction: Transaction) -> PaymentEvent | None:
    """Return what became of a sale; None for anything else, and for a status that is new to us."""
    kind = KINDS.get(transaction.status)
    return None if kind is None or transaction.type != "sale" else _fact(transaction, kind)


def _refund(transaction: Transaction, original: str) -> PaymentEvent | None:
    """Read a refund; one that has not gone through (yet) says nothing."""
    if transaction.status != "settled":
        return None
    if not original:
        raise _unreadable(f"tells of a refund {transaction.id!r}, but not of which payment")
    return _fact(transaction, "refund", of=original)


def _fact(transaction: Transaction, kind: Kind, *, of: str = "") -> PaymentEvent:
    return PaymentEvent(
        order=transaction.order,
        gateway=NAME,
        reference=transaction.id,
        kind=kind,
        shop_id=transaction.service,
        money=Money(minor=transaction.amount, currency=transaction.currency),
        of=of,
    )


def _read(body: bytes) -> object:
    """Read JSON without doubled names; a number that is not whole stays a text, which is no amount."""
    return json.loads(body.decode(), object_pairs_hook=_once, parse_float=str, parse_constant=str)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields


def _unreadable(what: str) -> NeedsOperator:
    return NeedsOperator(f"a signed notification of imoje {what}; look at its panel, then settle the order")
