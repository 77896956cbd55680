"""How a file of a course is answered: whole, a part of it for a video that somebody jumps in, or not at all.

Only a description comes out of here: no byte is read, so that a host can send a large file piece by piece.
Source: RFC 9110, sections 8.8 (validators), 13 (conditions) and 14 (ranges).
"""

from __future__ import annotations

import mimetypes
import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

from kramik.answer import Part, Request, Response
from kramik.ports import CourseFile

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_KINDS = {
    ".epub": "application/epub+zip",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".md": "text/plain",
    ".mkv": "video/x-matroska",
    ".mp4": "video/mp4",
    ".srt": "text/plain",
    ".vtt": "text/vtt",
    ".webm": "video/webm",
}
_PAGES = ("text/html", "image/svg+xml", "application/xhtml+xml")

_OWN = (
    ("accept-ranges", "bytes"),
    ("cache-control", "private, no-cache"),
    ("referrer-policy", "no-referrer"),
)
_FENCE = "sandbox allow-scripts allow-popups allow-forms allow-downloads"
"""What a page among the files may do: run, and reach nothing of the shop."""


def answer(file: CourseFile, request: Request) -> Response:
    """Answer a request for this file of this machine."""
    kind = media_type(file.path)
    text = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    name = quote(file.path.rpartition("/")[2], safe="")
    about = (
        *_OWN,
        ("content-type", text),
        ("content-disposition", f"inline; filename*=UTF-8''{name}"),
        ("etag", etag(file)),
        ("last-modified", _date(file)),
        *((("content-security-policy", _FENCE),) if kind in _PAGES else ()),
    )
    if _unchanged(file, request):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=about)
    wanted = _wanted(file, request)
    if wanted is None:
        part = Part(file=file.place, start=0, length=file.size)
        return _sent(HTTPStatus.OK, about, part, request)
    start, end = wanted
    if start >= file.size or start > end:
        headers = (*_OWN, ("content-range", f"bytes */{file.size}"))
        return Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    part = Part(file=file.place, start=start, length=end - start + 1)
    shown = ("content-range", f"bytes {start}-{end}/{file.size}")
    return _sent(HTTPStatus.PARTIAL_CONTENT, (*about, shown), part, request)


def media_type(path: str) -> str:
    """Return what a file is, by its name."""
    ending = path[path.rfind(".") :].lower() if "." in path else ""
    return _KINDS.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def etag(file: CourseFile) -> str:
    """Return a strong name of this state of the file: it changes with its size and its time, to the microsecond."""
    return f'"{file.size:x}-{int(file.changed.timestamp() * 1_000_000):x}"'


def _sent(status: HTTPStatus, about: tuple[tuple[str, str], ...], part: Part, request: Request) -> Response:
    headers = (*about, ("content-length", str(part.length)))
    return Response(status=status, headers=headers, part=None if request.method == "HEAD" else part)


def _unchanged(file: CourseFile, request: Request) -> bool:
    """Say whether the sender has this very state; the date counts only where no name was sent."""
    names = request.headers.get("if-none-match")
    if names is not None:
        known = {name.strip().removeprefix("W/") for name in names.split(",")}
        return bool(known & {etag(file), "*"})
    since = _read_date(request.headers.get("if-modified-since", ""))
    return since is not None and file.changed.replace(microsecond=0) <= since


def _wanted(file: CourseFile, request: Request) -> tuple[int, int] | None:
    """Return the first and the last byte that are wanted; None for all: no range, several, or of another state."""
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None or request.method == "HEAD" or not any(found.groups()):
        return None
    condition = request.headers.get("if-range", "").strip()
    if condition and condition not in (etag(file), _date(file)):
        return None
    first, last = found.groups()
    if not first:
        length = min(int(last), file.size)
        return (file.size - length, file.size - 1) if length else (file.size, file.size)
    end = min(int(last), file.size - 1) if last else file.size - 1
    return (int(first), end) if not last or int(first) <= int(last) else None


def _date(file: CourseFile) -> str:
    return format_datetime(file.changed.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _read_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
