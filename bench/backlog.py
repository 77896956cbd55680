"""Fulfilment of a backlog of paid orders: how fast the workers empty the queue, whatever the vendors take.

The workers are those of `kramik serve`, with its store, in a process of their own. The instant and the slow world are
effects inside that process; the sandbox world is another process, asked over HTTP.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench import door, servers, stock
from bench.figures import Chapter, Figure
from kramik import wiring
from kramik.hosts.server import SWITCH
from kramik.hosts.worker import Workers
from kramik.journal import STEPS
from kramik.moves import Effects
from kramik.ports import Delivery, Effect, Query
from kramik.stores.sqlite import SqliteStore

CALLS = 3
LONGEST = 120.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A backlog: `folder` holds shop and data, `wait` is what each call takes (seconds).

    Without `wait` the vendors of the shop's settings are asked.
    """

    folder: str
    orders: int
    workers: int
    wait: float | None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How long it took (seconds), how many orders are complete, and the processor time of the process."""

    elapsed: float
    completed: int
    cpu: float


def backlog(scratch: Path, rate: float, *, quick: bool) -> Chapter:
    """Measure the backlog in each world."""
    scratch.mkdir()
    orders = 400 if quick else 2_000
    figures = [
        _instant(scratch / "instant", orders, rate),
        _slow(scratch / "slow8", min(orders, 400), 8),
        _slow(scratch / "slow32", orders, 32),
        _sandbox(scratch / "sandbox", orders, rate),
    ]
    how = (
        f"{orders:,} paid orders on the queue; three calls, six commits and a log line a step for each. "
        "Ratio: to the constant answer's rate for instant worlds, to workers / 0.3 s for the slow one."
    )
    return Chapter(title="A backlog of paid orders", how=how, figures=figures)


def _instant(scratch: Path, orders: int, rate: float) -> Figure:
    done = _measured(scratch, orders, 8, 0.0)
    what = "instant world inside the process, 8 workers"
    return Figure(what=what, figure=_shown(orders, done), ratio=orders / done.elapsed / rate, target=0.1)


def _slow(scratch: Path, orders: int, workers: int) -> Figure:
    done, limit = _measured(scratch, orders, workers, 0.1), workers / (CALLS * 0.1)
    what = f"100 ms a call, {workers} workers, {orders:,} orders (limit {limit:,.0f}/s)"
    return Figure(what=what, figure=_shown(orders, done), ratio=orders / done.elapsed / limit, target=0.8)


def _sandbox(scratch: Path, orders: int, rate: float) -> Figure:
    with servers.world() as world:
        done = _measured(scratch, orders, 8, None, world=f"http://127.0.0.1:{world.port}")
    what = "the sandbox world over HTTP, 8 workers"
    return Figure(what=what, figure=_shown(orders, done), ratio=orders / done.elapsed / rate)


def _shown(orders: int, done: Done) -> str:
    return f"{orders / done.elapsed:,.0f}/s, {done.cpu / orders * 1e6:,.0f} µs of processor an order"


def _measured(
    scratch: Path, orders: int, workers: int, wait: float | None, *, world: str = stock.WORLD
) -> Done:
    scratch.mkdir()
    (scratch / "data").mkdir()
    door.stored(stock.shop_folder(scratch / "shop", world), scratch / "data", orders, paid=orders)
    job = Job(folder=str(scratch), orders=orders, workers=workers, wait=wait)
    with (scratch / "log").open("wb") as log:
        ended = subprocess.run(
            [sys.executable, "-m", "bench.backlog"],
            input=msgspec.json.encode(job),
            stdout=subprocess.PIPE,
            stderr=log,
            check=True,
            timeout=LONGEST + 60,
        )
    done = msgspec.json.decode(ended.stdout, type=Done)
    assert done.completed == orders, f"{done.completed} of {orders} orders are complete"
    return done


# Inside the process of the workers


def _work(job: Job) -> Done:
    sys.setswitchinterval(SWITCH)
    folder = Path(job.folder)
    with SqliteStore(folder / "data" / "kramik.sqlite", wake=lambda: workers.wake()) as store:  # noqa: PLW0108 - made below
        shop = wiring.build(stock.settings(folder / "shop"), store.orders, store.queue)
        if job.wait is not None:
            shop.ports = msgspec.structs.replace(shop.ports, effects=_effects(job.wait))
        workers = Workers(shop, threads=job.workers)
        begun, cpu = time.perf_counter(), time.process_time()
        workers.start()
        while store.queue.depth() and time.perf_counter() < begun + LONGEST:
            time.sleep(0.005)
        elapsed, used = time.perf_counter() - begun, time.process_time() - cpu
        workers.stop(20)
        completed = len(store.orders.search(Query(state="completed", limit=job.orders)))
    return Done(elapsed=elapsed, completed=completed, cpu=used)


def _effects(wait: float) -> Effects:
    return {name: Effect(repeat="keyed", do=_call(name, wait)) for name in STEPS}


def _call(name: str, wait: float) -> Callable[[Delivery], str]:
    def do(delivery: Delivery) -> str:
        if wait:
            time.sleep(wait)
        return f"https://vendor.example/{name}/{delivery.order.id}"

    return do


if __name__ == "__main__":
    os.environ.update(stock.ENVIRONMENT)
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(_work(given)))
