"""The academy that is a folder: a real process serves its files to whoever holds an access link, and nothing else."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest

from kramik.answer import Part, Request, Response
from kramik.hosts.asgi import PIECE, Door
from kramik.sandbox import Running
from tests.hosts.asking import Reply, ask, raw
from tests.hosts.served import PRODUCT, Shop, eventually, make, world
from tests.hosts.test_payments import delivered

VIDEO = bytes(range(256)) * 4096
CANARY = "canary-of-the-other-course"
LARGE = 400 * 1024 * 1024


class School(Shop):
    """A shop whose academy is a folder, and the access links of two buyers."""

    def __init__(self, folder: Path, world: Running, port: int) -> None:
        super().__init__(folder, world, port)
        self.link = self.english = ""

    def environ(self) -> dict[str, str]:
        """Return the environment, without the academy's token."""
        return {name: text for name, text in super().environ().items() if name != "SANDBOX_ACADEMY_TOKEN"}

    def get(self, path: str = "", method: str = "GET", **headers: str) -> Reply:
        """Ask below the access link."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return ask(f"{self.link}/{path}", method, headers=named)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A shop with a course of a few files, one of them large; beside it what nobody may see."""
    folder = tmp_path_factory.mktemp("school") / "shop"
    with world() as running:
        shop = School(*_made(folder, running))
        text = re.sub(
            r"\[academy\].*?\n\n",
            '[academy]\nkind = "files"\nfolder = "courses"\n\n',
            (folder / "shop.toml").read_text("utf-8"),
            flags=re.DOTALL,
        )
        (folder / "shop.toml").write_text(text, "utf-8")
        _fill(folder / "courses")
        shop.start()
        try:
            shop.link = delivered(shop, "widz@example.org")[1]
            shop.english = delivered_in(shop, "viewer@example.org", "en")
            yield shop
        finally:
            shop.end()


def _made(folder: Path, running: Running) -> tuple[Path, Running, int]:
    return folder, running, make(folder, running).port


def delivered_in(shop: Shop, email: str, lang: str) -> str:
    """Buy in a language; return the access link."""
    _, status = shop.bought(email=email, lang=lang)
    return str(eventually(lambda: ask(status).json(), lambda seen: seen["status"] == "completed")["access"])


def _fill(courses: Path) -> None:
    course = courses / PRODUCT
    (course / "10. Dodatki").mkdir(parents=True)
    (course / "1. Wstęp & reguły.mp4").write_bytes(VIDEO)
    (course / "2. Notatki.pdf").write_bytes(b"%PDF")
    (course / "10. Dodatki" / "strona.html").write_text("<script>1</script>", "utf-8")
    (course / "empty.txt").touch()
    with (course / "film.mp4").open("wb") as film:
        film.truncate(LARGE)
    (course / ".hidden").write_text(CANARY, "utf-8")
    other = courses / "kolejki-bez-strachu"
    other.mkdir()
    (other / "secret.txt").write_text(CANARY, "utf-8")
    (courses / "root.txt").write_text(CANARY, "utf-8")
    (course / "out.txt").symlink_to(other / "secret.txt")
    (course / "outside").symlink_to(other)
    (course / "loop").symlink_to(course / "loop")


VIDEO_PATH = quote("1. Wstęp & reguły.mp4")


def test_the_link_leads_to_the_list(school: School) -> None:
    """The mailed link leads to a list in the buyer's language, counted as people count, whose links all open."""
    answer = ask(school.link)
    assert (303, f"{school.link}/") == (answer.status, answer.headers["location"])
    page = school.get().text
    links = [unquote(link) for link in re.findall(r'href="\./([^"]+)"', page)]
    expected = [
        "1. Wstęp & reguły.mp4",
        "2. Notatki.pdf",
        "10. Dodatki/strona.html",
        "empty.txt",
        "film.mp4",
    ]
    assert expected == links
    assert 'lang="pl"' in page
    assert "Oto pliki kursu" in page
    assert "419" in page
    opened = [ask(urljoin(f"{school.link}/", f"./{quote(link)}"), "HEAD").status for link in links]
    assert [200] * 5 == opened


def test_the_list_in_english(school: School) -> None:
    """Another buyer reads it in theirs."""
    page = ask(f"{school.english}/").text
    assert 'lang="en"' in page
    assert "These are the files" in page


