"""Orders and acknowledgements at the door, against the same server answering a constant and against the bare disk.

Rounds of constant and real load alternate, so that the noise of the machine hits both; the one that is not
measured stands still meanwhile.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench import inserts, servers, stock
from bench.figures import Chapter, Figure, middle, rates
from bench.load import Load, Outcome, generate, quantile_of
from bench.servers import Server
from kramik.queue import Message
from kramik.stores.sqlite import SqliteStore

STORED = 20_000
QUANTILES = (0.5, 0.99, 0.999)
SHARES = (0.1, 0.3)
MANY = 300
"""Notifications per second: more than any shop of this kind will see, and far below what the server can do."""

MOST = 12_000
"""Requests per second that the shop will not answer, and the constant twice not."""

REST = 0.3
"""Seconds between two loads, so that one does not pay for the other."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long (seconds)."""

    rounds: int
    seconds: float


class Door:
    """A shop that is served, its vendors, and the constant beside it."""

    def __init__(self, shop: Server, constant: Server, scratch: Path) -> None:
        self.shop, self.constant, self._scratch = shop, constant, scratch
        self._orders = stock.order_requests(f"key-{number}" for number in itertools.count())
        names = (stock.name_of(number % STORED) for number in itertools.count())
        self._notifications = stock.notifications(names)

    def constantly(self, *, rate: float = 0, seconds: float) -> Outcome:
        """Load the constant, while the shop stands still."""
        with self.shop.paused():
            return self._load(self.constant, self._notifications, rate or 2 * MOST, seconds, closed=not rate)

    def order(self, *, rate: float = 0, seconds: float) -> Outcome:
        """Load the shop with orders."""
        return self._load(self.shop, self._orders, rate or MOST, seconds, closed=not rate)

    def notify(self, *, rate: float = 0, seconds: float) -> Outcome:
        """Load the shop with notifications."""
        return self._load(self.shop, self._notifications, rate or MOST, seconds, closed=not rate)

    def insert(self, *, rate: float, seconds: float) -> list[float]:
        """Load the disk alone."""
        with self.shop.paused():
            return inserts.latencies(self._scratch / "bare.sqlite", seconds=seconds, rate=rate)

    @staticmethod
    def _load(
        server: Server, requests: Iterator[bytes], rate: float, seconds: float, *, closed: bool
    ) -> Outcome:
        given = list(itertools.islice(requests, int(rate * seconds)))
        time.sleep(REST)
        return generate(Load(port=server.port, requests=given, rate=0 if closed else rate, seconds=seconds))


@contextmanager
def opened(scratch: Path, *, trouble: bool) -> Iterator[Door]:
    """Open a shop whose vendors take 100 ms; in trouble, 1,000 orders are in retry and one vendor hangs."""
    scratch.mkdir()
    with servers.world() as world, servers.constant() as constant:
        shop, data = stock.shop_folder(scratch / "shop", f"http://127.0.0.1:{world.port}"), scratch / "data"
        data.mkdir()
        stored(shop, data, STORED, paid=1_000 if trouble else 0)
        for fault in _trouble() if trouble else [{"peer": "*", "fault": "slow", "seconds": 0.1}]:
            servers.fault(world, **fault)
        with servers.serve(shop, data) as server:
            time.sleep(10 if trouble else REST)
            yield Door(server, constant, scratch)


def _trouble() -> list[dict[str, object]]:
    """Return faults by which every order fails its first time; from then on the academy hangs."""
    return [
        {"peer": "academy", "fault": "refuse", "count": 1_000},
        {"peer": "academy", "fault": "slow", "seconds": 600},
        {"peer": "mail", "fault": "refuse"},
    ]


def stored(shop: Path, data: Path, count: int, *, paid: int = 0) -> None:
    """Fill the file with orders; the gateway told of so many that they were paid."""
    order, now = stock.order(shop), time.time()
    with SqliteStore(data / "kramik.sqlite") as store:
        for begin in range(0, count, 5_000):
            numbers = range(begin, min(count, begin + 5_000))
            for future in [store.orders.insert(stock.copied(order, number)) for number in numbers]:
                future.result()
        messages = (Message(order=stock.name_of(number), event=stock.paid(number)) for number in range(paid))
        for future in [store.queue.put(message, now=order.created_at) for message in messages]:
            future.result()
    assert time.time() - now < 120, "the disk is too slow to be measured"


