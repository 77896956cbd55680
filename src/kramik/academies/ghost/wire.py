"""What Ghost answers, as far as we look at it.

Source: answers of a real Ghost 6.65.0.
"""

from __future__ import annotations

import time

import msgspec


class Label(msgspec.Struct, frozen=True):
    """A label of a member."""

    name: str


class Tier(msgspec.Struct, frozen=True):
    """A tier of a member; Ghost takes a text and answers milliseconds."""

    id: str
    expiry_at: str | int | None = None


class Member(msgspec.Struct, frozen=True):
    """A member, as far as we look."""

    id: str
    labels: list[Label] = []
    tiers: list[Tier] = []


class Members(msgspec.Struct, frozen=True):
    """The members that were found, or the one that was written."""

    members: list[Member]


class SigninUrl(msgspec.Struct, frozen=True):
    """A link that signs a member in."""

    url: str


class SigninUrls(msgspec.Struct, frozen=True):
    """What is answered to somebody who asks for one."""

    member_signin_urls: list[SigninUrl]


class Tiers(msgspec.Struct, frozen=True):
    """The tiers of the site."""

    tiers: list[Tier]


def kept(tier: Tier) -> dict[str, object]:
    """Return a tier as it is sent back, so that its end stays."""
    if isinstance(tier.expiry_at, int):
        text = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(tier.expiry_at / 1000))
        return {"id": tier.id, "expiry_at": text}
    return {"id": tier.id, **({"expiry_at": tier.expiry_at} if tier.expiry_at else {})}
