"""The certificate that Tpay signs notifications with: fetched beside the way of an acknowledgement, once a day.

A call answers from memory. When nothing is there, or it is a day old, a thread fetches it; meanwhile the old one serves
for some days more, and without one the notification is answered so that Tpay sends it again. Nothing is trusted here:
`jws.py` holds what comes against the pinned certificates.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from urllib.parse import urlsplit

import msgspec

from kramik.errors import KramikError, Transient
from kramik.http import Client

CALL_SECONDS = 3.0
AGE = timedelta(days=1)
OLDEST = timedelta(days=7)
"""How long an old certificate serves while no new one can be fetched."""
PAUSE = timedelta(minutes=1)
"""How long nobody tries again after a certificate could not be fetched."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, when it came and when it ends."""

    pem: bytes
    at: datetime
    ends: datetime


def fetch(address: str, *, call_seconds: float = CALL_SECONDS) -> bytes:
    """Fetch what stands at an address."""
    parts = urlsplit(address)
    client = Client(f"{parts.scheme}://{parts.netloc}", name="Tpay", call_seconds=call_seconds)
    try:
        return client.send("GET", parts.path, doing="fetch its certificate", headers={"accept": "*/*"}).body
    finally:
        client.close()


def now() -> datetime:
    """Return the time of now, in UTC."""
    return datetime.now(UTC)


class DailyCertificates:
    """Certificates by their address, each fetched at most once a day; safe to call from any thread.

    `patience` is how many seconds a call may wait when it finds nothing: none where one event loop serves everybody.
    """

    def __init__(
        self,
        fetch: Callable[[str], bytes] = fetch,
        *,
        clock: Callable[[], datetime] = now,
        patience: float = 0.0,
    ) -> None:
        self._fetch, self._clock, self._patience = fetch, clock, patience
        self._kept: dict[str, Kept] = {}
        self._begun: dict[str, tuple[datetime, Thread]] = {}
        self._lock = Lock()

    def __call__(self, address: str) -> bytes:
        """Return the certificate at this address.

        Raises:
            Transient: it is not here yet, or too old to be believed.
        """
        found = self._usable(address)
        if found is None or self._clock() - found.at >= AGE:
            self._begin(address)
        if found is None and self._patience:
            self.wait(address, self._patience)
            found = self._usable(address)
        if found is None:
            raise Transient("the certificate of Tpay is being fetched; the notification must come again")
        return found.pem

    def wait(self, address: str, seconds: float = CALL_SECONDS) -> None:
        """Wait until the last fetch of this address has ended, however it did."""
        with self._lock:
            begun = self._begun.get(address)
        if begun is not None:
            begun[1].join(seconds)

    def _usable(self, address: str) -> Kept | None:
        kept, at = self._kept.get(address), self._clock()
        return kept if kept is not None and at < min(kept.ends, kept.at + OLDEST) else None

    def _begin(self, address: str) -> None:
        """Fetch in a thread, unless one is at it or has just tried."""
        with self._lock:
            begun = self._begun.get(address)
            if begun is not None and (begun[1].is_alive() or self._clock() - begun[0] < PAUSE):
                return
            thread = Thread(target=self._keep, args=(address,), name="tpay-certificate", daemon=True)
            self._begun[address] = (self._clock(), thread)
            thread.start()

    def _keep(self, address: str) -> None:
        try:
            pem = self._fetch(address)
            self._kept[address] = Kept(pem=pem, at=self._clock(), ends=_end(pem))
        except (KramikError, ValueError):
            return  # the next call after a pause tries again, and the notification comes again, too


def _end(pem: bytes) -> datetime:
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - only shops with Tpay load it

    return load_pem_x509_certificate(pem).not_valid_after_utc