def saturation(scratch: Path, plan: Plan) -> tuple[Chapter, float]:
    """Measure how much the door takes at most; return the rate of the constant too."""
    constants, orders, notifications = [], [], []
    with opened(scratch, trouble=False) as door:
        for _ in range(plan.rounds):
            constants.append(door.constantly(seconds=plan.seconds))
            orders.append(door.order(seconds=plan.seconds))
            notifications.append(door.notify(seconds=plan.seconds))
    single = [
        inserts.saturated(scratch / "one.sqlite", seconds=plan.seconds, group=1) for _ in range(plan.rounds)
    ]
    grouped = [
        inserts.saturated(scratch / "many.sqlite", seconds=plan.seconds, group=32) for _ in range(plan.rounds)
    ]
    rate = middle([each.rate for each in constants])
    figures = [
        Figure(what="constant answer", figure=rates([each.rate for each in constants])),
        Figure(what="bare durable inserts, one a commit", figure=rates(single), ratio=middle(single) / rate),
        Figure(what="bare durable inserts, 32 a commit", figure=rates(grouped), ratio=middle(grouped) / rate),
        _throughput("order registration", orders, constants, target=0.4),
        _throughput("notification acknowledgement", notifications, constants),
    ]
    how = (
        "Closed loop, 32 connections. Ratio: to the constant answer of the same round. Eight workers are at work "
        "on the orders that are paid meanwhile, at vendors that take 100 ms a call."
    )
    return Chapter(title="How much the door takes", how=how, figures=figures), rate


def _throughput(
    what: str, real: list[Outcome], constant: list[Outcome], target: float | None = None
) -> Figure:
    ratio = middle([one.rate / other.rate for one, other in zip(real, constant, strict=True)])
    errors = sum(each.errors for each in real)
    figure = f"{rates([each.rate for each in real])}, {errors} errors"
    return Figure(what=what, figure=figure, ratio=ratio, target=target)


def latency(scratch: Path, plan: Plan, rate: float, *, trouble: bool) -> Chapter:
    """Measure how long an answer takes when requests come at fixed times."""
    figures = []
    with opened(scratch, trouble=trouble) as door:
        figures += _at(door, plan, MANY, "at", target=None)
        for share in SHARES:
            figures += _at(door, plan, rate * share, f"at {share:.0%}", orders=not trouble and share < 0.2)
    title = "How long an acknowledgement takes" + (" while vendors fail" if trouble else "")
    how = (
        "Open loop from a second process, latency from the time at which a request was due: median over the rounds "
        "of p50 / p99 / p99.9 in ms. Ratio: p99 and p99.9 to those of the constant answer in the same rounds. "
        + (
            "1,000 orders are in retry, the mailing tool refuses and the academy hangs."
            if trouble
            else "Eight workers are busy all the time, at vendors that take 100 ms a call."
        )
    )
    return Chapter(title=title, how=how, figures=figures)


def _at(
    door: Door, plan: Plan, rate: float, label: str, *, orders: bool = False, target: float | None = 3.0
) -> list[Figure]:
    constants, disks, notifications, placed = [], [], [], []
    for _ in range(plan.rounds):
        constants.append(door.constantly(rate=rate, seconds=plan.seconds).latencies)
        disks.append(door.insert(rate=rate, seconds=plan.seconds))
        notifications.append(door.notify(rate=rate, seconds=plan.seconds))
        if orders:
            placed.append(door.order(rate=rate, seconds=plan.seconds))
    label = f"{label} ({rate:,.0f}/s)" if label != "at" else f"at {rate:,.0f}/s"
    return [
        Figure(what=f"constant answer {label}", figure=_shown(constants)),
        Figure(what=f"bare durable insert {label}", figure=_shown(disks)),
        *_compared(f"acknowledgement {label}", notifications, constants, target),
        *(_compared(f"order {label}", placed, constants) if orders else []),
    ]


def _compared(
    what: str, real: list[Outcome], constant: list[list[float]], target: float | None = None
) -> Iterator[Figure]:
    errors = sum(each.errors for each in real)
    shown = f"{_shown([each.latencies for each in real])}, {errors} errors"
    for quantile in QUANTILES[1:]:
        ratio = _middle([each.latencies for each in real], quantile) / _middle(constant, quantile)
        what_now = f"{what}, p{quantile * 100:g}"
        yield Figure(what=what_now, figure=shown, ratio=ratio, target=target, better="less")


def _middle(rounds: list[list[float]], quantile: float) -> float:
    return middle([quantile_of(each, quantile) for each in rounds])


def _shown(rounds: list[list[float]]) -> str:
    return " / ".join(f"{_middle(rounds, quantile) * 1000:.2f}" for quantile in QUANTILES)
