"""The worker threads: what dies is replaced, what waits is woken, what hangs holds up nobody, what ends gives back."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from kramik.errors import Transient
from kramik.hosts.worker import POLL, Workers, utc_now
from kramik.order import Order, place
from kramik.ports import Delivery, Effect, Mail
from kramik.premises import Timing
from kramik.queue import Message
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders
from kramik.stores.sqlite import SqliteStore
from tests.hosts.served import eventually
from tests.story.example import Letterbox, Notebook, a_paid_order, a_shop, an_intent, paid

TIMING = Timing(visibility=1.0, call=0.4)
NEVER = 3600.0
"""Seconds after which an idle worker looks by itself, where nothing but a wake-up is to help."""


def effects(do: Callable[[Delivery], str]) -> dict:
    """Return effects of which the invitation does this."""
    done = Effect(repeat="keyed", do=lambda delivery: f"receipt of {delivery.order.id}")
    return {"invitation": Effect(repeat="keyed", do=do), "purchase": done, "sequence": done}


def link(delivery: Delivery) -> str:
    """Return a link that opens the course."""
    return f"https://course.example/{delivery.order.id}"


class Open:
    """A shop over a file, with its workers."""

    def __init__(self, shop: Shop, workers: Workers) -> None:
        self.shop, self.workers = shop, workers

    def pay(self, name: str) -> None:
        """Place an order and pay for it."""
        self.shop.ports.orders.insert(place(name, an_intent(), now=utc_now())).result()
        self.shop.ports.queue.put(Message(order=name, event=paid(name)), now=utc_now()).result()

    def order(self, name: str) -> Order:
        """Return an order."""
        found = self.shop.ports.orders.get(name)
        assert found is not None
        return found

    def completed(self, name: str, seconds: float = 10.0) -> bool:
        """Say whether an order is completed within so many seconds."""
        return eventually(lambda: self.order(name).status == "completed", seconds=seconds)

    def events(self) -> list[str]:
        """Return the events of the log."""
        log = self.shop.ports.log
        assert isinstance(log, Notebook)
        return [event for event, _ in log.lines]


@contextmanager
def opened(
    folder: Path,
    do: Callable[[Delivery], str] = link,
    *,
    threads: int = 2,
    sweep: float = 300.0,
    look_every: float = POLL,
) -> Iterator[Open]:
    """Open a shop and start its workers; end them after the block."""
    with SqliteStore(folder / "kramik.sqlite", wake=lambda: workers.wake()) as store:  # noqa: PLW0108 - made below
        shop = a_shop(effects(do), orders=store.orders, queue=store.queue, timing=TIMING)
        workers = Workers(shop, threads=threads, sweep_every=sweep, look_every=look_every)
        workers.start()
        try:
            yield Open(shop, workers)
        finally:
            assert workers.stop(10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_is_killed_inside_an_adapter_is_seen_and_replaced(tmp_path: Path) -> None:
    """The log tells of it, as many threads live as before, and the order is completed."""
    deaths = iter([True, True, True])

    def die(delivery: Delivery) -> str:
        if next(deaths, False):
            sys.exit(1)
        return link(delivery)

    with opened(tmp_path, die) as open_shop:
        open_shop.pay("one")
        assert open_shop.completed("one", seconds=20)
        assert eventually(lambda: open_shop.workers.alive() == 2)
        assert 3 == open_shop.events().count("worker_died")


def test_an_idle_worker_is_woken_at_once(tmp_path: Path) -> None:
    """A message does not wait until somebody looks by chance: here nobody does."""
    with opened(tmp_path, threads=1, look_every=NEVER) as open_shop:
        for number in range(20):
            open_shop.pay(f"order-{number}")
            assert open_shop.completed(f"order-{number}")
            time.sleep(0.013 * number % 0.05)  # so that some messages come while the worker looks around


def test_a_wake_up_between_the_look_and_the_rest_is_not_lost() -> None:
    """What stirs while a worker looks at an empty queue keeps it from resting."""
    waited: list[object] = []

    class Stirring:
        """A queue that is empty, and into which something comes just after each look."""

        def take(self, *, now: object, visibility: float) -> None:
            waited.append(now)
            if len(waited) < 10:
                workers.wake()

    shop = a_shop(effects(link), timing=TIMING)
    ports = msgspec.structs.replace(shop.ports, queue=Stirring())
    shop.ports = ports
    workers = Workers(shop, threads=1, look_every=NEVER)
    workers.start()
    try:
        assert 10 == eventually(lambda: len(waited), lambda looks: looks >= 10, seconds=10)
    finally:
        assert workers.stop(10)


def test_a_vendor_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    """While one call hangs, others are fulfilled."""
    hanging, free = threading.Event(), threading.Event()

    def hang(delivery: Delivery) -> str:
        if delivery.order.id == "slow":
            hanging.set()
            assert free.wait(20)
        return link(delivery)

    with opened(tmp_path, hang) as open_shop:
        open_shop.pay("slow")
        assert hanging.wait(10)
        for name in "abcde":
            open_shop.pay(name)
        try:
            assert all(open_shop.completed(name) for name in "abcde")
            assert "paid" != open_shop.order("slow").status or not open_shop.order("slow").completed_at
        finally:
            free.set()
        assert open_shop.completed("slow")


def test_a_store_that_is_down_kills_no_thread() -> None:
    """The threads wait and go on when it is back."""
    calls = iter([Transient("the disk is full")])

    class Down:
        """A queue that fails once."""

        def take(self, *, now: object, visibility: float) -> None:
            error = next(calls, None)
            if error is not None:
                raise error

    shop = a_shop(effects(link), timing=TIMING)
    shop.ports = msgspec.structs.replace(shop.ports, queue=Down())
    workers = Workers(shop, threads=2)
    workers.start()
    assert eventually(lambda: "store_down" in [event for event, _ in shop.ports.log.lines])  # type: ignore[attr-defined]  # a notebook
    assert 2 == workers.alive()
    assert workers.stop(10)


def test_the_sweep_finds_what_the_queue_lost(tmp_path: Path) -> None:
    """A paid order without any message is put back to work by the process itself."""
    with opened(tmp_path, sweep=0.5) as open_shop:
        order = place("lost", an_intent(), now=utc_now())
        open_shop.shop.ports.orders.insert(order.apply(paid("lost"), now=utc_now())).result()
        assert open_shop.completed("lost", seconds=15)
        assert "swept" in open_shop.events()


def test_a_bug_in_the_sweep_does_not_end_the_keeper() -> None:
    """Whoever mends the threads lives on."""

    class Broken(MemoryOrders):
        """Orders that can not be searched."""

        def search(self, query: object) -> list[Order]:
            raise ZeroDivisionError

    shop = a_shop(effects(link), orders=Broken(), timing=TIMING)
    workers = Workers(shop, threads=1, sweep_every=0.1)
    workers.start()
    assert eventually(lambda: 2 <= [event for event, _ in shop.ports.log.lines].count("sweep_failed"))  # type: ignore[attr-defined]  # a notebook
    assert workers.stop(10)


def test_two_workers_that_race_to_send_a_mail_again_send_the_same_mail() -> None:
    """Who presses twice, and is served by two threads at once, is mailed once: the mails have one key."""
    letters, both = Letterbox(), threading.Barrier(2)

    class Slow:
        """A post in which both mails are on their way at the same time."""

        repeat: Literal["keyed"] = "keyed"

        def send(self, mail: Mail) -> str:
            sent = letters.send(mail)
            with suppress(threading.BrokenBarrierError):
                both.wait(2)
            return sent

    shop = a_shop(effects(link), timing=TIMING, post=Slow())
    order = a_paid_order("one").record("invitation", "https://course.example/one", now=utc_now())
    shop.ports.orders.insert(order).result()
    workers = Workers(shop, threads=2)
    for _ in range(2):
        shop.ask_resend(order.intent.buyer.email, now=utc_now()).result()
    workers.start()
    assert eventually(lambda: shop.ports.queue.depth() == 0)
    assert workers.stop(10)
    assert (1, False) == (len(letters.mails), both.broken)


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_stopping_lets_the_call_in_hand_end_and_gives_the_message_back(
    tmp_path: Path, seconds: float
) -> None:
    """The receipt of the call is kept, the next step is not begun, and the message can be taken at once."""
    inside = threading.Event()

    def slowly(delivery: Delivery) -> str:
        inside.set()
        time.sleep(seconds)
        return link(delivery)

    with SqliteStore(tmp_path / "kramik.sqlite") as store:
        shop = a_shop(effects(slowly), orders=store.orders, queue=store.queue, timing=TIMING)
        workers = Workers(shop, threads=1)
        open_shop = Open(shop, workers)
        open_shop.pay("one")
        workers.start()
        assert inside.wait(10)
        begun = time.monotonic()
        assert workers.stop(10)
        assert time.monotonic() - begun < seconds + 1
        states = {step.name: step.state for step in open_shop.order("one").steps}
        assert "done" == states["invitation"]
        done = open_shop.order("one").status == "completed"
        assert done or store.queue.take(now=utc_now(), visibility=1) is not None
