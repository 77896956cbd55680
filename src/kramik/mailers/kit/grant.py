"""The OAuth grant for purchases: access tokens from refresh tokens that work once.

A refresh kills the old token, so it happens under a lease that is written first, and the new token is stored before
it is used; whoever comes second waits. What is lost when a process dies between Kit's answer and the store can not be
got back: then the grant is marked as dead, nobody tries again, and a person connects the shop anew.
Source: developers.kit.com/changelog of May 2026 (single-use refresh tokens) and the pages on OAuth flows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from threading import Lock
from typing import NoReturn

import msgspec
from msgspec.structs import replace

from kramik.errors import Conflict, NeedsOperator, OutcomeUnknown, Transient
from kramik.http import Answer, Client
from kramik.mailers.kit.settings import Settings
from kramik.ports import Kept, Vault

MARGIN = 60.0
"""Seconds before its end at which an access token is not used any more."""

PATIENCE = 1.0
"""Seconds that a thread waits for another one: long enough for a look into the vault, too short for a call to Kit."""

TRIES = 5
REFUSED = (400, 401)
CONNECT = "Kit does not take the refresh token any more; run `kramik connect`, then retry the order"
FIRST = "the shop is not connected to Kit yet; run `kramik connect`, then retry the order"


def name_of(settings: Settings) -> str:
    """Return the name of the grant that grew from the configured token, or from a connection of this client.

    Each has its own, so that a process that still runs with an older one burns nothing of the newer.
    """
    seed = settings.refresh_token or f"client {settings.client_id}"
    return f"kit/{sha256(seed.encode()).hexdigest()[:16]}"


class Tokens(msgspec.Struct, frozen=True):
    """What the token endpoint answers."""

    access_token: str
    refresh_token: str
    expires_in: float


class Failure(msgspec.Struct, frozen=True):
    """What it answers when it refuses (RFC 6749, 5.2)."""

    error: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The grant as it is stored; times are seconds since 1970."""

    refresh: str
    access: str = ""
    expires: float = 0.0
    leased_until: float = 0.0
    leased_by: str = ""
    dead: bool = False

    def __repr__(self) -> str:
        return f"Record(dead={self.dead})"


