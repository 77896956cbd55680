"""What a buyer is told about their order, as data: no word about anybody else, and no more than they need."""

from __future__ import annotations

from kramik.order import Order
from kramik.shop import Shop


def shown(shop: Shop, order: Order) -> dict[str, object]:
    """Return what the status route and the thank-you page tell."""
    open_to_pay = order.status == "placed" and not order.stuck
    return {
        "order": order.id,
        "status": status(order),
        "product": order.intent.product,
        "title": order.intent.title,
        "price": str(order.intent.price),
        "email": order.buyer.masked_email,
        "access": shop.access_link(order) if order.opened and order.intent.keyed else None,
        "pay": shop.payment_url(order) if open_to_pay else None,
    }


def status(order: Order) -> str:
    """Return one word for where the order stands, as a buyer sees it."""
    if order.status == "placed":
        last = order.payments[-1].event.kind if order.payments else ""
        return "attention" if order.stuck else "failed" if last == "failed" else "waiting"
    if order.status == "completed" and not order.granted:
        return (
            "attention" if order.stuck else "paid"
        )  # its address was corrected, and the access is on its way there
    if order.status != "paid" or not order.stuck:
        return order.status
    return "completed" if _delivered(order) else "attention"


def _delivered(order: Order) -> bool:
    """Say whether the buyer has all that they wait for; what is parked beside it is the seller's to mend."""
    return order.opened and order.step("sequence").state == "done"
