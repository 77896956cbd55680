"""The address of an order, put right by `kramik orders resend ID --to ADDRESS`, and what is left to do by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kramik.errors import Rejected
from kramik.form import read_email
from kramik.hosts.worker import utc_now

if TYPE_CHECKING:
    from kramik.order import Order
    from kramik.shop import Shop


def say(shop: Shop, order: Order, address: str) -> None:
    """Correct the address of an order, and say what happens now and what does not happen by itself.

    Raises:
        ClickException: it is no address, or the order is for nobody any more.
        Conflict: the order changed meanwhile; look at it again.
    """
    email = read_email(address)
    if not email:
        message = f"{address!r} is no e-mail address; write one such as jan@example.org"
        raise click.ClickException(message)
    before = order.buyer.email
    try:
        order = shop.correct(order, email, now=utc_now())
    except Rejected as error:
        raise click.ClickException(error.problems[0].message) from None
    click.echo(f"order {order.id} is for {email} now, and no longer for {before}")
    for sentence in _sentences(shop, order, before):
        click.echo(f"  {sentence}")


def _sentences(shop: Shop, order: Order, before: str) -> list[str]:
    if order.payment is None:
        return ["it is not paid yet; what it buys will go there"]
    said = [
        "a running `kramik serve` gives the access there; the link that went out before opens nothing any more"
    ]
    if "removal" in shop.ports.effects:
        said.append(f"the access of {before} at the academy is taken back then")
    else:
        said.append(f"take the access of {before} back at the academy by hand")
    return [
        *said,
        f"at the mailing tool, take {before} out of the sequence by hand; the purchase stays as it is",
    ]
