"""The whole story through Kit: whom Kit mails is mailed by Kit, whom it would not is mailed by the shop, each once.

The clock of the shop is handed in; lost answers are decided by its rules, and judged by Kit's ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from kramik.academies.sandbox import SandboxAcademy
from kramik.academies.sandbox import Settings as AcademySettings
from kramik.mail import by_post
from kramik.moves import effects
from kramik.order import Order
from kramik.shop import Shop
from tests.adapters.kit import CALL, Office, office
from tests.sandbox.place import opened
from tests.story.example import DRAFT, FakeClock, Letterbox, PaperGateway, a_shop, paid, work_off

KEY = "link_{product}_w_praktyce"
"""Makes the field of the example's product one that the account has."""


@pytest.fixture
def account() -> Iterator[Office]:
    """An office before Kit."""
    with opened() as place, office(place) as found:
        yield found


@pytest.fixture
def clock() -> FakeClock:
    """A clock that begins now, as Kit's does."""
    return FakeClock(datetime.now(UTC))


class Sales:
    """A shop at Kit, its own letterbox, and everything that it sold."""

    def __init__(self, account: Office, clock: FakeClock) -> None:
        self.account, self.clock, self.post = account, clock, Letterbox()
        self.mailer = account.mailer(field=KEY, sequences={"seq-7": 1001})
        token = account.place.settings.academy_token
        academy = SandboxAcademy(AcademySettings(base_url=account.place.url, token=token), call_seconds=CALL)
        account._stack.callback(academy.close)
        made = effects(academy, self.mailer, by_post=by_post(self.post))
        self.shop: Shop = a_shop(made, post=self.post)

    def sell(self, key: str, email: str = "anna@example.com") -> Order:
        """Sell the course; return the order when all work on it is done."""
        buyer = replace(DRAFT.buyer, email=email)
        order = self.shop.placed(self.shop.place(replace(DRAFT, key=key, buyer=buyer), now=self.clock()))
        event = paid(order.id, f"pay-{key}")
        self.shop.notify("till", PaperGateway().notification(event), now=self.clock())
        work_off(self.shop, self.clock)
        found = self.shop.ports.orders.get(order.id)
        assert found is not None
        return found

    def mails(self, order: Order) -> tuple[int, int]:
        """Return how many mails with the access of this order came from Kit, and how many from the shop."""
        email = order.intent.buyer.email
        theirs = sum(f"/access/{order.id}." in text for _, text in self.account.mails(email))
        return theirs, sum(f"/access/{order.id}." in mail.text for mail in self.post.mails.values())


def test_kit_mails(account: Office, clock: FakeClock) -> None:
    """A new buyer is mailed by Kit alone."""
    sales = Sales(account, clock)
    order = sales.sell("one")
    assert ("completed", (1, 0)) == (order.status, sales.mails(order))


def test_second_order_is_mailed_by_the_shop(account: Office, clock: FakeClock) -> None:
    """A second order of the same person would be mailed by nobody at Kit, so that the shop does."""
    sales = Sales(account, clock)
    first, second = sales.sell("one"), sales.sell("two")
    assert ((1, 0), (0, 1)) == (sales.mails(first), sales.mails(second))
    assert ["completed", "completed"] == [first.status, second.status]
    assert second.step("sequence").receipt.startswith("by mail")
    assert [2, 1] == [len(account.effects("anna@example.com", each)) for each in ("purchase", "sequence")]


def test_who_unsubscribed_is_mailed_by_the_shop(account: Office, clock: FakeClock) -> None:
    """Who wants no mails from Kit still gets what they paid for."""
    sales = Sales(account, clock)
    account.known("anna@example.com", "cancelled")
    order = sales.sell("one")
    assert ("completed", (0, 1)) == (order.status, sales.mails(order))


@pytest.mark.parametrize("fault", ["drop", "garbage", "time_out_after_effect", "refuse"])
@pytest.mark.parametrize("operation", ["person", "purchase", "sequence", "find"])
def test_whatever_is_lost(account: Office, clock: FakeClock, operation: str, fault: str) -> None:
    """Whichever answer of Kit is lost or refused, in the end there is one purchase, one start and one mail."""
    sales = Sales(account, clock)
    account.place.fault(peer="kit", operation=operation, fault=fault, status=500)
    if operation == "find":  # nobody looks unless something else was lost before
        account.place.fault(peer="kit", operation="purchase", fault="drop")
        account.place.fault(peer="kit", operation="sequence", fault="drop")
    order = sales.sell("one")
    assert ("completed", (1, 0)) == (order.status, sales.mails(order))
    assert [1, 1] == [len(account.effects("anna@example.com", each)) for each in ("purchase", "sequence")]


def test_lost_connection_keeps_nobody_from_the_course(account: Office, clock: FakeClock) -> None:
    """When Kit's connection is lost, the purchase waits for a person; access and mail do not."""
    sales = Sales(account, clock)
    account.place.fault(peer="kit", operation="token", fault="drop")
    order = sales.sell("one")
    assert ("parked", (1, 0)) == (order.state, sales.mails(order))
    assert "kramik connect" in order.step("purchase").why
