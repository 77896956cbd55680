"""Przelewy24: a payment is registered by one call, and a notification of it has to be verified by another.

Until it is verified the money stays the buyer's, so the worker does that before it believes a payment; it is
not done for a payment that does not fit the order. Signatures are SHA-384 over JSON in a fixed order of names,
with our CRC key as its last value; so a notification is read before it can be checked, and trusted only after.
Source: https://developers.przelewy24.pl (REST API), https://github.com/mnastalski/przelewy24-php (tests).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, Problem, Rejected
from kramik.event import Begun, PaymentEvent, difference
from kramik.gateways import Features, ask_each
from kramik.gateways.przelewy24 import told
from kramik.http import Client
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification
from kramik.ports import Returns
from kramik.table import Secret

FEATURES = Features(
    title="Przelewy24",
    start="call",
    hash="SHA-384",
    address="request",
    request="computed",
    notification="published",
    methods=("blik", "card", "transfer", "wallet", "later"),
    refunds=True,
    confirms=True,
    asks=True,
    hops=("przelewy24.pl",),
)
CHANNELS = {"card": 4096, "transfer": 2, "wallet": 256, "later": 128, "blik": 8192}
"""The vendor's `channel` of each method; without a choice its page shows every one."""

LANGUAGES = ("pl", "en", "de", "es", "it", "fr", "cs", "sk", "uk")
MINUTES = 99
"""The longest time that a buyer may be given to pay."""

LONGEST_EMAIL = 50
LOOKED_AT = 5
"""Begun payments that are asked about, the newest ones."""

PAID, VERIFIED, RETURNED = 1, 2, 3
NOT_FOUND = 404

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
_OK = Acknowledgement(body=b"OK")

Shape = TypeVar("Shape")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.przelewy24]`; the sandbox is `https://sandbox.przelewy24.pl`.

    `pos_id` is the account's own id unless a shop of it has another one; `api_key` is the key "for reports".
    """

    merchant_id: int
    crc: Secret
    api_key: Secret
    pos_id: int = 0
    base_url: str = "https://secure.przelewy24.pl"


class Registered(msgspec.Struct, frozen=True):
    """The token of a payment that was registered."""

    token: str


class Verdict(msgspec.Struct, frozen=True):
    """What became of a verification."""

    status: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor knows of a payment; `amount` in minor units."""

    status: int
    sessionId: str  # noqa: N815
    orderId: int  # noqa: N815
    amount: int
    currency: str


