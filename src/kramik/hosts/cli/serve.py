"""`kramik serve`: site, API and workers in one process on an embedded SQLite file."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kramik.hosts.cli import options, overlay, printed
from kramik.hosts.cli.new import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Callable

    from kramik.hosts.server import Served
    from kramik.sandbox import Running


@click.command("serve")
@options.shop
@options.data
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="KRAMIK_HOST",
    show_envvar=True,
    help="Where to listen.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    envvar="KRAMIK_PORT",
    show_envvar=True,
    help="0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    envvar="KRAMIK_WORKERS",
    show_envvar=True,
    help="Threads; as in shop.toml if left out.",
)
@click.option(
    "--store",
    type=click.Choice(["sqlite", "azure"]),
    default="sqlite",
    show_default=True,
    envvar="KRAMIK_STORE",
    show_envvar=True,
    help="azure: behave like Azure Functions, on the storage account of AzureWebJobsStorage.",
)
@click.option(
    "--sandbox", is_flag=True, help="Serve the sandbox world too, and use it in place of every vendor."
)
@click.option(
    "--sandbox-port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    help="The port of the sandbox world; 0 takes a free one.",
)
@click.option(
    "--gateway",
    "gateways",
    multiple=True,
    metavar="NAME",
    help="With --sandbox: the gateway that the world plays; may be given again, the first is the default.",
)
@click.option(
    "--mailer",
    metavar="NAME",
    help="With --sandbox: the mailing tool that the world plays; it has what the example's courses need.",
)
@click.option(
    "--academy",
    metavar="NAME",
    help="With --sandbox: the academy that the world plays; it has the courses of the example.",
)
@options.as_json
def command(  # noqa: PLR0913, PLR0917 - one argument an option
    folder: Path,
    data: Path | None,
    host: str,
    port: int,
    workers: int | None,
    store: str,
    sandbox_port: int,
    gateways: tuple[str, ...],
    *,
    mailer: str | None,
    academy: str | None,
    sandbox: bool,
    as_json: bool,
) -> None:
    """Serve the shop: static site, API and workers, until it is told to stop (SIGTERM, SIGINT).

    With --sandbox, a file of the shop that you save is seen in the browser at once, and mistakes are a page.

    \b
    Examples:
      kramik serve --sandbox
      kramik serve --sandbox --gateway imoje
      kramik serve --shop my-shop --data /var/lib/my-shop --port 8000
      AzureWebJobsStorage=UseDevelopmentStorage=true kramik serve --sandbox --store azure
    """
    from kramik import config, publishing, wiring
    from kramik.hosts import server

    cast = _cast(gateways, mailer, academy, sandbox=sandbox)
    place = options.place(folder, data)
    place.mkdir(parents=True, exist_ok=True)
    environ = config.environment(folder, os.environ)
    door = server.bound(host, port)
    address = server.address(door)
    world = _world(place, environ, sandbox_port) if sandbox else None
    try:
        tables = None if world is None else overlay.tables(world, address, cast, environ)
        settings = wiring.read(folder, environ, tables)
        if world is None:
            _tell_unrecorded(publishing.unrecorded(settings, now=datetime.now(UTC)))
        ready = {"url": address, "data": str(place), "sandbox": world.url if world else None}
        served = server.Served(
            settings=settings,
            data=place,
            door=door,
            workers=workers or settings.worker.threads,
            again=(lambda: wiring.read(folder, environ, tables)) if sandbox else None,
        )
        _serve(served, environ, store, lambda: printed.ready(settings.name, ready, as_json=as_json))
    finally:
        door.close()
        if world is not None:
            world.stop()


def _tell_unrecorded(lines: list[str]) -> None:
    """Tell of prices that are shown and stand in no history; a process that serves writes nothing into the shop."""
    for line in lines:
        click.echo(
            f"prices.csv lacks {line}; run `kramik build` for this shop, it adds what is news", err=True
        )


def _serve(served: Served, environ: dict[str, str], store: str, ready: Callable[[], None]) -> None:
    from kramik.hosts import functionserver, server

    if store == "azure":
        functionserver.serve(served, environ, ready=ready)
    else:
        server.serve(served, ready=ready)


def _cast(
    gateways: tuple[str, ...], mailer: str | None, academy: str | None, *, sandbox: bool
) -> overlay.Cast:
    """Return who the sandbox world plays."""
    given = {"--gateway": gateways, "--mailer": mailer, "--academy": academy}
    for option, names in given.items():
        if names and not sandbox:
            table = "[gateways.NAME]" if option == "--gateway" else f"[{option.removeprefix('--')}]"
            message = f"{option} says what the sandbox plays; add --sandbox, or write {table} into shop.toml"
            raise click.UsageError(message)
    own = overlay.OWN
    cast = overlay.Cast(gateways=gateways or (own,), mailer=mailer or own, academy=academy or own)
    cast.known()
    return cast


def _world(place: Path, environ: dict[str, str], port: int) -> Running:
    """Start the sandbox world; a shop without secrets gets some that live in its data folder."""
    from kramik import sandbox

    if not environ.get("KRAMIK_SECRET"):
        environ["KRAMIK_SECRET"] = _kept_secret(place / "sandbox-secret")
    for name, value in SANDBOX.items():
        environ.setdefault(name, value)
    settings = sandbox.Settings(
        gateway_key=environ["SANDBOX_GATEWAY_KEY"],
        academy_token=environ["SANDBOX_ACADEMY_TOKEN"],
        mail_token=environ["SANDBOX_MAIL_TOKEN"],
    )
    try:
        return sandbox.start(settings, port=port)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        message = f"127.0.0.1:{port} can not be used: {why}; choose another with --sandbox-port"
        raise click.ClickException(message) from None


def _kept_secret(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32), "utf-8")
    return file.read_text("utf-8").strip()
