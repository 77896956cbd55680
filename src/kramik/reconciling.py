"""What a gateway is asked: whether a payment that it told of holds, and what became of an order that nobody told of.

Nothing is granted on anything but an authenticated answer. What was found out goes the way of a notification:
onto the queue, so that a lost notification and a late one are the same story.
"""

from __future__ import annotations

from datetime import datetime

from kramik.errors import KramikError
from kramik.event import PaymentEvent
from kramik.order import Order
from kramik.ports import Asking, Confirming, Query
from kramik.premises import Ports
from kramik.queue import Message


def confirmed(ports: Ports, order: Order, event: PaymentEvent, *, now: datetime) -> PaymentEvent:
    """Return what counts of an event: its gateway's last word, where a notification of a payment is not that.

    Raises:
        KramikError: nobody knows yet; the message comes again, and the order shows why it waits.
    """
    gateway: object = ports.gateways.get(event.gateway)
    if event.kind != "paid" or not isinstance(gateway, Confirming) or order.knows(event):
        return event
    try:
        return gateway.confirm(order, event)
    except KramikError as error:
        why = str(error)
        ports.change(order, lambda each: each.note_trouble("payment not confirmed", why, now=now))
        raise


def ask(ports: Ports, order: Order, *, now: datetime) -> int:
    """Ask the gateway of an unpaid order, and put what is new onto the queue; return how many events that were.

    Raises:
        Transient: the store or the queue is down; the order is asked about again.
    """
    gateway: object = ports.gateways.get(order.intent.gateway)
    found: list[PaymentEvent] = []
    if isinstance(gateway, Asking):
        try:
            found = [event for event in gateway.ask(order) if not order.knows(event)]
        except KramikError as error:
            ports.log("ask_failed", order=order.id, gateway=order.intent.gateway, why=str(error))
    for event in found:
        ports.queue.put(Message(order=order.id, event=event), now=now).result()
        ports.log("asked", order=order.id, gateway=event.gateway, kind=event.kind)
    ports.change(order, lambda each: each.note_asked(now=now))
    return len(found)


def owner(ports: Ports, event: PaymentEvent) -> Order | None:
    """Return the order of an event; where a refund names its payment alone, the order that this payment paid."""
    order = ports.orders.get(event.order)
    if order is not None or not event.of:
        return order
    paid = ports.orders.search(Query(payment=event.of, limit=20))
    return next((each for each in paid if each.intent.gateway == event.gateway), None)
