"""`kramik sandbox`: the outside world alone, for a shop that runs elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kramik.hosts.cli.new import SANDBOX


@click.command("sandbox")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="SANDBOX_HOST",
    show_envvar=True,
    help="Where to listen.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    envvar="SANDBOX_PORT",
    show_envvar=True,
    help="0 takes a free one.",
)
@click.option(
    "--ledger", type=click.Path(path_type=Path, dir_okay=False), help="Also append every effect to this file."
)
@click.option(
    "--lag", type=float, default=0.0, show_default=True, help="Seconds by which the peers' lists are late."
)
@click.option(
    "--pace",
    type=float,
    default=1.0,
    show_default=True,
    help="Scales the time between repeated notifications.",
)
@click.option(
    "--gateway-key",
    default=SANDBOX["SANDBOX_GATEWAY_KEY"],
    envvar="SANDBOX_GATEWAY_KEY",
    show_envvar=True,
    help="Signs payments.",
)
@click.option(
    "--academy-token",
    default=SANDBOX["SANDBOX_ACADEMY_TOKEN"],
    envvar="SANDBOX_ACADEMY_TOKEN",
    show_envvar=True,
    help="Opens the academy.",
)
@click.option(
    "--mail-token",
    default=SANDBOX["SANDBOX_MAIL_TOKEN"],
    envvar="SANDBOX_MAIL_TOKEN",
    show_envvar=True,
    help="Opens the mailing tool.",
)
def command(  # noqa: PLR0917 - one argument an option
    host: str,
    port: int,
    ledger: Path | None,
    lag: float,
    pace: float,
    gateway_key: str,
    academy_token: str,
    mail_token: str,
) -> None:
    """Serve a gateway with a pay page, an academy, a mailing tool and a mailbox, with a ledger and faults.

    \b
    Example:
      kramik sandbox --port 8787
    """
    from kramik.sandbox import Settings, serve

    settings = Settings(
        gateway_key=gateway_key,
        academy_token=academy_token,
        mail_token=mail_token,
        lag=lag,
        pace=pace,
        ledger=ledger,
    )
    try:
        serve(settings, host=host, port=port, ready=lambda url: click.echo(f"the sandbox world is at {url}"))
    except OSError as error:
        message = (
            f"{host}:{port} can not be used: {os.strerror(error.errno or 0)}; choose another with --port"
        )
        raise click.ClickException(message) from None
