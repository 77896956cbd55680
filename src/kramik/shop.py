"""The shop: what every host calls, and the order in which the five steps follow one another.

`place` and `notify` answer the door: they do no call and wait for nothing but the store.
`work` is given a message by a host and returns what became of it. `sweep` puts forgotten orders back to work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta

import msgspec

from kramik.catalogue import Catalogue, Product
from kramik.errors import ConfigurationError, Conflict, Problem, Rejected, Transient
from kramik.fulfilment import Effects, Fulfilment
from kramik.intent import REQUIRED_CONSENTS, Consent, ConsentText, Draft, Intent, intend
from kramik.journal import Step, StepName
from kramik.mail import access_mail
from kramik.notification import Accepted, accept
from kramik.order import Order, place
from kramik.payment import Keys, PaymentRequest, RawNotification
from kramik.ports import Clock, FreshLinks, Gateway, Gateways, Log, Orders, Post, Query, Queue, Returns
from kramik.queue import ATTEMPTS, Again, Done, Message, Park, Plan, Received, plan_retry

DELIVERIES = 30
"""A message that was taken so often without an answer kills whoever takes it."""

STRANGERS = 10
"""Tries of a message whose order nobody knows: about a quarter of an hour, then a person sees it."""

RESEND_EVERY = timedelta(minutes=10)


def never() -> bool:
    """Say no: a host that does not stop."""
    return False


_WINDOW = 600
_PAGE = 200


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: how long a taken message stays hidden, and how long one call may take at the very most."""

    visibility: float = 120.0
    call: float = 15.0

    def __post_init__(self) -> None:
        if not 0 < 2 * self.call <= self.visibility:
            message = f"is {self.visibility} seconds; make it at least twice the longest call, {self.call} seconds"
            raise ConfigurationError(Problem(field="visibility", code="too_short", message=message))


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the static site and the functions live, without a slash at the end."""

    site: str
    api: str

    @property
    def site_origin(self) -> str:
        """Return the scheme and host of the static site, as browsers name it."""
        return "/".join(self.site.split("/", 3)[:3])


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An order on its way to the disk: `shop.placed` turns it into the order that counts when `stored` has ended."""

    order: Order
    stored: Future[None]
    known_as: tuple[str, ...] = ()


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Everything outside that a shop is built from."""

    orders: Orders
    queue: Queue
    gateways: Gateways
    effects: Effects
    post: Post
    log: Log
    fresh_links: FreshLinks | None = None


class _Stranger(Transient):
    """Nobody knows the order of this message, yet or at all."""


class Shop:
    """One shop: its catalogue, its keys and its ports."""

    def __init__(
        self,
        ports: Ports,
        *,
        catalogue: Catalogue,
        keys: Keys,
        addresses: Addresses,
        consents: Mapping[str, ConsentText],
        timing: Timing,
        langs: tuple[str, ...] = ("pl", "en"),
    ) -> None:
        self.ports, self.catalogue, self.addresses = ports, catalogue, addresses
        self.consents, self.timing, self.langs = consents, timing, langs
        self._keys = keys

    # 1 and 2: the order and its payment request

    def place(self, draft: Draft, *, now: datetime, problems: Sequence[Problem] = ()) -> Placed:
        """Place an order; the same idempotency key is the same order.

        Raises:
            Rejected: every problem of the draft, joined with those that the caller found.
        """
        draft = self._completed(draft)
        product = self.catalogue.get(draft.product)
        found = [*problems, *self._problems(draft, product, now)]
        if found or product is None:
            raise Rejected(*found)
        first, *older = self._keys.ids(_idempotency(draft, now))
        order = place(first, self._intent(draft, product, now), now=now)
        known = next((order_id for order_id in older if self.ports.orders.get(order_id)), None)
        if known is None:
            return Placed(order=order, stored=self.ports.orders.insert(order))
        return Placed(order=msgspec.structs.replace(order, id=known), stored=_failed(Conflict("known by an older key")))

    def placed(self, placed: Placed) -> Order:
        """Return the order that counts once `placed.stored` has ended: this one, or the one that was there before.

        Raises:
            Conflict: the key was used for other content; answer 409.
            Transient: nothing is stored; answer 503.
        """
        try:
            placed.stored.result()
        except Conflict:
            return self._placed_before(placed.order)
        self.ports.log("placed", order=placed.order.id, product=placed.order.intent.product)
        return placed.order

    def request(self, order: Order) -> PaymentRequest:
        """Build the signed payment request of an order, in memory."""
        return self.ports.gateways[order.intent.gateway].request(order, self._returns(order))

    def status_key(self, order: Order) -> str:
        """Return the key that lets the buyer see the status of this order."""
        return self._keys.proof("status", order.id)

    def access_link(self, order: Order) -> str:
        """Return our own link to the course, which mails carry; it needs no store to make."""
        return f"{self.addresses.api}/access/{self._keys.token('access', order.id)}"

    def warm(self) -> None:
        """Do in vain what a first order needs: derive the keys."""
        self._keys.ids("warm")
        self._keys.holds("status", "warm", "")
        self._keys.token("access", "warm")

    # 3: the notification

    def notify(self, gateway: str, raw: RawNotification, *, now: datetime) -> Accepted:
        """Verify, put, acknowledge.

        Raises:
            Rejected: no such gateway, or not authentic; nothing was stored.
            Transient: nothing was stored; the gateway must try again.
        """
        return accept(raw, self._gateway(gateway), self.ports.queue, now=now)

    # 4 and 5: the queue and fulfilment

    def work(self, received: Received, *, clock: Clock, stop: Callable[[], bool] = never) -> Plan:
        """Do the work of one message and tell the queue what became of it.

        Raises:
            Transient: the store is down; the message comes back when its visibility ends.
        """
        try:
            plan = self._work(received, clock, stop)
        except Exception as error:  # noqa: BLE001 - a message must end in a plan, whatever went wrong with it
            message = received.message
            attempts = STRANGERS if isinstance(error, _Stranger) else ATTEMPTS
            plan = plan_retry(message.attempt + 1, error, seed=message.order, attempts=attempts)
            self.ports.log("message_failed", order=message.order, attempt=message.attempt + 1, outcome=str(error))
            self._settle(received, plan, clock(), attempt=message.attempt + 1)
        else:
            self._settle(received, plan, clock(), attempt=0)
        return plan

    def sweep(self, *, now: datetime, grace: float | None = None) -> list[str]:
        """Put paid but unfinished orders back to work when they are overdue by `grace` seconds; return their ids."""
        late = now - timedelta(seconds=2 * self.timing.visibility if grace is None else grace)
        swept: list[str] = []
        query = Query(state="paid", due_before=late, limit=_PAGE)
        while page := self.ports.orders.search(query):
            for order in page:
                self.ports.queue.put(Message(order=order.id), now=now).result()
                self.ports.log("swept", order=order.id)
                swept.append(order.id)
            query = msgspec.structs.replace(query, before=page[-1].id)
        return swept

    # The buyer

    def status(self, order_id: str, key: str) -> Order | None:
        """Return the order for whoever holds its status key; unknown and foreign look the same."""
        return self.ports.orders.get(order_id) if self._keys.holds("status", order_id, key) else None

    def open_access(self, token: str) -> tuple[Order | None, str]:
        """Return the order of an access token and a working link; no link when there is none (yet, or any more).

        Raises:
            Transient: the course platform can not make a link now.
        """
        order_id = self._keys.read_token("access", token)
        order = self.ports.orders.get(order_id) if order_id else None
        if order is None or order.status == "refunded" or order.step("invitation").state != "done":
            return order, ""
        if self.ports.fresh_links is None:
            return order, order.step("invitation").receipt
        return order, self.ports.fresh_links.link(order)

    def ask_resend(self, email: str, *, now: datetime) -> Future[None]:
        """Ask for the access mails of this address; whether there are any is found out later, by the worker."""
        message = Message(task="resend", email=email, nonce=_moment(now))
        return self.ports.queue.put(message, now=now)

    # The seller

    def retry(self, order: Order, *, now: datetime, found: Mapping[StepName, str] | None = None) -> Order:
        """A person mended the cause: resume every parked step and put the order back to work.

        `found` holds the receipts of parked steps that did happen, as the person saw at the other side.

        Raises:
            Conflict: the order changed meanwhile; look at it again.
        """
        resumed = order
        for name, receipt in (found or {}).items():
            resumed = resumed.record(name, receipt, now=now, found=True)
        ask = [name for name, effect in self.ports.effects.items() if effect.repeat == "lookup"]
        resumed = resumed.resume(now=now, ask=ask)
        saved = order if resumed is order else self.ports.orders.save(resumed)
        poisoned = self.ports.queue.poisoned(order.id)
        replayed = [self.ports.queue.replay(each.id, now=now) for each in poisoned]
        if not any(replayed):
            self.ports.queue.put(Message(order=order.id), now=now).result()
        self.ports.log("retried", order=order.id)
        return saved

    def resend(self, order: Order, *, now: datetime) -> None:
        """Send the access mail of one order again, now."""
        message = Message(task="resend", order=order.id, nonce=_moment(now))
        self.ports.queue.put(message, now=now).result()

    # Private

    def _completed(self, draft: Draft) -> Draft:
        gateway = draft.gateway or next(iter(self.ports.gateways))
        return msgspec.structs.replace(draft, gateway=gateway, lang=draft.lang or self.langs[0])

    def _problems(self, draft: Draft, product: Product | None, now: datetime) -> list[Problem]:
        problems = [] if product is not None else [_problem("product", "unknown_product", "choose a product of this shop")]
        if product is not None and not product.on_sale(now):
            problems.append(_problem("product", "not_on_sale", "this product is not on sale now"))
        if product is not None and draft.price_shown and draft.price_shown != str(product.price):
            message = f"the price changed to {product.price}; please confirm it by ordering again"
            problems.append(_problem("price_shown", "price_changed", message))
        if draft.gateway not in self.ports.gateways:
            problems.append(_problem("gateway", "unknown_gateway", "choose one of the payment methods shown"))
        if draft.lang not in self.langs:
            problems.append(_problem("lang", "unknown_language", f"choose one of {', '.join(self.langs)}"))
        problems += [
            _problem(f"consent_{name}", "consent_missing", "tick this box; without it the order can not be taken")
            for name in REQUIRED_CONSENTS
            if name in self.consents and name not in draft.consents
        ]
        return problems

    def _intent(self, draft: Draft, product: Product, now: datetime) -> Intent:
        given: tuple[Consent, ...] = tuple(
            self.consents[name].given(draft.lang, now) for name in draft.consents if name in self.consents
        )
        return intend(draft, product, shop_id=self.ports.gateways[draft.gateway].shop_id, consents=given)

    def _placed_before(self, order: Order) -> Order:
        before = self.ports.orders.get(order.id)
        if before is None:
            msg = f"order {order.id} was there and is gone"
            raise Transient(msg)
        if before.intent.digest != order.intent.digest:
            msg = "this idempotency key was used for another order; use a new key for new content"
            raise Conflict(msg)
        return before

    def _gateway(self, name: str) -> Gateway:
        gateway = self.ports.gateways.get(name)
        if gateway is None:
            raise Rejected(_problem("gateway", "unknown_gateway", "this shop has no such gateway"))
        return gateway

    def _returns(self, order: Order) -> Returns:
        back = f"order={order.id}&key={self.status_key(order)}"
        prefix = "" if order.intent.lang == self.langs[0] else f"/{order.intent.lang}"
        thanks = f"{self.addresses.site}{prefix}/thanks/?{back}"
        notify = f"{self.addresses.api}/api/payments/{order.intent.gateway}"
        return Returns(done=thanks, failed=thanks, notify=notify)

    def _work(self, received: Received, clock: Clock, stop: Callable[[], bool]) -> Plan:
        if received.deliveries > DELIVERIES:
            return Park(f"it was taken {received.deliveries} times and never answered; the process dies on it")
        if received.message.task == "resend":
            return self._resend(received.message, clock())
        order = self.ports.orders.get(received.message.order)
        if order is None:
            msg = f"there is no order {received.message.order!r} (yet)"
            raise _Stranger(msg)
        work = Fulfilment(
            order,
            self.ports.effects,
            self.ports.orders,
            settle=self.timing.visibility,
            clock=clock,
            log=self.ports.log,
        )
        event = received.message.event
        if event is not None:
            now = clock()
            work.note(lambda order: order.apply(event, now=now))
        until = received.until - timedelta(seconds=self.timing.call)
        plan = work.run(self.access_link, until=until, stop=stop)
        unwanted = None if event is None else work.order.unwanted(event)
        return Park(unwanted) if unwanted and isinstance(plan, Done) else plan

    def _settle(self, received: Received, plan: Plan, now: datetime, *, attempt: int) -> None:
        match plan:
            case Done():
                self.ports.queue.done(received)
            case Again(after):
                message = msgspec.structs.replace(received.message, attempt=attempt)
                self.ports.queue.again(received, message, now=now, after=after)
            case Park(why):
                self.ports.queue.poison(received, why, now=now)

    def _resend(self, message: Message, now: datetime) -> Plan:
        for order in self._to_resend(message):
            if order.resent_at is not None and now - order.resent_at < RESEND_EVERY and not message.order:
                continue
            self.ports.post.send(access_mail(order, self.access_link(order), key=f"{order.id}/{message.nonce}"))
            self.ports.orders.save(order.note_mail(message.nonce, now=now))
        return Done()

    def _to_resend(self, message: Message) -> Sequence[Order]:
        if message.order:
            order = self.ports.orders.get(message.order)
            return [order] if order is not None and _has_access(order) else []
        return [order for order in self.ports.orders.search(Query(email=message.email)) if _has_access(order)]


def _has_access(order: Order) -> bool:
    invitation: Step = order.step("invitation")
    return invitation.state == "done" and order.status != "refunded"


def _idempotency(draft: Draft, now: datetime) -> str:
    if draft.key:
        return f"key/{draft.key}"
    return f"window/{int(now.timestamp()) // _WINDOW}/{draft.digest}"


def _problem(field: str, code: str, message: str) -> Problem:
    return Problem(field=field, code=code, message=message)


def _moment(now: datetime) -> str:
    return f"{now.timestamp():.6f}"


def _failed(error: Exception) -> Future[None]:
    future: Future[None] = Future()
    future.set_exception(error)
    return future
