"""`kramik sweep`: truth lies in the orders, so whatever a queue lost is found again."""

from __future__ import annotations

import io
from pathlib import Path

import click

from kramik.hosts.cli import options, printed
from kramik.hosts.worker import utc_now


@click.command("sweep")
@options.shop
@options.data
@click.option(
    "--grace",
    type=float,
    default=None,
    help="Seconds that work may be late; twice the visibility if left out.",
)
@options.as_json
def command(folder: Path, data: Path | None, grace: float | None, *, as_json: bool) -> None:
    """Put paid but unfinished orders back to work.

    `kramik serve` does this by itself every few minutes; what waits for a person is left alone.
    Gateways that can be asked are asked about orders that stayed unpaid.

    \b
    Example:
      kramik sweep --grace 0
    """
    if options.on_azure(folder):
        swept = _on_azure(folder, grace)
    else:
        with options.opened_shop(folder, data) as shop:
            swept = shop.sweep(now=utc_now(), grace=grace)
    if as_json:
        printed.json(swept)
        return
    for order_id in swept:
        click.echo(order_id)
    click.echo(f"{len(swept)} order{'' if len(swept) == 1 else 's'} put back to work")


def _on_azure(folder: Path, grace: float | None) -> list[str]:
    """Sweep as the timer of the function app does: what its host made poison of is drained, too."""
    from kramik.hosts.opened import Opened

    opened = Opened(lambda: options.read(folder), options.environ(folder), io.StringIO())
    try:
        return opened.sweep(grace)
    finally:
        opened.close()
