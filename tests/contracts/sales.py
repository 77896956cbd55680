"""Orders and messages that the contracts of stores are told with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kramik.event import PaymentEvent
from kramik.intent import Buyer, Intent
from kramik.money import Money
from kramik.order import Order, place
from kramik.queue import Message

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
PRICE = Money(minor=29900, currency="PLN")


def after(seconds: float) -> datetime:
    """Return the moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def placed(name: str, *, email: str = "ola@example.pl", product: str = "agregaty", at: float = 0) -> Order:
    """Place an order so many seconds after noon."""
    intent = Intent(
        product=product,
        title="Akademia Agregatów",
        price=PRICE,
        course="kurs-1",
        buyer=Buyer(email=email, name="Ola Żuk"),
        lang="pl",
        gateway="imoje",
        shop_id="shop-1",
        digest="d",
    )
    return place(name, intent, now=after(at))


def paid(order: Order, *, at: float = 0) -> Order:
    """Confirm its payment so many seconds after noon; from then on it is due."""
    event = PaymentEvent(
        order=order.id, gateway="imoje", reference=f"p-{order.id}", kind="paid", shop_id="shop-1", money=PRICE
    )
    return order.confirm_payment(event, now=after(at))


def message(name: str) -> Message:
    """Ask for the fulfilment of an order."""
    return Message(order=name)
