"""Payment gateways, one file a vendor: a signed payment request out, a verified notification in.

Each file declares its `FEATURES`, of which the matrix in `docs/gateways/README.md` is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from kramik.errors import KramikError, NeedsOperator
from kramik.event import PaymentEvent

Start = Literal["link", "form", "link or form", "call"]
Told = Literal["request", "panel"]
Proof = Literal["published", "computed", "documents", "unsigned"]


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway can do, and what holds that we speak its language.

    `address` says where it learns the address of notifications; `methods` are the ways to pay that it takes from a
    buyer's choice at the shop; `request` and `notification` say by what vectors their signatures are proven.
    `confirms`: a notification of a payment is followed by a call; `asks`: it can be asked what became of an order.
    `hops` are the vendor's own domains: it may lead a buyer from the address that we know to any host of these.
    Source: shops that test their way to Przelewy24 begin at `secure.przelewy24.pl` and wait for `go.przelewy24.pl`;
    of the others nothing is known, and a browser stops the form behind an order at a host that is not listed.
    """

    title: str
    start: Start
    hash: str
    address: Told
    request: Proof
    notification: Proof
    methods: tuple[str, ...] = ()
    refunds: bool = False
    chargebacks: bool = False
    confirms: bool = False
    asks: bool = False
    extra: str = ""
    hops: tuple[str, ...] = ()


def led_to(url: str, pay_url: str, *, vendor: str) -> str:
    """Return an address that a vendor answered with, if it lies at the origin of `pay_url`: a buyer is sent there.

    Raises:
        NeedsOperator: it leads elsewhere, or holds what stands in no address.
    """
    origin = "/".join(pay_url.split("/", 3)[:3])
    if url.startswith(f"{origin}/") and url.isascii() and url.isprintable() and " " not in url:
        return url
    why = f"{vendor} sends the buyer to an address outside of {origin}; check pay_url in shop.toml, then its panel"
    raise NeedsOperator(why)


def ask_each(names: Iterable[str], ask: Callable[[str], PaymentEvent | None]) -> list[PaymentEvent]:
    """Ask about one payment after the other; what was found counts although another question failed.

    Raises:
        KramikError: nothing was found, and a question failed.
    """
    found, failed = [], None
    for name in names:
        try:
            event = ask(name)
        except KramikError as error:
            failed = error
        else:
            found += [event] if event is not None else []
    if failed is not None and not found:
        raise failed
    return found
