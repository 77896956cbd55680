"""Short-lived tokens that we make for a vendor: JWT with HMAC-SHA256, made and never read.

The algorithm is ours and written here; nothing that a sender says chooses it.
Source: RFC 7519, RFC 7515 appendix A.1.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping

import msgspec

from kramik.payment import sign


def made(key: bytes, claims: Mapping[str, object], *, now: float, lasts: float, kid: str = "") -> str:
    """Return a token over these claims that is good for so many seconds from `now`, seconds since 1970."""
    head = {"alg": "HS256", "typ": "JWT", **({"kid": kid} if kid else {})}
    issued = int(now)
    body = {**claims, "iat": issued, "exp": issued + int(lasts)}
    text = b".".join(_encoded(msgspec.json.encode(each)) for each in (head, body))
    return b".".join((text, _encoded(sign(key, text)))).decode()


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
