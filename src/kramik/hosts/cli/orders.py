"""`kramik orders`: what was bought, where it stands, and how to help an order that is stuck."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from unicodedata import normalize

import click

from kramik import explained
from kramik.hosts.cli import corrected, options, outcome, printed
from kramik.hosts.worker import utc_now
from kramik.journal import NAMES, StepName
from kramik.order import State
from kramik.ports import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kramik.order import Order
    from kramik.ports import Orders

MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
PAGE = 500


@click.group("orders")
def command() -> None:
    """List, show and help orders.

    \b
    Example:
      kramik orders list --state parked
    """


@command.command("list")
@options.shop
@options.data
@click.option("--state", type=click.Choice(get_args(State)), help="Only orders in this state.")
@click.option("--email", default="", help="Only orders of this buyer.")
@click.option("--product", default="", help="Only orders of this product.")
@click.option("--since", type=MOMENT, help="Only orders placed since then (UTC).")
@click.option("--until", type=MOMENT, help="Only orders placed before then (UTC).")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many, newest first."
)
@options.as_json
def listed(  # noqa: PLR0913, PLR0917 - one argument an option
    folder: Path,
    data: Path | None,
    state: State | None,
    email: str,
    product: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,  # noqa: FBT001 - as click passes it
) -> None:
    """List orders, newest first.

    \b
    Example:
      kramik orders list --email jan@example.org --json
    """
    query = Query(
        email=email, product=product, state=state, since=_utc(since), until=_utc(until), limit=limit
    )
    with options.opened_store(folder, data) as store:
        found = store.orders.search(query)
        alike = alike_addresses(store.orders, email) if email and not found else []
    if as_json:
        printed.json([printed.as_data(order) for order in found])
    elif not found:
        click.echo("no orders")
        for sentence in alike:
            click.echo(f"  {sentence}")
    else:
        printed.table(
            ("order", "placed (UTC)", "state", "product", "price", "buyer", "look"), map(_row, found)
        )


def alike_addresses(orders: Orders, email: str) -> list[str]:
    """Say which of the last buyers have, or had, nearly this address: one of the two is mistyped."""
    from difflib import get_close_matches

    said: dict[str, str] = {}
    for order in orders.search(Query(limit=PAGE)):
        said.setdefault(order.buyer.email.lower(), f"order {order.id} is for {order.buyer.email}")
        for each in order.corrections:
            said.setdefault(
                each.before.lower(), f"order {order.id} was for {each.before}, and is for {order.buyer.email}"
            )
    return [said[each] for each in get_close_matches(email.lower(), said, n=3, cutoff=0.8)]


@command.command("show")
@click.argument("order_id", metavar="ID")
@options.shop
@options.data
@options.as_json
def show(order_id: str, folder: Path, data: Path | None, *, as_json: bool) -> None:
    """Show one order: what happened, when, at which attempt, and what comes next.

    \b
    Example:
      kramik orders show 4k8m2w0q7xr5c3n9t1v6z8b2hd
    """
    with options.opened_store(folder, data) as store:
        order = _existing(store.orders, order_id)
    if as_json:
        printed.json(printed.as_data(order))
    else:
        printed.summary(order)


@command.command("retry")
@click.argument("order_id", metavar="ID")
@click.option(
    "--happened",
    metavar="[STEP=]RECEIPT",
    multiple=True,
    help="A parked step did happen, or you made it by hand: its receipt there, for an invitation its link.",
)
@click.option(
    "--not-happened",
    metavar="STEP",
    type=click.Choice(NAMES),
    multiple=True,
    help="You looked there: this step did not happen.",
)
@options.shop
@options.data
@options.as_json
def retry(
    order_id: str,
    happened: tuple[str, ...],
    not_happened: tuple[StepName, ...],
    folder: Path,
    *,
    data: Path | None,
    as_json: bool,
) -> None:
    """Put a parked order back to work, after you mended the cause.

    When nobody can tell whether a call had its effect, look at the other side first and say what you saw.

    \b
    Examples:
      kramik orders retry 4k8m2w0q7xr5c3n9t1v6z8b2hd
      kramik orders retry 4k8m2w0q7xr5c3n9t1v6z8b2hd --happened https://course.example/invite/7
      kramik orders retry 4k8m2w0q7xr5c3n9t1v6z8b2hd --happened purchase=20 --not-happened sequence
    """
    with options.opened_shop(folder, data) as shop:
        order = _existing(shop.ports.orders, order_id)
        if order.status != "paid" and order.state != "parked":
            message = (
                f"order {order_id} has no work to retry; kramik orders show {order_id} says what comes next"
            )
            raise click.ClickException(message)
        found = outcome.found(order, happened)
        outcome.refuse_silence(order, shop.ports.effects, (*found, *not_happened))
        order = shop.retry(order, now=utc_now(), found=found)
    if as_json:
        printed.json(printed.as_data(order))
    else:
        click.echo(f"order {order.id} is back at work")


@command.command("withdrawal")
@click.argument("order_id", metavar="ID")
@click.option(
    "--accept", "decision", flag_value="accept", help="The buyer may withdraw: access is taken back."
)
@click.option(
    "--refuse", "decision", flag_value="refuse", help="The right of withdrawal is gone: nothing changes."
)
@click.option("--why", default="", metavar="TEXT", help="What you told the buyer; it stays with the order.")
@options.shop
@options.data
@options.as_json
def withdrawal(
    order_id: str, decision: str | None, why: str, folder: Path, *, data: Path | None, as_json: bool
) -> None:
    """Accept or refuse the withdrawal of a buyer; accepted, send the money back at the gateway.

    \b
    Examples:
      kramik orders withdrawal 4k8m2w0q7xr5c3n9t1v6z8b2hd --accept
      kramik orders withdrawal 4k8m2w0q7xr5c3n9t1v6z8b2hd --refuse --why "the course was opened at once, as asked for"
    """
    if decision is None or (decision == "refuse" and not why):
        message = "say --accept, or --refuse with --why and the reason"
        raise click.UsageError(message)
    with options.opened_shop(folder, data) as shop:
        order = _existing(shop.ports.orders, order_id)
        accepted = decision == "accept"
        order = shop.decide_withdrawal(order, accepted=accepted, why=why, now=utc_now())
    if as_json:
        printed.json(printed.as_data(order))
        return
    click.echo(
        f"the withdrawal of order {order.id} is {order.withdrawal.decision if order.withdrawal else ''}"
    )
    for sentence in order.attention:
        click.echo(f"  {sentence}")
    click.echo(f"  nobody is mailed by this: write to {order.buyer.email} what you decided, and why")


@command.command("resend")
@click.argument("order_id", metavar="ID")
@click.option(
    "--to",
    "address",
    metavar="ADDRESS",
    default="",
    help="The buyer mistyped their address: this is the right one, and everything goes there from now on.",
)
@options.shop
@options.data
def resend(order_id: str, address: str, folder: Path, data: Path | None) -> None:
    """Send the access mail of an order again, also to an address that was mistyped.

    With --to the new address is stored in the order, invitation and mails are made again for it, and the link that
    went to the old one opens nothing any more. Be sure that who asks is who bought: ask for something that only they
    know, such as the number of the payment.

    \b
    Examples:
      kramik orders resend 4k8m2w0q7xr5c3n9t1v6z8b2hd
      kramik orders resend 4k8m2w0q7xr5c3n9t1v6z8b2hd --to jan@example.org
    """
    with options.opened_shop(folder, data) as shop:
        order = _existing(shop.ports.orders, order_id)
        if address and address != order.buyer.email:
            corrected.say(shop, order, address)
            return
        if not order.opened:
            message = (
                f"order {order_id} has no access (yet, or any more); kramik orders show {order_id} says why"
            )
            raise click.ClickException(message)
        shop.resend(order, now=utc_now())
    click.echo("the access mail is on its way; a running `kramik serve` sends it")


@command.command("export")
@options.shop
@options.data
@click.option("--since", type=MOMENT, help="Only orders placed since then (UTC).")
@click.option("--until", type=MOMENT, help="Only orders placed before then (UTC).")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line, with everything that is stored."
)
def export(
    folder: Path, data: Path | None, since: datetime | None, until: datetime | None, *, as_json: bool
) -> None:
    """Print every order as CSV (or JSON lines), newest first.

    \b
    Example:
      kramik orders export --since 2026-11-01 > november.csv
    """
    import msgspec

    with options.opened_store(folder, data) as store:
        found = _every(store.orders, Query(since=_utc(since), until=_utc(until), limit=PAGE))
        if as_json:
            for order in found:
                click.echo(msgspec.json.encode(printed.as_data(order)))
            return
        writer = csv.writer(sys.stdout, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows([_unspoiled(cell) for cell in _cells(order)] for order in found)


COLUMNS = tuple(
    "order placed completed state product title amount currency name email company tax_id gateway reference"
    " country".split()
)


def _cells(order: Order) -> tuple[str, ...]:
    intent, invoice, payment = order.intent, order.intent.buyer.invoice, order.payment
    return (
        order.id,
        order.created_at.isoformat(),
        order.completed_at.isoformat() if order.completed_at else "",
        order.state,
        intent.product,
        intent.title,
        intent.price.amount,
        intent.price.currency,
        intent.buyer.name,
        order.buyer.email,
        invoice.company if invoice else "",
        invoice.tax_id if invoice else "",
        intent.gateway,
        payment.event.reference if payment else "",
        intent.buyer.country or (invoice.country if invoice else ""),
    )


def _unspoiled(cell: str) -> str:
    """Keep a spreadsheet from taking what a buyer typed for a formula (ASVS 1.2.10)."""
    first = normalize("NFKC", cell[:1])  # some locales take the wide signs, too
    return f"'{cell}" if first in tuple("=+-@\t\r\n\0") else cell


def _every(orders: Orders, query: Query) -> Iterator[Order]:
    import msgspec

    while page := orders.search(query):
        yield from page
        query = msgspec.structs.replace(query, before=page[-1].id)


def _existing(orders: Orders, order_id: str) -> Order:
    order = orders.get(order_id)
    if order is None:
        message = f"there is no order {order_id}; kramik orders list shows them"
        raise click.ClickException(message)
    return order


def _row(order: Order) -> tuple[str, ...]:
    intent = order.intent
    look = "; ".join(order.attention)
    return (
        order.id,
        explained.moment(order.created_at),
        order.state,
        intent.product,
        str(intent.price),
        order.buyer.email,
        look,
    )


def _utc(when: datetime | None) -> datetime | None:
    return None if when is None else when.replace(tzinfo=UTC)
