"""Stores and peers that do something terrible at the N-th boundary: before or after a call, a save, a put or take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol, TypeVar

from kramik.moves import Effects
from kramik.order import Order
from kramik.ports import Delivery, Effect, Orders, Query, Queue
from kramik.queue import Message, Poisoned, Received

Result = TypeVar("Result")


class DiedError(BaseException):
    """The process died: nothing above may catch this."""


def die() -> None:
    """End the process."""
    raise DiedError


class Boundary(Protocol):
    """Something that is told whenever a boundary is passed."""

    def spark(self) -> None:
        """Pass one boundary."""
        ...


class Fuse:
    """Counts boundaries and acts at the N-th, once; `burnt` says whether that happened."""

    def __init__(self, boundary: int, act: Callable[[], None] = die) -> None:
        self.left, self.act = boundary, act

    @property
    def burnt(self) -> bool:
        """Say whether it acted."""
        return self.left <= 0

    def spark(self) -> None:
        """Pass one boundary."""
        self.left -= 1
        if self.left == 0:
            self.act()


class FrailOrders:
    """Orders with a boundary before and after each operation."""

    def __init__(self, orders: Orders, fuse: Boundary) -> None:
        self._orders, self._fuse = orders, fuse

    def insert(self, order: Order) -> Future[None]:
        return _around(self._fuse, lambda: self._orders.insert(order))

    def get(self, order_id: str) -> Order | None:
        return _around(self._fuse, lambda: self._orders.get(order_id))

    def save(self, order: Order) -> Order:
        return _around(self._fuse, lambda: self._orders.save(order))

    def search(self, query: Query) -> Sequence[Order]:
        return _around(self._fuse, lambda: self._orders.search(query))

    def ping(self) -> None:
        self._orders.ping()


class FrailQueue:
    """A queue with a boundary before and after each operation."""

    def __init__(self, queue: Queue, fuse: Boundary) -> None:
        self._queue, self._fuse = queue, fuse

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        return _around(self._fuse, lambda: self._queue.put(message, now=now, after=after))

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        return _around(self._fuse, lambda: self._queue.take(now=now, visibility=visibility))

    def done(self, received: Received) -> None:
        _around(self._fuse, lambda: self._queue.done(received))

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:
        _around(self._fuse, lambda: self._queue.again(received, message, now=now, after=after))

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        _around(self._fuse, lambda: self._queue.poison(received, why, now=now))

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        return self._queue.poisoned(order)

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        return _around(self._fuse, lambda: self._queue.replay(poison_id, now=now))

    def discard(self, poison_id: str) -> bool:
        return _around(self._fuse, lambda: self._queue.discard(poison_id))

    def depth(self) -> int:
        return self._queue.depth()


def frail_effects(effects: Effects, fuse: Boundary, *, before: bool = True) -> Effects:
    """Put a boundary after each call to a peer, and one `before` it."""
    return {name: _frail(effect, fuse, before=before) for name, effect in effects.items()}


def _frail(effect: Effect, fuse: Boundary, *, before: bool) -> Effect:
    def around(call: Callable[[Delivery], str]) -> Callable[[Delivery], str]:
        return lambda delivery: _around(fuse, lambda: call(delivery), before=before)

    find = effect.find
    asked = None if find is None else (lambda delivery: _around(fuse, lambda: find(delivery), before=before))
    instead = effect.instead and _frail(effect.instead, fuse, before=before)
    return Effect(repeat=effect.repeat, do=around(effect.do), find=asked, lag=effect.lag, instead=instead)


def _around(fuse: Boundary, call: Callable[[], Result], *, before: bool = True) -> Result:
    if before:
        fuse.spark()
    result = call()
    fuse.spark()
    return result
