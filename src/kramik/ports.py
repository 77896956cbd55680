"""Every outside thing, on one page: what the story asks of it, what it may raise, and whether a repeat is harmless.

Stores and queues answer the door with a `Future`, so that a host can wait for the disk without holding a thread.
Everything else is synchronous. Adapters implement these without inheriting from them.
Any of them may raise `Transient` (it did not happen) and, where it speaks to a peer, `OutcomeUnknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

from kramik.catalogue import Product
from kramik.errors import Problem
from kramik.event import Begun, PaymentEvent
from kramik.notice import NoticeKind
from kramik.order import Order, State
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification
from kramik.queue import Message, Poisoned, Received

Repeat = Literal["keyed", "set", "lookup", "unsafe"]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders: every field that is given must fit. Newest first; `before` continues behind an order's id.

    `payment` is the gateway's reference of the payment that an order was granted for.
    """

    email: str = ""
    product: str = ""
    payment: str = ""
    state: State | None = None
    since: datetime | None = None
    until: datetime | None = None
    due_before: datetime | None = None
    before: str = ""
    limit: int = 50


class Orders(Protocol):
    """The orders, each with a version that its store counts."""

    def insert(self, order: Order) -> Future[None]:
        """Store a new order; the future ends when it is durable.

        Raises:
            Conflict: an order of this id exists; load it.
            Transient: it is not stored.
        """
        ...

    def get(self, order_id: str) -> Order | None:
        """Return the order as it was last saved."""
        ...

    def save(self, order: Order) -> Order:
        """Store a changed order if nobody saved one since `order.version`; return it with its new version.

        Raises:
            Conflict: somebody did; load it and plan again.
            Transient: unknown whether it is stored; load it and see.
        """
        ...

    def search(self, query: Query) -> Sequence[Order]:
        """Return the orders that fit, newest first, at most `query.limit`."""
        ...

    def ping(self) -> None:
        """Return when the store can read and write.

        Raises:
            Transient: it can not, with the reason.
        """
        ...


class Queue(Protocol):
    """Messages, delivered at least once. Times are arguments; a store with a clock of its own ignores them."""

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        """Store a message that can be taken after so many seconds; the future ends when it is durable."""
        ...

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        """Take one message and hide it for so many seconds; None when none is visible."""
        ...

    def done(self, received: Received) -> None:
        """Remove a message that was dealt with; nothing happens when it is no longer ours."""
        ...

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:
        """Replace our message by this one, visible after so many seconds; nothing when it is no longer ours."""
        ...

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        """Move our message aside for a person; nothing happens when it is no longer ours."""
        ...

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        """Return what was moved aside, oldest first; of one order if it is given."""
        ...

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        """Put a poisoned message back to work; False when it is not there (any more)."""
        ...

    def discard(self, poison_id: str) -> bool:
        """Remove a poisoned message; False when it is not there (any more)."""
        ...

    def depth(self) -> int:
        """Return how many messages wait or are being worked on."""
        ...


