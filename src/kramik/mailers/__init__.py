"""Mailing tools, one file a vendor: register a purchase, start the sequence that carries the access link.

Each file declares its `FEATURES`, of which the matrix in `docs/mailers/README.md` is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from kramik.catalogue import Product
from kramik.errors import NotMailable, Problem
from kramik.http import Budget
from kramik.order import Order
from kramik.ports import Delivery, Repeat
from kramik.turns import Turns

Registers = Literal["purchase", "tag", "purchase or tag", "nothing"]
Starts = Literal["sequence", "automation", "mail"]


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What a mailing tool can do, and why a repeat of it is harmless.

    `purchase` is as what it registers a purchase; the first mail is the start of a sequence, of an automation that is
    triggered, or one mail. The kinds of repeat-safety are those that its settings can lead to, the usual one first.
    `posts` says whether it can also send single mails, `live` whether `kramik check --live` asks it.
    """

    title: str
    purchase: Registers
    purchase_repeat: tuple[Repeat, ...]
    start: Starts
    sequence_repeat: tuple[Repeat, ...]
    refund: str = "nothing"
    posts: bool = False
    live: bool = False
    extra: str = ""


def field(pattern: str, product: str) -> str:
    """Return the name of the field that keeps a product's access link: `{product}` is its slug with underscores.

    A tool keeps one value a person and field, so one field a product keeps a second course from hiding the first.
    """
    return pattern.replace("{product}", product.replace("-", "_"))


def leads_to(order: Order, link: str) -> bool:
    """Say whether an access link is one of this order, by whichever key it was signed."""
    return f"/{order.key}." in link


def wants_news(order: Order) -> bool:
    """Say whether the buyer agreed to be written to about more than what they bought."""
    return any(consent.id == "marketing" for consent in order.intent.consents)


def in_turn(
    start: Callable[[Delivery, Budget], str], *, call_seconds: float, with_consent: bool
) -> Callable[[Delivery], str]:
    """Return how a tool that keeps one link a person starts a sequence: the orders of one buyer one after the other.

    All calls of a start share `call_seconds`, and so does the wait for the turn. `with_consent` starts nothing for
    buyers who did not agree to marketing (`NotMailable`).
    """
    turns = Turns()

    def begin(delivery: Delivery) -> str:
        if with_consent and not wants_news(delivery.order):
            raise NotMailable("the buyer did not agree to mails beyond what they bought")
        budget = Budget(call_seconds)
        with turns.take(delivery.order.intent.buyer.email.lower(), seconds=budget.left):
            return start(delivery, budget)

    return begin


def misfit(name: str, message: str) -> Problem:
    """Return what does not fit at the tool: the key of a table or the slug of a product, and what to do."""
    return Problem(field=name, code="live", message=message)


def sharing(products: Sequence[Product], named: Callable[[str], str]) -> Iterator[Problem]:
    """Yield each product whose field another one has already, so that their links would hide each other."""
    seen: dict[str, str] = {}
    for product in products:
        other = seen.setdefault(named(product.slug), product.slug)
        if other != product.slug:
            message = f"shares the field {named(product.slug)!r} with {other}; give one of them another field"
            yield misfit(product.slug, message)
