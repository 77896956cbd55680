"""The order machine: anything may happen in any order, and these sentences stay true after every step."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kramik.errors import NotAuthentic, Rejected
from kramik.event import PaymentEvent
from kramik.explained import comes_next, means
from kramik.invariants import ENDED, RANK, Status
from kramik.journal import HISTORY_LIMIT, STEPS
from kramik.money import Money
from kramik.news import facts
from kramik.notice import Channel
from kramik.order import Order
from kramik.ports import Query, Repeat, Teller
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.bell import Bell, BellFault, FrailBell, Kind
from tests.story.example import DRAFT, PRICE, FakeClock, PaperGateway, a_shop, paid, refund, told
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, frail_effects
from tests.story.world import FAULTS, Fault, World

KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
POSTS: tuple[Kind, ...] = ("keyed", "unsafe")
RINGS: tuple[BellFault, ...] = ("none", "refused", "lost", "nothing", "bug", "account")
WHICH = st.integers(0, 2)
REFERENCE = st.sampled_from(["a", "b"])
OTHER = st.sampled_from([Money(minor=1, currency="PLN"), Money(minor=29900, currency="EUR"), None])
EXAMPLES = max(60, settings().max_examples // 2)
PART = st.sampled_from(
    [None, PRICE, Money(minor=10_000, currency="PLN"), Money(minor=19_900, currency="PLN")]
)


class OrderMachine(RuleBasedStateMachine):
    """A shop, its world, its buyers and its seller."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.till = FakeClock(), PaperGateway()
        self.world = World(self.clock, lag=20)
        self.world.kinds = {"invitation": "lookup", "purchase": "keyed", "sequence": "unsafe"}
        self.world.post = "unsafe"
        self.bells: dict[Channel, Bell] = {"mail": Bell("unsafe"), "webhook": Bell()}
        self.orders, self.queue = MemoryOrders(), MemoryQueue()
        self.ids: list[str] = []
        self.honest: set[str] = set()
        self.returned: set[str] = set()
        self.seen: dict[str, tuple[Status, Order | None]] = {}
        self.wrong: list[object] = []

    # What may happen

    @rule(kinds=st.tuples(*[st.sampled_from(KINDS)] * 3), post=st.sampled_from(POSTS), willing=st.booleans())
    @precondition(lambda self: not self.ids)
    def open_with_other_peers(
        self, kinds: tuple[Repeat, Repeat, Repeat], post: Repeat, *, willing: bool
    ) -> None:
        self.world.kinds = dict(zip(STEPS, kinds, strict=True))
        self.world.post = post
        self.world.unmailable = lambda _: not willing

    @rule(channel=st.sampled_from(["mail", "webhook"]), fault=st.sampled_from(RINGS))
    def let_a_bell_ring_otherwise(self, channel: Channel, fault: BellFault) -> None:
        self.bells[channel].fault = lambda: fault

    @rule(which=WHICH)
    def place(self, which: int) -> None:
        draft = msgspec.structs.replace(DRAFT, key=f"key-{which}")
        order = self.shop().placed(self.shop().place(draft, now=self.clock()))
        if order.id not in self.ids:
            self.ids.append(order.id)

    @rule(which=WHICH, reference=REFERENCE, times=st.integers(1, 3))
    @precondition(lambda self: self.ids)
    def pay(self, which: int, reference: str, times: int) -> None:
        event = paid(self.one(which), reference)
        self.honest.add(event.order)
        for _ in range(times):
            self.notify(event)

    @rule(which=WHICH, reference=REFERENCE, money=OTHER)
    @precondition(lambda self: self.ids)
    def pay_wrongly(self, which: int, reference: str, money: Money | None) -> None:
        self.notify(paid(self.one(which), f"wrong-{reference}", money))

    @rule(which=WHICH, reference=REFERENCE)
    @precondition(lambda self: self.ids)
    def pay_into_another_shop(self, which: int, reference: str) -> None:
        self.notify(paid(self.one(which), f"strange-{reference}", shop_id="shop-2"))

    @rule(which=WHICH, kind=st.sampled_from(["pending", "failed"]), reference=REFERENCE)
    @precondition(lambda self: self.ids)
    def hesitate(self, which: int, kind: str, reference: str) -> None:
        self.notify(told(kind, self.one(which), reference))  # type: ignore[arg-type]

    @rule(
        which=WHICH,
        of=REFERENCE,
        part=PART,
        kind=st.sampled_from(["refund", "chargeback"]),
        n=st.integers(0, 2),
    )
    @precondition(lambda self: self.ids)
    def send_back(self, which: int, of: str, part: Money | None, kind: str, n: int) -> None:  # noqa: PLR0917 - a rule takes what it draws
        event = refund(self.one(which), of, part, f"back-{of}-{n}")
        self.returned.add(event.order)
        self.notify(msgspec.structs.replace(event, kind=kind))

    @rule(reference=REFERENCE)
    def tell_of_an_unknown_order(self, reference: str) -> None:
        self.notify(paid("nobody", reference))

    @rule(which=WHICH, place=st.integers(0, 10_000), bit=st.integers(0, 7))
    @precondition(lambda self: self.ids)
    def forge(self, which: int, place: int, bit: int) -> None:
        raw = self.till.notification(paid(self.one(which), "forged"))
        body = bytearray(raw.body)
        body[place % len(body)] ^= 1 << bit
        depth = self.queue.depth()
        with pytest.raises(NotAuthentic):
            self.shop().notify("till", msgspec.structs.replace(raw, body=bytes(body)), now=self.clock())
        assert depth == self.queue.depth()

    @rule(fault=st.sampled_from(["none", "rejected", *FAULTS]))
    def work(self, fault: Fault) -> None:
        self.world.fault = lambda _: fault
        self.take(self.shop())

    @rule(fault=st.sampled_from(["none", *FAULTS]), boundary=st.integers(1, 20))
    def crash(self, fault: Fault, boundary: int) -> None:
        self.world.fault = lambda _: fault
        try:
            self.take(self.shop(Fuse(boundary)))
        except DiedError:
            self.clock.forward(5)

    @rule(fault=st.sampled_from(["none", *FAULTS]), boundary=st.integers(1, 20), seconds=st.integers(1, 400))
    def sleep(self, fault: Fault, boundary: int, seconds: int) -> None:
        """A worker sleeps at one boundary, and another one works; not between its look at the clock and the call."""
        self.world.fault = lambda _: fault

        def meanwhile() -> None:
            self.clock.forward(seconds)
            self.take(self.shop())

        self.take(self.shop(Fuse(boundary, meanwhile), before_calls=False))

    @rule(seconds=st.sampled_from([1, 10, 130, 700, 5000]))
    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds)

    @rule()
    def sweep(self) -> None:
        self.shop().sweep(now=self.clock())

    @rule(which=WHICH)
    @precondition(lambda self: self.ids)
    def retry(self, which: int) -> None:
        """A person looks at the other side first, where only a person can."""
        order = self.stored(self.one(which))
        rows = (*self.world.rows(order.key), *self.world.rows(order.id, "purchase"))
        there = {row.step: row.receipt for row in rows}
        unsafe = {step.name for step in order.steps if self.world.kind(step) == "unsafe" and step.unknown}
        self.shop().retry(
            order, now=self.clock(), found={name: there[name] for name in unsafe if name in there}
        )

    @rule(which=WHICH, email=st.sampled_from(["ania@example.org", "anna@example.com", "a@example.org"]))
    @precondition(lambda self: self.ids)
    def correct(self, which: int, email: str) -> None:
        """The seller puts an address right, whatever is under way."""
        order = self.stored(self.one(which))
        if order.status in ENDED:
            with pytest.raises(Rejected):
                self.shop().correct(order, email, now=self.clock())
        else:
            self.shop().correct(order, email, now=self.clock())

    @rule()
    def replay(self) -> None:
        for poisoned in self.queue.poisoned():
            self.queue.replay(poisoned.id, now=self.clock())

    # What stays true

    @invariant()
    def each_effect_happens_once(self) -> None:
        assert self.world.doubled() == []

    @invariant()
    def no_bell_rings_twice(self) -> None:
        assert [] == self.bells["mail"].doubled

    @invariant()
    def the_seller_is_owed_or_told_every_fact(self) -> None:
        for order in self.orders.search(Query(limit=10)):
            for channel in self.bells:
                known = {
                    each
                    for notice in order.notices
                    if notice.channel == channel
                    for each in notice.fact.split("+")
                }
                assert {fact.id for fact in facts(order)} <= known

    @invariant()
    def nobody_gets_anything_without_paying(self) -> None:
        assert {row.order.partition("~")[0] for row in self.world.ledger} <= self.honest

    @invariant()
    def status_moves_forward_and_completed_orders_rest(self) -> None:
        for order in self.orders.search(Query(limit=10)):
            before, completed = self.seen.get(order.id, ("placed", None))
            assert RANK[before] <= RANK[order.status]
            if completed is not None and completed.corrections == order.corrections:
                assert (completed.intent, completed.steps, completed.payment) == (
                    order.intent,
                    order.steps,
                    order.payment,
                )
            self.seen[order.id] = (
                order.status,
                order if order.status == "completed" and order.granted else None,
            )

    @invariant()
    def orders_stay_small_and_sound(self) -> None:
        for order in self.orders.search(Query(limit=10)):
            assert len(order.history) <= HISTORY_LIMIT
            assert bool(order.attention) >= (order.state == "parked")
            assert order.state != "parked" or (means(order) and comes_next(order))
            assert order == msgspec.json.decode(msgspec.json.encode(order), type=Order)

    @invariant()
    def no_promise_is_ever_found_broken(self) -> None:
        assert self.wrong == []

    def teardown(self) -> None:
        """In the end everybody who paid and kept paying has their course."""
        self.world.fault = lambda _: "none"
        for bell in self.bells.values():
            bell.fault = lambda: "none"
        for _ in range(5):
            for which in range(len(self.ids)):
                self.retry(which)
            self.sweep()
            for _ in range(200):
                if not self.take(self.shop()):
                    self.clock.forward(60)
        self.each_effect_happens_once()
        self.nobody_gets_anything_without_paying()
        for name in sorted(self.honest - self.returned):
            assert [] == self.world.missing([name], ("purchase",))
            assert [] == self.world.missing(
                [self.stored(name).key], ("confirmation", "invitation", "sequence")
            )
        assert [None] * len(self.ids) == [self.stored(name).owed_at for name in self.ids]

    # How

    def shop(self, fuse: Fuse | None = None, *, before_calls: bool = True) -> Shop:
        if fuse is None:
            effects = self.world.effects(posts=True)
            return a_shop(effects, orders=self.orders, queue=self.queue, tellers=dict(self.bells))
        effects = frail_effects(self.world.effects(posts=True), fuse, before=before_calls)
        tellers: dict[Channel, Teller] = {
            name: FrailBell(bell, fuse, before=before_calls) for name, bell in self.bells.items()
        }
        orders, queue = FrailOrders(self.orders, fuse), FrailQueue(self.queue, fuse)
        return a_shop(effects, orders=orders, queue=queue, tellers=tellers)

    def take(self, shop: Shop) -> bool:
        received = shop.ports.queue.take(now=self.clock(), visibility=120)
        if received is None:
            return False
        try:
            shop.work(received, clock=self.clock)
        finally:
            lines = shop.ports.log.lines  # type: ignore[attr-defined]
            known = ("there is no order",)
            self.wrong += [
                f
                for event, f in lines
                if event == "message_failed" and not str(f["outcome"]).startswith(known)
            ]
        return True

    def notify(self, event: PaymentEvent) -> None:
        self.shop().notify("till", self.till.notification(event), now=self.clock()).stored.result()

    def one(self, which: int) -> str:
        return self.ids[which % len(self.ids)]

    def stored(self, order_id: str) -> Order:
        order = self.orders.get(order_id)
        assert order is not None
        return order


TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.settings = settings(max_examples=EXAMPLES, stateful_step_count=50)
