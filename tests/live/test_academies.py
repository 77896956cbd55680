"""A real academy: access is given once however often it is asked for, and taken back in the end.

It runs only if the environment says which one: `ACADEMY_TEST` is the table `[academy]` as JSON, with the secrets
themselves, `ACADEMY_TEST_COURSE` a course of it, and `ACADEMY_TEST_EMAIL` an address that is yours.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack

import msgspec
import pytest
from msgspec.structs import replace

from kramik import adapters
from kramik.ports import Academy, Checkable, Delivery, FreshLinks, Revoking
from tests.sandbox.place import fresh_order
from tests.story.example import COURSE, NOON, paid

pytestmark = pytest.mark.live


@pytest.fixture
def academy() -> Iterator[Academy]:
    """The academy that the environment names."""
    table = json.loads(_given("ACADEMY_TEST"))
    kind = adapters.ACADEMIES[table.pop("kind")]()
    made = kind.make(msgspec.convert(table, kind.shape), 20.0)
    with ExitStack() as stack:
        stack.callback(getattr(made, "close", lambda: None))
        yield made


def test_fits(academy: object) -> None:
    """The key is taken, and the course is there."""
    if isinstance(academy, Checkable):
        product = replace(COURSE, course=_given("ACADEMY_TEST_COURSE"))
        assert [] == [
            str(each) for each in academy.problems([product], create=False) if each.field == product.slug
        ]


def test_gives_access_once(academy: Academy) -> None:
    """Twice is as good as once, a look-up finds it, and a click gets a link where links are short-lived."""
    order = fresh_order(course=_given("ACADEMY_TEST_COURSE"))
    buyer = replace(order.intent.buyer, email=_given("ACADEMY_TEST_EMAIL"))
    order = replace(order, intent=replace(order.intent, buyer=buyer))
    order = order.apply(paid(order.id, gateway="sandbox", shop_id="shop-1"), now=NOON)
    delivery = Delivery(order=order, access_link="https://api.kurs.example/access/test")
    port: object = academy
    try:
        receipt = academy.invitation.do(delivery)
        assert receipt == academy.invitation.do(delivery)
        if academy.invitation.find is not None:
            assert receipt == academy.invitation.find(delivery)
        if isinstance(port, FreshLinks):
            assert port.link(order.record("invitation", receipt, now=NOON))
    finally:
        if isinstance(port, Revoking):
            assert port.revocation.do(delivery)
            assert port.revocation.do(delivery)


def _given(variable: str) -> str:
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set")
    return os.environ[variable]
