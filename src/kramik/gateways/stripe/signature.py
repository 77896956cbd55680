"""The signature of an event: `Stripe-Signature: t=…,v1=…`, an HMAC-SHA256 over the time, a point and the raw body.

No clock is read: an old event that is sent again is a known fact and changes nothing, so no age is refused.
Source: https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import re

from kramik.errors import NotAuthentic, Problem
from kramik.payment import Acknowledgement, RawNotification, same, sign

HEADER = "stripe-signature"
OK = Acknowledgement(body=b"OK")
"""Stripe wants a status of 2xx and prescribes no text."""

_STAMP = re.compile(r"[0-9]{1,12}")
_HEX = re.compile(r"[0-9a-f]{64}")


def check(raw: RawNotification, secret: bytes) -> None:
    """Look whether an event is signed with this secret.

    Raises:
        NotAuthentic: it is not; nothing may be stored.
    """
    stamp, given = _signatures(raw.headers.get(HEADER, ""))
    expected = sign(secret, stamp.encode() + b"." + raw.body)
    if not any([same(expected, each) for each in given]):  # noqa: C419 - every one is tried, so time tells nothing
        raise NotAuthentic(f"no signature v1 in {HEADER} fits the body")


def empty(name: str) -> Problem:
    """Return the problem of a key that is empty."""
    return Problem(field=name, code="empty_key", message="is empty; an empty key signs for everybody")


def _signatures(header: str) -> tuple[str, list[bytes]]:
    """Read `t=…,v1=…`: one time stamp, any number of signatures; other schemes are ignored."""
    items = [item.partition("=") for item in header.split(",")]
    stamps = [value for name, _, value in items if name == "t"]
    given = [bytes.fromhex(value) for name, _, value in items if name == "v1" and _HEX.fullmatch(value)]
    if not all(equals for _, equals, _ in items) or len(stamps) != 1 or not _STAMP.fullmatch(stamps[0]):
        raise NotAuthentic(f"the header {HEADER} must hold one t=… and signatures v1=…")
    return stamps[0], given