class Grant:
    """The grant of one account, shared by all workers of all processes through the vault."""

    def __init__(
        self, client: Client, settings: Settings, vault: Vault, *, clock: Callable[[], datetime]
    ) -> None:
        self._client, self._settings, self._vault, self._clock = client, settings, vault, clock
        self._name = name_of(settings)
        self._lock = Lock()
        self._known: Record | None = None
        self._unsaved: tuple[str, Record] | None = None

    def token(self, *, refused: str = "") -> str:
        """Return an access token that is good for now and not the one that was `refused`.

        Raises:
            Transient: somebody else refreshes it at this moment, or Kit or the store can not be reached.
            NeedsOperator: the grant is lost or not accepted.
        """
        known = self._known
        if known is not None and self._serves(known, refused):
            return known.access
        if not self._lock.acquire(timeout=PATIENCE):
            raise Transient("Kit: another worker gets a new access token", after=1.0)
        try:
            return self._token(refused)
        finally:
            self._lock.release()

    def connect(self, code: str, redirect: str, verifier: str) -> None:
        """Trade the code of a connection for tokens, and keep them over whatever was kept before.

        Raises:
            Rejected: Kit refuses the code.
            Transient, OutcomeUnknown: begin the connection again.
        """
        about = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        answer = self._asked({**about, **({"code_verifier": verifier} if verifier else {})})
        if answer.status in REFUSED:
            raise self._client.decision(answer)
        record = self._new(answer.json(Tokens))
        for _ in range(TRIES):
            kept = self._vault.get(self._name)
            try:
                self._put(record, kept.version if kept else 0)
            except Conflict:
                continue
            return
        raise Transient("Kit: others write the grant all the time")

    def _serves(self, record: Record, refused: str) -> bool:
        good = self._clock().timestamp() < record.expires - MARGIN
        return good and record.access not in ("", refused)

    def _token(self, refused: str) -> str:
        self._save_what_is_left()
        for _ in range(TRIES):
            now, kept = self._clock().timestamp(), self._vault.get(self._name)
            record = self._record(kept)
            if self._serves(record, refused):
                self._known = record
                return record.access
            if record.dead or not record.refresh:
                raise NeedsOperator(CONNECT if record.dead else FIRST)
            if now < record.leased_until:
                wait = min(record.leased_until - now, 5.0)
                raise Transient("Kit: another worker gets a new access token", after=wait)
            until = now + 2 * self._client.call_seconds + MARGIN
            leased = replace(record, leased_until=until, leased_by=token_hex(8))
            try:
                lease = self._put(leased, kept.version if kept else 0)
            except Conflict:
                continue
            return self._refresh(leased, lease)
        raise Transient("Kit: others write the grant all the time")

    def _refresh(self, leased: Record, lease: Kept) -> str:
        try:
            answer = self._asked({"grant_type": "refresh_token", "refresh_token": leased.refresh})
            tokens = None if answer.status in REFUSED else answer.json(Tokens)
        except (Transient, OutcomeUnknown) as error:
            # Whether Kit made a new token or not, waiting does not bring back an answer that was lost.
            self._give_back(leased, lease)
            raise Transient(f"{error}; the purchase was not sent") from None
        except Exception:
            self._give_back(leased, lease)
            raise
        if tokens is None:
            self._refused(answer, leased, lease)
        record = self._new(tokens)
        self._unsaved = (leased.refresh, record)
        if not self._save_what_is_left():
            raise Transient("Kit: another worker was faster to get a new access token")
        return record.access

    def _asked(self, about: dict[str, str]) -> Answer:
        settings = self._settings
        client = {"client_id": settings.client_id}
        secret = {"client_secret": settings.client_secret} if settings.client_secret else {}
        doing, body = "getting an access token", {**client, **secret, **about}
        return self._client.send("POST", settings.token_path, doing=doing, json=body, answers=REFUSED)

    def _new(self, tokens: Tokens) -> Record:
        expires = self._clock().timestamp() + tokens.expires_in
        return Record(refresh=tokens.refresh_token, access=tokens.access_token, expires=expires)

    def _save_what_is_left(self) -> bool:
        """Store the token that replaced `used`, and say whether it counts; until then it is kept: there is no other."""
        if self._unsaved is None:
            return True
        used, record = self._unsaved
        for _ in range(TRIES):
            kept = self._vault.get(self._name)
            found = self._record(kept)
            if found.refresh != used:
                self._unsaved = None  # it was stored although the store did not say so
                return found.refresh == record.refresh
            try:
                self._put(record, kept.version if kept else 0)
            except Conflict:
                continue
            self._unsaved = None
            return True
        raise Transient("Kit: others write the grant all the time")

    def _refused(self, answer: Answer, leased: Record, lease: Kept) -> NoReturn:
        try:
            error = msgspec.json.decode(answer.body, type=Failure).error
        except (msgspec.MsgspecError, UnicodeDecodeError):
            error = ""
        if error == "invalid_grant":
            if self._settle(replace(leased, leased_until=0.0, leased_by="", dead=True), lease):
                raise NeedsOperator(CONNECT)
            raise Transient("Kit: another worker was faster to get a new access token")
        self._give_back(leased, lease)
        word = error if error.isidentifier() else "no reason"
        raise NeedsOperator(
            f"Kit: the token endpoint refuses with {answer.status} ({word}); check client_id and client_secret"
        )

    def _give_back(self, leased: Record, lease: Kept) -> None:
        self._settle(replace(leased, leased_until=0.0, leased_by=""), lease)

    def _settle(self, record: Record, lease: Kept) -> bool:
        """Write how a refresh ended that brought no token; False when somebody wrote since, who knows better."""
        try:
            self._put(record, lease.version)
        except Conflict:
            return False
        return True

    def _record(self, kept: Kept | None) -> Record:
        """Read what is stored; what is not there, or can not be read, begins with the configured token."""
        try:
            record = msgspec.json.decode(kept.value, type=Record) if kept else None
        except msgspec.MsgspecError:
            record = None
        return record or Record(refresh=self._settings.refresh_token)

    def _put(self, record: Record, version: int) -> Kept:
        return self._vault.put(self._name, msgspec.json.encode(record).decode(), version=version)