def test_a_whole_file(school: School) -> None:
    """Every byte, with its kind, its length and a name for its state; nothing may keep it for others."""
    answer = school.get(VIDEO_PATH)
    assert (200, VIDEO) == (answer.status, answer.body)
    assert ("video/mp4", "bytes") == (answer.headers["content-type"], answer.headers["accept-ranges"])
    assert str(len(VIDEO)) == answer.headers["content-length"]
    assert ("private, no-cache", "no-referrer", "nosniff") == tuple(
        answer.headers[name] for name in ("cache-control", "referrer-policy", "x-content-type-options")
    )


def test_head_is_the_same_without_a_body(school: School) -> None:
    """A player that looks first learns the length and that it may jump."""
    head, whole = school.get(VIDEO_PATH, "HEAD", range="bytes=0-9"), school.get(VIDEO_PATH)
    names = ("content-type", "content-length", "etag", "last-modified", "accept-ranges")
    assert (200, b"") == (head.status, head.body)
    assert [whole.headers[name] for name in names] == [head.headers[name] for name in names]


SIZE = len(VIDEO)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-499", 0, 499),
        ("bytes=500-999", 500, 999),
        ("bytes=1000-", 1000, SIZE - 1),
        ("bytes=-500", SIZE - 500, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        (f"bytes=700000-{SIZE * 2}", 700_000, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
    ],
)
def test_a_part(wanted: str, start: int, end: int, school: School) -> None:
    """A part is exactly the bytes that were asked for."""
    answer = school.get(VIDEO_PATH, range=wanted)
    assert (206, VIDEO[start : end + 1]) == (answer.status, answer.body)
    assert f"bytes {start}-{end}/{SIZE}" == answer.headers["content-range"]


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", f"bytes={SIZE * 9}-{SIZE * 10}", "bytes=-0"])
def test_no_such_part(wanted: str, school: School) -> None:
    """A part behind the end is refused, with the true length."""
    answer = school.get(VIDEO_PATH, range=wanted)
    assert (416, f"bytes */{SIZE}") == (answer.status, answer.headers["content-range"])


@pytest.mark.parametrize(
    "wanted",
    ["bytes=9-1", "bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes=0-9x", "0-9"],
)
def test_what_is_no_range_is_ignored(wanted: str, school: School) -> None:
    """Nonsense and several ranges get the whole file."""
    answer = school.get(VIDEO_PATH, range=wanted)
    assert (200, SIZE) == (answer.status, len(answer.body))


def test_a_part_of_the_same_state(school: School) -> None:
    """`If-Range` gets the part of the state that it names, and the whole of any other."""
    head = school.get(VIDEO_PATH, "HEAD")
    seen = {
        condition: school.get(VIDEO_PATH, range="bytes=0-9", if_range=condition).status
        for condition in (head.headers["etag"], head.headers["last-modified"])
    }
    others = [
        school.get(VIDEO_PATH, range="bytes=0-9", if_range=condition).status
        for condition in ('"other"', f"W/{head.headers['etag']}", "Mon, 01 Jan 2001 00:00:00 GMT")
    ]
    assert ([206, 206], [200, 200, 200]) == ([*seen.values()], others)


def test_what_did_not_change(school: School) -> None:
    """Whoever has the file is told so, by its name or by its date; the name counts before the date."""
    head = school.get(VIDEO_PATH, "HEAD")
    etag, date = head.headers["etag"], head.headers["last-modified"]
    asked: list[dict[str, str]] = [
        {"if_none_match": etag},
        {"if_none_match": f'"x", W/{etag}'},
        {"if_none_match": "*"},
        {"if_modified_since": date},
        {"if_none_match": '"x"', "if_modified_since": date},
        {"if_modified_since": "nonsense"},
        {"if_modified_since": "Mon, 01 Jan 2001 00:00:00 GMT"},
    ]
    found = [school.get(VIDEO_PATH, "HEAD", **headers) for headers in asked]
    assert [304, 304, 304, 304, 200, 200, 200] == [each.status for each in found]
    assert b"" == school.get(VIDEO_PATH, if_none_match=etag).body


def test_an_empty_file(school: School) -> None:
    """Nothing is a file too, and has no part."""
    whole, part = school.get("empty.txt"), school.get("empty.txt", range="bytes=0-")
    assert (200, b"", 416) == (whole.status, whole.body, part.status)


def test_a_page_is_fenced(school: School) -> None:
    """A page among the files runs in a box of its own: it can not reach the shop."""
    answer = school.get(quote("10. Dodatki/strona.html"))
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert "allow-same-origin" not in answer.headers["content-security-policy"]


