"""Orders, the queue and the vault in memory: for tests, simulations and as the shortest description of the ports.

It keeps every promise of the ports except durability, also between threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from threading import Lock

from msgspec.structs import replace

from kramik.errors import Conflict
from kramik.order import Order
from kramik.ports import Kept, Query
from kramik.queue import Message, Poisoned, Received, decode, encode


class MemoryOrders:
    """Orders in a dict."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._lock = Lock()

    def insert(self, order: Order) -> Future[None]:
        """Store a new order."""
        return _future(lambda: self._write(order, expected=None))

    def get(self, order_id: str) -> Order | None:
        """Return the order as it was last saved."""
        return self._orders.get(order_id)

    def save(self, order: Order) -> Order:
        """Store a changed order if nobody saved one since."""
        return self._write(order, expected=order.version)

    def search(self, query: Query) -> Sequence[Order]:
        """Return the orders that fit, newest first."""
        with self._lock:
            orders = sorted(self._orders.values(), key=_age, reverse=True)
        behind = self._orders.get(query.before)
        fitting = (
            order
            for order in orders
            if _fits(order, query) and (behind is None or _age(order) < _age(behind))
        )
        return list(itertools.islice(fitting, query.limit))

    def ping(self) -> None:
        """Return: memory always answers."""

    def _write(self, order: Order, *, expected: int | None) -> Order:
        with self._lock:
            found = self._orders.get(order.id)
            if (found.version if found else None) != expected:
                msg = f"order {order.id} was written by somebody else"
                raise Conflict(msg)
            saved = replace(order, version=order.version + 1)
            self._orders[order.id] = saved
            return saved


class MemoryQueue:
    """Messages in a dict, in their wire form."""

    def __init__(self) -> None:
        self._messages: dict[str, tuple[bytes, datetime, str, int]] = {}
        self._poison: dict[str, Poisoned] = {}
        self._numbers = itertools.count(1)
        self._lock = Lock()

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        """Store a message."""
        return _future(lambda: self._put(message, now + timedelta(seconds=after)))

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        """Take the message that has been visible for longest."""
        with self._lock:
            visible = [(at, name) for name, (_, at, _, _) in self._messages.items() if at <= now]
            if not visible:
                return None
            name = min(visible)[1]
            body, _, _, deliveries = self._messages[name]
            receipt, until = str(next(self._numbers)), now + timedelta(seconds=visibility)
            self._messages[name] = (body, until, receipt, deliveries + 1)
        return Received(
            id=name, message=decode(body), receipt=receipt, deliveries=deliveries + 1, until=until
        )

    def done(self, received: Received) -> None:
        """Remove a message if it is still ours."""
        with self._lock:
            if self._is_ours(received):
                del self._messages[received.id]

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:
        """Replace our message."""
        with self._lock:
            if self._is_ours(received):
                self._messages[received.id] = (encode(message), now + timedelta(seconds=after), "", 0)

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        """Move our message aside."""
        with self._lock:
            if self._is_ours(received):
                del self._messages[received.id]
                aside = Poisoned(
                    id=received.id, message=received.message, why=why, at=now, deliveries=received.deliveries
                )
                self._poison[received.id] = aside

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        """Return what was moved aside."""
        with self._lock:
            return [each for each in self._poison.values() if order in ("", each.message.order)]

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        """Put a poisoned message back to work."""
        with self._lock:
            poisoned = self._poison.pop(poison_id, None)
            if poisoned is not None:
                self._messages[poison_id] = (encode(replace(poisoned.message, attempt=0)), now, "", 0)
        return poisoned is not None

    def discard(self, poison_id: str) -> bool:
        """Remove a poisoned message."""
        with self._lock:
            return self._poison.pop(poison_id, None) is not None

    def depth(self) -> int:
        """Return how many messages wait or are being worked on."""
        return len(self._messages)

    def _put(self, message: Message, visible: datetime) -> None:
        with self._lock:
            self._messages[str(next(self._numbers))] = (encode(message), visible, "", 0)

    def _is_ours(self, received: Received) -> bool:
        found = self._messages.get(received.id)
        return found is not None and found[2] == received.receipt


class MemoryVault:
    """Secrets in a dict."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._lock = Lock()

    def get(self, name: str) -> Kept | None:
        """Return the secret as it was last stored."""
        return self._kept.get(name)

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store a secret if nobody stored one since."""
        with self._lock:
            found = self._kept.get(name)
            if (found.version if found else 0) != version:
                msg = f"the secret {name!r} was written by somebody else"
                raise Conflict(msg)
            kept = self._kept[name] = Kept(value=value, version=version + 1)
            return kept


def _future(write: Callable[[], object]) -> Future[None]:
    future: Future[None] = Future()
    try:
        write()
    except Conflict as conflict:
        future.set_exception(conflict)
    else:
        future.set_result(None)
    return future


def _age(order: Order) -> tuple[datetime, str]:
    return order.created_at, order.id


def _fits(order: Order, query: Query) -> bool:
    due = order.due
    return (
        query.email.lower() in ("", order.buyer.email.lower())
        and query.product in ("", order.intent.product)
        and query.payment in ("", order.payment.event.reference if order.payment else None)
        and query.state in (None, order.state)
        and (query.since is None or order.created_at >= query.since)
        and (query.until is None or order.created_at < query.until)
        and (query.due_before is None or (due is not None and due <= query.due_before))
    )
