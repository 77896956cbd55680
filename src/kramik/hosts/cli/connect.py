"""`kramik connect`: a person allows the shop, once, at a vendor that wants to be asked by its owner."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kramik.hosts.cli import options

if TYPE_CHECKING:
    from kramik.ports import Connection


@click.command("connect")
@options.shop
@options.data
@click.option(
    "--redirect",
    metavar="URL",
    help="The address that the vendor sends the browser back to; the shop's own if left out.",
)
@click.option(
    "--azure", is_flag=True, help="Keep it in the storage account of an Azure shop (AzureWebJobsStorage)."
)
def command(folder: Path, data: Path | None, redirect: str | None, *, azure: bool) -> None:
    """Connect the shop to its mailing tool, where that has to be allowed in a browser (Kit, for purchases).

    What the vendor gives is kept where the orders are, and nowhere else.

    \b
    Examples:
      kramik connect --shop my-shop
      kramik connect --shop my-shop --azure
    """
    from kramik import wiring
    from kramik.ports import Connectable

    settings = options.read(folder)
    with options.opened_vault(folder, data, azure=azure) as vault:
        mailer = wiring.mailing_tool(settings, vault)
        if not isinstance(mailer, Connectable):
            raise click.ClickException(f"{settings.mailer.kind} {_NEEDLESS}")
        with closing(mailer):
            connection = mailer.connection(redirect or f"{settings.site}/")
            if connection is None:
                raise click.ClickException(f"{settings.mailer.kind} {_NEEDLESS}")
            _ask(connection, redirect or f"{settings.site}/")
    click.echo("connected; what was given is kept, and a parked order can be retried")


def _ask(connection: Connection, back: str) -> None:
    click.echo(f"1. Allow {back} as a redirect URI of your app at the vendor.")
    click.echo(f"2. Open this address and allow the connection:\n\n{connection.url}\n")
    arrived = click.prompt("3. Paste the whole address at which your browser arrives", hide_input=True)
    connection.finish(arrived)


_NEEDLESS = "needs no connection with these settings; nothing was changed"
