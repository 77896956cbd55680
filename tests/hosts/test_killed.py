"""`kramik serve` is killed again and again under load, while the world refuses, loses answers and stalls.

Judged by the ledger of the world alone: every paid order granted once, nothing lost, nothing stuck.
The world lives in this process and outlives every kill; the shop mends itself, nobody helps.
"""

from __future__ import annotations

import http.client
import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec

from kramik.sandbox import Running
from kramik.sandbox.faults import Fault
from tests.hosts import served
from tests.hosts.asking import ask
from tests.hosts.served import Shop, eventually, fields, pay

KILLS = 6
"""How often each server is killed."""

PAUSE = 1.5
"""Seconds between two kills of a server, on average."""

SHOPPING = 60.0
"""Seconds after which nobody buys any more, enough or not."""

SOLD = 100
"""Paid orders that are enough."""

DRAIN = 40.0
SHOPPERS = 4
PACE = 0.1
"""Seconds between two orders of one shopper."""

WORKER = """
[worker]
threads = 6
call = 1.0
visibility = 3.0
sweep = 2.0
"""
FAULTS = [
    Fault(peer=peer, fault=kind, probability=probability, seed=seed, seconds=seconds, retry_after=1)
    for seed, (peer, (kind, probability, seconds)) in enumerate(
        itertools.product(
            ("academy", "mail"),
            (
                ("refuse", 0.06, 0.0),
                ("too_many_requests", 0.03, 0.0),
                ("time_out_after_effect", 0.03, 1.5),
                ("drop", 0.04, 0.0),
                ("garbage", 0.03, 0.0),
                ("slow", 0.05, 0.5),
            ),
        )
    )
]
ACTIONS = ("pay", "pay", "pay", "pay", "pay_twice", "pay", "fail", "wrong_amount", "none", "pay")
PAID = ("pay", "pay_twice")
ONCE = {"grant": 1, "purchase": 1, "sequence": 1, "mail": 1}
NEVER = dict.fromkeys(ONCE, 0)


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was acknowledged with 201, and what the buyer did at the gateway."""

    order: str
    status_url: str
    action: str
    shop: str


def test_every_paid_order_is_granted_once_however_often_the_server_is_killed(tmp_path: Path) -> None:
    """Two shops whose peers are of different kinds: keyed and lookup, lookup and set."""
    kinds = {"one": ("keyed", "lookup"), "two": ("lookup", "set")}
    with served.world(pace=0.2) as running, open_shops(tmp_path, running, kinds) as shops:
        for fault in FAULTS:
            running.world.faults.add(fault)
        bought = rush(shops, lambda bought: SOLD <= sold(bought) and not quiet(running))
        unused, fired = quiet(running), sum(each.fired for each in running.world.faults.list())
        running.world.faults.clear()
        late = eventually(lambda: verdict(running, bought), lambda wrong: not wrong, seconds=DRAIN)
        missing = [each for each in bought if ask(each.status_url).status != 200]
        print(f"{len(bought)} orders, {fired} faults")  # noqa: T201 - shown when it fails
    assert [] == late
    assert [] == missing
    assert SOLD <= sold(bought)
    assert [] == unused


def test_the_judge_sees_what_is_lost_and_what_is_doubled() -> None:
    """The negative control: a ledger with one effect too many, one too few, and one for nothing."""
    with served.world() as running:
        ledger = running.world.ledger
        told = [("a", "pay"), ("b", "pay"), ("c", "none"), ("d", "pay")]
        bought = [Bought(order=order, status_url="", action=action, shop="") for order, action in told]
        for order, times in (("a", 2), ("b", 1), ("c", 1), ("d", 1)):
            for effect in ("purchase", "sequence", "mail", *["grant"] * times):
                peer = "academy" if effect == "grant" else "mail"
                if (order, effect) != ("b", "mail"):
                    ledger.write(peer, effect, order)  # type: ignore[arg-type]  # the words of the ledger, from a list
        assert ["a", "b", "c"] == [wrong.split()[0] for wrong in verdict(running, bought)]


@contextmanager
def open_shops(folder: Path, running: Running, kinds: dict[str, tuple[str, str]]) -> Iterator[list[Shop]]:
    """Serve a shop for each pair of kinds; end whatever still runs."""
    shops = [
        served.make(folder / name, running, more=WORKER, academy=academy, mailer=mailer)
        for name, (academy, mailer) in kinds.items()
    ]
    try:
        for shop in shops:
            shop.start()
        yield shops
    finally:
        for shop in shops:
            if shop.process is not None:
                shop.end(signal.SIGKILL)


def rush(
    shops: list[Shop], enough: Callable[[list[Bought]], bool], *, shoppers: int = SHOPPERS, kills: int = KILLS
) -> list[Bought]:
    """Let people buy while each server is killed so often, and on until it is enough; return what was acknowledged."""
    bought: list[Bought] = []
    over = threading.Event()
    until = time.monotonic() + SHOPPING
    with ThreadPoolExecutor((shoppers + 1) * len(shops)) as pool:
        killing = [pool.submit(kill, shop, kills, seed) for seed, shop in enumerate(shops)]
        buying = [pool.submit(buy, shop, name, over, bought) for shop in shops for name in range(shoppers)]
        try:
            for each in killing:
                each.result()
            eventually(lambda: enough(bought), seconds=until - time.monotonic())
        finally:
            over.set()
        for each in buying:
            each.result()
    return bought


def kill(shop: Shop, times: int, seed: int) -> None:
    """Kill the server at odd moments and start it again."""
    chance = Random(seed)
    for _ in range(times):
        time.sleep(chance.uniform(0.2, 2 * PAUSE))
        shop.end(signal.SIGKILL)
        shop.start()


def sold(bought: list[Bought]) -> int:
    """Return how many orders were paid."""
    return sum(each.action in PAID for each in bought)


def quiet(running: Running) -> list[str]:
    """Return the faults that did not happen yet."""
    return [f"{each.peer}: {each.fault}" for each in running.world.faults.list() if not each.fired]


def buy(shop: Shop, shopper: int, over: threading.Event, bought: list[Bought]) -> None:
    """Buy one course after the other; an order is tried with its key until it is acknowledged."""
    for number in itertools.count():
        if over.wait(PACE):
            return
        name = f"{shop.folder.name}-{shopper}-{number}"
        placed = acknowledged(shop, name)
        action = ACTIONS[number % len(ACTIONS)]
        bought.append(
            Bought(
                order=placed["order"], status_url=placed["status_url"], action=action, shop=shop.folder.name
            )
        )
        if action != "none":
            assert 303 == pay(placed["payment"]["url"], action).status


def acknowledged(shop: Shop, name: str) -> dict:
    """Place an order, as often as it takes."""
    until = time.monotonic() + served.PATIENCE
    while time.monotonic() < until:
        try:
            answer = shop.place(name, **fields(email=f"{name}@example.org"))
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
            continue
        assert answer.status in (201, 503), answer
        if answer.status == 201:
            return answer.json()
    msg = f"order {name} was not taken in time"
    raise AssertionError(msg)


def verdict(running: Running, bought: list[Bought]) -> list[str]:
    """Return every order whose effects are not what its payment deserves."""
    seen = {each.order: dict(NEVER) for each in bought}
    for entry in running.world.ledger.entries():
        if entry.effect in NEVER and entry.order in seen:
            seen[entry.order][entry.effect] += 1
    return [
        f"{each.order} of {each.shop or 'nobody'} after {each.action}: {seen[each.order]}"
        for each in bought
        if seen[each.order] != (ONCE if each.action in PAID else NEVER)
    ]
