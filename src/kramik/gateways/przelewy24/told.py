"""A notification of Przelewy24: read before it is trusted, held against its signature, and made an event.

The vendor signs JSON in a fixed order of names with our CRC key as its last value, so the text that it hashed is
built anew from what was read: with the very types that came, Unicode and `/` as they are.
Source: https://developers.przelewy24.pl , https://github.com/mnastalski/przelewy24-php (tests).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha384

import msgspec

from kramik.errors import NeedsOperator, NotAuthentic, Rejected
from kramik.event import PaymentEvent
from kramik.money import LIMIT, Money
from kramik.payment import same

NAME = "przelewy24"

_PAYMENT = (
    "merchantId",
    "posId",
    "sessionId",
    "amount",
    "originAmount",
    "currency",
    "orderId",
    "methodId",
    "statement",
)
_REFUND = ("orderId", "sessionId", "refundsUuid", "merchantId", "amount", "currency", "status")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A notification, of a payment or (with `refundsUuid`) of a refund, as it is read before it is trusted."""

    sessionId: str  # noqa: N815 - the vendor's spelling, here and below
    amount: int
    currency: str
    orderId: int  # noqa: N815
    merchantId: int  # noqa: N815
    posId: int = 0  # noqa: N815
    originAmount: int = 0  # noqa: N815
    refundsUuid: str = ""  # noqa: N815
    status: int = 0


def read(body: bytes, crc: str) -> Told:
    """Read a notification.

    Raises:
        NotAuthentic: it is none, or the vendor did not sign it.
    """
    told, fields = _read(body)
    names = _REFUND if told.refundsUuid else _PAYMENT
    expected = signed({name: fields.get(name) for name in names}, crc)
    given = fields.get("sign")
    if not isinstance(given, str) or not same(expected.encode(), given.encode("utf-8", "replace")):
        raise NotAuthentic("the field sign does not fit the notification")
    return told


def signed(fields: Mapping[str, object], crc: str) -> str:
    """Return the signature of these fields, in hex: Unicode and `/` stay as they are in the JSON that is hashed."""
    text = json.dumps({**fields, "crc": crc}, separators=(",", ":"), ensure_ascii=False)
    return sha384(text.encode("utf-8", "surrogatepass")).hexdigest()


def payment(told: Told) -> PaymentEvent:
    """Return the payment that a notification tells of.

    Raises:
        NeedsOperator: it contradicts itself, or names no money.
    """
    if told.amount != told.originAmount:
        why = f"Przelewy24 signed two amounts for payment {told.orderId}; look at it in its panel"
        raise NeedsOperator(why)
    return paid(
        told.sessionId, told.orderId, shop(told.merchantId, told.posId), money(told.amount, told.currency)
    )


def refund(told: Told, shop_id: str) -> PaymentEvent | None:
    """Return the money that went back; None when the vendor turned it down.

    The message names no point of sale; it is ours, because only ours has this key.
    """
    if told.status != 0:
        return None
    back = money(told.amount, told.currency)
    return returned(told.sessionId, told.orderId, shop_id, reference=told.refundsUuid, back=back)


def paid(session: str, number: int, shop_id: str, amount: Money) -> PaymentEvent:
    """Return a payment of a session."""
    return PaymentEvent(
        order=_order(session),
        gateway=NAME,
        reference=str(number),
        kind="paid",
        shop_id=shop_id,
        money=amount,
        begun=session,
    )


def returned(
    session: str, number: int, shop_id: str, *, reference: str, back: Money | None = None
) -> PaymentEvent:
    """Return that the payment of a session went back, all of it unless an amount is named."""
    return PaymentEvent(
        order=_order(session),
        gateway=NAME,
        reference=reference,
        kind="refund",
        shop_id=shop_id,
        money=back,
        of=str(number),
    )


def shop(merchant: int, pos: int) -> str:
    """Return how an account is called here: its number, and that of the point of sale where it is another one."""
    return str(merchant) if merchant == pos else f"{merchant}/{pos}"


def money(minor: int, currency: str) -> Money:
    """Return an amount.

    Raises:
        NeedsOperator: there is no such money.
    """
    if 0 <= minor < LIMIT:
        try:
            return Money(minor=minor, currency=currency)
        except Rejected:
            pass
    raise NeedsOperator(f"Przelewy24 named {minor} {currency[:9]!r}, which is no money; look in its panel")


def _order(session: str) -> str:
    return session.rpartition("-")[0] or session


def _read(body: bytes) -> tuple[Told, dict[str, object]]:
    """Read what is not trusted yet.

    Raises:
        NotAuthentic: it is no notification, so nobody signed it.
    """
    try:
        fields = json.loads(body.decode(), object_pairs_hook=_once, parse_float=_refuse)
        return msgspec.convert(fields, Told), fields
    except (ValueError, RecursionError):
        raise NotAuthentic("this is no notification of Przelewy24") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name came twice")
    return fields


def _refuse(text: str) -> float:
    raise ValueError(f"no whole number: {text[:20]}")
