"""Calls with a token that a peer grants for a while: OAuth 2.0 by client credentials.

A token is asked for when one is needed, by one thread at a time, and kept in memory until shortly before its end.
One that the peer does not take any more is replaced once, within the same call and its time.
Source: RFC 6749, sections 4.4 and 5.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from threading import Lock
from typing import Annotated

import msgspec

from kramik.errors import KramikError, OutcomeUnknown, Transient
from kramik.http import Answer, Budget, Client, Method

MARGIN = 60.0
"""Seconds before its end from which a token is not used any more."""

LONGEST = 86_400.0
"""Seconds after which a token is replaced, whatever its peer said."""

UNAUTHORIZED = 401


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A token, and the seconds that it lasts; without them it serves for one call."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,8192}\Z")]
    expires_in: float = 0.0

    def __repr__(self) -> str:
        return "Granted()"


class Authorized:
    """One peer that is called with tokens; `path` and `form` are how it is asked for one, `clock` counts seconds."""

    def __init__(
        self,
        client: Client,
        *,
        path: str,
        form: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._path, self._form, self._clock = client, path, form, clock
        self._kept, self._until = "", 0.0
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"Authorized({self._client.name!r})"

    def send(
        self,
        method: Method,
        path: str,
        *,
        doing: str,
        json: object = None,
        answers: Collection[int] = (),
        budget: Budget | None = None,
    ) -> Answer:
        """Make one call as `Client.send` does; the call and what its token costs share one time-out.

        Raises:
            KramikError: as `Client.send` says; when there is no token, nothing happened.
        """
        left = Budget(self._client.call_seconds) if budget is None else budget

        def call(token: str, extra: Collection[int]) -> Answer:
            headers, known = {"Authorization": f"Bearer {token}"}, (*answers, *extra)
            return self._client.send(
                method, path, doing=doing, json=json, headers=headers, answers=known, budget=left
            )

        token = self._token(left)
        answer = call(token, (UNAUTHORIZED,))
        return answer if answer.status != UNAUTHORIZED else call(self._token(left, refused=token), ())

    def decision(self, answer: Answer) -> KramikError:
        """Return what an answer means to a caller who has no rule for what it says."""
        return self._client.decision(answer, {"Authorization": f"Bearer {self._kept}"})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _token(self, budget: Budget, *, refused: str = "") -> str:
        """Return a token that was not refused; who comes while another asks for one waits for that."""
        if not self._lock.acquire(timeout=max(budget.left, 0.0)):
            raise Transient(f"{self._client.name}: another call still asks for a token; nothing was sent")
        try:
            if self._kept == refused or self._clock() >= self._until:
                granted = self._granted(budget)
                lasts = min(granted.expires_in, LONGEST) - MARGIN
                self._kept, self._until = granted.access_token, self._clock() + lasts
            return self._kept
        finally:
            self._lock.release()

    def _granted(self, budget: Budget) -> Granted:
        """Ask for a token.

        Raises:
            Transient: there is none now.
            Rejected: our credentials are refused.
        """
        try:
            answer = self._client.send(
                "POST", self._path, doing="asking for a token", form=self._form, budget=budget
            )
            return answer.json(Granted)
        except OutcomeUnknown as error:
            raise Transient(f"{error}; nothing else was sent") from None
