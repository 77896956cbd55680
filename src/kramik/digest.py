"""The seller's day in one mail: what was sold since the last one, and what waits for a person.

At most one a day, whoever sweeps: the day is written down by compare-and-set before the mail is put on the queue.
A day on which nothing happened and nothing waits has no mail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from kramik.errors import Conflict
from kramik.order import Order
from kramik.ports import Orders, Query
from kramik.premises import Ports

NAME = "digest"
HOUR = 6
"""Of the day in UTC, before which no digest is written."""

LOOKED_AT = timedelta(days=60)
"""How old an order may be that is looked through for something that waits; a parked one may be any age."""

LISTED = 50
_PAGE = 200


def due(ports: Ports, *, now: datetime) -> str:
    """Return the digest's text if today has none yet and there is something to say; the day is then taken.

    Raises:
        Transient: the store is down.
    """
    diary, today = ports.diary, now.date().isoformat()
    if diary is None or now.hour < HOUR:
        return ""
    last = diary.get(NAME)
    if last is not None and last.value >= today:
        return ""
    try:
        diary.put(NAME, today, version=last.version if last else 0)
    except Conflict:
        return ""
    return written(ports, now=now)


def written(ports: Ports, *, now: datetime) -> str:
    """Return what the digest says; nothing when there is nothing to say."""
    since = now - timedelta(days=1)
    recent = list(_every(ports.orders, Query(since=now - LOOKED_AT)))
    fresh = [order for order in recent if order.created_at >= since]
    parked = _every(ports.orders, Query(state="parked", until=now - LOOKED_AT))
    waiting = [*(order for order in recent if order.attention), *parked]
    poison = len(ports.queue.poisoned())
    if not (fresh or waiting or poison):
        return ""
    counts = Counter(order.state for order in fresh)
    sold = ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
    lines = [
        f"Orders since {since:%Y-%m-%d %H:%M} UTC: {len(fresh)} ({sold})",
        f"Waiting for you: {len(waiting)}",
    ]
    lines += [f"  {order.id}  {'; '.join(order.attention)}" for order in waiting[:LISTED]]
    if len(waiting) > LISTED:
        lines.append(f"  and {len(waiting) - LISTED} more: kramik orders list --state parked")
    if poison:
        lines.append(f"Messages that were moved aside: {poison}; kramik poison list shows them")
    return "\n".join([*lines, ""])


def _every(orders: Orders, query: Query) -> Iterator[Order]:
    query = replace(query, limit=_PAGE)
    while page := orders.search(query):
        yield from page
        query = replace(query, before=page[-1].id)
