"""Real values to tell stories with: one shop, one product, one buyer, and what their gateway says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from kramik.catalogue import Catalogue, Product, Words
from kramik.errors import NotAuthentic
from kramik.event import Kind, PaymentEvent
from kramik.intent import Buyer, ConsentText, Draft, Intent, intend
from kramik.money import Money
from kramik.moves import Effects
from kramik.notice import Channel
from kramik.order import Order, place
from kramik.payment import Acknowledgement, Keys, PaymentRequest, RawNotification, same, sign
from kramik.ports import Clock, Mail, Orders, Post, Queue, Returns, Teller, Vault
from kramik.premises import Addresses, Ports, Timing
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PRICE = Money(minor=29900, currency="PLN")
COURSE = Product(
    slug="agregaty",
    lang="pl",
    words={"pl": Words(title="Agregaty w praktyce"), "en": Words(title="Aggregates in practice")},
    price=PRICE,
    course="course-7",
    sequence="seq-7",
)
CATALOGUE = Catalogue(products={COURSE.slug: COURSE}, hash="today")
TERMS = {
    name: ConsentText(id=name, version="1", texts={"pl": f"zgoda {name}"}) for name in ("terms", "immediate")
}
ANNA = Buyer(email="anna@example.com", name="Anna Kowalska")
DRAFT = Draft(
    product=COURSE.slug, buyer=ANNA, lang="pl", gateway="till", consents=("terms", "immediate"), key="first"
)


class PaperGateway:
    """The smallest honest gateway: its notifications are JSON with an HMAC of the body in a header."""

    shop_id = "shop-1"

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        fields = {"order": order.id, "amount": order.intent.price.amount, "back": returns.done}
        return PaymentRequest(method="POST", url="https://till.example/pay", fields=fields)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        if not same(self._signed(raw.body), raw.headers.get("signature", "").encode("utf-8", "replace")):
            raise NotAuthentic("the signature is not ours")
        return msgspec.json.decode(raw.body, type=PaymentEvent | None)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:
        return Acknowledgement(body=b"TRUE")

    def notification(self, event: PaymentEvent | None) -> RawNotification:
        """Return what this gateway would send about this event."""
        body = msgspec.json.encode(event)
        return RawNotification(headers={"signature": self._signed(body).decode()}, query="", body=body)

    def _signed(self, body: bytes) -> bytes:
        return sign(b"the till's key", body).hex().encode()


class Letterbox:
    """Mails that were sent; equal keys are one mail."""

    def __init__(self) -> None:
        self.mails: dict[str, Mail] = {}

    repeat: Literal["keyed", "unsafe"] = "keyed"

    def send(self, mail: Mail) -> str:
        self.mails.setdefault(mail.key, mail)
        return mail.key


class Notebook:
    """What the shop wrote into its log."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, **facts: object) -> None:
        self.lines.append((event, facts))


class FakeClock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def an_intent() -> Intent:
    """Return what Anna agreed to."""
    return intend(DRAFT, COURSE, shop_id=PaperGateway.shop_id, consents=())


def an_order(name: str = "order-1", *, now: datetime = NOON) -> Order:
    """Return a placed order."""
    return place(name, an_intent(), now=now)


def paid(
    order: str = "order-1", reference: str = "pay-1", money: Money | None = PRICE, **changes: str
) -> PaymentEvent:
    """Return the event of a payment that fits the intent, unless `changes` say otherwise."""
    return told("paid", order, reference, money=money, **changes)


def told(
    kind: Kind,
    order: str = "order-1",
    reference: str = "say-1",
    *,
    money: Money | None = None,
    **changes: str,
) -> PaymentEvent:
    """Return what the gateway told about this order."""
    facts = {"gateway": "till", "shop_id": PaperGateway.shop_id, **changes}
    return PaymentEvent(kind=kind, order=order, reference=reference, money=money, **facts)


def refund(
    order: str = "order-1", of: str = "pay-1", money: Money | None = PRICE, reference: str = ""
) -> PaymentEvent:
    """Return the event of money that went back."""
    return told("refund", order, reference or f"back-of-{of}", money=money, of=of)


def a_paid_order(name: str = "order-1") -> Order:
    """Return an order that was paid."""
    return an_order(name).apply(paid(name), now=NOON)


def a_shop(
    effects: Effects,
    *,
    orders: Orders | None = None,
    queue: Queue | None = None,
    timing: Timing | None = None,
    post: Post | None = None,
    tellers: Mapping[Channel, Teller] | None = None,
    diary: Vault | None = None,
) -> Shop:
    """Open a shop over these stores, in memory where none is given."""
    ports = Ports(
        orders=orders or MemoryOrders(),
        queue=queue or MemoryQueue(),
        gateways={"till": PaperGateway()},
        effects=effects,
        post=post or Letterbox(),
        log=Notebook(),
        tellers=tellers or {},
        diary=diary,
    )
    return Shop(
        ports,
        catalogue=CATALOGUE,
        keys=Keys("a secret of this shop"),
        addresses=Addresses(site="https://kurs.example", api="https://api.kurs.example"),
        consents=TERMS,
        timing=timing or Timing(),
    )


def work_off(
    shop: Shop, clock: FakeClock, *, rounds: int = 500, until: Callable[[], bool] = lambda: False
) -> None:
    """Work on every message until the queue is empty, letting time pass where messages hide."""
    for _ in range(rounds):
        if shop.ports.queue.depth() == 0 or until():
            return
        work_once(shop, clock)
    raise AssertionError(f"{shop.ports.queue.depth()} messages are left after {rounds} rounds")


def work_once(shop: Shop, clock: Clock) -> bool:
    """Take one message and work on it; with none in sight, let time pass on a `FakeClock`."""
    received = shop.ports.queue.take(now=clock(), visibility=shop.timing.visibility)
    if received is not None:
        shop.work(received, clock=clock)
    elif isinstance(clock, FakeClock):
        clock.forward(7)
    return received is not None
