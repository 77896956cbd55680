"""The payment request: what signing and building it costs over the bare hash and encoding of the same bytes."""

from __future__ import annotations

import hmac
import timeit
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from bench import stock
from bench.figures import Chapter, Figure, middle
from kramik import wiring
from kramik.gateways.sandbox import SandboxGateway
from kramik.ports import Returns
from kramik.stores.memory import MemoryOrders, MemoryQueue

TIMES = 2_000
ROUNDS = 15


def link(scratch: Path) -> Chapter:
    """Measure the request of the sandbox gateway, and the whole link as the shop makes it."""
    folder = stock.shop_folder(scratch)
    order = stock.order(folder)
    shop = wiring.build(stock.settings(folder), MemoryOrders(), MemoryQueue())
    gateway = shop.ports.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    base = "http://127.0.0.1:8000"
    back = f"{base}/thanks/?order={order.id}&key={shop.status_key(order)}"
    returns = Returns(done=back, failed=back, notify=f"{base}/api/payments/sandbox")
    fields = dict(gateway.request(order, returns).fields)
    signed = repr(fields).encode()

    def bare() -> None:
        hmac.digest(b"k" * 32, signed, "sha256").hex()
        urlencode(fields)

    costs = _costs(
        bare, lambda: gateway.request(order, returns), lambda: shop.request(order, now=order.created_at)
    )
    bare_cost, request, whole = (middle(each) for each in costs)
    figures = [
        Figure(what="bare HMAC-SHA256 and URL encoding", figure=f"{bare_cost:.1f} µs"),
        Figure(
            what="payment request of the gateway",
            figure=f"{request:.1f} µs",
            ratio=request / bare_cost,
            target=5,
            better="less",
        ),
        Figure(
            what="with the return addresses of the order", figure=f"{whole:.1f} µs", ratio=whole / bare_cost
        ),
    ]
    how = (
        f"Median of {ROUNDS} alternating rounds of {TIMES:,} requests in one thread. Ratio: to the bare work."
    )
    return Chapter(title="The signed link", how=how, figures=figures)


def _costs(*works: Callable[[], object]) -> list[list[float]]:
    rounds = [[timeit.timeit(work, number=TIMES) / TIMES * 1e6 for work in works] for _ in range(ROUNDS)]
    return [list(each) for each in zip(*rounds, strict=True)]
