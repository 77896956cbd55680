"""A crash after every call and every save, and everything else that goes wrong between two of them.

Each test lives one purchase again and again: the terrible thing happens at the first boundary, then at the
second, until a life ends before it could happen. Every life is judged by the ledger of the world alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

import pytest

from kramik.errors import Transient
from kramik.journal import STEPS, StepName
from kramik.order import Order
from kramik.ports import Repeat
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.example import DRAFT, FakeClock, PaperGateway, a_shop, paid, work_off, work_once
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, die, frail_effects
from tests.story.world import FAULTS, Fault, World

KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
Calls = Literal["around", "after", "safe"]
MANY = 200
"""No life of one purchase has so many boundaries."""


class Life:
    """One purchase in a world where something terrible happens at one boundary."""

    def __init__(self, kind: Repeat, fault: Fault = "none", *, at: StepName = "invitation") -> None:
        self.clock = FakeClock()
        self.world = World(self.clock, kind, lag=20)
        self.world.fault = lambda step: fault if (step, 1) == (at, self.world.calls[step]) else "none"
        self.orders, self.queue = MemoryOrders(), MemoryQueue()
        self.acknowledged = False

    def shop(self, fuse: Fuse | None = None, *, calls: Calls = "around") -> Shop:
        """Start a process of the shop with boundaries around its stores and calls; all share the stores."""
        effects = self.world.effects()
        if fuse is None:
            return a_shop(effects, orders=self.orders, queue=self.queue)
        if calls != "safe":
            effects = frail_effects(effects, fuse, before=calls == "around")
        return a_shop(effects, orders=FrailOrders(self.orders, fuse), queue=FrailQueue(self.queue, fuse))

    def live(self, shop: Shop) -> None:
        """Let the buyer order, the gateway notify until it is acknowledged, and the shop work."""
        order = shop.placed(shop.place(DRAFT, now=self.clock()))
        if not self.acknowledged:
            shop.notify("till", PaperGateway().notification(paid(order.id)), now=self.clock()).stored.result()
            self.acknowledged = True
        work_off(shop, self.clock)

    def recover(self) -> None:
        """Start a new process some time later; the sweep finds what no message remembers."""
        shop = self.shop()
        self.live(shop)
        self.clock.forward(3600)
        shop.sweep(now=self.clock())
        work_off(shop, self.clock)

    @property
    def order(self) -> Order:
        """Return the order as it is stored."""
        found = self.orders.get(self.shop().place(DRAFT, now=self.clock()).order.id)
        assert found is not None
        return found

    def judge(self, kind: Repeat) -> None:
        """Assert that the buyer got everything exactly once, or that a person is asked where nobody can know."""
        assert self.world.doubled() == []
        if kind == "unsafe" and self.order.state == "parked":
            assert self.order.attention
            assert all(step.unknown for step in self.order.steps if step.state == "parked")
            self.ask_a_person()
        assert (self.order.state, self.world.missing([self.order.id])) == ("completed", [])
        assert self.world.doubled() == []

    def ask_a_person(self) -> None:
        """Look into the other side's own list, tell the shop what is there, and let it go on."""
        for _ in STEPS:
            there = {row.step: row.receipt for row in self.world.rows(self.order.id)}
            parked = [step.name for step in self.order.steps if step.state == "parked"]
            found = {name: there[name] for name in parked if name in there}
            self.shop().retry(self.order, now=self.clock(), found=found)
            work_off(self.shop(), self.clock)


def crashes(kind: Repeat, fault: Fault = "none", *, at: StepName = "invitation") -> Iterator[Life]:
    """Yield lives in which the process died at the first boundary, the second, and so on."""
    for boundary in range(1, MANY):
        life, fuse = Life(kind, fault, at=at), Fuse(boundary)
        try:
            life.live(life.shop(fuse))
        except DiedError:
            life.recover()
        yield life
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_boundary_loses_and_doubles_nothing(kind: Repeat) -> None:
    """Whatever the process was about to do or had just done, the next one brings the order to its end."""
    lives = 0
    for life in crashes(kind):
        life.judge(kind)
        lives += 1
    assert lives > 20


@pytest.mark.parametrize("at", STEPS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_around_a_fault_loses_and_doubles_nothing(kind: Repeat, fault: Fault, at: StepName) -> None:
    """A peer that refuses, loses its answer, talks nonsense or is slow, and a crash at any boundary around it."""
    for life in crashes(kind, fault, at=at):
        life.judge(kind)


@pytest.mark.parametrize("fault", ["none", *FAULTS])
@pytest.mark.parametrize("kind", KINDS)
def test_a_zombie_doubles_nothing(kind: Repeat, fault: Fault) -> None:
    """A worker sleeps at any boundary until its message is another's; both finish, and there is one effect each.

    A worker that sleeps between its last look at the clock and the first byte of the call is beyond any client;
    that one boundary is left out for the kinds that depend on the call's hard time-out.
    """
    for boundary in range(1, MANY):
        life = Life(kind, fault)
        fuse = Fuse(boundary, act=lambda life=life: _sleep(life))  # type: ignore[misc]
        life.live(life.shop(fuse, calls="around" if kind in ("keyed", "set") else "after"))
        life.recover()
        life.judge(kind)
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_crash_changes_nothing(kind: Repeat) -> None:
    """The process that mends what the first one left behind may die as well."""
    for first, second in itertools.product(range(1, 40, 2), range(1, 30, 3)):
        life = Life(kind)
        for boundary in (first, second):
            try:
                life.live(life.shop(Fuse(boundary)))
            except DiedError:
                life.clock.forward(10)
        life.recover()
        life.judge(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_fails_at_any_boundary_loses_and_doubles_nothing(kind: Repeat) -> None:
    """A store that is down before a write, or goes down after it without saying so, is met again later."""
    for boundary in range(1, MANY):
        life, fuse = Life(kind), Fuse(boundary, act=_down)
        with suppress(Transient):
            life.live(life.shop(fuse, calls="safe"))
        life.recover()
        life.judge(kind)
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


def test_the_fuse_is_real() -> None:
    """A shop whose process dies at the first boundary places nothing."""
    life = Life("keyed")
    with pytest.raises(DiedError):
        life.live(life.shop(Fuse(1, die)))
    assert life.world.ledger == []


def _sleep(life: Life) -> None:
    """Sleep past the visibility time-out; meanwhile another worker does all it finds."""
    life.clock.forward(130)
    shop = life.shop()
    for _ in range(60):
        work_once(shop, life.clock)


def _down() -> None:
    raise Transient("the disk is full")
