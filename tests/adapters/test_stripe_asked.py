"""Stripe is asked about an order over a Payment Link: what it tells is what its events would have told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from threading import Event
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from msgspec.structs import replace

from kramik import adapters
from kramik.errors import ConfigurationError, KramikError, NeedsOperator, OutcomeUnknown, Rejected
from kramik.gateways.stripe import AskedStripeGateway, Settings, StripeGateway
from kramik.gateways.stripe.api import PAGES
from kramik.money import Money
from kramik.order import Order
from kramik.payment import RawNotification
from kramik.ports import Asking
from kramik.sandbox.vendors.stripe import DEMO
from tests.contracts.gateway import RETURNS
from tests.sandbox.place import Place, fresh_order, opened
from tests.unit.raw_server import RawServer, answering, reply, serving

SETTINGS = msgspec.convert({**DEMO, "api_url": "http://127.0.0.1:9"}, Settings)
LINK = "plink_test_agregaty"


def an_order() -> Order:
    """Return an order of the product that has a link, placed just now: a world's clock is the real one."""
    return replace(fresh_order(product="agregaty-w-praktyce"), created_at=datetime.now(UTC))


def sale(order: str, **changes: object) -> dict[str, Any]:
    """Return a completed sale, as Stripe lists it."""
    facts = {"id": f"cs_{order}", "amount_total": 29_900, "currency": "pln", "payment_status": "paid"}
    names = {"payment_link": LINK, "payment_intent": f"pi_{order}", "client_reference_id": order}
    return {**facts, **names, "status": "complete", **changes}


@contextmanager
def listing(
    *pages: list[dict[str, Any]], status: int = 200
) -> Iterator[tuple[AskedStripeGateway, RawServer]]:
    """Make a gateway whose question is answered with these pages, one after the other; the last one again and again."""

    def script(connection: socket.socket, _over: Event) -> None:
        at = min(len(server.asked), len(pages)) - 1
        more = at < len(pages) - 1 or len(pages) > PAGES
        body = {"object": "list", "data": pages[at], "has_more": more}
        connection.sendall(reply(status, json.dumps(body).encode()))

    with serving(script) as server:
        gateway = AskedStripeGateway(replace(SETTINGS, api_url=server.url), call_seconds=1)
        with closing(gateway):
            yield gateway, server


def asked(server: RawServer) -> list[dict[str, str]]:
    """Return the queries of all questions."""
    return [dict(parse_qsl(each.split()[1].decode().partition("?")[2])) for each in server.asked]


def test_without_a_key_nobody_is_asked() -> None:
    """A gateway without a key does not look as if it could be asked, and one that asks is never built without."""
    kind = adapters.GATEWAYS["stripe"]()
    made: list[object] = [kind.make(replace(SETTINGS, api_key=key), 1.0) for key in (SETTINGS.api_key, "")]
    assert [AskedStripeGateway, StripeGateway] == [type(each) for each in made]
    assert [True, False] == [isinstance(each, Asking) for each in made]
    with pytest.raises(ConfigurationError):
        AskedStripeGateway(replace(SETTINGS, api_key=" "), call_seconds=1)


def test_question() -> None:
    """Completed sales of the product's link are asked for, since an hour before the order, with the key."""
    order = an_order()
    with listing([]) as (gateway, server):
        assert [] == list(gateway.ask(order))
    since = str(int(order.created_at.timestamp()) - 3600)
    query = {"payment_link": LINK, "status": "complete", "created[gte]": since, "limit": "50"}
    assert [query] == asked(server)
    assert f"authorization: Bearer {SETTINGS.api_key}".encode() in server.asked[0]
    assert order.intent.buyer.email.encode() not in server.asked[0]


def test_only_the_order_is_found() -> None:
    """Another order, a missing reference and a sale that nobody can read are passed by."""
    order = an_order()
    others = [sale("other"), sale("x", client_reference_id=None), {"id": "cs_odd"}, {"amount_total": "x"}]
    with listing([*others, sale(order.id)]) as (gateway, _):
        [event] = gateway.ask(order)
    facts = (event.order, event.kind, event.reference, event.shop_id, event.money)
    money = Money(minor=29_900, currency="PLN")
    assert (order.id, "paid", f"pi_{order.id}", "acct_demo", money) == facts


def test_every_page_is_looked_at() -> None:
    """A list is read on from the last sale of each page."""
    order = an_order()
    with listing([sale("a"), sale("b")], [sale("c")], [sale(order.id)]) as (gateway, server):
        assert 1 == len(gateway.ask(order))
    assert [None, "cs_b", "cs_c"] == [each.get("starting_after") for each in asked(server)]


