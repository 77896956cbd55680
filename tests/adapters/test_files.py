"""The academy that is a folder or a container: what it shows, what it signs, and how long it is open."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest

from kramik.academies.files import FilesAcademy, Settings, academy
from kramik.academies.files.blob import Blobs
from kramik.academies.files.disk import Disk, counted
from kramik.answer import Request, Response, settle
from kramik.errors import NeedsOperator, Rejected, Transient
from kramik.order import Order
from kramik.ports import CourseFile, Revoking, Shelf
from kramik.web import Web
from tests.hosts.test_access_link import Words
from tests.sandbox.place import fresh_delivery, fresh_order
from tests.story.example import NOON, FakeClock, a_shop, paid, refund
from tests.story.world import World
from tests.unit.raw_server import answering, reply, serving

KEY = b64encode(b"a key of sixty-four bytes, as a storage account has one, padded.").decode()
COURSE = "course-7"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one course of two lessons."""
    course = tmp_path / COURSE
    course.mkdir()
    (course / "lesson 10.txt").write_text("ten", "utf-8")
    (course / "lesson 9.txt").write_text("nine", "utf-8")
    return tmp_path


# Settings


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ({}, ["folder"]),
        ({"folder": "x", "account": "a"}, ["folder"]),
        ({"account": "a"}, ["account_key", "container"]),
        ({"folder": "x", "hours": 0}, ["hours"]),
        ({"folder": "x", "hours": 169}, ["hours"]),
    ],
)
def test_one_place(table: dict[str, object], keys: list[str]) -> None:
    """A folder or a whole container; each problem has the name of its key."""
    with pytest.raises(Rejected) as caught:
        msgspec.convert(table, Settings)
    assert keys == [each.field for each in caught.value.problems]


# A folder


def test_invites_when_there_is_something_to_see(folder: Path) -> None:
    """The receipt is the address of the files, the same every time; a course without files asks a person."""
    made = academy(Settings(folder=str(folder)), call_seconds=1)
    delivery = fresh_delivery()
    assert {f"{delivery.access_link}/"} == {made.invitation.do(delivery) for _ in range(2)}
    for each in (folder / COURSE).iterdir():
        each.unlink()
    with pytest.raises(NeedsOperator, match="'course-7'"):
        made.invitation.do(delivery)


def test_what_it_is(folder: Path) -> None:
    """It is a shelf, and needs nobody to take access back."""
    made: object = academy(Settings(folder=str(folder)), call_seconds=1)
    assert isinstance(made, Shelf)
    assert isinstance(made, Revoking)
    assert "closed with the access link" == made.revocation.do(fresh_delivery())


def test_as_people_count(folder: Path) -> None:
    """Lesson 9 stands before lesson 10."""
    assert ["lesson 9.txt", "lesson 10.txt"] == [each.path for each in Disk(str(folder)).items(COURSE)]
    assert sorted(["b", "a10", "a9", "A1"], key=counted) == ["A1", "a9", "a10", "b"]


@pytest.mark.parametrize(
    "course", ["", ".", "..", "../course-7", "course-7/..", "/etc", ".git", "nothing", "a\0b"]
)
def test_a_course_is_one_folder(course: str, folder: Path) -> None:
    """The name of a course is the name of a folder, and no way to anywhere."""
    disk = Disk(str(folder))
    assert ([], None) == (disk.items(course), disk.fetch(course, "lesson 9.txt"))


