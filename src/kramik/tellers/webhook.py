"""A signed call to an address of the seller's, by the scheme of Standard Webhooks.

The id is made of the fact, so whoever receives it can drop a repeat: a call whose answer was lost is made again.
The body names the order and says nothing about the buyer.
Source: the specification in github standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.http import Client
from kramik.payment import sign
from kramik.ports import News

PREFIX = "whsec_"
SHORTEST = 24
"""Bytes of a secret, as the specification asks for."""

HIDDEN = 8
"""Characters from which on a part of the address may be a secret, and is shown in no error."""

TYPES = {
    "parked": "order.parked",
    "mismatch": "payment.mismatch",
    "second": "payment.second",
    "refund": "payment.refund",
    "chargeback": "payment.chargeback",
    "withdrawal": "order.withdrawal",
    "poison": "message.poisoned",
    "digest": "shop.digest",
}


class WebhookTeller:
    """Calls the seller's address; each call lasts at most `call_seconds`. The first secret is the newest one."""

    def __init__(
        self,
        url: str,
        secrets: Sequence[str],
        *,
        call_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys, self._now = [_key(each) for each in secrets], now
        parts = _address(url)
        self._path, self._query = parts.path or "/", dict(parse_qsl(parts.query))
        origin = f"{parts.scheme}://{parts.netloc}"
        hidden = filter(lambda each: len(each) >= HIDDEN, [*secrets, self._path, *self._query.values()])
        self._client = Client(origin, name="webhook", call_seconds=call_seconds, secrets=hidden)

    @property
    def repeat(self) -> Literal["keyed"]:
        """Return that equal ids are one notice."""
        return "keyed"

    def tell(self, news: News) -> str:
        """Make the call; the receipt is its id."""
        name, body = f"msg_{sha256(news.id.encode()).hexdigest()[:32]}", encoded(news)
        headers = signed(name, body, self._keys, now=self._now())
        self._client.send(
            "POST",
            self._path,
            doing="telling the seller",
            query=self._query,
            json=msgspec.Raw(body),
            headers=headers,
        )
        return name

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def encoded(news: News) -> bytes:
    """Return the body: the same news is the same bytes."""
    data: dict[str, object] = {"what": news.text}
    if news.order is not None:
        intent = news.order.intent
        data |= {
            "order": news.order.id,
            "product": intent.product,
            "title": intent.title,
            "price": {"amount": intent.price.minor, "currency": intent.price.currency},
            "gateway": intent.gateway,
        }
    return msgspec.json.encode({"type": TYPES[news.kind], "timestamp": news.at, "data": data})


def signed(name: str, body: bytes, keys: Sequence[bytes], *, now: datetime) -> dict[str, str]:
    """Return the headers that prove who calls: one signature for each key, so that a secret can be rotated."""
    moment = str(int(now.timestamp()))
    content = b".".join((name.encode(), moment.encode(), body))
    signatures = (f"v1,{b64encode(sign(key, content)).decode()}" for key in keys)
    return {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": " ".join(signatures)}


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < SHORTEST:
        message = f'is no secret of {SHORTEST} bytes in base64; make one with: echo "whsec_$(openssl rand -base64 32)"'
        raise _wrong("webhook_secret", message)
    return key


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise _wrong("webhook", "is no address that can be called in secret; it begins with https://")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(key: str, message: str) -> ConfigurationError:
    return ConfigurationError(Problem(field=key, code="wrong", message=message))
