"""A whole shop for a few hours on a fake clock: many orders, and a world that fails with probability `p`.

Real handlers and the shipped memory stores; what is simulated are the peers, the time, the deaths of workers and
who runs between two of their steps. One seed is one history, to the byte. The model follows the facts that the
once-only rules were measured with: refused and lost answers p/2 each, 5 % slow calls, 30 % duplicates again and
again, a death with 0.15 p at each boundary, and a worker that sleeps past its visibility while another works.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeVar

import msgspec

from kramik.errors import Transient
from kramik.event import PaymentEvent
from kramik.intent import Buyer
from kramik.journal import STEPS, StepName
from kramik.money import Money
from kramik.news import facts
from kramik.notice import Channel, Notice
from kramik.order import Order
from kramik.ports import Query, Repeat, Teller
from kramik.premises import Timing
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.bell import Bell, BellFault, FrailBell, Kind
from tests.story.example import DRAFT, NOON, FakeClock, PaperGateway, a_shop, paid, refund, told
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, frail_effects
from tests.story.world import Fault, World

Visited = TypeVar("Visited")

HOURS = 24
WORKERS = 4
TURNS = 4000
"""Deliveries for each order, at the most; more is an endless loop."""


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation is made of; the last four are lies that its checker must find out."""

    seed: int
    orders: int = 50
    p: float = 0.2
    kinds: Sequence[Repeat] = ("keyed", "set", "lookup", "unsafe")
    posts: Sequence[Kind] = ("keyed", "unsafe")
    unmailable: float = 0.2
    lag: float = 30
    told_lag: float | None = None
    claimed: Repeat | None = None
    visibility: float = 120
    claimed_bell: Kind | None = None


class Findings(msgspec.Struct, kw_only=True):
    """What the checker read in the ledgers, and what happened on the way."""

    lost: list[tuple[str, str]]
    doubled: list[tuple[str, str]]
    given: list[str]
    """Orders that nobody paid and that got something."""
    silent: list[str]
    """Parked orders without a reason."""
    untold: list[str]
    """Facts of which the seller was neither told nor is told why not."""
    left: list[str]
    """Paid orders that are parked although a person did what they were asked to."""
    parked: int
    deaths: int
    naps: int
    history: str