OUTSIDE = [
    ".hidden",
    "out.txt",
    "outside/secret.txt",
    "loop",
    "../kolejki-bez-strachu/secret.txt",
    "..%2fkolejki-bez-strachu%2fsecret.txt",
    "%2e%2e/root.txt",
    "%2e%2e%2froot.txt",
    "..%5croot.txt",
    "x/../../root.txt",
    "x/..%2f../root.txt",
    "./../root.txt",
    "..;/root.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "//etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "empty.txt%00.mp4",
    "%00",
    "empty.txt/",
    "10.%20Dodatki",
    "10.%20Dodatki/",
    "10.%20Dodatki/../../root.txt",
    "%c0%ae%c0%ae/root.txt",
    "..%c0%afroot.txt",
    "%252e%252e/root.txt",
    "a" * 900,
    "a" * 5000,
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_of_the_course(path: str, school: School) -> None:
    """However a path is written, it leads to a file of this course or to nothing."""
    target = f"{urlsplit(school.link).path}/{path}"
    for method in ("GET", "HEAD"):
        lines = f"{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        answer = raw(school.url, lines.encode("ascii", "replace"))
        assert answer is not None
        assert 400 <= answer.status < 500, answer
        assert CANARY not in answer.text
        assert "root:" not in answer.text


@pytest.mark.parametrize("path", ["", VIDEO_PATH, "film.mp4"])
def test_a_foreign_token(path: str, school: School) -> None:
    """A token that nobody made opens neither the list nor a file."""
    token = school.link.rpartition("/")[2]
    for wrong in (f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}", token.partition(".")[0], "x", "%20"):
        assert 404 == ask(f"{school.url}/access/{wrong}/{path}").status


def test_a_large_file_is_never_in_memory(school: School) -> None:
    """Hundreds of megabytes go out in pieces: the process does not grow by them, and a slow reader holds up nobody."""
    assert school.process is not None
    before = _peak(school.process.pid)
    slow = _begun(school)
    assert LARGE == _drained(school)
    assert 200 == ask(f"{school.url}/healthz").status
    slow.close()
    assert _peak(school.process.pid) - before < 48 * 1024


def test_whoever_goes_away_leaves_nothing_open(school: School) -> None:
    """Readers that hang up in the middle leave no file open behind them."""
    assert school.process is not None
    pid = school.process.pid
    for _ in range(20):
        _begun(school).close()
    assert [] == eventually(lambda: _open_films(pid), lambda found: not found)


def _begun(school: School) -> socket.socket:
    """Ask for the large file and read only its beginning."""
    connection = socket.create_connection(("127.0.0.1", school.port), timeout=20)
    path = f"{urlsplit(school.link).path}/film.mp4"
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    return connection


def _drained(school: School) -> int:
    """Read the large file to its end; return how many bytes it had."""
    connection = socket.create_connection(("127.0.0.1", school.port), timeout=20)
    path = f"{urlsplit(school.link).path}/film.mp4"
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    with connection, connection.makefile("rb") as stream:
        while stream.readline().strip():
            pass
        count = 0
        while chunk := stream.read(1024 * 1024):
            count += len(chunk)
    return count


def _peak(pid: int) -> int:
    """Return the most memory that a process ever had, in KiB."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("ascii"))[0])


def _open_films(pid: int) -> list[str]:
    links = (str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink())
    return [link for link in links if link.endswith("film.mp4")]


class OneFile:
    """Handlers that answer everything with one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def handle(self, request: Request) -> Response:
        length = self._file.stat().st_size
        headers = (("content-length", str(length)),)
        return Response(status=200, headers=headers, part=Part(file=str(self._file), start=0, length=length))

    def too_large(self, request: Request) -> Response:
        return Response(status=413)


def test_nothing_is_read_for_nobody(tmp_path: Path) -> None:
    """When the reader has gone, the host stops reading the file, though sending to nobody would never fail."""
    file = tmp_path / "film.mp4"
    with file.open("wb") as film:
        film.truncate(PIECE * 1000)
    sent: list[dict[str, object]] = []
    messages: list[dict[str, object]] = [
        {"type": "http.request", "body": b"", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def send(message: MutableMapping[str, object]) -> None:
        sent.append(dict(message))
        await asyncio.sleep(0)

    scope = {"type": "http", "method": "GET", "path": "/access/x/y", "query_string": b"", "headers": []}
    asyncio.run(Door(OneFile(file))(scope, receive, send))
    assert len(sent) < 10
