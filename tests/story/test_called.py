"""A gateway that is called: to begin a payment, to confirm one, and to ask about one that nobody told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from kramik.errors import GatewayDown, NeedsOperator, OutcomeUnknown, Rejected, Transient
from kramik.event import Begun, PaymentEvent, difference
from kramik.money import Money
from kramik.order import ASKS, Order
from kramik.paying import MOST
from kramik.payment import Acknowledgement, RawNotification
from kramik.ports import Returns
from kramik.queue import ATTEMPTS
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.example import (
    CATALOGUE,
    DRAFT,
    NOON,
    TERMS,
    FakeClock,
    Letterbox,
    Notebook,
    PaperGateway,
    paid,
    refund,
    told,
    work_off,
    work_once,
)
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse
from tests.story.world import World

from kramik.payment import Keys  # isort: skip
from kramik.premises import Addresses, Ports, Timing  # isort: skip

Orders = MemoryOrders | FrailOrders
Queue = MemoryQueue | FrailQueue


class PhoneGateway:
    """A gateway that is called, with the notifications of the paper one; `began`, `confirmed` are its own ledger."""

    shop_id = PaperGateway.shop_id
    lasts = 3600.0

    def __init__(self) -> None:
        self.paper = PaperGateway()
        self.began: list[str] = []
        self.confirmed: list[str] = []
        self.asked: list[str] = []
        self.known: list[PaymentEvent] = []
        self.trouble: Callable[[str], None] = lambda _: None
        self.seen: Callable[[str], object] = lambda _: None

    def begin(self, order: Order, returns: Returns, *, now: datetime) -> Begun:
        self.seen(order.id)
        self.trouble("begin")
        self.began.append(order.id)
        reference = f"{order.id}-{len(self.began)}"
        return Begun(reference=reference, url=f"https://till.example/{reference}?{returns.notify}", at=now)

    def confirm(self, order: Order, event: PaymentEvent) -> PaymentEvent:
        if order.payment is not None or difference(order.id, order.intent, event):
            return event
        self.trouble("confirm")
        if event.reference not in self.confirmed:
            self.confirmed.append(event.reference)
        self.trouble("confirmed")
        return event

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        self.asked.append(order.id)
        self.trouble("ask")
        return [event for event in self.known if event.order == order.id]

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        return self.paper.verify(raw)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:
        return self.paper.acknowledge(raw)


class Street:
    """A shop whose gateway is called, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock, self.gateway = FakeClock(), PhoneGateway()
        self.world = World(self.clock)
        self.orders, self.queue = MemoryOrders(), MemoryQueue()
        self.shop = self.opened(self.orders, self.queue)

    def opened(self, orders: Orders, queue: Queue) -> Shop:
        """Open the shop over these stores."""
        ports = Ports(
            orders=orders,
            queue=queue,
            gateways={"till": self.gateway},
            effects=self.world.effects(),
            post=Letterbox(),
            log=Notebook(),
        )
        return Shop(
            ports,
            catalogue=CATALOGUE,
            keys=Keys("a secret of this shop"),
            addresses=Addresses(site="https://kurs.example", api="https://api.kurs.example"),
            consents=TERMS,
            timing=Timing(),
        )

    def placed(self) -> Order:
        """Place the order."""
        return self.shop.placed(self.shop.place(DRAFT, now=self.clock()))

    def sent(self, shop: Shop | None = None) -> str:
        """Place the order and return where the buyer is sent."""
        shop = shop or self.shop
        order = shop.placed(shop.place(DRAFT, now=self.clock()))
        return shop.request(order, now=self.clock()).url

    def tell(self, event: PaymentEvent) -> None:
        """Let the gateway say something."""
        raw = self.gateway.paper.notification(event)
        self.shop.notify("till", raw, now=self.clock()).stored.result()

    @property
    def order(self) -> Order:
        """Return the order as it is stored."""
        found = self.orders.get(self.shop.place(DRAFT, now=self.clock()).order.id)
        assert found is not None
        return found


@pytest.fixture
def street() -> Street:
    """A fresh shop."""
    return Street()


def down(*names: str, error: Exception | None = None) -> Callable[[str], None]:
    """Return a trouble with these calls."""

    def trouble(name: str) -> None:
        if name in names:
            raise error or Transient("the gateway is closed")

    return trouble


# Begin


