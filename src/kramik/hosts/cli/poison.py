"""`kramik poison`: the messages that a person must look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kramik import explained
from kramik.hosts.cli import options, printed
from kramik.hosts.worker import utc_now

if TYPE_CHECKING:
    from kramik.order import Order
    from kramik.ports import Queue
    from kramik.queue import Poisoned
    from kramik.shop import Shop


@click.group("poison")
def command() -> None:
    """List, show, replay and discard messages that were moved aside.

    \b
    Example:
      kramik poison list
    """


@command.command("list")
@options.shop
@options.data
@options.as_json
def listed(folder: Path, data: Path | None, *, as_json: bool) -> None:
    """List what was moved aside, oldest first, and why.

    \b
    Example:
      kramik poison list --json
    """
    with options.opened_store(folder, data) as store:
        found = store.queue.poisoned()
    if as_json:
        printed.json([printed.as_poison(each) for each in found])
    elif not found:
        click.echo("no poison")
    else:
        rows = (
            (each.id, explained.moment(each.at), each.message.task, each.message.order, each.why)
            for each in found
        )
        printed.table(("id", "since (UTC)", "task", "order", "why"), rows)


@command.command("show")
@click.argument("poison_id", metavar="ID")
@options.shop
@options.data
@options.as_json
def show(poison_id: str, folder: Path, data: Path | None, *, as_json: bool) -> None:
    """Show one message, and the order that it is about.

    \b
    Example:
      kramik poison show 17
    """
    with options.opened_store(folder, data) as store:
        found = _existing(store.queue, poison_id)
        order = store.orders.get(found.message.order)
    if as_json:
        printed.json(printed.as_poison(found) | {"order_data": printed.as_data(order) if order else None})
        return
    click.echo(f"why      {printed.printable(found.why)}")
    click.echo(f"since    {explained.moment(found.at)} UTC")
    click.echo(f"next     {_next(found, order)}\n")
    if order is None:
        click.echo(f"there is no order {found.message.order or '(none named)'}")
        printed.json(printed.as_poison(found))
    else:
        printed.summary(order)


@command.command("replay")
@click.argument("poison_ids", metavar="ID...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Every message, but those whose outcome a person must look up."
)
@options.shop
@options.data
def replay(poison_ids: tuple[str, ...], folder: Path, data: Path | None, *, everything: bool) -> None:
    """Put messages back to work; replaying one twice does nothing.

    \b
    Examples:
      kramik poison replay 17 18
      kramik poison replay --all
    """
    if bool(poison_ids) == everything:
        message = "name the messages to replay, or --all"
        raise click.UsageError(message)
    with options.opened_shop(folder, data) as shop:
        names = [each.id for each in shop.ports.queue.poisoned()] if everything else list(poison_ids)
        found = [each for each in shop.ports.queue.poisoned() if each.id in names]
        for each in found:
            click.echo(_replayed(shop, each))
    missing = sorted(set(names) - {each.id for each in found})
    if missing:
        message = f"{', '.join(missing)} is not among the poison (any more)"
        raise click.ClickException(message)


@command.command("discard")
@click.argument("poison_id", metavar="ID")
@click.option("--why", metavar="TEXT", required=True, help="The reason; it is kept with the order.")
@options.shop
@options.data
def discard(poison_id: str, why: str, folder: Path, data: Path | None) -> None:
    """Remove a message for good; a payment that it was about counts as settled by you, for this reason.

    \b
    Example:
      kramik poison discard 17 --why "a test payment of ours"
    """
    from kramik.log import Logger

    with options.opened_store(folder, data) as store:
        found = _existing(store.queue, poison_id)
        order = store.orders.get(found.message.order)
        if order is not None and found.message.event is not None:
            store.orders.save(order.settle(found.message.event, why, now=utc_now()))
        store.queue.discard(poison_id)
    Logger()("discarded", order=found.message.order, message=poison_id, why=why)
    click.echo(f"{poison_id} is discarded")


def _next(found: Poisoned, order: Order | None) -> str:
    event = found.message.event
    if order is not None and event is not None and order.unwanted(event):
        return f'send the money back, then: kramik poison discard {found.id} --why "refunded"'
    if found.message.task == "unreadable":
        return f'look at the gateway, then: kramik poison discard {found.id} --why "looked at"'
    return f"mend the cause, then: kramik poison replay {found.id}"


def _replayed(shop: Shop, poisoned: Poisoned) -> str:
    order = shop.ports.orders.get(poisoned.message.order)
    if order is None or order.state != "parked":
        shop.ports.queue.replay(poisoned.id, now=utc_now())
        return f"{poisoned.id} is back at work"
    if any(step.unknown and shop.ports.effects[step.name].repeat == "unsafe" for step in order.steps):
        return f"{poisoned.id} needs you: nobody knows whether a call had its effect; see kramik orders retry --help"
    shop.retry(order, now=utc_now())
    return f"{poisoned.id} is back at work with order {order.id}"


def _existing(queue: Queue, poison_id: str) -> Poisoned:
    found = next((each for each in queue.poisoned() if each.id == poison_id), None)
    if found is None:
        message = f"{poison_id} is not among the poison (any more); kramik poison list shows it"
        raise click.ClickException(message)
    return found
