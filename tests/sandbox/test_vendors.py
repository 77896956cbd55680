"""The gateways of vendors share sessions, buttons, ledger, switches and repeats with the sandbox's own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Event

import msgspec
import pytest

from kramik.gateways.imoje import ImojeGateway, Settings
from kramik.ports import Returns
from kramik.sandbox.dialect import Panel
from kramik.sandbox.vendors import NAMES, vendor
from tests.sandbox.place import Place, fresh_order, opened
from tests.unit.raw_server import RawServer, answering, reply, serving

OK = reply(200, b'{"status":"ok"}')


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


class Buyer:
    """A buyer on the way through imoje; `shop` is told what happens."""

    def __init__(self, place: Place, shop: RawServer) -> None:
        self.place, self.order = place, fresh_order()
        about = {**vendor("imoje").DEMO, "base_url": f"{place.url}/imoje"}
        gateway = ImojeGateway(msgspec.convert(about, Settings))
        returns = Returns(
            done="https://kurs.example/thanks/",
            failed="https://kurs.example/failed/",
            notify=f"{shop.url}/told",
        )
        self.link = gateway.request(self.order, returns).url
        self.page = place.browser.get(self.link).headers.get("location", "")

    def press(self, action: str) -> str:
        """Press a button; return where it leads."""
        return self.place.browser.post(self.page, data={"action": action}).headers["location"]


@pytest.mark.parametrize("name", NAMES)
def test_every_vendor_has_a_dialect(name: str) -> None:
    """Each vendor's file makes a dialect under the name that it is mounted at, with pauses between its repeats."""
    dialect = vendor(name).dialect(Panel())
    assert name == dialect.name
    assert all(pause > 0 for pause in dialect.pauses)
    assert dialect.pauses


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_opens_no_page(place: Place, name: str) -> None:
    """What no vendor would take is refused with a page that says why, never with a crash."""
    for path in ("", "pay", "payment", "%00", "a/b/c?d=e&d=f"):
        answers = [
            place.browser.get(f"/{name}/{path}"),
            place.browser.post(f"/{name}/{path}", content=b"\xff=\x00&a=b&a=b"),
        ]
        assert [] == [each for each in answers if not 400 <= each.status_code < 500], path


def test_same_request_same_session(place: Place) -> None:
    """A buyer who follows the link twice comes to the same pay page."""
    with serving(answering(OK)) as shop:
        buyer = Buyer(place, shop)
        again = place.browser.get(buyer.link).headers["location"]
    assert buyer.page == again
    assert buyer.page.startswith(f"{place.url}/imoje/session/")
    assert "299.00" in place.browser.get(buyer.page).text


def test_ledger_names_the_vendor(place: Place) -> None:
    """What happened at a vendor stands in the ledger under its name."""
    with serving(answering(OK)) as shop:
        buyer = Buyer(place, shop)
        assert buyer.press("pay") == "https://kurs.example/thanks/"
        place.settled(buyer.order.id, "notification", 1)
    assert [("imoje", "payment"), ("imoje", "notification")] == [
        (each["peer"], each["effect"]) for each in place.ledger(buyer.order.id)
    ]


def test_refund_comes_first(place: Place) -> None:
    """A vendor's refund can arrive before its payment, too."""
    with serving(answering(OK)) as shop:
        buyer = Buyer(place, shop)
        buyer.press("refund_before_pay")
        kinds = [each["kind"] for each in place.settled(buyer.order.id, "notification", 2)]
    assert ["refund", "paid"] == kinds


def test_silence_of_a_vendor(place: Place) -> None:
    """What a vendor tells nobody happens without a notification: imoje knows no message of a chargeback."""
    with serving(answering(OK)) as shop:
        buyer = Buyer(place, shop)
        buyer.press("pay")
        buyer.press("chargeback")
        place.settled(buyer.order.id, "payment", 2)
        place.settled(buyer.order.id, "notification", 1)
    assert 1 == len(shop.asked)


def test_answer_that_nobody_can_read(place: Place) -> None:
    """What a vendor can not read acknowledges nothing, and never stops the others from being told."""

    def script(connection: socket.socket, over: Event) -> None:
        answering(reply(200, b"\xff{") if len(shop.asked) <= 5 else OK)(connection, over)

    with serving(script) as shop:
        buyers = [Buyer(place, shop) for _ in range(5)]
        for buyer in buyers:
            buyer.press("pay")
        told = [place.settled(buyer.order.id, "notification", 1)[0]["attempts"] for buyer in buyers]
    assert 10 == sum(told)


@pytest.mark.parametrize("peer", ["gateway", "imoje", "*"])
def test_switch(place: Place, peer: str) -> None:
    """A switch for `gateway` is about every gateway; one for a vendor is about that one."""
    with serving(answering(OK)) as shop:
        buyer = Buyer(place, shop)
        place.fault(peer=peer, fault="refuse", operation="start")
        answers = [place.browser.get(buyer.link).status_code for _ in range(2)]
    assert [503, 303] == answers


def test_switch_of_another_vendor(place: Place) -> None:
    """A switch for one vendor leaves the others alone."""
    with serving(answering(OK)) as shop:
        buyer = Buyer(place, shop)
        place.fault(peer="redsys", fault="refuse", operation="start")
        assert 303 == place.browser.get(buyer.link).status_code
    place.browser.delete("/faults")


def test_panel(place: Place) -> None:
    """What a shop types into a vendor's panel is kept."""
    typed = {"vendor": "imoje", "notify": "http://127.0.0.1:9/told", "shop": "http://127.0.0.1:9"}
    assert 200 == place.browser.post("/panel", json=typed).status_code
    panels = place.browser.get("/panel").json()
    assert {"notify": typed["notify"], "shop": typed["shop"]} == panels["imoje"]
    assert [*NAMES] == [*panels]


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"", b'{"vendor": "imoje"}', b'{"vendor": "nobody", "notify": "http://127.0.0.1:9"}'],
)
def test_panel_of_nobody(place: Place, body: bytes) -> None:
    """A panel of a vendor that is not here, or half of one, is refused."""
    assert place.browser.post("/panel", content=body).status_code in {400, 422}