def test_the_order_is_stored_before_anybody_is_called(street: Street) -> None:
    """When the gateway hears of an order, the order is in the store."""
    street.gateway.seen = lambda order: found.append(street.orders.get(order))
    found: list[object] = []
    street.sent()
    assert [street.order.id] == [each.id for each in found if isinstance(each, Order)]


def test_what_was_begun_is_kept_and_used_again(street: Street) -> None:
    """The same buyer who comes again goes on with the same payment, without a second call."""
    first = street.sent()
    street.clock.forward(3599)
    assert (first, 1) == (street.sent(), len(street.gateway.began))
    assert ["payment begun"] == [
        each.what for each in street.order.history if each.what.startswith("payment")
    ]


def test_a_payment_that_is_too_old_is_begun_anew(street: Street) -> None:
    """When the gateway's own time is over, the order gets another payment."""
    first = street.sent()
    street.clock.forward(3601)
    assert first != street.sent()
    assert 2 == len(street.order.begun)


def test_a_payment_that_failed_is_begun_anew(street: Street) -> None:
    """After a payment that failed the buyer gets a new one of the same order."""
    first = street.sent()
    reference = street.order.begun[0].reference
    street.tell(told("failed", street.order.id, f"{reference}-failed", begun=reference))
    work_off(street.shop, street.clock)
    assert first != street.sent()


def test_a_paid_order_begins_nothing(street: Street) -> None:
    """The form that is sent again after the payment leads to the payment that there was."""
    first = street.sent()
    street.tell(paid(street.order.id))
    work_off(street.shop, street.clock)
    street.clock.forward(90_000)
    assert (first, 1) == (street.sent(), len(street.gateway.began))


def test_no_order_begins_for_ever(street: Street) -> None:
    """A buyer may give up often, but an order does not grow for ever."""
    for _ in range(MOST + 5):
        street.sent()
        street.clock.forward(3601)
    assert (MOST, MOST) == (len(street.order.begun), len(street.gateway.began))


@pytest.mark.parametrize(
    "error", [Transient("closed"), OutcomeUnknown("silent"), Rejected(), NeedsOperator("key")]
)
def test_a_gateway_that_is_down_loses_nothing(street: Street, error: Exception) -> None:
    """The order waits with its intent and says why, and the same order goes on when the gateway is back."""
    street.gateway.trouble = down("begin", error=error)
    for _ in range(3):
        with pytest.raises(GatewayDown):
            street.sent()
    waiting = street.order
    assert ("placed", (), "payment not begun") == (waiting.state, waiting.begun, waiting.history[-1].what)
    street.gateway.trouble = down()
    street.sent()
    assert (waiting.id, 1) == (street.order.id, len(street.order.begun))


def test_a_gateway_that_left_the_settings(street: Street) -> None:
    """An order whose gateway was taken out of the settings can not be paid, and says so."""
    order = street.placed()
    intent = msgspec.structs.replace(order.intent, gateway="gone")
    with pytest.raises(GatewayDown, match="not among the gateways"):
        street.shop.request(msgspec.structs.replace(order, intent=intent), now=NOON)


def test_a_crash_at_any_boundary_of_the_beginning() -> None:
    """Whatever the process was about to do, the buyer who comes again can pay, and what they pay is believed."""
    for boundary in range(1, 40):
        street, fuse = Street(), Fuse(boundary)
        frail = street.opened(FrailOrders(street.orders, fuse), FrailQueue(street.queue, fuse))
        try:
            street.sent(frail)
        except DiedError:
            street.clock.forward(5)
        url = street.sent()
        assert url == street.order.begun[-1].url
        street.tell(paid(street.order.id, "p", begun=street.order.begun[-1].reference))
        work_off(street.shop, street.clock)
        assert "completed" == street.order.state
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


# Confirm


def test_a_payment_is_confirmed_before_it_is_believed(street: Street) -> None:
    """As long as the gateway does not confirm, nothing is granted, and the order shows why it waits."""
    street.sent()
    street.gateway.trouble = down("confirm")
    street.tell(paid(street.order.id))
    for _ in range(8):
        work_once(street.shop, street.clock)
    waiting = street.order
    assert ("placed", []) == (waiting.state, street.world.rows(waiting.id))
    assert "payment not confirmed" == waiting.history[-1].what
    street.gateway.trouble = down()
    work_off(street.shop, street.clock)
    assert ("completed", ["pay-1"]) == (street.order.state, street.gateway.confirmed)


