"""Messages in a storage queue: base64 on both sides, never lapsing, tried again as new messages of our own.

The count of deliveries belongs to a message and is never set back by the storage, so a message that is tried again
is put anew before the old one is removed: whoever dies in between leaves two, which is harmless.
`take` is for hosts that poll themselves; on Azure the Functions host takes, renews and removes.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, TypeVar

import msgspec

from kramik.errors import KramikError, NeedsOperator
from kramik.queue import Message, Poisoned, Received, decode, encode
from kramik.stores.azure.account import Account, NotMadeError, decided
from kramik.stores.azure.poison import Poison, unreadable

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

NEVER = -1
"""Time to live. The default of the storage is seven days, after which a message vanishes without a trace."""

LARGEST = 48 * 1024
"""Bytes of a message: as base64 they are the 64 KiB that a storage queue takes."""

RENEWED = 60
"""Seconds for which a message stays hidden while it is replaced."""

Result = TypeVar("Result")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the storage gave it: nobody has read its body yet."""

    id: str
    body: bytes
    receipt: str
    deliveries: int
    until: datetime


class AzureQueue:
    """One queue of one storage account, and its poison."""

    def __init__(self, account: Account, name: str) -> None:
        self._account, self.name = account, name
        self._aside = Poison(account)

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:  # noqa: ARG002 - its own clock
        """Store a message that can be taken after so many seconds, rounded up to whole ones."""
        future: Future[None] = Future()
        try:
            self._put(message, after)
        except KramikError as error:
            future.set_exception(error)
        else:
            future.set_result(None)
        return future

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        """Take one message; what can not be read is moved aside on the way."""
        until, hidden = now + timedelta(seconds=visibility), max(1, ceil(visibility))
        while found := self.speak(lambda queue: queue.receive_message(visibility_timeout=hidden)):
            taken = Taken(
                id=found.id,
                body=plain(str(found.content)),
                receipt=str(found.pop_receipt),
                deliveries=int(found.dequeue_count or 1),
                until=until,
            )
            received = self.read(taken, now=now)
            if received is not None:
                return received
            self.remove(taken.id, taken.receipt)
        return None

    def read(self, taken: Taken, *, now: datetime) -> Received | None:
        """Read a message that was taken, here or by a host; None when nobody can read it and it was moved aside."""
        try:
            message, why = decode(taken.body), ""
        except NeedsOperator as error:
            message, why = unreadable(taken.body, str(error)), str(error)
        received = Received(
            id=taken.id,
            message=message,
            receipt=taken.receipt,
            deliveries=taken.deliveries,
            until=taken.until,
        )
        if not why:
            return received
        self._aside.add(_poisoned(received, why, now), taken.body)
        return None

    def keep(self, received: Received, why: str, *, now: datetime) -> None:
        """Keep a message for a person, whoever removes it from its queue; a repeat changes nothing."""
        self._aside.add(_poisoned(received, why, now), encode(received.message))

    def done(self, received: Received) -> None:
        """Remove a message if it is still ours."""
        self.remove(received.id, received.receipt)

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:
        """Replace our message by a new one."""
        receipt = self.hide(received.id, received.receipt, RENEWED)
        if receipt:
            self.put(message, now=now, after=after).result()
            self.remove(received.id, receipt)

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        """Move our message aside."""
        receipt = self.hide(received.id, received.receipt, RENEWED)
        if receipt:
            self.keep(received, why, now=now)
            self.remove(received.id, receipt)

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        """Return what was moved aside, oldest first."""
        return self._aside.all(order)

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        """Put a poisoned message back to work."""
        return self._aside.replay(poison_id, lambda message: self._put(message, 0), now=now)

    def discard(self, poison_id: str) -> bool:
        """Remove a poisoned message."""
        return self._aside.discard(poison_id)

    def depth(self) -> int:
        """Return about how many messages there are: the storage promises no more."""
        return int(self.speak(lambda queue: queue.get_queue_properties().approximate_message_count or 0))

    @staticmethod
    def text(message: Message) -> str:
        """Return a message as it is written, before base64.

        Raises:
            NeedsOperator: it is larger than a storage queue takes; nothing was written.
        """
        body = encode(message)
        if len(body) > LARGEST:
            raise NeedsOperator(f"a message has {len(body):,} bytes and a storage queue takes {LARGEST:,}")
        return body.decode()

    def _put(self, message: Message, after: float) -> None:
        text, hidden = self.text(message), ceil(max(0.0, after))
        self.speak(lambda queue: queue.send_message(text, visibility_timeout=hidden, time_to_live=NEVER))

    def hide(self, message_id: str, receipt: str, seconds: int) -> str:
        """Hide a message from now on; return its new receipt, or nothing when it is no longer ours."""
        from azure.core.exceptions import HttpResponseError

        try:
            message = self.speak(
                lambda queue: queue.update_message(message_id, receipt, visibility_timeout=seconds)
            )
        except HttpResponseError:
            return ""
        return str(message.pop_receipt)

    def remove(self, message_id: str, receipt: str) -> None:
        """Remove a message; nothing when it is no longer ours."""
        from azure.core.exceptions import HttpResponseError

        try:
            self.speak(lambda queue: queue.delete_message(message_id, receipt))
        except HttpResponseError:
            return  # gone, or taken by somebody else

    def speak(self, work: Callable[[QueueClient], Result]) -> Result:
        """Speak to the queue, which is made when it is missing."""
        for _ in range(2):
            queue = self._account.queue(self.name)
            try:
                with decided(self.name, lambda: _make(queue)):  # noqa: B023 - called at once
                    return work(queue)
            except NotMadeError:
                continue
        raise NotMadeError(f"the queue {self.name} was made and is not there (yet)")


def plain(content: str) -> bytes:
    """Return what was put, from base64; a message that somebody put in another way stays as it is."""
    try:
        return b64decode(content, validate=True)
    except ValueError:
        return content.encode()


def _poisoned(received: Received, why: str, now: datetime) -> Poisoned:
    return Poisoned(id=received.id, message=received.message, why=why, at=now, deliveries=received.deliveries)


def _make(queue: QueueClient) -> None:
    from azure.core.exceptions import ResourceExistsError

    try:
        queue.create_queue()
    except ResourceExistsError:
        return  # somebody else was faster
