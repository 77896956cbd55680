"""What comes in and what goes out, without a framework.

An answer is a `Response`, or `Pending`: a future of the store and what to answer when it has ended.
A synchronous host waits for it (`settle`), an asynchronous one awaits it; the handlers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from html import escape
from http import HTTPStatus
from urllib.parse import quote

import msgspec

JSON = "application/json"
PRIVATE = (("cache-control", "no-store"), ("referrer-policy", "no-referrer"))
_IN_URLS = "%/:?#[]@!$&'()*+,;=~"
_ELSEWHERE = {
    "pl": ("Przechodzimy dalej", "Jeśli strona nie otworzy się sama, {}przejdź dalej{}."),
    "en": ("Going on", "If the page does not open by itself, {}go on here{}."),
}
"""Written here and not among the texts of the theme: who only redirects loads no template engine."""

_PAGE = (
    '<!doctype html>\n<html lang="{lang}">\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<title>{title}</title>\n<p>{said}</p>\n</html>\n"
)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What came in: header names in small letters, the query as text, the whole body."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def wants_json(self) -> bool:
        """Say whether the sender is a program."""
        return JSON in self.headers.get("accept", "") or self.has_json()

    def has_json(self) -> bool:
        """Say whether the body is JSON."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """So many bytes of a file of this machine, from `start` on; a host sends them piece by piece."""

    file: str
    start: int
    length: int


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out; with a `part` that is the body."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    part: Part | None = None


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that waits for the store; `calls` when `then` calls a vendor and may take long."""

    stored: Future[None]
    then: Callable[[], Response]
    calls: bool = False


Answer = Response | Pending


def at_once() -> Future[None]:
    """Return a future that has ended well: nothing has to be stored."""
    future: Future[None] = Future()
    future.set_result(None)
    return future


def settle(answer: Answer) -> Response:
    """Wait for an answer: the whole of a synchronous host."""
    if isinstance(answer, Response):
        return answer
    answer.stored.exception()
    return answer.then()


def as_json(
    status: HTTPStatus, content: object, *, headers: tuple[tuple[str, str], ...] = (), kind: str = JSON
) -> Response:
    """Answer with a value as JSON."""
    return Response(
        status=status, body=msgspec.json.encode(content), headers=(("content-type", kind), *headers)
    )


def plain(status: HTTPStatus, text: str) -> Response:
    """Answer with a short text."""
    return Response(
        status=status, body=text.encode(), headers=(("content-type", "text/plain; charset=utf-8"),)
    )


def see(url: str, lang: str) -> Response:
    """Send the browser elsewhere, with GET; what does not follow by itself shows one sentence with the link."""
    url = quote(url, safe=_IN_URLS)
    lang = lang if lang in _ELSEWHERE else "en"
    title, sentence = _ELSEWHERE[lang]
    said = sentence.format(f'<a href="{escape(url)}">', "</a>")
    headers = (("location", url), ("content-type", "text/html; charset=utf-8"), *PRIVATE)
    page = _PAGE.format(lang=lang, title=title, said=said)
    return Response(status=HTTPStatus.SEE_OTHER, body=page.encode(), headers=headers)
