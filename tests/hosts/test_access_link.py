"""The access link at the door, before an academy whose links are short-lived: who only looks gets no link made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from time import monotonic

import msgspec
import pytest

from kramik.academies import PATIENCE
from kramik.academies.ghost import GhostAcademy
from kramik.answer import Pending, Request, Response, settle
from kramik.errors import Problem
from kramik.offer import Offer
from kramik.order import Order
from kramik.payment import Keys, PaymentRequest
from kramik.ports import CourseFile, Delivery
from kramik.shop import Shop
from kramik.web import Web
from tests.adapters.school import Class, taught
from tests.sandbox.place import fresh_order, opened
from tests.story.example import NOON, FakeClock, Letterbox, Notebook, a_shop, paid, refund, work_off
from tests.story.world import World


class Words:
    """Pages that say their name."""

    def order_form(
        self,
        product: str,
        lang: str,
        values: Mapping[str, str],
        problems: Sequence[Problem],
        *,
        offer: Offer | None = None,
        now: datetime | None = None,
    ) -> str:
        return "order_form"

    def payment_form(self, request: PaymentRequest, lang: str) -> str:
        return "payment_form"

    def unpayable(self, url: str, lang: str) -> str:
        return "unpayable"

    def files(self, title: str, lang: str, items: Sequence[CourseFile]) -> str:
        return f"{title} {lang}: {', '.join(each.path for each in items)}"

    def message(self, name: str, lang: str) -> str:
        return f"{name} {lang}"

    def withdrawal(
        self, stated: Mapping[str, str], problems: Sequence[Problem], lang: str, *, at: datetime | None = None
    ) -> str:
        return "withdrawal"


class Entrance:
    """A shop with one order that is open at a Ghost site, and its door."""

    def __init__(self, school: Class) -> None:
        self.school, self.academy = school, school.academy()
        assert isinstance(self.academy, GhostAcademy)
        clock = FakeClock()
        self.shop = a_shop(World(clock).effects())
        self.shop.ports = msgspec.structs.replace(self.shop.ports, fresh_links=self.academy)
        order = fresh_order()
        order = order.apply(paid(order.id, gateway="sandbox", shop_id="shop-1"), now=NOON)
        receipt = self.academy.invitation.do(Delivery(order=order, access_link=""))
        self.order = order.record("invitation", receipt, now=NOON)
        self.shop.ports.orders.insert(self.order).result()
        self.web = Web(self.shop, Words(), clock, page_headers={})

    def ask(self, method: str = "GET", link: str = "", **headers: str) -> Response:
        """Knock at the access link."""
        path = "/access/" + (link or self.shop.access_link(self.order)).rpartition("/")[2]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return settle(self.web.handle(Request(method=method, path=path, headers=named)))

    def made(self) -> int:
        """Return how often the site was asked for a link since the switch was set."""
        (switch,) = self.school.place.browser.get("/faults").json()["faults"]
        return int(switch.get("fired", 0))

    def watch(self) -> None:
        """Let the site be slow by nothing, which counts."""
        self.school.place.browser.post(
            "/faults", json={"peer": "ghost", "operation": "link", "fault": "slow", "seconds": 0}
        ).raise_for_status()

    def saved(self, order: Order) -> None:
        """Save a change of the order."""
        stored = self.shop.ports.orders.get(order.id)
        assert stored is not None
        self.order = self.shop.ports.orders.save(msgspec.structs.replace(order, version=stored.version))


@pytest.fixture
def entrance() -> Iterator[Entrance]:
    """A door."""
    with opened() as place, taught(place, "ghost") as school:
        yield Entrance(school)


def test_each_click_gets_a_link_of_its_own(entrance: Entrance) -> None:
    """Two clicks, two links, both of which sign in."""
    links = [dict(entrance.ask().headers)["location"] for _ in range(2)]
    assert 2 == len(set(links))
    for link in links:
        answer = entrance.school.place.browser.get(link)
        assert "success=true" in answer.headers["location"]


def test_whoever_looks_ahead_gets_none(entrance: Entrance) -> None:
    """HEAD, a prefetch and a preview have no link made; a click after them gets its own."""
    entrance.watch()
    looks = [
        entrance.ask("HEAD"),
        entrance.ask(sec_purpose="prefetch;prerender"),
        entrance.ask(purpose="preview"),
        entrance.ask(x_moz="prefetch"),
    ]
    assert [200, 503, 503, 503] == [each.status for each in looks]
    assert [] == [each for each in looks if "location" in dict(each.headers) or each.body]
    assert 0 == entrance.made()
    assert 303 == entrance.ask().status
    assert 1 == entrance.made()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_that_went_to_a_mistyped_address(entrance: Entrance, method: str) -> None:
    """It opens nothing, and whoever kept it reads that another one took its place; the new one opens the course."""
    old = entrance.shop.access_link(entrance.order)
    moved = entrance.order.correct("right@example.org", now=NOON)
    receipt = entrance.academy.invitation.do(Delivery(order=moved.addressed, access_link=""))
    entrance.saved(moved.record("invitation", receipt, now=NOON))
    entrance.watch()
    answer = entrance.ask(method, link=old)

    assert (410, 0) == (answer.status, entrance.made())
    assert (b"" if method == "HEAD" else b"replaced pl") == answer.body
    assert {"GET": 303, "HEAD": 200}[method] == entrance.ask(method).status
    assert 404 == entrance.ask(method, link=old.replace(entrance.order.id, f"{entrance.order.id}~1")).status


@pytest.mark.parametrize("status", [403, 429, 500])
def test_a_platform_that_is_down_keeps_nobody_out(entrance: Entrance, status: int) -> None:
    """When no link can be had, the click leads to the recorded address of the course, and the log says why."""
    entrance.school.fault("link", fault="refuse", status=status)
    answer = entrance.ask()
    recorded = entrance.order.step("invitation").receipt
    assert (303, recorded) == (answer.status, dict(answer.headers)["location"])
    log = entrance.shop.ports.log
    assert isinstance(log, Notebook)
    assert "no_fresh_link" in str(vars(log))


def test_no_link_and_nothing_recorded(entrance: Entrance) -> None:
    """An order whose receipt is a note of a person is answered 503 when no link can be had, and not sent nowhere."""
    order = fresh_order()
    order = order.apply(paid(order.id, gateway="sandbox", shop_id="shop-1"), now=NOON)
    order = order.record("invitation", "seen in the panel", now=NOON)
    entrance.shop.ports.orders.insert(order).result()
    entrance.school.fault("link", fault="refuse", status=500)
    assert 503 == entrance.ask(link=entrance.shop.access_link(order)).status


def test_a_refund_closes_the_link(entrance: Entrance) -> None:
    """After the money went back the link is gone for whoever clicks or looks, and the site is not asked."""
    entrance.watch()
    order = entrance.order
    back = msgspec.structs.replace(refund(order.id), gateway="sandbox", shop_id="shop-1")
    entrance.saved(order.apply(back, now=NOON))
    assert [410, 410] == [entrance.ask().status, entrance.ask("HEAD").status]
    assert 0 == entrance.made()


def test_a_link_survives_the_keys(entrance: Entrance) -> None:
    """A link that was mailed before the secret was rotated opens the course; one of nobody's does not."""
    link, old = entrance.shop.access_link(entrance.order), entrance.shop
    entrance.shop = Shop(
        old.ports,
        catalogue=old.catalogue,
        keys=Keys("a new secret of this shop", "a secret of this shop"),
        addresses=old.addresses,
        consents=old.consents,
        timing=old.timing,
    )
    entrance.web = Web(entrance.shop, Words(), FakeClock(), page_headers={})
    assert link != entrance.shop.access_link(entrance.order)
    assert 303 == entrance.ask(link=link).status
    assert [404, 404] == [entrance.ask(method, link="x/order.mac").status for method in ("GET", "HEAD")]


