"""The buyer's way to the gateway: the payment request, signed in memory or begun by one call.

The order is on the disk before anybody is called, and what was begun is kept in it, so that a buyer who comes
again goes on with the same payment. A gateway that is down loses nothing: the order waits with its intent.
"""

from __future__ import annotations

from datetime import datetime

from kramik.errors import GatewayDown, KramikError
from kramik.order import Order
from kramik.payment import PaymentRequest
from kramik.ports import CallingGateway, Gateway, Returns
from kramik.premises import Ports

MOST = 20
"""Payments that are begun for one order: a buyer may give up often, an order may not grow for ever."""


def gateway_of(ports: Ports, order: Order) -> Gateway | CallingGateway:
    """Return the gateway that an order was sent to.

    Raises:
        GatewayDown: it was taken out of the settings since.
    """
    gateway = ports.gateways.get(order.intent.gateway)
    if gateway is None:
        raise GatewayDown(
            f"{order.intent.gateway} is not among the gateways of shop.toml any more; put it back"
        )
    return gateway


def pay(ports: Ports, order: Order, returns: Returns, *, now: datetime) -> PaymentRequest:
    """Return the payment request of a stored order.

    Raises:
        GatewayDown: there is none now; the order waits.
        Transient: the store is down.
    """
    gateway = gateway_of(ports, order)
    if not isinstance(gateway, CallingGateway):
        return gateway.request(order, returns)
    before = order.begun_with(now=now, lasts=gateway.lasts)
    if before is None and order.begun and (order.status != "placed" or len(order.begun) >= MOST):
        before = order.begun[-1]
    if before is None:
        before = _begin(ports, order, gateway, returns=returns, now=now).begun[-1]
    return PaymentRequest(method="GET", url=before.url)


def _begin(ports: Ports, order: Order, gateway: CallingGateway, *, returns: Returns, now: datetime) -> Order:
    """Call the gateway and keep what it began; of two who call at once, the later one's payment is used."""
    try:
        begun = gateway.begin(order, returns, now=now)
    except KramikError as error:
        why = str(error)
        ports.log("payment_not_begun", order=order.id, gateway=order.intent.gateway, why=why)
        ports.change(order, lambda each: each.note_trouble("payment not begun", why, now=now))
        raise GatewayDown(why) from None
    ports.log("payment_begun", order=order.id, gateway=order.intent.gateway)
    return ports.change(order, lambda each: each.begin_payment(begun))