def test_a_course_that_is_a_link(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A course folder that is a link to somewhere else shows nothing."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "secret.txt").write_text("x", "utf-8")
    (folder / "linked").symlink_to(elsewhere)
    assert [] == Disk(str(folder)).items("linked")


# The door


class Hall:
    """A shop with one order of a course that is a folder."""

    def __init__(self, shelf: Shelf) -> None:
        self.clock = FakeClock()
        self.shop = a_shop(World(self.clock).effects())
        self.shop.ports = msgspec.structs.replace(self.shop.ports, shelf=shelf)
        self.web = Web(self.shop, Words(), self.clock, page_headers={})

    def sold(self, change: Callable[[Order], Order] = lambda order: order, **intent: object) -> Order:
        """Store an order that has its invitation."""
        order = fresh_order(**intent)
        order = order.apply(paid(order.id, gateway="sandbox", shop_id="shop-1"), now=NOON)
        order = change(order.record("invitation", "x", now=NOON))
        self.shop.ports.orders.insert(order).result()
        return order

    def ask(self, order: Order, path: str = "", method: str = "GET") -> Response:
        """Ask below the order's access link."""
        link = urlsplit(self.shop.access_link(order)).path
        return settle(self.web.handle(Request(method=method, path=f"{link}/{path}")))

    def statuses(self, order: Order) -> list[int]:
        """Return what the list and a file are answered, each with GET and HEAD."""
        return [self.ask(order, path, how).status for path in ("", "lesson 9.txt") for how in ("GET", "HEAD")]


def back(order: Order) -> Order:
    """Let the money go back."""
    event = msgspec.structs.replace(refund(order.id), gateway="sandbox", shop_id="shop-1")
    return order.apply(event, now=NOON)


@pytest.fixture
def hall(folder: Path) -> Hall:
    """A door to the folder."""
    return Hall(FilesAcademy(Disk(str(folder))))


def test_open_for_the_days_that_were_bought(hall: Hall) -> None:
    """The access ends to the second, counted from the payment; without an end it stays."""
    month, ever = hall.sold(access_days=30), hall.sold(access_days=None)
    hall.clock.forward(30 * 86_400 - 1)
    assert [200] * 4 == hall.statuses(month)
    hall.clock.forward(1)
    assert [410] * 4 == hall.statuses(month)
    hall.clock.forward(100 * 365 * 86_400)
    assert [200] * 4 == hall.statuses(ever)


def test_closed_by_a_refund(hall: Hall) -> None:
    """The files of a refunded order are closed at once, the list as well."""
    assert [410] * 4 == hall.statuses(hall.sold(back))


def test_not_ready_yet(hall: Hall) -> None:
    """Before the invitation there is nothing to see."""
    order = fresh_order()
    hall.shop.ports.orders.insert(order).result()
    assert [404] * 4 == hall.statuses(order)


def test_its_own_course(hall: Hall) -> None:
    """An order of another course sees none of these files."""
    other = hall.sold(course="another")
    assert [200, 200, 404, 404] == hall.statuses(other)
    assert b"lesson" not in hall.ask(other).body


def test_without_a_shelf(hall: Hall) -> None:
    """A shop with another academy has no such addresses."""
    order = hall.sold()
    hall.shop.ports = msgspec.structs.replace(hall.shop.ports, shelf=None)
    assert [404] * 4 == hall.statuses(order)


def test_a_front_page(hall: Hall, folder: Path) -> None:
    """An `index.html` of the seller's stands in place of the list."""
    (folder / COURSE / "index.html").write_text("<h1>Welcome</h1>", "utf-8")
    part = hall.ask(hall.sold()).part
    assert part is not None
    assert part.file.endswith("index.html")


# A container

LIST = b"""<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://x/" ContainerName="kursy">
<Prefix>course-7/</Prefix><Blobs>
<Blob><Name>course-7/10. film.mp4</Name><Properties><Last-Modified>Mon, 23 Nov 2026 10:00:00 GMT</Last-Modified>
<Etag>0x1</Etag><Content-Length>12</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>
<Blob><Name>course-7/2. notes.pdf</Name><Properties><Last-Modified>Mon, 23 Nov 2026 10:00:00 GMT</Last-Modified>
<Etag>0x1</Etag><Content-Length>5</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>
<Blob><Name>course-7/.hidden</Name><Properties><Last-Modified>Mon, 23 Nov 2026 10:00:00 GMT</Last-Modified>
<Etag>0x1</Etag><Content-Length>5</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>
</Blobs><NextMarker /></EnumerationResults>"""


def blobs(url: str = "") -> Blobs:
    """Return a container."""
    return Blobs("kursy1", KEY, "kursy", hours=2, call_seconds=2, base_url=url)


def test_lists_a_container() -> None:
    """The blobs below the course's name are its files, asked for with our key and without those that are hidden."""
    answer = reply(200, LIST).replace(b"\r\n", b"\r\ncontent-type: application/xml\r\n", 1)
    with serving(answering(answer)) as server:
        found = blobs(server.url).items(COURSE)
        asked = server.asked[0]
    changed = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert [
        CourseFile(path="2. notes.pdf", size=5, changed=changed),
        CourseFile(path="10. film.mp4", size=12, changed=changed),
    ] == found
    assert b"prefix=course-7%2F" in asked
    assert b"SharedKey kursy1:" in asked


def test_a_container_that_is_down() -> None:
    """What can not be listed now is tried later, and no error shows the key."""
    with pytest.raises(Transient) as caught:
        blobs("http://127.0.0.1:1").items(COURSE)
    assert KEY not in str(caught.value)
    assert KEY not in repr(blobs())


@pytest.mark.parametrize(("status", "error"), [(403, NeedsOperator), (404, NeedsOperator), (503, Transient)])
def test_a_container_that_refuses(status: int, error: type[Exception]) -> None:
    """A wrong key or name is told to a person at once; a container that is busy is tried later."""
    with serving(answering(reply(status, b"<Error/>"))) as server, pytest.raises(error):
        blobs(server.url).items(COURSE)


def test_a_link_into_the_container() -> None:
    """A link reads one blob, over TLS alone, ends in time, and is signed as the vendor's description says."""
    url = blobs().fetch(COURSE, "10. Film & więcej.mp4")
    assert url is not None
    parts, asked = urlsplit(url), {key: each[0] for key, each in parse_qs(urlsplit(url).query).items()}
    assert ("https", "kursy1.blob.core.windows.net") == (parts.scheme, parts.netloc)
    assert "/kursy/course-7/10. Film & więcej.mp4" == unquote(parts.path)
    assert ("r", "b", "https") == (asked["sp"], asked["sr"], asked["spr"])
    ends = datetime.fromisoformat(asked["se"])
    assert timedelta(hours=1, minutes=59) < ends - datetime.now(UTC) <= timedelta(hours=2)
    resource = "/blob/kursy1/kursy/course-7/10. Film & więcej.mp4"
    fields = (asked["sp"], asked["st"], asked["se"], resource, "", "", asked["spr"], asked["sv"], "b")
    text = "\n".join([*fields, *[""] * 7])
    expected = b64encode(hmac.digest(b64decode(KEY), text.encode(), "sha256")).decode()
    assert expected == asked["sig"]


@pytest.mark.parametrize("path", ["", ".hidden", "a/.hidden", "a//b", "../x", "a/"])
def test_no_link_to_odd_names(path: str) -> None:
    """A path that is no plain name is never signed."""
    assert blobs().fetch(COURSE, path) is None


def test_the_door_of_a_container(hall: Hall) -> None:
    """A file is a redirect to a link of its own, which nothing keeps; looking costs no call."""
    hall.shop.ports = msgspec.structs.replace(hall.shop.ports, shelf=FilesAcademy(blobs()))
    answer = hall.ask(hall.sold(), "lesson 9.txt")
    headers = dict(answer.headers)
    assert (303, "no-store") == (answer.status, headers["cache-control"])
    assert headers["location"].startswith(
        "https://kursy1.blob.core.windows.net/kursy/course-7/lesson%209.txt?"
    )
    assert [410] * 2 == [hall.ask(hall.sold(back), "lesson 9.txt", how).status for how in ("GET", "HEAD")]