def test_a_platform_that_hangs_keeps_nobody_else_waiting(entrance: Entrance) -> None:
    """A click that has to ask the platform says so, and the host answers it where nobody else waits."""
    path = "/access/" + entrance.shop.access_link(entrance.order).rpartition("/")[2]
    answer = entrance.web.handle(Request(method="GET", path=path))
    assert isinstance(answer, Pending)
    assert answer.calls
    entrance.shop.ports = msgspec.structs.replace(entrance.shop.ports, fresh_links=None)
    assert isinstance(entrance.web.handle(Request(method="GET", path=path)), Response)


def test_nobody_waits_long(entrance: Entrance) -> None:
    """A platform that is slow with a link is given a few seconds; then the click leads to the course all the same."""
    entrance.school.fault("link", fault="time_out_after_effect")
    begun = monotonic()
    answer = entrance.ask()
    assert monotonic() - begun < PATIENCE + 10
    assert entrance.order.step("invitation").receipt == dict(answer.headers)["location"]


def test_sent_again(entrance: Entrance) -> None:
    """A lost mail is sent again with our own link, whatever links the platform makes, and without asking it."""
    entrance.watch()
    entrance.shop.resend(entrance.order, now=NOON)
    work_off(entrance.shop, FakeClock())
    post = entrance.shop.ports.post
    assert isinstance(post, Letterbox)
    (mail,) = post.mails.values()
    assert entrance.shop.access_link(entrance.order) in mail.text
    assert 0 == entrance.made()