class Returns(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gateway sends the buyer back to, and itself its notification. Absolute URLs."""

    done: str
    failed: str
    notify: str


class Notifying(Protocol):
    """What every payment gateway does: it tells us, and wants an answer. Pure: no call, no clock."""

    @property
    def shop_id(self) -> str:
        """Our id at the gateway, as its notifications name it."""
        ...

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None when it is authentic and says nothing about a payment.

        Raises:
            NotAuthentic: the gateway did not sign this; nothing may be stored.
            NeedsOperator: the gateway did sign it, and it can not be read; it is kept for a person.
        """
        ...

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:
        """Return the answer that the gateway demands for this authentic notification."""
        ...


@runtime_checkable
class Gateway(Notifying, Protocol):
    """A gateway to which a signed request leads, built in memory: no call, no clock."""

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed payment request; the same order gives the same request, byte for byte."""
        ...


@runtime_checkable
class CallingGateway(Notifying, Protocol):
    """A gateway that begins a payment when it is called; the order is stored before."""

    @property
    def lasts(self) -> float:
        """Seconds for which a buyer can pay a payment that was begun."""
        ...

    def begin(self, order: Order, returns: Returns, *, now: datetime) -> Begun:
        """Begin a payment by one call; `len(order.begun)` were begun before, and none of them serves any more.

        A repeat for the same number is harmless: at worst there are two payments of one order, of which nobody was
        sent to the first.

        Raises:
            KramikError: there is no payment that the buyer could be sent to; the order waits with its intent.
        """
        ...


@runtime_checkable
class Confirming(Protocol):
    """A gateway whose notification of a payment is not the last word: the worker calls it back."""

    def confirm(self, order: Order, event: PaymentEvent) -> PaymentEvent:
        """Return what counts of a `paid` event; one that does not fit the order comes back as it is, without a call.

        Repeat-safety: set; a payment that was confirmed before is confirmed.

        Raises:
            Transient: ask again later.
            OutcomeUnknown: ask again later; a repeat is harmless.
            Rejected: the gateway does not confirm it; a person has to look.
        """
        ...


@runtime_checkable
class Asking(Protocol):
    """A gateway that can be asked what became of an order, over a connection that is ours alone."""

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Return what its notifications would have said, with the same references; nothing when nobody paid (yet).

        Raises:
            KramikError: it can not be asked now, or not with these settings.
        """
        ...


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What an effect is made of: the order, and our own link that opens the course."""

    order: Order
    access_link: str


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One effect on the outside world and why a second call is harmless.

    `keyed`: the peer keeps our key, a repeat returns the first result. `set`: a repeat is a no-op.
    `lookup`: `find` says whether it happened, at the latest `lag` seconds after. `unsafe`: none of these.

    `do` and `find` return a receipt (for an invitation: the link) and raise `Transient` (it did not happen),
    `OutcomeUnknown` (it may have), `Rejected` or `NeedsOperator` (it did not, and will not).
    `instead` is made in its place, for good, once one of them raised `NotMailable`.
    """

    repeat: Repeat
    do: Callable[[Delivery], str]
    find: Callable[[Delivery], str | None] | None = None
    lag: float = 0
    instead: Effect | None = None

    def __post_init__(self) -> None:
        if (self.repeat == "lookup") != (self.find is not None):
            msg = "an effect has `find` exactly when it is of the kind `lookup`"
            raise TypeError(msg)


class Academy(Protocol):
    """A course platform."""

    @property
    def invitation(self) -> Effect:
        """Give the buyer access; the receipt is a link that opens the course."""
        ...


@runtime_checkable
class Revoking(Protocol):
    """A course platform that can take access back."""

    @property
    def revocation(self) -> Effect:
        """Take the buyer's access to this course back; nothing to take back is a success. The receipt says what was."""
        ...


@runtime_checkable
class FreshLinks(Protocol):
    """A course platform whose links are short-lived; a repeat makes another link and harms nothing."""

    def link(self, order: Order) -> str:
        """Return a link that opens the course now."""
        ...


class CourseFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a course: its path inside of it, with slashes; bytes; UTC; where it lies, if on this machine."""

    path: str
    size: int
    changed: datetime
    place: str = ""


@runtime_checkable
class Shelf(Protocol):
    """A course platform that is nothing but files: whoever holds an access link sees those of the course."""

    def items(self, course: str) -> Sequence[CourseFile]:
        """Return the files of a course, in the order in which they are shown.

        Raises:
            Transient: they can not be listed now.
        """
        ...

    def fetch(self, course: str, path: str) -> CourseFile | str | None:
        """Return a file of this machine, or the address of a short-lived link to it; None when there is none."""
        ...


class Mailer(Protocol):
    """A mailing tool."""

    @property
    def purchase(self) -> Effect:
        """Register the purchase; the receipt is the tool's id of it."""
        ...

    @property
    def sequence(self) -> Effect:
        """Start the mail sequence that carries the access link; the receipt is the tool's id of it."""
        ...


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A text that goes along with a mail, to be kept."""

    name: str
    text: str


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail; equal keys are one mail. `html` says the same as `text`; a post leaves out what it can not send."""

    to: str
    subject: str
    text: str
    key: str
    html: str = ""
    files: tuple[File, ...] = ()


@runtime_checkable
class Checkable(Protocol):
    """A vendor whose account can be asked whether our settings and products fit it."""

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:
        """Return what does not fit, each with what to do; with `create` what a product needs there is made, if it can.

        `field` is a key of the vendor's table or the slug of a product. Nothing of a buyer is touched.

        Raises:
            KramikError: it can not be asked now.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@runtime_checkable
class Directing(Protocol):
    """A mailing tool whose settings say what the name in a product's file leads to; if it is there, only it knows."""

    def directed(self, product: Product) -> object:
        """Return what the mails of a product begin with; it asks nobody.

        Raises:
            NeedsOperator: the name leads nowhere; say it before somebody buys.
        """
        ...


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that a person has to allow at the vendor: the address to open, and what ends it.

    `finish` takes the address at which the browser arrived, and keeps what the vendor gives for it.

    Raises (by `finish`):
        Rejected: that address says nothing, or the vendor refuses it.
        KramikError: the vendor or the store can not be reached.
    """

    url: str
    finish: Callable[[str], None]


@runtime_checkable
class Connectable(Protocol):
    """A vendor to which the shop is connected by a person, once."""

    def connection(self, redirect: str) -> Connection | None:
        """Begin a connection that comes back to this address; None when these settings need none."""
        ...

    def close(self) -> None:
        """Close the connections of the network."""
        ...


@runtime_checkable
class Post(Protocol):
    """A way to send one mail outside of any sequence."""

    @property
    def repeat(self) -> Literal["keyed", "unsafe"]:
        """Return why a second call is harmless: `keyed` by `mail.key`, or that it is not."""
        ...

    def send(self, mail: Mail) -> str:
        """Send it; return the post's id of it.

        Raises:
            Transient: it was not sent; try again later.
            OutcomeUnknown: it may have been sent; repeat it only where the post is `keyed`.
            Rejected: it was not sent and will not be: the address is refused.
            NeedsOperator: it was not sent: our account is refused.
        """
        ...


class News(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the seller should know: `id` makes two the same, `text` says what to do; of an order if any."""

    id: str
    kind: NoticeKind | Literal["poison", "digest"]
    text: str
    at: datetime
    order: Order | None = None


class Teller(Protocol):
    """A channel by which the seller is told."""

    @property
    def repeat(self) -> Literal["keyed", "unsafe"]:
        """Return why a second call is harmless: `keyed` by `News.id`, or that it is not."""
        ...

    def tell(self, news: News) -> str:
        """Tell it; return what proves it.

        Raises:
            Transient: it was not told; try again later.
            OutcomeUnknown: it may have been told; repeat it only where the channel is `keyed`.
            Rejected: it was refused, and will be.
            NeedsOperator: it can not be told with these settings.
        """
        ...


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A secret as it was last stored; `version` counts its writes from 1."""

    value: str
    version: int

    def __repr__(self) -> str:
        return f"Kept(version={self.version})"


class Vault(Protocol):
    """Secrets that a vendor hands out and changes, such as a refresh token that works once."""

    def get(self, name: str) -> Kept | None:
        """Return the secret as it was last stored; None when there is none."""
        ...

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store a secret durably if nobody stored one since `version`; 0 when there is none yet.

        Raises:
            Conflict: somebody did; get it and look again.
            Transient: unknown whether it is stored; get it and see.
        """
        ...


class Log(Protocol):
    """Where events go, one line each."""

    def __call__(self, event: str, **facts: object) -> None:
        """Write down an event with its facts; never a payload, a secret or an e-mail address."""
        ...


Clock = Callable[[], datetime]
"""Returns the time of now, aware and in UTC."""

Gateways = Mapping[str, Gateway | CallingGateway]
