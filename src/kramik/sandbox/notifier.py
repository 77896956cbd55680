"""Sends the gateways' notifications from background threads, again and again until they are acknowledged.

What acknowledges a letter, and how long the pauses are, is the vendor's business (`dialect.py`).
"""

from __future__ import annotations

import heapq
import http.client
import itertools
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Literal
from urllib.parse import urlsplit

import msgspec

SENDERS = 4
SECONDS = 10.0
LIMIT = 20_000
LARGEST = 64 * 1024

Kind = Literal["paid", "pending", "failed", "refund", "chargeback"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway tells, in no vendor's words: `amount` in minor units, `of` the payment that goes back."""

    id: str
    kind: Kind
    order: str
    shop_id: str
    amount: int
    currency: str
    of: str = ""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP POST to the shop, in the vendor's words."""

    body: bytes
    headers: dict[str, str]


class Parcel(msgspec.Struct, kw_only=True):
    """A letter on its way to `url`; `then` follows when it has been acknowledged."""

    notification: Notification
    letter: Letter
    url: str
    accepts: Callable[[Letter, int, bytes], bool]
    delivered: Callable[[Parcel], None]
    pauses: tuple[float, ...]
    then: Parcel | None = None
    attempts: int = 0
    last: str = ""

    @property
    def pause(self) -> float:
        """Return the seconds until the next attempt, at a pace of 1."""
        return self.pauses[min(self.attempts, len(self.pauses)) - 1]

    def shown(self) -> dict[str, object]:
        """Return it as the ledger shows what is on its way."""
        facts = {"url": self.url, "attempts": self.attempts, "last": self.last}
        return {"notification": msgspec.to_builtins(self.notification), **facts}


class Notifier:
    """The parcels of one world that are not acknowledged yet."""

    def __init__(self, *, pace: float) -> None:
        self._pace = pace
        self._due: list[tuple[float, int, Parcel]] = []
        self._sending: dict[int, Parcel] = {}
        self._numbers = itertools.count()
        self._changed = Condition()
        self._closed = False
        self._threads: list[Thread] = []

    def open(self) -> None:
        """Begin to send."""
        self._threads = [
            Thread(target=self._run, name=f"notifier-{each}", daemon=True) for each in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop; what was not acknowledged is forgotten."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(SECONDS + 1)

    def put(self, parcel: Parcel, after: float = 0.0) -> None:
        """Send it, after so many seconds; of more than 20,000 that wait, the most distant is dropped."""
        with self._changed:
            heapq.heappush(self._due, (monotonic() + after, next(self._numbers), parcel))
            if len(self._due) > LIMIT:
                self._due.remove(max(self._due))
                heapq.heapify(self._due)
            self._changed.notify()

    def undelivered(self) -> list[Parcel]:
        """Return what was not acknowledged yet."""
        with self._changed:
            return [*self._sending.values(), *(parcel for _, _, parcel in sorted(self._due))]

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            number, parcel = taken
            parcel.attempts += 1
            parcel.last = _send(parcel)
            with self._changed:
                del self._sending[number]
            self._settle(parcel)

    def _take(self) -> tuple[int, Parcel] | None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    _, number, parcel = heapq.heappop(self._due)
                    self._sending[number] = parcel
                    return number, parcel
                self._changed.wait(wait)
            return None

    def _settle(self, parcel: Parcel) -> None:
        if parcel.last:
            self.put(parcel, parcel.pause * self._pace)
            return
        parcel.delivered(parcel)
        if parcel.then is not None:
            self.put(parcel.then)


def _send(parcel: Parcel) -> str:
    """Send once; return why it was not acknowledged, or nothing."""
    try:
        status, said = _post(parcel.url, parcel.letter)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no answer: {type(error).__name__}"
    try:
        accepted = parcel.accepts(parcel.letter, status, said)
    except Exception as error:  # noqa: BLE001 - an answer that a dialect can not read acknowledges nothing
        return f"answered {status}, which can not be read: {type(error).__name__}"
    return "" if accepted else f"answered {status}, but not OK"


def _post(url: str, letter: Letter) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, letter.body, letter.headers)
        response = connection.getresponse()
        return response.status, response.read(LARGEST)
    finally:
        connection.close()
