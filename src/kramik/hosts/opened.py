"""A shop that a function app opened: settings, store, handlers, each made when the first function needs it.

What it reads from the environment, beside the secrets that `shop.toml` names:

    AzureWebJobsStorage                  the connection string of the storage account
    AzureWebJobsStorage__accountName     or its name, for an identity without a key
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, TextIO

from kramik import desk, publishing, wiring
from kramik.answer import Request, Response, settle
from kramik.errors import KramikError, NeedsOperator
from kramik.hosts.latepages import LatePages
from kramik.hosts.outbox import Outbox
from kramik.hosts.traces import Traces
from kramik.hosts.worker import utc_now
from kramik.ports import Log
from kramik.queue import Received
from kramik.stores.azure.inbox import Inbox
from kramik.stores.azure.queue import Taken
from kramik.web import LARGEST_BODY, Web

if TYPE_CHECKING:
    from kramik.settings import Settings
    from kramik.shop import Shop
    from kramik.stores.azure import AzureStore
    from kramik.stores.azure.queue import AzureQueue

WARM = "/api/warm"
"""What a page asks for when a buyer reads it: a second of imports that no order has to wait for."""

LAST = 5
"""The delivery after which the Functions host makes poison of a message (`maxDequeueCount`): we park before that."""

DRAINED = 1000
"""Messages of the host's poison queue that one sweep looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a shop is made of while it is open."""

    store: AzureStore
    outbox: Outbox
    shop: Shop
    pages: LatePages
    web: Web


class Opened:
    """One shop in one process; functions of any thread may ask it."""

    def __init__(
        self, read: Callable[[], Settings], environ: Mapping[str, str], log: TextIO | None = None
    ) -> None:
        self._read, self._environ, self._log = read, environ, log
        self._lock = Lock()
        self._made: Inside | None = None

    def answer(self, request: Request) -> tuple[Response, list[str]]:
        """Answer a request; also return what the output binding has to store before the answer goes out."""
        inside = self._inside
        if len(request.body) > LARGEST_BODY:
            return inside.web.too_large(request), []
        if request.path == WARM:
            inside.store.load()
            inside.pages.message("not_found", inside.shop.langs[0])
        with inside.outbox.collecting() as collected:
            return settle(inside.web.handle(request)), collected

    def work(self, message: bytes, *, name: str, receipt: str, deliveries: int) -> None:
        """Do the work of one message that a trigger brought; when this fails the host brings it again.

        Raises:
            KramikError: the store is down, and not even a delayed message can be put.
        """
        inside, now = self._inside, utc_now()
        until = now + timedelta(seconds=inside.shop.timing.visibility)
        taken = Taken(id=name, body=message, receipt=receipt, deliveries=deliveries, until=until)
        received = inside.store.queue.read(taken, now=now)
        if received is None:
            inside.shop.ports.log("parked", why="a message that nobody can read")
        elif deliveries >= LAST:
            self._give_up(received, f"it was taken {deliveries} times; functions time out or die on it")
        else:
            inside.shop.work(received, clock=utc_now)

    def sweep(self, grace: float | None = None) -> list[str]:
        """Drain the host's poison queue, then put orders back to work that are late by `grace` seconds; return them."""
        try:
            self._drain(self._inside.store.poison_queue)
        except KramikError as error:
            self.log("drain_failed", why=str(error))
        return self._inside.shop.sweep(now=utc_now(), grace=grace)

    def _drain(self, queue: AzureQueue) -> None:
        for _ in range(DRAINED):
            received = queue.take(now=utc_now(), visibility=60)
            if received is None:
                return
            try:
                self._give_up(received, "the functions host gave up: a function failed on it again and again")
            except KramikError as error:
                self._inside.shop.ports.log("drain_failed", order=received.message.order, why=str(error))
            else:
                queue.done(received)

    def _give_up(self, received: Received, why: str) -> None:
        """Park the order of a message, so that no sweep repeats it, and keep the message for a person."""
        try:
            desk.give_up(self._inside.shop.ports, received.message, why, now=utc_now())
        except NeedsOperator as error:  # the order can not be read: a person sees the message all the same
            why = f"{why}; {error}"
        self._inside.outbox.poison(received, why, now=utc_now())
        self._inside.shop.ports.log("parked", order=received.message.order, why=why)

    @property
    def _inside(self) -> Inside:
        with self._lock:
            if self._made is None:
                store = wiring.open_azure(self._environ)
                self._made = _opened(self._read(), store, self._log or Traces())
            return self._made

    @property
    def inbox(self) -> Inbox:
        """Return the queue as a host uses it, for a host of our own."""
        store = self._inside.store
        return Inbox(store.queue, store.poison_queue, most=LAST)

    @property
    def log(self) -> Log:
        """Return the log of the shop."""
        return self._inside.shop.ports.log

    def too_large(self, request: Request) -> Response:
        """Answer a body over the limit."""
        return self._inside.web.too_large(request)

    def check(self) -> None:
        """Return when the storage can be reached.

        Raises:
            ConfigurationError: no account is named.
            Transient: it can not.
        """
        self._inside.shop.ports.orders.ping()

    def close(self) -> None:
        """Close the connections to the storage."""
        if self._made is not None:
            self._made.store.close()


def _opened(settings: Settings, store: AzureStore, stream: TextIO) -> Inside:
    outbox, log = Outbox(store.queue), wiring.logger(settings, stream)
    shop = wiring.build(settings, store.orders, outbox, vault=store.vault, log=log)
    headers = publishing.headers(settings, "api")
    pages = LatePages(lambda: publishing.pages(settings))
    web = Web(shop, pages, utc_now, page_headers=headers)
    return Inside(store=store, outbox=outbox, shop=shop, pages=pages, web=web)
