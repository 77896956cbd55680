"""The one outgoing client: adapters speak to their peers through it and through nothing else.

A status or a lost connection becomes a decision (`errors.py`); what is not certain is `OutcomeUnknown`.
Redirects are never followed, and no secret, query, body or address of a buyer gets into an error.
How bytes travel, and how long, is `wire.py`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from kramik.errors import KramikError, NeedsOperator, OutcomeUnknown, Problem, Rejected, Transient
from kramik.wire import LARGEST, Headers, Line, Lost, Private, Unwritable, parse_origin

LONGEST_WAIT = 86_400.0
"""Seconds: a `Retry-After` beyond a day is the peer's mistake and must not hide an order for weeks."""

SHOWN = 200
"""Characters of a peer's own words that an error shows."""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Shape = TypeVar("Shape")

_EMAIL = re.compile(r"[^\s@<>\"',;:=&?/]+(?:@|%40)[^\s@<>\"',;:=&?/]+")
_ADVICE = {
    401: "check the key in shop.toml",
    403: "check what the key in shop.toml is allowed to do",
    404: "check base_url in shop.toml and the id in the product",
}
_OWN = [(b"user-agent", b"kramik"), (b"accept", b"application/json")]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer: header names in small letters, the body as it came; `what` was asked of whom."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    what: str

    def json(self, shape: type[Shape]) -> Shape:
        """Read the body as JSON of this shape.

        Raises:
            OutcomeUnknown: it is something else; the peer did answer 2xx, so the effect may be there.
        """
        try:
            return msgspec.json.decode(self.body, type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            why = f"{self.what}: answered {self.status}, but not with the JSON that was expected"
            raise OutcomeUnknown(why) from None


class Budget:
    """The seconds that the calls of one effect share, so that it ends as surely as a single call does."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Return the seconds that are left; none or less when the time is up."""
        return self._until - time.monotonic()


class Client:
    """One peer; its connections are kept open and shared by all threads.

    `name` is how errors call the peer, `call_seconds` the most that one call may take,
    `secrets` are texts which no error may show; the values of `headers` are among them.
    A `public` peer is only looked for on the internet, never inside of a network that we may be part of.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        call_seconds: float,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        public: bool = False,
    ) -> None:
        own = headers or {}
        self.name, self.call_seconds = name, call_seconds
        self._line = Line(parse_origin(base_url), call_seconds=call_seconds, public=public)
        self._headers = [*_OWN, *_encoded(own)]
        self._secrets = _longest_first(
            [*secrets, *own.values(), *(word for each in own.values() for word in each.split())]
        )

    def __repr__(self) -> str:
        return f"Client({self.name!r})"

    def send(  # noqa: PLR0913 - one argument a part of the request
        self,
        method: Method,
        path: str,
        *,
        doing: str,
        query: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        answers: Collection[int] = (),
        budget: Budget | None = None,
    ) -> Answer:
        """Make one call; `doing` tells people what it is for, `path` is escaped already and lies below `base_url`.

        `answers` are statuses outside of 2xx that say something here, such as 404 where nothing is an answer.
        With a `budget` the call gets no more than what is left of it.

        Raises:
            Transient: it did not happen; the peer may have said when to come back.
            OutcomeUnknown: it may have happened.
            Rejected: the peer refused it, with the peer's own words.
            NeedsOperator: it can not work with these settings.
        """
        what, seconds = f"{self.name}, {doing}", self.call_seconds if budget is None else budget.left
        if seconds <= 0:
            raise Transient(f"{what}: the calls before took all the time; nothing was sent")
        content, kind = _content(method, json, form)
        target = f"{path}?{urlencode(query)}" if query else path
        if headers and any(name.lower() == "content-type" for name in headers):
            kind = [each for each in kind if each[0] != b"content-type"]
        try:
            heads = [*self._headers, *kind, *_encoded(headers or {})]
            reply = self._line.exchange(method, target, headers=heads, content=content, seconds=seconds)
        except (Unwritable, UnicodeError):
            raise NeedsOperator(f"{what}: this request can not be written; look for odd characters") from None
        except Private:
            raise NeedsOperator(f"{what}: its name leads into a private network; check base_url") from None
        except Lost as lost:
            raise self._lost(what, lost) from None
        answered = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in reply.headers}
        if not 200 <= reply.status < 300 and reply.status not in answers:  # noqa: PLR2004 - known by heart
            raise self._decision(
                what, reply.status, answered.get("retry-after", ""), self._shown(reply.body, headers or {})
            )
        if not reply.whole:
            raise OutcomeUnknown(f"{what}: answered {reply.status}, but the answer was cut off or too long")
        return Answer(status=reply.status, headers=answered, body=reply.body, what=what)

    def decision(self, answer: Answer, headers: Mapping[str, str] | None = None) -> KramikError:
        """Return what an answer means to a caller who asked for its status and has no rule for what it says.

        `headers` are those of the request alone, of which no error may show a word either.
        """
        if 200 <= answer.status < 300:  # noqa: PLR2004 - as above
            return OutcomeUnknown(f"{answer.what}: answered {answer.status}, which was not expected")
        after = answer.headers.get("retry-after", "")
        return self._decision(answer.what, answer.status, after, self.quoted(answer, headers))

    def quoted(self, answer: Answer, headers: Mapping[str, str] | None = None) -> str:
        """Return the peer's own words on one short line, without what must not be shown."""
        return self._shown(answer.body, headers or {})

    def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        self._line.close()

    def _lost(self, what: str, lost: Lost) -> KramikError:
        if lost.sent:
            how = (
                f"no answer within {self.call_seconds:g} seconds"
                if lost.timed_out
                else "the connection was lost"
            )
            return OutcomeUnknown(f"{what}: {how} after the request was sent")
        how = f"no connection within {self.call_seconds:g} seconds" if lost.timed_out else "no connection"
        return Transient(f"{what}: {how}; nothing was sent")

    def _decision(self, what: str, status: int, retry_after: str, said: str) -> KramikError:
        after = _seconds(retry_after)
        if status in (408, 429) or (status == 503 and after is not None):  # noqa: PLR2004 - as above
            return Transient(f"{what}: answered {status}, try again later", after=after)
        if status >= 500:  # noqa: PLR2004 - as above
            return OutcomeUnknown(f"{what}: answered {status}; it may have happened or not")
        if status < 400:  # noqa: PLR2004 - as above
            return NeedsOperator(
                f"{what}: answered {status}, which is not followed; check base_url in shop.toml"
            )
        advice = _ADVICE.get(status, "mend the cause and retry the order")
        message = f"{what}: refused with {status}" + (f" ({said})" if said else "") + f"; {advice}"
        return Rejected(Problem(field="", code="refused", message=message))

    def _shown(self, body: bytes, headers: Mapping[str, str]) -> str:
        """Return the peer's own words on one short line, without what must not be shown."""
        text = body[: LARGEST // 16].decode("utf-8", "replace")
        own = _longest_first(word for each in headers.values() for word in (each, *each.split()))
        for secret in (*self._secrets, *own):
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
        printable = "".join(char if char.isprintable() else " " for char in _EMAIL.sub("…@…", text))
        line = " ".join(printable.split())
        return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _encoded(headers: Mapping[str, str]) -> Headers:
    return [(key.lower().encode("ascii"), value.encode()) for key, value in headers.items()]


def _content(method: Method, json: object, form: Mapping[str, str] | None) -> tuple[bytes, Headers]:
    """Return the body and the headers that describe it."""
    if json is not None:
        content, kind = msgspec.json.encode(json), [(b"content-type", b"application/json")]
    elif form is not None:
        content, kind = urlencode(form).encode(), [(b"content-type", b"application/x-www-form-urlencoded")]
    else:
        content, kind = b"", []
    return content, kind if method == "GET" else [*kind, (b"content-length", b"%d" % len(content))]


def _seconds(retry_after: str) -> float | None:
    """Read `Retry-After`, seconds or a date; None when it says nothing that can be read."""
    text = retry_after.strip()
    try:
        seconds = float(text) if text.isascii() and text.isdigit() else _until(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted({each for each in secrets if len(each) >= 4}, key=len, reverse=True)  # noqa: PLR2004 - no words
