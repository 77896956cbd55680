"""What a shop is built from: its addresses, its patience, and everything outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from kramik.errors import ConfigurationError, Conflict, Problem, Transient
from kramik.moves import Effects
from kramik.notice import Channel
from kramik.order import Order
from kramik.ports import FreshLinks, Gateways, Log, Orders, Post, Queue, Shelf, Teller, Vault
from kramik.quotas import Quotas

CONFLICTS = 20
"""How often one change lets others write first before it steps back."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: how long a taken message stays hidden, and how long one call may take at the very most."""

    visibility: float = 120.0
    call: float = 15.0

    def __post_init__(self) -> None:
        if not 0 < 2 * self.call <= self.visibility:
            message = (
                f"is {self.visibility} seconds; make it at least twice the longest call, {self.call} seconds"
            )
            raise ConfigurationError(Problem(field="visibility", code="too_short", message=message))


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the static site and the functions live, without a slash at the end."""

    site: str
    api: str

    @property
    def site_origin(self) -> str:
        """Return the scheme and host of the static site, as browsers name it."""
        return "/".join(self.site.split("/", 3)[:3])


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Everything outside that a shop is built from."""

    orders: Orders
    queue: Queue
    gateways: Gateways
    effects: Effects
    post: Post
    log: Log
    fresh_links: FreshLinks | None = None
    quotas: Quotas | None = None
    takes_back: bool = True
    shelf: Shelf | None = None
    tellers: Mapping[Channel, Teller] = {}
    diary: Vault | None = None
    """Where the day of the last digest is kept; without it there is none."""

    def change(self, order: Order, change: Callable[[Order], Order]) -> Order:
        """Save what a change makes of an order, whoever writes in between; return it as it was saved.

        Raises:
            Transient: the store is down, or others write all the time.
        """
        for _ in range(CONFLICTS):
            after = change(order)
            if after is order:
                return order
            try:
                return self.orders.save(after)
            except Conflict:
                found = self.orders.get(order.id)
            if found is None:
                raise Transient(f"order {order.id} is gone from the store")
            order = found
        raise Transient(f"order {order.id} is written by others all the time")
