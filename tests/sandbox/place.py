"""A running sandbox world, and a visitor who asks it over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx2
import msgspec

from kramik import sandbox
from kramik.order import Order
from kramik.ports import Delivery
from tests.story.example import an_order

PATIENCE = 15.0

_numbers = itertools.count(1)


class Place:
    """One world and one browser that follows no redirects."""

    def __init__(self, running: sandbox.Running, browser: httpx2.Client) -> None:
        self.url, self.settings, self.browser = running.url, running.world.settings, browser

    def ledger(self, order: str = "", effect: str = "") -> list[dict]:
        """Return the effects that happened."""
        return self.browser.get("/ledger", params={"order": order, "effect": effect}).json()["entries"]

    def fault(self, **switch: object) -> None:
        """Turn a switch on, for one call unless it says otherwise."""
        self.browser.post("/faults", json={"count": 1, **switch}).raise_for_status()

    def settled(self, order: str, effect: str, count: int) -> list[dict]:
        """Wait until so many effects of this kind happened to an order; return their facts."""
        until = monotonic() + PATIENCE
        while len(found := self.ledger(order, effect)) < count and monotonic() < until:
            sleep(0.01)
        assert count == len(found), found
        return [entry["facts"] for entry in found]


@contextmanager
def opened(*, lag: float = 0.0, pace: float = 0.01, ledger: Path | None = None) -> Iterator[Place]:
    """Run a world for a while; repeats come a hundred times as fast."""
    made = sandbox.Settings.fresh(pace=pace, lag=lag, ledger=ledger)
    with (
        sandbox.start(made) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=PATIENCE) as browser,
    ):
        yield Place(running, browser)


def fresh_order(**changes: object) -> Order:
    """Return an order, a buyer and an address that no test used before."""
    number = next(_numbers)
    order = an_order(f"order-{number}x{id(_numbers):x}")
    buyer = msgspec.structs.replace(order.intent.buyer, email=f"anna{number}@example.com")
    intent = msgspec.structs.replace(
        order.intent, buyer=buyer, gateway="sandbox", shop_id="shop-1", **changes
    )
    return msgspec.structs.replace(order, intent=intent)


def fresh_delivery(**changes: object) -> Delivery:
    """Return what an effect is made of, for a fresh order."""
    order = fresh_order(**changes)
    return Delivery(order=order, access_link=f"https://api.kurs.example/access/{order.id}.mac")
