"""Prices that change, codes, free courses and the last seat: what the buyer was shown is what the order keeps."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from kramik.catalogue import Catalogue
from kramik.coupons import Coupon
from kramik.errors import Rejected
from kramik.event import PaymentEvent
from kramik.intent import Buyer, words_shown
from kramik.money import Money
from kramik.offer import Conditions
from kramik.order import Order
from kramik.placing import FREE
from kramik.quotas import Quotas
from kramik.sale import Sale
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryVault
from tests.story.example import COURSE, DRAFT, NOON, FakeClock, PaperGateway, a_shop, paid, refund, work_off
from tests.story.world import World

COUPONS = {
    "HALF": Coupon(code="HALF", percent=50),
    "GIFT": Coupon(code="GIFT", percent=100, limit=2),
    "ONCE": Coupon(code="ONCE", percent=10, limit=1),
}
HALF_PRICE = Money(minor=14_950, currency="PLN")


class Stall:
    """A shop that sells one course in some way, and its world."""

    def __init__(self, **product: object) -> None:
        self.clock = FakeClock()
        self.world, self.orders = World(self.clock), MemoryOrders()
        self.shop = a_shop(self.world.effects(), orders=self.orders)
        self.shop.ports = msgspec.structs.replace(self.shop.ports, quotas=Quotas(MemoryVault()))
        sold = msgspec.structs.replace(COURSE, **product)
        self.shop = Shop(
            self.shop.ports,
            catalogue=Catalogue(products={sold.slug: sold}, hash="h"),
            keys=self.shop._keys,
            addresses=self.shop.addresses,
            consents=self.shop.consents,
            timing=self.shop.timing,
            conditions=Conditions(coupons=COUPONS, terms={"pl": "2026-11 sha256:ab"}),
        )

    def order(self, key: str, **changes: object) -> Order:
        """Place an order as another buyer."""
        buyer = Buyer(email=f"{key}@example.com", name="B")
        draft = msgspec.structs.replace(DRAFT, key=key, buyer=buyer, **changes)
        return self.shop.placed(self.shop.place(draft, now=self.clock()))

    def refused(self, key: str, **changes: object) -> list[str]:
        """Return the codes of the problems of an order that is refused."""
        with pytest.raises(Rejected) as caught:
            self.order(key, **changes)
        return [each.code for each in caught.value.problems]

    def pay(self, order: Order) -> None:
        """Let the buyer pay what the order says, and the shop work."""
        self.tell(paid(order.id, f"pay-{order.id}", order.intent.price))

    def tell(self, event: PaymentEvent) -> None:
        """Let the gateway say something."""
        self.shop.notify("till", PaperGateway().notification(event), now=self.clock()).stored.result()
        work_off(self.shop, self.clock)

    def stored(self, order: Order) -> Order:
        """Return the order as it is stored."""
        found = self.orders.get(order.id)
        assert found is not None
        return found


def test_the_order_keeps_the_price_of_the_sale() -> None:
    """What the sale costs is agreed, with what stood beside it; the end of the sale changes nothing."""
    stall = Stall(sales=(Sale(price=HALF_PRICE, opens=NOON, closes=NOON + timedelta(days=1)),))
    order = stall.order("a", price_shown="149.50 PLN")
    stall.clock.forward(2 * 86_400)
    stall.pay(order)
    intent = stall.stored(order).intent
    assert (HALF_PRICE, COURSE.price, "completed") == (
        intent.price,
        intent.regular,
        stall.stored(order).state,
    )
    assert "2026-11 sha256:ab" == intent.terms


@pytest.mark.parametrize("shown", ["299.00 PLN", "149.50 EUR", "1"])
def test_no_price_is_charged_that_was_not_shown(shown: str) -> None:
    """A page that was built before the sale ended, or began, gets the buyer another look."""
    stall = Stall(sales=(Sale(price=HALF_PRICE, opens=NOON, closes=NOON + timedelta(days=1)),))
    assert ["price_changed"] == stall.refused("a", price_shown=shown)


@pytest.mark.parametrize(
    "change",
    [
        {"terms": "2026-12 sha256:cd"},
        {"access_days": 30},
        {"legal_kind": "service"},
        {"version": "2"},
        {"text": "Zgadzam się na wszystko."},
    ],
)
def test_no_order_keeps_words_that_its_buyer_did_not_see(change: dict[str, str | int]) -> None:
    """A page that was built before boxes, terms or access changed gets the buyer another look at them."""
    stall, terms = Stall(), "2026-11 sha256:ab"
    boxes, box = stall.shop.consents, stall.shop.consents["immediate"]
    version, text = str(change.get("version", box.version)), str(change.get("text", box.texts["pl"]))
    old = {**boxes, "immediate": msgspec.structs.replace(box, version=version, texts={"pl": text})}
    facts = {key: change[key] for key in ("access_days", "legal_kind") if key in change}
    product = msgspec.structs.replace(COURSE, **facts)
    elsewhere = words_shown(old, product, "pl", str(change.get("terms", terms)))
    here = words_shown(boxes, COURSE, "pl", terms)

    assert ["words_changed"] == stall.refused("a", words_shown=elsewhere)
    assert "placed" == stall.order("a", words_shown=here).status


def test_a_code_is_confirmed_before_it_is_charged() -> None:
    """The page showed the price without the code: the buyer sees the new one first, and then agrees to it."""
    stall = Stall()
    assert ["price_changed"] == stall.refused("a", coupon="half", price_shown="299.00 PLN")
    order = stall.order("a", coupon="half", price_shown="149.50 PLN")
    assert (HALF_PRICE, "HALF") == (order.intent.price, order.intent.coupon)


@pytest.mark.parametrize("code", ["nothing", "HA LFX", "'; DROP TABLE orders", "ż" * 40])
def test_a_code_that_nobody_knows(code: str) -> None:
    """It is said, and the price stays as shown."""
    assert ["unknown_coupon"] == Stall().refused("a", coupon=code, price_shown="299.00 PLN")


def test_a_payment_of_the_old_price_does_not_fit() -> None:
    """The payment is held against what was agreed, code and all."""
    stall = Stall()
    order = stall.order("a", coupon="HALF")
    stall.tell(paid(order.id, "p", COURSE.price))
    assert "parked" == stall.stored(order).state


def test_a_free_course_needs_no_gateway() -> None:
    """It is paid with nothing from its birth, in one write, and fulfilled like any other."""
    stall = Stall(price=Money(minor=0, currency="PLN"))
    order = stall.order("a")
    request = stall.shop.request(order, now=NOON)
    work_off(stall.shop, stall.clock)
    after = stall.stored(order)
    assert (FREE, "GET", True) == (order.intent.gateway, request.method, "/thanks/?order=" in request.url)
    assert ("completed", []) == (after.state, stall.world.missing([order.id]))


def test_a_free_order_whose_message_was_lost() -> None:
    """The process died between the order and its message: the sweep finds it."""
    stall = Stall(price=Money(minor=0, currency="PLN"))
    order = stall.order("a")
    stall.clock.forward(3600)
    assert [order.id] == stall.shop.sweep(now=stall.clock())
    work_off(stall.shop, stall.clock)
    assert "completed" == stall.stored(order).state


def test_a_code_that_pays_for_everything() -> None:
    """A gift is a free order, so often as it may be used."""
    stall = Stall()
    for key in ("a", "b"):
        order = stall.order(key, coupon="gift", price_shown="0.00 PLN")
        stall.shop.request(order, now=NOON)
        work_off(stall.shop, stall.clock)
        assert "completed" == stall.stored(order).state
    assert ["coupon_used_up"] == stall.refused("c", coupon="gift", price_shown="0.00 PLN")


def test_a_free_order_is_not_to_be_had_by_naming_the_gateway() -> None:
    """Nobody gets a course that costs something through the gateway that takes nothing."""
    assert ["unknown_gateway"] == Stall().refused("a", gateway=FREE)


def test_the_last_seat_is_sold_once() -> None:
    """Two seats are two buyers; the same buyer who sends the form again is no third one."""
    stall = Stall(seats=2)
    first = stall.order("a")
    assert first.id == stall.order("a").id
    stall.order("b")
    assert ["sold_out"] == stall.refused("c")
    stall.pay(first)
    stall.clock.forward(2 * 3600)
    third = stall.order("c")
    assert ["sold_out"] == stall.refused("d")
    stall.pay(third)
    assert "completed" == stall.stored(third).state


def test_a_payment_after_the_seat_is_gone_waits_for_a_person() -> None:
    """The buyer paid too late and somebody else has the seat: nothing is granted until a person says so."""
    stall = Stall(seats=1)
    late = stall.order("a")
    stall.clock.forward(2 * 3600)
    stall.pay(stall.order("b"))
    stall.pay(late)
    parked = stall.stored(late)
    assert ("parked", []) == (parked.state, stall.world.rows(late.id))
    assert "nothing is left of seats/agregaty" in parked.attention[0]
    stall.shop.retry(parked, now=stall.clock())
    work_off(stall.shop, stall.clock)
    assert "completed" == stall.stored(late).state


def test_a_late_payment_with_a_seat_left_is_fine() -> None:
    """The hold lapsed, but nobody else came."""
    stall = Stall(seats=1)
    order = stall.order("a")
    stall.clock.forward(86_400)
    stall.pay(order)
    assert "completed" == stall.stored(order).state
    assert ["sold_out"] == stall.refused("b")


def test_a_refund_gives_the_seat_back() -> None:
    """The next buyer can have it."""
    stall = Stall(seats=1)
    order = stall.order("a")
    stall.pay(order)
    assert ["sold_out"] == stall.refused("b")
    stall.tell(refund(order.id, f"pay-{order.id}"))
    stall.order("b")


def test_who_gets_no_seat_holds_no_code() -> None:
    """An order that is refused for one thing gives back the other."""
    stall = Stall(seats=1)
    stall.order("a")
    assert ["sold_out"] == stall.refused("b", coupon="once", price_shown="269.10 PLN")
    stall.clock.forward(2 * 3600)
    stall.order("b", coupon="once", price_shown="269.10 PLN")
