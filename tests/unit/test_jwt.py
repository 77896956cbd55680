"""Tokens that we make for vendors."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode

import msgspec

from kramik import jwt
from kramik.payment import sign


def read(part: str) -> dict:
    """Return what a part of a token says."""
    return msgspec.json.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_says_what_it_was_told() -> None:
    """A token names its key, carries the claims and ends in time."""
    head, body, _ = jwt.made(b"key", {"aud": "/admin/"}, now=1516239022.9, lasts=300, kid="k1").split(".")
    assert {"alg": "HS256", "typ": "JWT", "kid": "k1"} == read(head)
    assert {"aud": "/admin/", "iat": 1516239022, "exp": 1516239322} == read(body)


def test_known_signature() -> None:
    """The signature is the one that the example of jwt.io shows for its text and secret."""
    text = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
    )
    signature = jwt._encoded(sign(b"your-256-bit-secret", text.encode()))
    assert b"SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c" == signature


def test_signature_covers_head_and_body() -> None:
    """The signature is over the text as it is sent."""
    text, _, signature = jwt.made(b"key", {}, now=0, lasts=1).rpartition(".")
    expected = hmac.new(b"key", text.encode(), "sha256").digest()
    assert expected == urlsafe_b64decode(signature + "=")
