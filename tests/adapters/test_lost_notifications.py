"""Every gateway that can be asked heals a lost notification: the buyer paid, nobody told the shop, the sweep finds out.

A real shop over memory, its gateway in a running world whose notifications go to a port where nobody listens.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from kramik import adapters
from kramik.catalogue import Catalogue
from kramik.hosts.cli import matrix
from kramik.order import ASKS, Order
from kramik.payment import Keys
from kramik.premises import Addresses, Ports, Timing
from kramik.sandbox.vendors import vendor
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.sandbox.place import Place, opened
from tests.story.example import COURSE, DRAFT, TERMS, FakeClock, Letterbox, Notebook, work_off
from tests.story.world import World

ASKED = tuple(name for name, it in matrix.features().items() if it.asks and name != "imoje")
"""imoje is asked only about what it told once, which its own tests show."""

SLUG = "agregaty-w-praktyce"
NOBODY = "http://127.0.0.1:9"


class Street:
    """A shop with one gateway, a buyer, and a clock that begins at the world's time."""

    def __init__(self, place: Place, name: str) -> None:
        self.place, self.name = place, name
        self.clock = FakeClock(datetime.now(UTC))
        self.world = World(self.clock)
        place.browser.post("/panel", json={"vendor": name, "notify": f"{NOBODY}/told", "shop": NOBODY})
        kind = adapters.GATEWAYS[name]()
        places = dict.fromkeys(("base_url", "pay_url", "api_url"), f"{place.url}/{name}")
        known = {key: url for key, url in places.items() if key in kind.shape.__struct_fields__}
        self.gateway = kind.make(msgspec.convert({**vendor(name).DEMO, **known}, kind.shape), 2.0)
        self.shop = self._opened()

    def placed(self) -> Order:
        """Place the order, or return it."""
        draft = replace(DRAFT, product=SLUG, gateway=self.name)
        return self.shop.placed(self.shop.place(draft, now=self.clock()))

    def press(self, action: str) -> None:
        """Follow the order's way to the pay page, and press a button there."""
        address = self.shop.request(self.placed(), now=self.clock()).url
        answer = self.place.browser.get(address)
        while answer.is_redirect:
            address = answer.headers["location"]
            answer = self.place.browser.get(address)
        page = address.partition("?")[0].partition("#")[0]
        assert 303 == self.place.browser.post(page, data={"action": action}).status_code

    def swept(self) -> Order:
        """Let a quarter of an hour pass, sweep, and work until nothing is left."""
        self.clock.forward(ASKS[0].total_seconds() + 1)
        self.shop.sweep(now=self.clock())
        work_off(self.shop, self.clock)
        return self.placed()

    def close(self) -> None:
        """Close the gateway's connections."""
        getattr(self.gateway, "close", lambda: None)()

    def _opened(self) -> Shop:
        ports = Ports(
            orders=MemoryOrders(),
            queue=MemoryQueue(),
            gateways={self.name: self.gateway},
            effects=self.world.effects(),
            post=Letterbox(),
            log=Notebook(),
        )
        return Shop(
            ports,
            catalogue=Catalogue(products={SLUG: replace(COURSE, slug=SLUG)}, hash="today"),
            keys=Keys("a secret of this shop"),
            addresses=Addresses(site="https://kurs.example", api=NOBODY),
            consents=TERMS,
            timing=Timing(),
        )


@pytest.fixture
def street(request: pytest.FixtureRequest) -> Iterator[Street]:
    """A shop with the gateway of this name."""
    with opened() as place:
        street = Street(place, request.param)
        yield street
        street.close()


def test_there_are_some() -> None:
    """The list that the other tests run over is not empty."""
    assert {"paynow", "stripe", "stripe_checkout", "przelewy24"} <= {*ASKED}


@pytest.mark.parametrize("street", ASKED, indirect=True)
def test_payment_that_nobody_told_of(street: Street) -> None:
    """The order is completed, each effect happened once, and later sweeps change nothing."""
    street.press("pay")
    order = street.swept()
    assert ("completed", "accepted") == (order.status, order.payments[0].verdict)
    assert order == street.swept()
    assert ([], []) == (street.world.doubled(), street.world.missing([order.id]))


@pytest.mark.parametrize("street", ASKED, indirect=True)
def test_nobody_paid(street: Street) -> None:
    """A buyer who only looked at the pay page, and one whose payment did not go through, get nothing."""
    street.placed()
    assert "placed" == street.swept().status
    street.press("fail")
    order = street.swept()
    assert "placed" == order.status
    assert [] == street.world.ledger
    assert all(payment.event.kind != "paid" for payment in order.payments)


@pytest.mark.parametrize("street", ["payu_rest", "tpay_api", "przelewy24"], indirect=True)
def test_payment_that_went_back_untold(street: Street) -> None:
    """A payment that was paid and returned, and of which nobody told, opens nothing."""
    street.press("pay")
    street.press("refund")
    order = street.swept()
    assert {"refund"} <= {payment.event.kind for payment in order.payments}
    assert (None, []) == (order.payment, street.world.ledger)


@pytest.mark.parametrize("street", ASKED, indirect=True)
def test_another_amount(street: Street) -> None:
    """A payment of another amount is found or not, and never grants anything."""
    street.press("wrong_amount")
    assert "placed" == street.swept().status
    assert [] == street.world.ledger


@pytest.mark.parametrize("street", ASKED, indirect=True)
def test_gateway_that_is_down_is_asked_again(street: Street) -> None:
    """While the gateway answers nonsense, nothing is granted or lost: the next question finds the payment."""
    street.press("pay")
    street.place.fault(peer=street.name, operation="ask", fault="garbage", count=50)
    assert "placed" == street.swept().status
    street.place.browser.delete("/faults")
    street.clock.forward(ASKS[1].total_seconds())
    assert "completed" == street.swept().status