def test_a_list_without_an_end() -> None:
    """After forty pages a person is told, and nobody is asked for ever."""
    with (
        listing(*[[sale("a")]] * (PAGES + 5)) as (gateway, server),
        pytest.raises(NeedsOperator, match="2000 sales"),
    ):
        gateway.ask(an_order())
    assert PAGES == len(server.asked)


@pytest.mark.parametrize(
    ("change", "shop"),
    [({"payment_link": "plink_other"}, "plink_other"), ({"payment_link": None}, "another kind of sale")],
)
def test_sale_over_another_link(change: dict[str, Any], shop: str) -> None:
    """A sale that carries our order's id over a link that is not ours names that link, and the worker parks it."""
    order = an_order()
    with listing([sale(order.id, **change)]) as (gateway, _):
        assert [shop] == [each.shop_id for each in gateway.ask(order)]


@pytest.mark.parametrize(
    "change", [{"amount_total": 1.5}, {"amount_total": None}, {"currency": "PLN"}, {"id": 5}]
)
def test_sale_that_nobody_can_read(change: dict[str, Any]) -> None:
    """A sale of ours with odd facts grants nothing."""
    order = an_order()
    with listing([sale(order.id, **change)]) as (gateway, _), pytest.raises(OutcomeUnknown):
        gateway.ask(order)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": 5}', b'{"data": []}', b'{"data": [5], "has_more": 1}']
)
def test_answer_that_is_no_list(body: bytes) -> None:
    """An answer that is no list tells nothing."""
    with serving(answering(reply(200, body))) as server:
        gateway = AskedStripeGateway(replace(SETTINGS, api_url=server.url), call_seconds=1)
        with closing(gateway), pytest.raises(KramikError):
            gateway.ask(an_order())


def test_key_that_stripe_does_not_take() -> None:
    """What Stripe refuses is shown without the key."""
    with listing([], status=401) as (gateway, _), pytest.raises(Rejected) as caught:
        gateway.ask(an_order())
    assert SETTINGS.api_key not in f"{caught.value} {gateway!r}"


def test_product_without_a_link() -> None:
    """An order of a product whose link was taken out is not asked about."""
    with listing([]) as (gateway, server):
        assert [] == list(gateway.ask(fresh_order(product="gone")))
    assert [] == server.asked


# In a running world


@pytest.fixture
def place() -> Iterator[Place]:
    """A world with a shop that nobody told anything yet."""
    with opened() as place:
        yield place


def test_asking_says_what_was_told(place: Place) -> None:
    """Each payment that the world knows is found, with the same facts as its event."""
    settings = replace(SETTINGS, base_url=f"{place.url}/stripe", api_url=f"{place.url}/stripe")
    gateway = AskedStripeGateway(settings, call_seconds=2)
    order, other = an_order(), an_order()
    with serving(answering(reply(200, b"OK"))) as shop, closing(gateway):
        place.browser.post("/panel", json={"vendor": "stripe", "notify": f"{shop.url}/told"})
        for each, action in ((other, "pay"), (order, "pay_twice")):
            page = place.browser.get(gateway.request(each, RETURNS).url).headers["location"]
            place.browser.post(page, data={"action": action})
        place.settled(order.id, "notification", 2)
        told = [gateway.verify(_raw(each)) for each in shop.asked]
        found = gateway.ask(order)
    mine = [event for event in told if event and event.order == order.id]
    assert 2 == len(found)
    assert sorted(map(repr, mine)) == sorted(map(repr, found))


def test_world_wants_the_key(place: Place) -> None:
    """The simulator answers nobody without the account's key, and knows no other question."""
    with_key = {"authorization": f"Bearer {SETTINGS.api_key}", "stripe-version": "2024-06-20"}
    paths = {
        "/v1/checkout/sessions": [401, 200],
        "/v1/checkout/sessions?customer=5": [401, 400],
        "/v1/checkout/sessions?limit=1000": [401, 400],
        "/v1/checkout/sessions?starting_after=cs_5": [401, 400],
        "/v1/charges": [401, 404],
    }
    for path, statuses in paths.items():
        answers = [place.browser.get(f"/stripe{path}", headers=each) for each in ({}, with_key)]
        assert statuses == [each.status_code for each in answers], path


def _raw(request: bytes) -> RawNotification:
    head, _, body = request.partition(b"\r\n\r\n")
    pairs = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return RawNotification(headers=headers, query="", body=body)
