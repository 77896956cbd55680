from __future__ import annotations

import pytest

from kramik.journal import StepName
from kramik.order import Order
from kramik.status import status
from tests.story.example import NOON, a_paid_order, an_order, paid


def made(*names: StepName) -> Order:
    """Return a paid order with the receipts of these steps."""
    order = a_paid_order()
    for name in names:
        order = order.record(name, "https://course", now=NOON)
    return order


@pytest.mark.parametrize(
    ("order", "word"),
    [
        (an_order(), "waiting"),
        (a_paid_order(), "paid"),
        (made("invitation", "sequence"), "paid"),
        (made("invitation", "sequence").park("purchase", "closed", now=NOON), "completed"),
        (made("purchase", "sequence").park("invitation", "closed", now=NOON), "attention"),
        (made("invitation", "purchase").park("sequence", "closed", now=NOON), "attention"),
        (an_order().apply(paid(money=None), now=NOON), "attention"),
    ],
)
def test_a_buyer_is_told_of_what_they_wait_for(order: Order, word: str) -> None:
    """Whoever has the course and the mail with its link is not worried by what the seller has to mend beside it."""
    assert word == status(order)