class Simulation:
    """One shop, its world, and everything that goes wrong between them."""

    def __init__(self, plot: Plot, *, orders: MemoryOrders | None = None) -> None:
        self.plot, self.chance = plot, random.Random(plot.seed)
        self.clock = FakeClock()
        self.orders, self.queue, self.till = orders or MemoryOrders(), MemoryQueue(), PaperGateway()
        self.world = World(self.clock, lag=plot.lag)
        self.world.kinds = {name: self.chance.choice(plot.kinds) for name in STEPS}
        self.world.post = self.chance.choice(plot.posts)
        self.world.unmailable = self._unmailable
        truly = self.chance.choice(plot.posts)
        mail = Bell(plot.claimed_bell or truly, truly=truly)
        self.bells: dict[Channel, Bell] = {"mail": mail, "webhook": Bell()}
        for bell in self.bells.values():
            bell.fault = self._ringing
        self.world.wait = self._pass
        self.world.fault, self.world.unfound = self._fault, lambda _: self._happens(plot.p)
        self.bought: set[str] = set()
        self.returned: set[str] = set()
        self.deaths = self.naps = self._busy = 0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._calm = False

    def run(self) -> Findings:
        """Live through it, let a person mend what is parked, and read the ledgers."""
        for number in range(self.plot.orders):
            self._at(self.chance.uniform(0, 3600), lambda number=number: self._order(number))  # type: ignore[misc]
        for hour in range(HOURS):
            self._at(3600 * (hour + 1), self._sweep)
        self._live()
        parked = self._parked()
        silent = [order.id for order in parked if not order.attention]
        untold = self._untold()
        self._calm = True
        for _ in STEPS:
            self._mend()
        rung = [("bell", name) for bell in self.bells.values() for name in bell.doubled]
        return Findings(
            lost=self.world.missing(sorted(self.bought - self.returned), (*STEPS, "confirmation")),
            doubled=[*self.world.doubled(), *rung],
            untold=[*untold, *self._untold()],
            given=sorted({row.order for row in self.world.ledger} - self.bought),
            silent=silent,
            left=[order.id for order in self._parked()],
            parked=len(parked),
            deaths=self.deaths,
            naps=self.naps,
            history=self._history(),
        )

    # The buyers and their gateway

    def _order(self, number: int) -> None:
        draft = msgspec.structs.replace(
            DRAFT, key=f"key-{number}", buyer=Buyer(email=f"b{number}@example.com", name="B")
        )
        order = self._at_the_door(
            lambda shop: shop.placed(shop.place(draft, now=self.clock())), lambda: self._order(number)
        )
        if order is None or self._happens(0.05):
            return
        if self._happens(0.1):
            self._tell(told("pending", order.id, f"pending-{number}"), 1)
        if self._happens(0.05):
            self._tell(paid(order.id, f"wrong-{number}", Money(minor=1, currency="PLN")), 2)
        after = self.chance.uniform(5, 300)
        self.bought.add(order.id)
        self._tell(paid(order.id, f"pay-{number}"), after)
        if self._happens(0.05):
            self._tell(paid(order.id, f"twice-{number}"), after + self.chance.uniform(0, 100))
        if self._happens(0.1):
            self.returned.add(order.id)
            self._tell(refund(order.id, f"pay-{number}"), after + self.chance.uniform(-100, 600))

    def _tell(self, event: PaymentEvent, after: float) -> None:
        """Send a notification, and with 30 % once more, again and again."""
        self._at(self._seconds + max(0.0, after), lambda: self._notify(event))
        while self._happens(0.3):
            after += self.chance.uniform(0, 300)
            self._at(self._seconds + max(0.0, after), lambda: self._notify(event))

    def _notify(self, event: PaymentEvent) -> None:
        raw = self.till.notification(event)

        def deliver(shop: Shop) -> object:
            accepted = shop.notify("till", raw, now=self.clock())
            accepted.stored.result()
            return accepted

        self._at_the_door(deliver, lambda: self._notify(event))

    def _at_the_door(self, visit: Callable[[Shop], Visited], again: Callable[[], None]) -> Visited | None:
        """Visit the shop; whoever finds it dead comes again a little later."""
        try:
            return visit(self._shop())
        except DiedError:
            self._at(self._seconds + 10, again)
            return None

    # The shop

    def _live(self) -> None:
        for _ in range(TURNS * self.plot.orders):
            if self._turn() is None:
                if self._next() == math.inf:
                    return
                self.clock.forward(max(0.001, self._next() - self._seconds))
        raise AssertionError(f"seed {self.plot.seed}: the shop is never done")

    def _turn(self) -> bool | None:
        """Do what is due, then let a worker take one message; None when there is none in sight."""
        while self._agenda and self._agenda[0][0] <= self._seconds:
            heapq.heappop(self._agenda)[2]()
        return self._work()

    def _next(self) -> float:
        """Return when something is due again; never, when nothing is left to do."""
        visible = ((at - NOON).total_seconds() for _, at, _, _ in self.queue._messages.values())
        return min([*visible, *(at for at, _, _ in self._agenda[:1])], default=math.inf)

    def _work(self) -> bool | None:
        """Let a worker take one message; None when there is none in sight."""
        try:
            shop = self._shop()
            received = self.queue.take(now=self.clock(), visibility=shop.timing.visibility)
            if received is None:
                return None
            shop.work(received, clock=self.clock)
        except DiedError:
            self.clock.forward(1)
        except Transient:
            pass
        return True

    def _sweep(self) -> None:
        self._at_the_door(lambda shop: shop.sweep(now=self.clock()), lambda: None)

    def _shop(self) -> Shop:
        effects = self.world.effects(claimed=self.plot.claimed, lag=self.plot.told_lag, posts=True)
        timing = Timing(visibility=self.plot.visibility, call=min(15.0, self.plot.visibility / 2))
        if self._calm:
            return a_shop(
                effects, orders=self.orders, queue=self.queue, timing=timing, tellers=dict(self.bells)
            )
        effects = frail_effects(frail_effects(effects, Naps(self), before=False), Deaths(self))
        orders = FrailOrders(FrailOrders(self.orders, Naps(self)), Deaths(self))
        tellers: dict[Channel, Teller] = {
            name: FrailBell(FrailBell(bell, Naps(self), before=False), Deaths(self))
            for name, bell in self.bells.items()
        }
        queue = FrailQueue(self.queue, Deaths(self))
        return a_shop(effects, orders=orders, queue=queue, timing=timing, tellers=tellers)

    def die(self) -> None:
        """Perhaps the process dies here."""
        if not self._calm and self._happens(0.15 * self.plot.p):
            self.deaths += 1
            raise DiedError

    def nap(self) -> None:
        """Perhaps this worker sleeps here, often past its visibility."""
        if not self._calm and self._happens(0.03):
            self.naps += 1
            self._pass(self.chance.uniform(0, 250))

    def _pass(self, seconds: float) -> None:
        """Let time pass for this worker, while the others go on."""
        until = self._seconds + seconds + self.chance.uniform(0.05, 1)
        self._busy += 1
        while self._busy < WORKERS and self._next() < until:
            if self._turn() is None:
                self.clock.forward(max(0.001, self._next() - self._seconds))
        self._busy -= 1
        self.clock.forward(max(0.0, until - self._seconds))

    # The person and the checker

    def _mend(self) -> None:
        self.world.fault, self.world.unfound = lambda _: "none", lambda _: False
        for order in self._parked():
            there = {row.step: row.receipt for row in self.world.rows(order.id)}
            unknown = [step for step in order.steps if step.state == "parked" and step.unknown]
            found = {
                step.name: there[step.name]
                for step in unknown
                if step.name in there and self.world.kind(step) == "unsafe"
            }
            self._shop().retry(order, now=self.clock(), found=found)
        self._live()

    def _parked(self) -> list[Order]:
        return [
            order
            for order in self.orders.search(Query(state="parked", limit=10_000))
            if order.status == "paid"
        ]

    def _untold(self) -> list[str]:
        """Return what nobody told the seller of, and what is owed for ever."""
        untold = []
        for order in self.orders.search(Query(limit=10_000)):
            owed = [notice.fact for notice in order.notices if notice.owed_at is not None]
            over = {(fact, each.channel) for each in order.notices for fact in each.fact.split("+")}
            silent = [fact.id for fact in facts(order) for name in self.bells if (fact.id, name) not in over]
            untold += [f"{order.id} {fact}" for fact in (*owed, *silent)]
            untold += [f"{order.id} {each.fact}" for each in order.notices if not self._heard(order, each)]
        return untold

    def _heard(self, order: Order, notice: Notice) -> bool:
        """Say whether a notice that is called told was heard; one that was given up says why."""
        names = {news.id for news in self.bells[notice.channel].heard}
        return f"{order.id}/{notice.fact}" in names if notice.state == "told" else bool(notice.why)

    def _history(self) -> str:
        orders = self.orders.search(Query(limit=10_000))
        return sha256(msgspec.json.encode((orders, self.world.ledger, self._rung()))).hexdigest()

    def _rung(self) -> list[list[str]]:
        return [[news.id for news in bell.heard] for bell in self.bells.values()]

    # Chance and time

    @property
    def _seconds(self) -> float:
        return (self.clock() - NOON).total_seconds()

    def _at(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (seconds, next(self._numbers), action))

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _unmailable(self, order: str) -> bool:
        """Say whether the mailing tool will not mail the buyer of this order, now and for ever."""
        return sha256(order.encode()).digest()[0] < 256 * self.plot.unmailable

    def _ringing(self) -> BellFault:
        if self._calm or not self._happens(self.plot.p):
            return "none"
        return self.chance.choice(("refused", "lost", "nothing", "bug"))

    def _fault(self, step: StepName) -> Fault:
        if self._happens(0.002):
            return "rejected"
        if self._happens(self.plot.p / 2):
            return self.chance.choice(("refused", "busy", "nothing"))
        if self._happens(self.plot.p / 2):
            return self.chance.choice(("lost", "garbage", "late"))
        return "slow" if self._happens(0.05) else "none"


class Deaths:
    """Boundaries at which the process may die."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def spark(self) -> None:
        self._simulation.die()


class Naps:
    """Boundaries at which a worker may sleep."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def spark(self) -> None:
        self._simulation.nap()
