"""Whether many stored orders cost memory or time: the same shop over 1,000 and over 100,000 of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench import door, servers, stock
from bench.figures import Chapter, Figure, middle
from bench.load import Load, generate
from kramik import wiring
from kramik.ports import Query
from kramik.stores.memory import MemoryOrders, MemoryQueue
from kramik.stores.sqlite import SqliteStore

ASKED = 1_500


def memory(scratch: Path, *, quick: bool) -> Chapter:
    """Measure a small and a large shop."""
    scratch.mkdir()
    small, large = 1_000, 20_000 if quick else 100_000
    few, many = (_measured(scratch / str(count), count) for count in (small, large))
    figures = []
    for (what, unit, target), one, other in zip(_ROWS, few, many, strict=True):
        figure = f"{one:.2f} {unit} with {small:,}, {other:.2f} {unit} with {large:,}"
        figures.append(Figure(what=what, figure=figure, ratio=other / one, target=target, better="less"))
    how = (
        f"`kramik serve` after {ASKED:,} orders and {ASKED:,} questions over one connection; medians. "
        "Ratio: many to few. Flat means at most 1.1 for memory and 1.5 for times of this size."
    )
    return Chapter(title="Many stored orders", how=how, figures=figures)


_ROWS = (
    ("resident memory", "MiB", 1.1),
    ("an order", "ms", 1.5),
    ("an order's status", "ms", 1.5),
    ("the newest 50 orders, from the store", "ms", 1.5),
    ("the orders of an e-mail address, from the store", "ms", 1.5),
)


def _measured(scratch: Path, count: int) -> list[float]:
    scratch.mkdir()
    shop, data = stock.shop_folder(scratch / "shop"), scratch / "data"
    data.mkdir()
    door.stored(shop, data, count)
    with servers.serve(shop, data) as server:
        placed = generate(
            _one_by_one(server.port, stock.order_requests(f"m{number}" for number in range(ASKED)))
        )
        status = generate(_one_by_one(server.port, _questions(shop, count)))
        assert placed.errors == status.errors == 0, (placed.statuses, status.statuses)
        resident = server.resident()
    with SqliteStore(data / "kramik.sqlite") as store:
        newest = _times(store, [Query()] * 100)
        found = _times(
            store, [Query(email=f"buyer{number}@example.org") for number in range(count - 200, count)]
        )
    return [resident, placed.at(0.5), status.at(0.5), newest, found]


def _one_by_one(port: int, requests: Iterator[bytes]) -> Load:
    return Load(port=port, requests=list(requests), seconds=60, connections=1)


def _questions(folder: Path, count: int) -> Iterator[bytes]:
    shop = wiring.build(stock.settings(folder), MemoryOrders(), MemoryQueue())
    order, numbers = stock.order(folder), Random(1)
    for _ in range(ASKED):
        asked = stock.copied(order, numbers.randrange(count))
        yield stock.request("GET", f"/api/orders/{asked.id}?key={shop.status_key(asked)}")


def _times(store: SqliteStore, queries: list[Query]) -> float:
    took = []
    for query in queries:
        begun = time.perf_counter()
        assert store.orders.search(query)
        took.append((time.perf_counter() - begun) * 1000)
    return middle(took)
