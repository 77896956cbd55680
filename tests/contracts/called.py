"""What every gateway promises that is called at order time; each function takes a `Caller` in a running world.

The vendor's side is played by the sandbox world, and its ledger is the only witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol, runtime_checkable

import msgspec
import pytest

from kramik import adapters
from kramik.errors import KramikError
from kramik.event import Begun, PaymentEvent
from kramik.gateways import Features
from kramik.money import Money
from kramik.order import Order
from kramik.payment import RawNotification
from kramik.ports import Asking, CallingGateway, Confirming, Returns
from kramik.sandbox.vendors import vendor
from tests.contracts.race import race
from tests.sandbox.place import PATIENCE, Place, fresh_order
from tests.story.example import NOON
from tests.unit.raw_server import RawServer

CALL = 2.0
PANEL, REQUEST = "/typed", "/told"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One called gateway, an order that was sent to it, its side of the world, and the shop that it tells."""

    gateway: CallingGateway
    features: Features
    name: str
    order: Order
    place: Place
    shop: RawServer

    @property
    def returns(self) -> Returns:
        """Return where everybody is sent back to."""
        done = f"https://kurs.example/thanks/?order={self.order.id}&key=a"
        return Returns(done=done, failed=done, notify=f"{self.shop.url}{REQUEST}")

    def begin(self, *, now: datetime = NOON) -> Begun:
        """Begin a payment."""
        return self.gateway.begin(self.order, self.returns, now=now)

    def after(self, *begun: Begun) -> Order:
        """Return the order with these payments begun."""
        order = self.order
        for each in begun:
            order = order.begin_payment(each)
        return order

    def page(self, begun: Begun) -> str:
        """Follow a begun payment to its pay page; return the page's address."""
        address = begun.url
        for _ in range(3):
            answer = self.place.browser.get(address)
            if answer.status_code == 200:
                return address
            address = answer.headers["location"]
        raise AssertionError(f"{begun.url} leads to no pay page")

    def press(self, begun: Begun, action: str) -> None:
        """Press a button of the pay page."""
        assert 303 == self.place.browser.post(self.page(begun), data={"action": action}).status_code

    def told(self, count: int = 1) -> list[RawNotification]:
        """Wait until the shop was told so often; return what it was told, oldest first."""
        until = monotonic() + PATIENCE
        while len(self.shop.asked) < count and monotonic() < until:
            self.place.browser.get("/panel")
        assert count <= len(self.shop.asked)
        return [_raw(each) for each in self.shop.asked[:count]]

    def event(self, begun: Begun, action: str = "pay") -> PaymentEvent:
        """Let something happen; return what verify reads in the first notification of it."""
        self.press(begun, action)
        event = self.gateway.verify(self.told()[0])
        assert event is not None
        return event

    def believed(self, order: Order, event: PaymentEvent) -> PaymentEvent:
        """Return what the worker goes by."""
        gateway: object = self.gateway
        return gateway.confirm(order, event) if isinstance(gateway, Confirming) else event

    def happened(self, effect: str) -> int:
        """Return how often something happened at this vendor."""
        return sum(each["peer"] == self.name for each in self.place.ledger("", effect))


@runtime_checkable
class Closing(CallingGateway, Protocol):
    """A called gateway keeps connections open, and can close them."""

    def close(self) -> None:
        """Close them."""
        ...


def called_gateway(name: str, place: Place) -> Closing:
    """Return a gateway as the demo sets it up in this world."""
    kind = adapters.GATEWAYS[name]()
    about = {**vendor(name).DEMO, "base_url": f"{place.url}/{name}"}
    if "pay_url" in kind.shape.__struct_fields__:
        about["pay_url"] = f"{place.url}/{name}"
    gateway = kind.make(msgspec.convert(about, kind.shape), CALL)
    assert isinstance(gateway, Closing)
    return gateway


def order_of(name: str, gateway: CallingGateway) -> Order:
    """Return a fresh order that goes to this gateway."""
    order = fresh_order(title="Żółwie & „agregaty”, część 2/3")
    order = msgspec.structs.replace(order, id=order.id.replace("order-", "0order"))
    intent = msgspec.structs.replace(order.intent, gateway=name, shop_id=gateway.shop_id)
    return msgspec.structs.replace(order, intent=intent)


def begins(caller: Caller) -> None:
    """One call returns a reference and an address that opens the pay page with the right amount."""
    begun = caller.begin()
    assert begun.reference
    assert NOON == begun.at
    assert "299.00" in caller.place.browser.get(caller.page(begun)).text


def begins_with_every_method(caller: Caller) -> None:
    """Every way to pay that is declared is taken by the vendor, and so is one that nobody knows."""
    for method in (*caller.features.methods, "no way at all"):
        intent = msgspec.structs.replace(caller.order.intent, method=method)
        order = msgspec.structs.replace(caller.order, intent=intent)
        begun = caller.gateway.begin(order, caller.returns, now=NOON)
        assert caller.page(begun)


