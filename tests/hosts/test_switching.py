"""A shop that is served shows a sale at its moment, without a restart and without script."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.hosts import served
from tests.hosts.asking import ask
from tests.hosts.served import PRODUCT, Shop, eventually

EVERY = timedelta(seconds=2)
PRICE = re.compile(r'id="price"[^>]*>([^<]*)<')


def on_sale(shop: Shop, count: int) -> None:
    """Write so many sales, each cheaper than the last, one after the other from now on; and what it cost before."""
    begun = datetime.now(UTC).replace(microsecond=0)
    lines = ["sales:"]
    for number in range(count):
        opens, closes = (f"{begun + at * EVERY:%Y-%m-%dT%H:%M:%SZ}" for at in (number, number + 1))
        lines += [f'  - price: "{200 - number}.00 PLN"', f"    from: {opens}", f"    until: {closes}"]
    file = shop.folder / "products" / f"{PRODUCT}.md"
    file.write_text(file.read_text("utf-8").replace("---\n", "---\n" + "\n".join(lines) + "\n", 1), "utf-8")
    line = f"{(begun - timedelta(days=60)).isoformat()},{PRODUCT},299.00 PLN"
    (shop.folder / "prices.csv").write_text(f"since,product,price\n{line}\n", "utf-8")


def shown(shop: Shop) -> str:
    """Return the price on the order page as somebody without script reads it."""
    found = PRICE.search(ask(f"{shop.url}/{PRODUCT}/order/").text)
    assert found is not None
    return found[1]


def test_pages_follow_the_clock(tmp_path: Path) -> None:
    """Each price is the next one of the list, an order for the one that is shown is taken, and the log says when."""
    with served.world() as running:
        shop = served.make(tmp_path / "shop", running)
        on_sale(shop, 40)
        shop.start()
        try:
            first = shown(shop)
            second = eventually(lambda: shown(shop), lambda price: price != first)
            third = eventually(lambda: shown(shop), lambda price: price != second)
            settled = eventually(
                lambda: shop.place(price_shown=shown(shop).split(",")[0] + ".00 PLN"),
                lambda placed: placed.status == 201,
            )
        finally:
            shop.end()
        log = shop.log.read_text("utf-8")
    prices = [int(each.split(",")[0]) for each in (first, second, third)]

    assert sorted(prices, reverse=True) == prices
    assert 3 == len(set(prices))
    assert max(prices) <= 200
    assert 201 == settled.status, json.dumps(settled.json())
    assert 2 <= log.count(" switched next=")
    assert " bug " not in log


def test_what_is_built_says_when_it_switches(tmp_path: Path) -> None:
    """The command names the next moment; with `--at` there is none, and nothing lies ready."""
    with served.world() as running:
        shop = served.make(tmp_path / "shop", running)
        on_sale(shop, 40)
        now = shop.command("build", "--out", str(tmp_path / "now"))
        then = shop.command("build", "--at", "2026-11-25T12:00", "--out", str(tmp_path / "then"))

    assert re.search(r"its pages switch by themselves at 20\d\d-\d\d-\d\d \d\d:\d\d UTC", now.stdout), now
    assert list((tmp_path / "now" / PRODUCT / "order").glob("from-*Z.html"))
    assert 0 == then.returncode, then
    assert "switch" not in then.stdout
    assert not list((tmp_path / "then").rglob("from-*"))