def test_a_lost_answer_to_a_confirmation_is_asked_for_again(street: Street) -> None:
    """The gateway confirmed and nobody heard it: the next try hears it."""
    street.sent()
    street.gateway.trouble = down("confirmed", error=OutcomeUnknown("silent"))
    street.tell(paid(street.order.id))
    work_once(street.shop, street.clock)
    street.gateway.trouble = down()
    work_off(street.shop, street.clock)
    assert ("completed", ["pay-1"]) == (street.order.state, street.gateway.confirmed)


def test_a_repeated_notification_calls_nobody(street: Street) -> None:
    """What the order knows is not confirmed again, however often the gateway tells it."""
    street.sent()
    street.tell(paid(street.order.id))
    work_off(street.shop, street.clock)
    street.gateway.trouble = down("confirm", error=Rejected())
    street.tell(paid(street.order.id))
    work_off(street.shop, street.clock)
    assert ("completed", []) == (street.order.state, list(street.shop.ports.queue.poisoned()))
    assert "completed" == street.order.history[-1].what


@pytest.mark.parametrize(
    "changes",
    [{"money": Money(minor=1, currency="PLN")}, {"money": None}, {"shop_id": "other"}],
)
def test_what_does_not_fit_is_not_confirmed(street: Street, changes: dict) -> None:
    """A wrong amount or account is left to a person, without a call that would take the money."""
    street.sent()
    street.tell(msgspec.structs.replace(paid(street.order.id), **changes))
    work_off(street.shop, street.clock)
    assert ("parked", []) == (street.order.state, street.gateway.confirmed)


def test_a_second_payment_is_not_confirmed(street: Street) -> None:
    """What is paid twice stays the buyer's at a gateway that wants a confirmation."""
    street.sent()
    street.tell(paid(street.order.id))
    street.tell(paid(street.order.id, "pay-2"))
    work_off(street.shop, street.clock)
    assert ("completed", ["pay-1"]) == (street.order.state, street.gateway.confirmed)
    assert 1 == len(street.order.attention)


def test_a_payment_that_is_never_confirmed_reaches_a_person(street: Street) -> None:
    """The message moves aside in the end, the order tells why, and a person's retry brings it back."""
    street.sent()
    street.gateway.trouble = down("confirm")
    street.tell(paid(street.order.id))
    for _ in range(40 * ATTEMPTS):
        if street.shop.ports.queue.poisoned():
            break
        work_once(street.shop, street.clock)
        street.clock.forward(120)
    (poisoned,) = street.shop.ports.queue.poisoned(street.order.id)
    assert "the gateway is closed" in poisoned.why
    street.gateway.trouble = down()
    street.shop.retry(street.order, now=street.clock())
    work_off(street.shop, street.clock)
    assert "completed" == street.order.state


def test_a_crash_at_any_boundary_of_a_confirmation() -> None:
    """The process may die before and after the call: the payment is confirmed and believed once."""
    for boundary in range(1, 60):
        street, fuse = Street(), Fuse(boundary)
        street.sent()
        street.tell(paid(street.order.id))
        street.gateway.trouble = lambda name, fuse=fuse: fuse.spark() if name != "ask" else None  # type: ignore[misc]
        frail = street.opened(FrailOrders(street.orders, fuse), FrailQueue(street.queue, fuse))
        try:
            work_off(frail, street.clock)
        except DiedError:
            street.gateway.trouble = down()
            work_off(street.shop, street.clock)
            street.clock.forward(3600)
            street.shop.sweep(now=street.clock())
            work_off(street.shop, street.clock)
        assert ("completed", ["pay-1"]) == (street.order.state, street.gateway.confirmed)
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


# Ask


def sweep(street: Street) -> list[str]:
    """Sweep, and work on what was found."""
    found = street.shop.sweep(now=street.clock())
    work_off(street.shop, street.clock)
    return found


def test_a_lost_notification_is_healed_by_asking(street: Street) -> None:
    """The buyer paid and nobody told: the sweep asks, the payment is confirmed, and the course is open."""
    street.sent()
    street.gateway.known = [paid(street.order.id)]
    street.clock.forward(15 * 60)
    assert [street.order.id] == sweep(street)
    assert ("completed", ["pay-1"]) == (street.order.state, street.gateway.confirmed)
    assert [] == street.world.missing([street.order.id])


