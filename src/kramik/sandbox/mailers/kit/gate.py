"""Who may call Kit, and how often: an API key, or an access token from a refresh token that works once.

Tokens are signed, so that a world that was started again knows those of the one before.
Source: developers.kit.com/api-reference/authentication and /rate-limits; refresh tokens are single-use since May 2026.
"""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64encode
from collections import deque
from hashlib import sha256
from time import monotonic, time

import msgspec

from kramik.payment import same, sign
from kramik.sandbox.stage import Stage

API_KEY = "kit_demo_key_of_the_sandbox"
OLD_API_KEY = "kit_demo_key_of_april_2025"
"""An account whose upserts ignore custom fields that do not exist, as Kit did in 2025."""

CLIENT_ID = "demo-client-of-the-sandbox"
CLIENT_SECRET = "demo-client-secret-of-the-sandbox"  # noqa: S105 - made up
LASTS = 7200
WINDOW = 60.0
LIMITS = {"API Key": 120, "OAuth2": 600}
"""Requests within the window."""

_KEY = b"the sandbox signs Kit's tokens with this"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a token endpoint answers."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    scope: str
    created_at: int


class Gate:
    """The keys of one account, and what each of them was used for within the last minute."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._numbers = stage, itertools.count(1)
        self._used: set[str] = set()
        self._calls: dict[str, deque[float]] = {}
        self._codes: dict[str, tuple[str, str]] = {}

    def credential(self, api_key: str, bearer: str) -> str:
        """Return which kind of key this is; nothing when it is none of ours."""
        if api_key in (API_KEY, OLD_API_KEY):
            return "API Key"
        return "OAuth2" if bearer and _life(bearer, "access") > time() else ""

    def full(self, credential: str) -> bool:
        """Count a call; say whether it is one too many."""
        calls, now = self._calls.setdefault(credential, deque()), monotonic()
        while calls and calls[0] < now - WINDOW * self._stage.pace:
            calls.popleft()
        if len(calls) >= LIMITS[credential]:
            return True
        calls.append(now)
        return False

    def allow(self, asked: dict[str, str]) -> str:
        """Let a seller allow a connection; return the code for it, nothing when the request makes no sense."""
        proof = asked.get("code_challenge", "")
        sound = asked.get("client_id") == CLIENT_ID and asked.get("response_type") == "code"
        if not sound or (proof and asked.get("code_challenge_method") != "S256"):
            return ""
        code = f"code-{next(self._numbers)}"
        self._codes[code] = (asked.get("redirect_uri", ""), proof)
        return code

    def trade(self, said: dict[str, str]) -> Grant | str:
        """Trade a code or a refresh token for a pair of tokens, once; return Kit's word for what is wrong otherwise."""
        if said.get("client_id") != CLIENT_ID or said.get("client_secret", CLIENT_SECRET) != CLIENT_SECRET:
            return "invalid_client"
        kinds = {"refresh_token": self._refresh, "authorization_code": self._connect}
        kind = kinds.get(said.get("grant_type", ""))
        return "unsupported_grant_type" if kind is None else kind(said)

    def _connect(self, said: dict[str, str]) -> Grant | str:
        redirect, proof = self._codes.pop(said.get("code", ""), ("", ""))
        given = (
            urlsafe_b64encode(sha256(said.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        )
        proven = given == proof if proof else "client_secret" in said
        if not redirect or redirect != said.get("redirect_uri") or not proven:
            return "invalid_grant"
        self._stage.write("token", "", result="connected")
        return self._grant()

    def _refresh(self, said: dict[str, str]) -> Grant | str:
        token = said.get("refresh_token", "")
        known = not _life(token, "refresh")
        if known or token in self._used:
            self._stage.write("token", "", result="invalid_grant")
            return "invalid_grant"
        self._used.add(token)
        self._stage.write("token", "", result="refreshed")
        return self._grant()

    def _grant(self) -> Grant:
        now, number = int(time()), next(self._numbers)
        return Grant(
            access_token=_token("access", number, now + LASTS),
            token_type="Bearer",  # noqa: S106 - a word of OAuth
            expires_in=LASTS,
            refresh_token=_token("refresh", number, now + 10**9),
            scope="public",
            created_at=now,
        )


def _token(kind: str, number: int, until: int) -> str:
    said = f"{kind}-{number}-{int(monotonic() * 1e6)}-{until}"
    return f"{said}-{sign(_KEY, said.encode()).hex()[:32]}"


def _life(token: str, kind: str) -> int:
    """Return until when a token is good; 0 when it is none of ours."""
    said, _, mark = token.rpartition("-")
    ours = same(sign(_KEY, said.encode()).hex()[:32].encode(), mark.encode("utf-8", "replace"))
    return int(said.rpartition("-")[2]) if ours and said.startswith(f"{kind}-") else 0


def fresh() -> str:
    """Return a refresh token as a seller gets it who connects a shop."""
    return _token("refresh", 0, 10**10)


REFRESH_TOKEN = fresh()
"""The refresh token that the seller got when the example shop was connected."""
