"""The page about a purchase, minute by minute: its timeline is lived, and its figures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kramik import desk, digest, fulfilment, order, queue, shop, tasks
from kramik.event import PaymentEvent
from kramik.explained import moment
from kramik.hosts.worker import POLL
from kramik.journal import HISTORY_LIMIT
from kramik.notice import Channel
from kramik.order import Order
from kramik.premises import Timing
from kramik.settings import Worker
from kramik.shop import Shop
from tests.story.bell import Bell
from tests.story.example import DRAFT, FakeClock, PaperGateway, a_shop, paid, work_off
from tests.story.world import Fault, World

PAGE = (Path(__file__).parents[2] / "docs" / "a-purchase-minute-by-minute.md").read_text("utf-8")


def lived() -> Order:
    """Live through the bad day of the page: silence, then a closed door, an unsubscribed buyer, a second payment."""
    clock = FakeClock()
    world = World(clock, "lookup", lag=20)
    world.post, world.unmailable = "unsafe", lambda _: True
    faults: dict[int, Fault] = {1: "nothing", 2: "busy"}
    world.fault = lambda step: faults.get(world.calls[step], "none") if step == "invitation" else "none"
    tellers: dict[Channel, Bell] = {"mail": Bell("unsafe"), "webhook": Bell()}
    open_shop = a_shop(world.effects(posts=True), tellers=dict(tellers))
    placed = open_shop.placed(open_shop.place(DRAFT, now=clock()))
    clock.forward(41)
    told(open_shop, clock, paid(placed.id))
    clock.forward(600)
    told(open_shop, clock, paid(placed.id, "pay-2"))
    found = open_shop.ports.orders.get(placed.id)
    assert found is not None
    return found


def told(open_shop: Shop, clock: FakeClock, event: PaymentEvent) -> None:
    """Let the gateway say something, and work until nothing is left."""
    open_shop.notify("till", PaperGateway().notification(event), now=clock()).stored.result()
    work_off(open_shop, clock)


def timeline(known: Order) -> str:
    """Return the history as the page shows it."""
    rows = [
        f"{moment(entry.at)[11:]}  {f'{entry.step} {entry.what}'.strip():30}  {entry.detail}".rstrip()
        for entry in known.history
    ]
    return "\n".join([*rows, ""]).replace(known.id, "4k8m2w0q7xr5c3n9t1v6z8b2hd")


def test_the_timeline_was_lived() -> None:
    """Every line of the page is what the order says after that day."""
    [shown] = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert shown == timeline(lived())


def hours_of_tries() -> int:
    """Return for how many hours a step is tried before a person is asked, by the waits without their jitter."""
    return round(sum(min(queue.LONGEST, 2.0**attempt) for attempt in range(1, queue.ATTEMPTS)) / 3600)


@pytest.mark.parametrize(
    "words",
    [
        f"{Timing().call:.0f} seconds",
        f"{Timing().visibility:.0f} seconds",
        f"{Worker().sweep:.0f} seconds",
        f"{queue.ATTEMPTS} times",
        f"about {hours_of_tries()} hours",
        f"up to {queue.LONGEST / 60:.0f} minutes",
        f"{queue.ASKED / 3600:.0f} hour",
        f"{tasks.DELIVERIES} times",
        f"{shop.STRANGERS} tries",
        f"once in {desk.RESEND_EVERY.seconds // 60} minutes",
        f"after {digest.HOUR}:00 UTC",
        f"{len(order.ASKS)} times",
        f"{order.ASKS[0].seconds // 60} minutes",
        f"{order.ASKS[-1].days} days",
        f"{order.NOTED} of each kind",
        f"{HISTORY_LIMIT} lines",
        f"every {POLL} seconds",
        f"{fulfilment.CONFLICTS} times",
    ],
)
def test_the_figures_are_those_of_the_code(words: str) -> None:
    """Whoever changes a constant is told to change the page."""
    assert words in PAGE


def test_the_names_are_those_of_the_code() -> None:
    """Every command and setting that the page names exists."""
    commands = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    named = {" ".join(each.split()[:3]) for each in re.findall(r"`(kramik [a-z]+(?: [a-z]+)?)", PAGE)}
    assert named
    assert [] == [each for each in named if each not in commands]
