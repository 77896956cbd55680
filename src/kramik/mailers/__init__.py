"""Mailing tools, one file a vendor: register a purchase, start the sequence that carries the access link.

Each file declares its `FEATURES`, of which the matrix in `docs/mailers/README.md` is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from kramik.catalogue import Product
from kramik.errors import Problem
from kramik.order import Order
from kramik.ports import Repeat

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
    return f"/{order.id}." in link


def wants_news(order: Order) -> bool:
    """Say whether the buyer agreed to be written to about more than what they bought."""
    return any(consent.id == "marketing" for consent in order.intent.consents)


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
