"""Sends the gateway's notifications from background threads, again and again until they are acknowledged.

Acknowledged is exactly: status 200 and the body `OK`. Anything else comes again, later each time.
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

from kramik.payment import sign

SENDERS = 4
SECONDS = 10.0
LIMIT = 20_000
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

Kind = Literal["paid", "pending", "failed", "refund", "chargeback"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway tells the shop: the JSON body, `amount` in minor units, `of` the payment that goes back."""

    id: str
    kind: Kind
    order: str
    shop_id: str
    amount: int
    currency: str
    of: str = ""


class Parcel(msgspec.Struct, kw_only=True):
    """A notification on its way to `url`; `then` follows when it has been acknowledged."""

    notification: Notification
    url: str
    then: Parcel | None = None
    attempts: int = 0
    last: str = ""


class Notifier:
    """The parcels of one world that are not acknowledged yet."""

    def __init__(self, key: str, *, pace: float, delivered: Callable[[Parcel], None]) -> None:
        self._key, self._pace, self._delivered = key.encode(), pace, delivered
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
            parcel.last = self._send(parcel)
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
            self.put(parcel, PAUSES[min(parcel.attempts, len(PAUSES)) - 1] * self._pace)
            return
        self._delivered(parcel)
        if parcel.then is not None:
            self.put(parcel.then)

    def _send(self, parcel: Parcel) -> str:
        """Send once; return why it was not acknowledged, or nothing."""
        body = msgspec.json.encode(parcel.notification)
        headers = {"content-type": "application/json", "x-sandbox-signature": sign(self._key, body).hex()}
        try:
            status, said = _post(parcel.url, body, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"no answer: {type(error).__name__}"
        return "" if (status, said) == (200, b"OK") else f"answered {status}, but not OK"


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=SECONDS)
    try:
        connection.request("POST", parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
        response = connection.getresponse()
        return response.status, response.read(64)
    finally:
        connection.close()
