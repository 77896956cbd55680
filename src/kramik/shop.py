"""The shop: what every host calls, and the order in which the five steps follow one another.

`place` and `notify` answer the door: they do no call and wait for nothing but the store.
`work` is given a message by a host and returns what became of it. `sweep` puts forgotten orders back to work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from kramik import desk, digest, paying, placing, telling
from kramik.catalogue import Catalogue, Product
from kramik.errors import Conflict, KramikError, Problem, Rejected, Transient
from kramik.intent import ConsentText, Draft, Quota, intend
from kramik.journal import StepName
from kramik.notification import Accepted, accept
from kramik.offer import Conditions, Offer, offer
from kramik.order import Order, place
from kramik.payment import Keys, PaymentRequest, RawNotification
from kramik.ports import Asking, CallingGateway, Clock, Gateway, Returns
from kramik.premises import Addresses, Ports, Timing
from kramik.queue import ATTEMPTS, Again, Done, Message, Park, Plan, Received, plan_retry
from kramik.tasks import StrangerError, Tasks

HOLD = timedelta(hours=1)
"""How long a seat, or a use of a coupon, is held for a buyer who is on the way to pay."""

STRANGERS = 10
"""Tries of a message whose order nobody knows: about a quarter of an hour, then a person sees it."""


def never() -> bool:
    """Say no: a host that does not stop."""
    return False


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An order on its way to the disk: `shop.placed` turns it into the order that counts when `stored` has ended."""

    order: Order
    stored: Future[None]
    known_as: tuple[str, ...] = ()


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
        conditions: Conditions | None = None,
    ) -> None:
        self.ports, self.catalogue, self.addresses = ports, catalogue, addresses
        self.consents, self.timing, self.langs = consents, timing, langs
        self._keys = keys
        self.conditions = conditions or Conditions()
        self._methods = {name: self.conditions.methods.get(name, ()) for name in ports.gateways}
        self._tasks = Tasks(ports, timing, self.access_link)

    # 1 and 2: the order and its payment request

    def place(self, draft: Draft, *, now: datetime, problems: Sequence[Problem] = ()) -> Placed:
        """Place an order; the same idempotency key is the same order.

        Raises:
            Rejected: every problem of the draft, joined with those that the caller found.
        """
        digest, ids = draft.digest, self._keys.ids(placing.idempotency(draft, now))
        product = self.catalogue.get(draft.product)
        costs = None if product is None else self.offer(product, now=now, coupon=draft.coupon)
        draft = self._completed(draft, costs)
        more = placing.problems(
            draft,
            product,
            costs,
            now=now,
            conditions=self.conditions,
            gateways=self._methods,
            langs=self.langs,
            consents=self.consents,
        )
        found = [*problems, *more]
        if found or product is None or costs is None:
            return self._again(ids, digest, draft, found)
        known = next((order_id for order_id in ids[1:] if self.ports.orders.get(order_id)), None)
        order = self._born(known or ids[0], draft, product, costs, digest=digest, now=now)
        if known is not None:
            return Placed(order=order, stored=_failed(Conflict("known by an older key")))
        full = self._held(order, now)
        if full is not None:
            return self._again(ids, digest, draft, [placing.gone(full)])
        return Placed(order=order, stored=self.ports.orders.insert(order))

    def offer(self, product: Product, *, now: datetime, coupon: str = "") -> Offer:
        """Return what a product costs now, for whoever brings this coupon."""
        return offer(product, self.conditions, now=now, coupon=coupon)

    def _completed(self, draft: Draft, costs: Offer | None) -> Draft:
        """Return the draft with what its sender left to us."""
        first = placing.FREE if costs is not None and costs.free else next(iter(self.ports.gateways))
        gateway = first if costs is not None and costs.free else draft.gateway or first
        return replace(draft, gateway=gateway, lang=draft.lang or self.langs[0])

    def _born(
        self, order_id: str, draft: Draft, product: Product, costs: Offer, *, digest: str, now: datetime
    ) -> Order:
        """Return the order as it is stored first."""
        gateway = self.ports.gateways.get(draft.gateway)
        shop_id = placing.FREE if gateway is None else gateway.shop_id
        agreed = placing.given(draft, product, self.consents, now)
        intent = replace(
            intend(draft, product, shop_id=shop_id, consents=agreed, offer=costs),
            digest=digest,
            keyed=bool(draft.key),
            terms=self.conditions.terms.get(draft.lang, ""),
            quotas=placing.quotas(product, costs, self.conditions),
        )
        confirmed = "confirmation" in self.ports.effects
        order = place(order_id, intent, now=now, ask=isinstance(gateway, Asking), confirm=confirmed)
        return placing.paid_with_nothing(order, now) if costs.free else order

    def _held(self, order: Order, now: datetime) -> Quota | None:
        """Hold what the order takes one of; return what nothing is left of, and then hold nothing."""
        held: list[Quota] = []
        for quota in order.intent.quotas if self.ports.quotas else ():
            if self.ports.quotas and not self.ports.quotas.hold(quota, order.id, now=now, until=now + HOLD):
                for each in held:
                    self.ports.quotas.free(each, order.id, now=now)
                return quota
            held.append(quota)
        return None

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

    def calls(self, order: Order) -> bool:
        """Say whether `request` calls the gateway of this order, so that a host does it where nobody waits."""
        return isinstance(self.ports.gateways.get(order.intent.gateway), CallingGateway)

    def request(self, order: Order, *, now: datetime) -> PaymentRequest:
        """Return the payment request of a stored order: signed in memory, or begun by one call.

        Raises:
            GatewayDown: there is none now; the order waits, and the buyer may come again.
            Transient: the store is down.
        """
        if order.intent.gateway == placing.FREE:
            self.ports.queue.put(
                Message(order=order.id), now=now
            )  # were it lost, the sweep would find the order
            return PaymentRequest(method="GET", url=self.returns(order).done)
        return paying.pay(self.ports, order, self.returns(order), now=now)

    def status_key(self, order: Order) -> str:
        """Return the key that lets the buyer see the status of this order."""
        return self._keys.proof("status", order.id)

    def status_url(self, order: Order) -> str:
        """Return where the buyer's status of this order is found."""
        return f"{self.addresses.api}/api/orders/{order.id}?key={self.status_key(order)}"

    def payment_url(self, order: Order) -> str:
        """Return where a buyer posts to, to pay this order after all."""
        return f"{self.addresses.api}/api/orders/{order.id}/payment?key={self.status_key(order)}"

    def access_link(self, order: Order) -> str:
        """Return our own link to the course, which mails carry; it needs no store to make.

        A link that went to an address which was corrected opens nothing any more.
        """
        return f"{self.addresses.api}/access/{self._keys.token('access', order.key)}"

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
            plan = self._tasks.do(received, clock, stop)
        except Exception as error:  # noqa: BLE001 - a message must end in a plan, whatever went wrong with it
            message = received.message
            attempts = STRANGERS if isinstance(error, StrangerError) else ATTEMPTS
            plan = plan_retry(message.attempt + 1, error, seed=message.order, attempts=attempts)
            self.ports.log(
                "message_failed", order=message.order, attempt=message.attempt + 1, outcome=str(error)
            )
            if isinstance(plan, Park) and message.task != "tell":
                telling.of_poison(self.ports, received, plan.why, now=clock())
            self._settle(received, plan, clock(), attempt=message.attempt + 1)
        else:
            self._settle(received, plan, clock(), attempt=0)
        return plan

    def sweep(self, *, now: datetime, grace: float | None = None) -> list[str]:
        """Put orders back to work: unfinished ones, overdue by `grace` seconds, and those to be asked about by now.

        The first sweep of a day writes the digest, where the seller wants one. Return the orders' ids.
        """
        late = now - timedelta(seconds=2 * self.timing.visibility if grace is None else grace)
        swept = desk.sweep(self.ports, late, now)
        text = digest.due(self.ports, now=now)
        if text:
            telling.put(self.ports, f"digest/{now.date().isoformat()}", text, now=now)
        return swept

    # The buyer

    def status(self, order_id: str, key: str) -> Order | None:
        """Return the order for whoever holds its status key; unknown and foreign look the same."""
        return self.ports.orders.get(order_id) if self._keys.holds("status", order_id, key) else None

    @property
    def asks_for_links(self) -> bool:
        """Say whether `open_access` may call the course platform, so that a host does it where nobody waits."""
        return self.ports.fresh_links is not None

    def holder(self, token: str) -> Order | None:
        """Return the order of an access token; whether it opens anything (yet, or any more) is up to the order."""
        key, order = self._held_by(token)
        return order if order and order.key == key else None

    def replaced(self, token: str) -> Order | None:
        """Return the order of a token that another one took the place of, since the address was corrected."""
        key, order = self._held_by(token)
        return order if order and order.key != key else None

    def _held_by(self, token: str) -> tuple[str, Order | None]:
        key = self._keys.read_token("access", token) or ""
        return key, self.ports.orders.get(key.partition("~")[0]) if key else None

    def open_access(self, token: str) -> tuple[Order | None, str]:
        """Return the order of an access token and a working link; no link when there is none (yet, or any more).

        Where links are short-lived this makes a new one. If there is none to be had, the recorded one is better
        than nothing: it leads to the course, where the buyer can sign in themselves.

        Raises:
            KramikError: the course platform can not make a link now, and none is recorded.
        """
        order = self.holder(token)
        if order is None or not order.opened:
            return order, ""
        if self.ports.shelf is not None:
            return order, f"{self.addresses.api}/access/{token}/"
        recorded, fresh = order.step("invitation").receipt, self.ports.fresh_links
        if fresh is None:
            return order, recorded
        try:
            return order, fresh.link(order.addressed)
        except KramikError as error:
            self.ports.log("no_fresh_link", order=order.id, why=str(error))
            if not recorded.startswith(("https://", "http://")):
                raise
            return order, recorded

    def ask_resend(self, email: str, *, now: datetime) -> Future[None]:
        """Ask for the access mails of this address; whether there are any is found out later, by the worker."""
        return desk.put_resend(self.ports, now=now, email=email)

    def ask_withdrawal(
        self, email: str, name: str, *, order: str, statement: str, now: datetime
    ) -> Future[None]:
        """Put a buyer's withdrawal on the queue; which order it is about is found out by the worker."""
        message = Message(
            task="withdraw", order=order, email=email, name=name, note=statement, nonce=now.isoformat()
        )
        return self.ports.queue.put(message, now=now)

    # The seller

    def decide_withdrawal(self, order: Order, *, accepted: bool, why: str, now: datetime) -> Order:
        """Accept or refuse a withdrawal.

        Raises:
            Rejected: there is nothing to decide.
            Conflict: the order changed meanwhile; look at it again.
        """
        return desk.decide_withdrawal(self.ports, order, accepted=accepted, why=why, now=now)

    def retry(self, order: Order, *, now: datetime, found: Mapping[StepName, str] | None = None) -> Order:
        """Resume every parked step, its cause is mended, and put the order back to work.

        `found` holds the receipts of parked steps that did happen, as the person saw at the other side.

        Raises:
            Conflict: the order changed meanwhile; look at it again.
        """
        return desk.retry(self.ports, order, now=now, found=found or {})

    def correct(self, order: Order, email: str, *, now: datetime) -> Order:
        """Let an order be for another address, and give the access there; only the seller may say so.

        Raises:
            Rejected: the order is for nobody any more.
            Conflict: the order changed meanwhile; look at it again.
        """
        return desk.correct(self.ports, order, email, now=now, settle=self.timing.visibility)

    def resend(self, order: Order, *, now: datetime) -> None:
        """Send the access mail of one order again, now."""
        desk.put_resend(self.ports, now=now, order=order.id).result()

    # Private

    def _again(self, ids: Sequence[str], digest: str, draft: Draft, found: Sequence[Problem]) -> Placed:
        """Return the order that this very request placed before anything changed.

        Raises:
            Rejected: there is none; every problem.
        """
        orders = (self.ports.orders.get(order_id) for order_id in ids) if draft.key else ()
        order = next((order for order in orders if order and order.intent.digest == digest), None)
        if order is None:
            raise Rejected(*found)
        return Placed(order=order, stored=_failed(Conflict("it was placed before")))

    def _placed_before(self, order: Order) -> Order:
        before = self.ports.orders.get(order.id)
        if before is None:
            msg = f"order {order.id} was there and is gone"
            raise Transient(msg)
        if before.intent.digest != order.intent.digest:
            msg = "this idempotency key was used for another order; use a new key for new content"
            raise Conflict(msg)
        return before

    def _gateway(self, name: str) -> Gateway | CallingGateway:
        gateway = self.ports.gateways.get(name)
        if gateway is None:
            raise Rejected(placing.problem("gateway", "unknown_gateway", "this shop has no such gateway"))
        return gateway

    def returns(self, order: Order) -> Returns:
        """Return where the gateway sends the buyer of an order back to, and itself its notification."""
        back = f"order={order.id}&key={self.status_key(order)}"
        prefix = "" if order.intent.lang == self.langs[0] else f"/{order.intent.lang}"
        thanks = f"{self.addresses.site}{prefix}/thanks/?{back}"
        notify = f"{self.addresses.api}/api/payments/{order.intent.gateway}"
        return Returns(done=thanks, failed=thanks, notify=notify)

    def _settle(self, received: Received, plan: Plan, now: datetime, *, attempt: int) -> None:
        match plan:
            case Done():
                self.ports.queue.done(received)
            case Again(after):
                message = replace(received.message, attempt=attempt)
                self.ports.queue.again(received, message, now=now, after=after)
            case Park(why):
                self.ports.queue.poison(received, why, now=now)
                self.ports.log("poisoned", order=received.message.order, message=received.id, why=why)


def _failed(error: Exception) -> Future[None]:
    future: Future[None] = Future()
    future.set_exception(error)
    return future