def repeats_are_harmless(caller: Caller) -> None:
    """Of many calls for the same number each leads to a pay page, and the order is paid once by one of them."""
    begun = [caller.begin(now=NOON + timedelta(seconds=each)) for each in range(3)]
    assert all(caller.page(each) for each in begun)
    event = caller.event(begun[-1])
    order = caller.after(begun[-1])
    paid = order.apply(caller.believed(order, event), now=NOON)
    assert ("paid", 1) == (paid.status, caller.happened("payment"))


def a_race_is_harmless(caller: Caller) -> None:
    """Two who begin at the same moment both get a way to pay."""
    assert all(caller.page(begun) for begun in race([caller.begin] * 4))


def a_later_number_is_a_new_payment(caller: Caller) -> None:
    """When an earlier payment does not serve any more, the next one is another payment of the same order."""
    first = caller.begin()
    order = caller.after(first)
    second = caller.gateway.begin(order, caller.returns, now=NOON + timedelta(hours=30))
    event = caller.event(second)
    assert first.reference != second.reference
    assert (order.id, event.order) == (event.order, caller.order.id)
    both = order.begin_payment(second)
    assert "accepted" == both.apply(caller.believed(both, event), now=NOON).payments[0].verdict


def down(caller: Caller) -> None:
    """Whatever goes wrong at the vendor is a decision within the time-out, and the next call works."""
    for fault in ("refuse", "too_many_requests", "garbage", "drop", "time_out_after_effect"):
        caller.place.fault(peer=caller.name, operation="begin", fault=fault, seconds=30)
        since = monotonic()
        with pytest.raises(KramikError):
            caller.begin()
        assert monotonic() - since < CALL + 10, fault
    assert caller.page(caller.begin(now=NOON + timedelta(seconds=5)))


def told_where_declared(caller: Caller) -> None:
    """The notification comes to the address of the payment, or to that of the panel, as the matrix says."""
    caller.press(caller.begin(), "pay")
    caller.told()
    path = caller.shop.asked[0].split()[1].decode()
    assert {"request": REQUEST, "panel": PANEL}[caller.features.address] == path


def a_payment_is_believed(caller: Caller) -> None:
    """What is told of an honest payment makes the order paid, also when it is confirmed twice."""
    begun = caller.begin()
    order, event = caller.after(begun), caller.event(begun)
    first = caller.believed(order, event)
    assert first == caller.believed(order, event)
    assert "paid" == order.apply(first, now=NOON).status
    if isinstance(caller.gateway, Confirming) and caller.features.confirms:
        assert caller.happened("confirm") <= 1


def a_wrong_amount_is_not_believed(caller: Caller) -> None:
    """A payment of another amount is not confirmed at the vendor, and waits for a person."""
    begun = caller.begin()
    order, event = caller.after(begun), caller.event(begun, "wrong_amount")
    after = order.apply(caller.believed(order, event), now=NOON)
    assert ("placed", "parked", 0) == (after.status, after.state, caller.happened("confirm"))
    assert after.payments[0].event.money in (Money(minor=29_899, currency="PLN"), None)  # some tell no amount


def asking_says_what_was_told(caller: Caller) -> None:
    """Before anybody paid nothing is known as paid; after it, asking says the same as the notification."""
    gateway: object = caller.gateway
    if not isinstance(gateway, Asking):
        assert not caller.features.asks
        return
    begun = caller.begin()
    order = caller.after(begun)
    assert [] == [event for event in gateway.ask(order) if event.kind == "paid"]
    told = caller.event(begun)
    found = [event for event in gateway.ask(order) if event.kind == "paid"]
    assert [caller.believed(order, told)] == [caller.believed(order, event) for event in found]
    assert [told.fact] == [event.fact for event in found]


def asking_about_nothing(caller: Caller) -> None:
    """An order for which nothing was begun, and one that the vendor does not know, have nothing to tell."""
    gateway: object = caller.gateway
    if isinstance(gateway, Asking):
        assert [] == list(gateway.ask(caller.order))
        ghost = Begun(reference="nobody-knows-this", url="https://pay.example/", at=NOON)
        assert [] == [event for event in gateway.ask(caller.after(ghost)) if event.kind == "paid"]


def silent_about_secrets(caller: Caller) -> None:
    """No error, and no repr, shows a key, whatever the vendor answers."""
    secrets = [str(value) for value in vendor(caller.name).DEMO.values() if len(str(value)) > 9]
    shown = [repr(caller.gateway)]
    for fault in ("refuse", "garbage", "drop"):
        caller.place.fault(peer=caller.name, operation="begin", fault=fault, status=401, count=9)
        with pytest.raises(KramikError) as caught:
            caller.begin()
        caller.place.browser.delete("/faults").raise_for_status()
        shown += [str(caught.value), repr(caught.value)]
    assert [] == [secret for secret in secrets if any(secret in each for each in shown)]


PROMISES = (
    begins,
    begins_with_every_method,
    repeats_are_harmless,
    a_race_is_harmless,
    a_later_number_is_a_new_payment,
    down,
    told_where_declared,
    a_payment_is_believed,
    a_wrong_amount_is_not_believed,
    asking_says_what_was_told,
    asking_about_nothing,
    silent_about_secrets,
)


def _raw(asked: bytes) -> RawNotification:
    head, _, body = asked.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return RawNotification(headers=headers, query=first.split()[1].partition("?")[2], body=body)
