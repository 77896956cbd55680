"""A real Kit account: our key is taken, and what we believe about sequences is so.

Runs only with `KIT_TEST_API_KEY`; the second test also wants `KIT_TEST_SEQUENCE` (the number of a published sequence)
and `KIT_TEST_EMAIL`, an address of your own that was never in it: it is mailed once, and a custom field is made.
"""

from __future__ import annotations

import os
from contextlib import closing

import pytest
from msgspec.structs import replace

from kramik.catalogue import Product, Words
from kramik.errors import NotMailable
from kramik.mailers.kit import KitMailer, Settings
from kramik.money import Money
from kramik.ports import Delivery
from tests.sandbox.place import fresh_order

pytestmark = pytest.mark.live

SLUG = "kramik-test"


def given(name: str) -> str:
    """Return a variable of the environment; without it nothing is asked."""
    if not os.environ.get(name):
        pytest.skip(f"set {name} to ask the vendor")
    return os.environ[name]


def opened() -> KitMailer:
    """Open the account of whoever runs this."""
    return KitMailer(Settings(api_key=given("KIT_TEST_API_KEY")), call_seconds=15.0)


def test_account_answers() -> None:
    """Kit takes the key, and its lists can be read."""
    with closing(opened()) as made:
        assert [] == made.problems([], create=False)


def test_sequence_mails_a_person_once() -> None:
    """The field is made and echoed, the first start is one, and a second start is seen to send nothing."""
    sequence, email = given("KIT_TEST_SEQUENCE"), given("KIT_TEST_EMAIL")
    price = Money(minor=100, currency="PLN")
    course = Product(
        slug=SLUG, lang="en", words={"en": Words(title="Test")}, price=price, course="c", sequence=sequence
    )
    order = fresh_order(product=SLUG, sequence=sequence)
    buyer = replace(order.intent.buyer, email=email)
    order = replace(order, intent=replace(order.intent, buyer=buyer))
    sale = Delivery(order=order, access_link=f"https://kurs.example/access/{order.id}.test")
    with closing(opened()) as made:
        assert [] == made.problems([course], create=True)
        assert made.sequence.do(sale).startswith(f"{sequence}/")
        with pytest.raises(NotMailable):
            made.sequence.do(sale)
