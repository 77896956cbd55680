"""The matrix of gateways says what is: it is current, and each of its facts can be seen at the gateway itself."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from kramik import adapters
from kramik.hosts.cli import matrix
from kramik.money import Money
from kramik.payment import PaymentRequest, encoded
from kramik.ports import Asking, CallingGateway, Confirming, Gateway, Returns
from kramik.sandbox.dialect import Dialect, Notification, Panel, Request
from kramik.sandbox.vendors import NAMES, vendor
from tests.story.example import an_order

DOCS = Path(__file__).parents[2] / "docs" / "gateways"
FEATURES = matrix.features()
SIGNED = tuple(name for name in NAMES if FEATURES[name].start != "call")
CALLED = tuple(name for name in NAMES if FEATURES[name].start == "call")
RETURNS = Returns(
    done="https://kurs.example/thanks/?order=1&key=a",
    failed="https://kurs.example/failed/",
    notify="https://api.kurs.example/api/payments/told",
)

ASKED = Request(
    order="0123456789abcdefghjkmnpqrs-1",
    shop_id="235316",
    money=Money(minor=29_900, currency="PLN"),
    description="Agregaty w praktyce",
    email="anna@example.com",
    lang="pl",
    done=RETURNS.done,
    failed=RETURNS.failed,
    notify=RETURNS.notify,
    reference="0123456789abcdefghjkmnpqrs-1",
)
"""What a called vendor was asked for."""


def made(name: str, **settings: str) -> Gateway | CallingGateway:
    """Return a gateway as the demo sets it up."""
    kind = adapters.GATEWAYS[name]()
    about = {**vendor(name).DEMO, "base_url": f"https://world.example/{name}", **settings}
    return kind.make(msgspec.convert(about, kind.shape), 1.0)


def started(name: str, *, method: str = "", **settings: str) -> PaymentRequest:
    """Return the start of a payment, always of the same order."""
    order = an_order("0123456789abcdefghjkmnpqrs")
    intent = msgspec.structs.replace(order.intent, product="agregaty-w-praktyce", method=method)
    gateway = made(name, **settings)
    assert isinstance(gateway, Gateway)
    return gateway.request(msgspec.structs.replace(order, intent=intent), RETURNS)


def test_matrix_is_current() -> None:
    """The page is what the gateways declare; write it anew with `python -m kramik.hosts.cli.matrix`."""
    assert (DOCS / "README.md").read_text("utf-8") == matrix.rendered()


def test_every_gateway_can_be_tried() -> None:
    """Each gateway but the sandbox's own is played by a simulator, and each simulator has an adapter."""
    assert {*NAMES} == {*adapters.GATEWAYS} - {"sandbox"}


@pytest.mark.parametrize("name", NAMES)
def test_every_gateway_has_a_page(name: str) -> None:
    """A page says how to set it up: every setting, the address for notifications, and what it can not do."""
    page = (DOCS / f"{name}.md").read_text("utf-8")
    keys = [field.encode_name for field in msgspec.structs.fields(adapters.shape("gateways", name))]
    assert [] == [key for key in keys if f"`{key}`" not in page]
    assert f"/api/payments/{name}" in page
    assert re.search(r"^#+ .*(can ?not|does not)", page, re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("name", SIGNED)
def test_start(name: str) -> None:
    """A gateway declared as link starts by GET, one declared as form by POST."""
    kinds = {"GET": "link", "POST": "form"}
    declared = FEATURES[name].start
    if declared == "link or form":
        assert ["link", "form"] == [kinds[started(name, start=way).method] for way in ("GET", "POST")]
    else:
        assert declared == kinds[started(name).method]


@pytest.mark.parametrize("name", SIGNED)
def test_browsers_may_go_there(name: str) -> None:
    """The payment leads to the origin of `base_url`, which the pages' `form-action` lists; by default over TLS."""
    fields = {each.name: each.default for each in msgspec.structs.fields(adapters.shape("gateways", name))}
    assert started(name).url.startswith(f"https://world.example/{name}/")
    assert str(fields["base_url"]).startswith("https://")


@pytest.mark.parametrize("name", SIGNED)
def test_address_of_notifications(name: str) -> None:
    """The notification's address travels with the payment exactly where the matrix says so."""
    asked = _asked(name, _played(name))
    assert {"request": RETURNS.notify, "panel": "https://typed.example/"}[
        FEATURES[name].address
    ] == asked.notify


@pytest.mark.parametrize("name", SIGNED)
def test_methods(name: str) -> None:
    """Every declared way to pay changes the payment request; one that nobody knows does not."""
    plain = started(name)
    ways = {way: started(name, method=way) != plain for way in (*FEATURES[name].methods, "no way at all")}
    assert {**dict.fromkeys(FEATURES[name].methods, True), "no way at all": False} == ways


@pytest.mark.parametrize("name", NAMES)
def test_what_is_called(name: str) -> None:
    """What the matrix says about calls is what the adapter offers."""
    gateway: object = made(name)
    ports = (CallingGateway, Confirming, Asking)
    declared = (name in CALLED, FEATURES[name].confirms, FEATURES[name].asks)
    assert declared == tuple(isinstance(gateway, port) for port in ports)


@pytest.mark.parametrize("name", CALLED)
def test_calls_go_over_tls(name: str) -> None:
    """What is called, and where the buyer pays, is an address over TLS unless the settings say otherwise."""
    fields = {each.name: each.default for each in msgspec.structs.fields(adapters.shape("gateways", name))}
    urls = [str(fields[key]) for key in ("base_url", "pay_url") if key in fields]
    assert urls == [url for url in urls if url.startswith("https://")]


@pytest.mark.parametrize("name", NAMES)
def test_what_it_tells(name: str) -> None:
    """Refunds and chargebacks are told exactly by the gateways that the matrix names."""
    side = vendor(name).dialect(Panel(notify="https://typed.example/"))
    asked = _asked(name, side) if isinstance(side, Dialect) else ASKED
    paid = _told(asked, "paid", "t-1")
    assert side.letters(paid, asked)
    told = {kind: bool(side.letters(_told(asked, kind, "t-2"), asked)) for kind in ("refund", "chargeback")}
    assert {"refund": FEATURES[name].refunds, "chargeback": FEATURES[name].chargebacks} == told


def _played(name: str) -> Dialect:
    side = vendor(name).dialect(Panel(notify="https://typed.example/"))
    assert isinstance(side, Dialect)
    return side


def _asked(name: str, side: Dialect) -> Request:
    request = started(name)
    path, _, query = request.url.removeprefix(f"https://world.example/{name}").partition("?")
    body = encoded(request.fields).encode() if request.method == "POST" else b""
    return side.start(request.method, path, query, body)


def _told(asked: Request, kind: str, id_: str) -> Notification:
    about = {
        "id": id_,
        "kind": kind,
        "order": asked.order,
        "shop_id": asked.shop_id,
        "amount": asked.money.minor,
    }
    return msgspec.convert(
        {**about, "currency": asked.money.currency, "of": "t-1" * (kind != "paid")}, Notification
    )