def test_nobody_is_asked_too_early_or_too_often(street: Street) -> None:
    """An order that nobody pays is asked about at its times, however often the shop sweeps, and then never again."""
    street.sent()
    for _ in range(60 * 24 * 9 // 5):
        street.clock.forward(300)
        sweep(street)
    assert len(ASKS) == len(street.gateway.asked)
    assert (None, "placed") == (street.order.due, street.order.state)


def test_the_first_time_is_a_quarter_of_an_hour(street: Street) -> None:
    """A buyer who is still paying is left alone."""
    street.sent()
    street.clock.forward(15 * 60 - 1)
    assert [] == sweep(street)
    street.clock.forward(1)
    assert [street.order.id] == sweep(street)
    assert [] == sweep(street)


def test_a_shop_that_slept_asks_once(street: Street) -> None:
    """After a week without a sweep an order is asked about once, and next at the time that lies ahead."""
    street.sent()
    street.clock.forward(timedelta(days=3).total_seconds())
    sweep(street)
    assert (1, NOON + ASKS[6]) == (len(street.gateway.asked), street.order.due)


def test_two_sweeps_before_any_work_ask_once(street: Street) -> None:
    """Messages that ask twice about one order make one call."""
    street.sent()
    street.clock.forward(900)
    for _ in range(3):
        street.shop.sweep(now=street.clock())
    work_off(street.shop, street.clock)
    assert 1 == len(street.gateway.asked)


def test_a_gateway_that_can_not_be_asked_now(street: Street) -> None:
    """Asking that fails poisons nothing; the next time comes."""
    street.sent()
    street.gateway.known = [paid(street.order.id)]
    street.gateway.trouble = down("ask", error=NeedsOperator("the key is wrong"))
    street.clock.forward(900)
    sweep(street)
    assert ([], "placed") == (street.shop.ports.queue.poisoned(), street.order.state)
    street.gateway.trouble = down()
    street.clock.forward(3600)
    sweep(street)
    assert "completed" == street.order.state


def test_what_was_told_meanwhile_is_asked_in_vain(street: Street) -> None:
    """The notification and the answer say the same, and the order is paid once."""
    street.sent()
    event = paid(street.order.id)
    street.gateway.known = [event]
    street.tell(event)
    street.clock.forward(900)
    street.shop.sweep(now=street.clock())
    work_off(street.shop, street.clock)
    assert ("completed", 1) == (street.order.state, len(street.order.payments))
    assert [] == street.world.doubled()


def test_an_answer_is_believed_no_more_than_a_notification(street: Street) -> None:
    """A wrong amount that is found by asking waits for a person like one that was told."""
    street.sent()
    street.gateway.known = [paid(street.order.id, money=Money(minor=5, currency="PLN"))]
    street.clock.forward(900)
    sweep(street)
    assert ("parked", []) == (street.order.state, street.world.rows(street.order.id))


def test_a_crash_at_any_boundary_of_asking() -> None:
    """The process may die anywhere between the sweep and the course: the next sweeps find the payment."""
    for boundary in range(1, 60):
        street, fuse = Street(), Fuse(boundary)
        street.sent()
        street.gateway.known = [paid(street.order.id)]
        street.clock.forward(900)
        frail = street.opened(FrailOrders(street.orders, fuse), FrailQueue(street.queue, fuse))
        try:
            frail.sweep(now=street.clock())
            work_off(frail, street.clock)
        except DiedError:
            for _ in range(3):
                street.clock.forward(3600)
                sweep(street)
        assert ("completed", []) == (street.order.state, street.world.doubled())
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


# Whose is it


def test_a_refund_that_names_its_payment_alone_finds_its_order(street: Street) -> None:
    """A gateway that tells no order of a refund names the payment, and the payment has an order."""
    street.sent()
    street.tell(paid(street.order.id, "pi_1"))
    work_off(street.shop, street.clock)
    back = msgspec.structs.replace(refund(street.order.id, "pi_1"), order="pi_1")
    street.tell(back)
    work_off(street.shop, street.clock)
    assert ("refunded", []) == (street.order.status, list(street.shop.ports.queue.poisoned()))


def test_a_payment_of_another_gateway_with_the_same_name_is_another_one(street: Street) -> None:
    """References are unique within a gateway alone."""
    street.sent()
    street.tell(paid(street.order.id, "7"))
    work_off(street.shop, street.clock)
    street.tell(msgspec.structs.replace(refund("7", "7"), order="7", gateway="other"))
    work_off(street.shop, street.clock)
    assert "completed" == street.order.status
    assert 1 == len(street.shop.ports.queue.poisoned())