class Przelewy24Gateway:
    """Our account; one call lasts at most `call_seconds`."""

    lasts = (MINUTES - 9) * 60.0

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        problems = [
            Problem(field=name, code="empty_key", message="is empty; an empty key signs for everybody")
            for name, key in (("crc", settings.crc), ("api_key", settings.api_key))
            if not key.strip()
        ]
        if problems:
            raise ConfigurationError(*problems)
        self._settings, self._pos = settings, settings.pos_id or settings.merchant_id
        self._base = settings.base_url.rstrip("/")
        basic = b64encode(f"{self._pos}:{settings.api_key}".encode()).decode()
        self._client = Client(
            self._base,
            name="Przelewy24",
            call_seconds=call_seconds,
            headers={"Authorization": f"Basic {basic}"},
            secrets=(settings.crc, settings.api_key),
        )

    def __repr__(self) -> str:
        return f"Przelewy24Gateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our account, and the point of sale where that is another number."""
        return told.shop(self._settings.merchant_id, self._pos)

    def begin(self, order: Order, returns: Returns, *, now: datetime) -> Begun:
        """Register a payment; each call is a session of its own, so that a lost answer stands in nobody's way.

        Raises:
            NeedsOperator: the vendor takes no address that long, or answered with no token.
            KramikError: there is no payment; the order waits.
        """
        if len(order.intent.buyer.email) > LONGEST_EMAIL:
            raise NeedsOperator(f"Przelewy24 takes no e-mail address over {LONGEST_EMAIL} characters")
        session = f"{order.id}-{int(now.timestamp())}"
        asked = {**self._wish(order, session), "urlReturn": returns.done, "urlStatus": returns.notify}
        answer = self._client.send("POST", "/api/v1/transaction/register", doing="registering", json=asked)
        token = answer.json(_Data[Registered]).data.token
        if not _TOKEN.fullmatch(token):
            raise NeedsOperator("Przelewy24 answered with no token; look at base_url in shop.toml")
        return Begun(reference=session, url=f"{self._base}/trnRequest/{token}", at=now)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None for a refund that was turned down.

        Raises:
            NotAuthentic: the vendor did not sign this; nothing may be stored.
            NeedsOperator: the vendor did sign it, and it contradicts itself; it is kept for a person.
        """
        notice = told.read(raw.body, self._settings.crc)
        return told.refund(notice, self.shop_id) if notice.refundsUuid else told.payment(notice)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return status 200; only the verification ends the repeats."""
        return _OK

    def confirm(self, order: Order, event: PaymentEvent) -> PaymentEvent:
        """Verify a payment that fits the order; what was verified before is verified.

        Raises:
            Rejected: the vendor does not know it as paid; a person has to look.
            KramikError: ask again later.
        """
        if order.payment is not None or difference(order.id, order.intent, event) or event.money is None:
            return event
        core = {"sessionId": event.begun, "orderId": int(event.reference), **_money_fields(event.money)}
        asked = {**core, "merchantId": self._settings.merchant_id, "posId": self._pos}
        asked["sign"] = told.signed(core, self._settings.crc)
        try:
            answer = self._client.send("PUT", "/api/v1/transaction/verify", doing="verifying", json=asked)
        except Rejected:
            known = self._known(event.begun)
            if known is not None and (known.status, str(known.orderId)) == (VERIFIED, event.reference):
                return event
            raise
        if answer.json(_Data[Verdict]).data.status != "success":
            raise NeedsOperator(
                f"Przelewy24 did not verify payment {event.reference}; look at it in its panel"
            )
        return event

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Ask for the newest payments that were begun; each was begun for this order and its price alone.

        Raises:
            KramikError: it can not be asked now.
        """
        return ask_each([each.reference for each in order.begun[-LOOKED_AT:]], self._asked)

    def _asked(self, session: str) -> PaymentEvent | None:
        """Ask for one payment and return what its notification would have said; one that went back is told as that."""
        known = self._known(session)
        if known is None or known.status not in (PAID, VERIFIED, RETURNED):
            return None
        if known.status == RETURNED:
            reference = f"{known.orderId}-returned"
            return told.returned(session, known.orderId, self.shop_id, reference=reference)
        return told.paid(session, known.orderId, self.shop_id, told.money(known.amount, known.currency))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _wish(self, order: Order, session: str) -> dict[str, object]:
        intent = order.intent
        core = {
            "sessionId": session,
            "merchantId": self._settings.merchant_id,
            **_money_fields(intent.price),
        }
        channel = CHANNELS.get(intent.method)
        return {
            **core,
            "posId": self._pos,
            "description": " ".join(intent.title.split())[:1024],
            "email": intent.buyer.email,
            "country": "PL",
            "language": intent.lang if intent.lang in LANGUAGES else "en",
            "timeLimit": MINUTES,
            **({"channel": channel} if channel else {}),
            "sign": told.signed(core, self._settings.crc),
        }

    def _known(self, session: str) -> Known | None:
        """Ask for one payment; None when the vendor knows no such session.

        Raises:
            NeedsOperator: the answer is about another payment.
        """
        path = f"/api/v1/transaction/by/sessionId/{quote(session, safe='')}"
        answer = self._client.send("GET", path, doing="asking for a payment", answers=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        known = answer.json(_Data[Known]).data
        if known.sessionId != session:
            raise NeedsOperator("Przelewy24 answered about another payment; look at base_url in shop.toml")
        return known


class _Data(msgspec.Struct, Generic[Shape], frozen=True):
    """The envelope of an answer."""

    data: Shape


def _money_fields(money: Money) -> dict[str, object]:
    return {"amount": money.minor, "currency": money.currency}
