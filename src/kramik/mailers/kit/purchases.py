"""Purchases at Kit: what is posted, and where one is found again.

A repeat of a transaction id is not documented, and the list can not be asked for one, so it is read from its newest
page on. The list is late by up to `LAG`.
Source: developers.kit.com/api-reference/purchases.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from kramik.errors import NeedsOperator
from kramik.http import Budget, Client
from kramik.order import Order

PAGES, PAGE = 10, 500
"""How far a look-up goes: more than a shop sells while it waits for an answer."""

KNOWN = ("taken", "already", "unique", "duplicate")
"""Words of a refusal that could mean that Kit has this transaction."""


class Purchase(msgspec.Struct, frozen=True):
    """A purchase, as far as we need to know it."""

    id: int
    transaction_id: str
    transaction_time: str = ""


class Made(msgspec.Struct, frozen=True):
    """The answer to a purchase."""

    purchase: Purchase


class Pagination(msgspec.Struct, frozen=True):
    """Whether a list goes on, and from where."""

    has_next_page: bool
    end_cursor: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of the purchases, the newest first."""

    purchases: list[Purchase]
    pagination: Pagination


def body(order: Order) -> dict[str, object]:
    """Write an order as Kit takes it; amounts are exact decimal numbers, the tax is not known here."""
    intent = order.intent
    price = msgspec.Raw(intent.price.amount.encode())
    line = {
        "name": intent.title,
        "pid": intent.product,
        "lid": order.id,
        "sku": intent.product,
        "quantity": 1,
        "unit_price": price,
    }
    at = order.payment.at if order.payment else order.created_at
    about = {
        "email_address": intent.buyer.email,
        "transaction_id": order.id,
        "status": "paid",
        "currency": intent.price.currency,
        "transaction_time": _written(at),
    }
    return {"purchase": {**about, "subtotal": price, "total": price, "products": [line]}}


def find(client: Client, order: Order, headers: dict[str, str], *, budget: Budget) -> str | None:
    """Return Kit's id of the purchase of this order; None when it is not there.

    Raises:
        NeedsOperator: so much was sold since that one can not be sure.
    """
    page: list[Purchase] = []
    for page in _newest(client, headers, budget):
        for purchase in page:
            if purchase.transaction_id == order.id:
                return str(purchase.id)
    paid = order.payment.at if order.payment else order.created_at
    if len(page) < PAGE or all(purchase.transaction_time < _written(paid) for purchase in page):
        return None
    raise NeedsOperator(
        f"Kit: the order is not among the newest {PAGES * PAGE} purchases; look for it there by its number"
    )


def _newest(client: Client, headers: dict[str, str], budget: Budget) -> Iterator[list[Purchase]]:
    query, doing = {"per_page": str(PAGE)}, "looking for a purchase"
    for _ in range(PAGES):
        answer = client.send("GET", "/v4/purchases", doing=doing, query=query, headers=headers, budget=budget)
        page = answer.json(Page)
        yield page.purchases
        if not page.pagination.has_next_page or not page.pagination.end_cursor:
            return
        query = {**query, "after": page.pagination.end_cursor}


def _written(at: datetime) -> str:
    """Return a moment as Kit writes it, which sorts like time."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
