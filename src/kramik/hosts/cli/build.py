"""`kramik build`: the static site."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from kramik.hosts.cli import moments, options, printed


@click.command("build")
@options.shop
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KRAMIK_OUT",
    show_envvar=True,
    help="Where the site goes; `public` in the shop's folder if left out.",
)
@click.option(
    "--at",
    metavar="TIME",
    help="Build the shop as it is at another moment, such as 2026-12-01T09:00; writes no history of prices.",
)
@options.as_json
def command(folder: Path, out: Path | None, at: str | None, *, as_json: bool) -> None:
    """Build the static site; files that did not change are left alone.

    A price that is news is added to `prices.csv`, from which the lowest one of the thirty days before a sale is read.
    A page with a `version` that is news is kept in `pages/versions/`, and stays online below its version.
    Both only when `url` is an address that others reach: what is tried on this machine is not published.

    \b
    Examples:
      kramik build --shop my-shop --out public
      kramik build --at 2026-12-01T09:00 --out preview
    """
    from kramik import publishing
    from kramik.site import hands

    settings = options.read(folder)
    target = folder / "public" if out is None else out
    if target.resolve() == folder.resolve():
        message = f"{target} is the folder of the shop, with its secrets; name one below it, such as public"
        raise click.BadParameter(message, param_hint="--out")
    moment = None if at is None else moments.read(at, settings.timezone)
    if moment is None:
        settings = publishing.record(settings, now=datetime.now(UTC))
    written = publishing.build(settings, target, now=moment, hands=hands.count())
    if as_json:
        printed.json(written)
    else:
        click.echo(f"{len(written)} files in {target}")
        if moment is not None:
            click.echo(
                f"they are the shop of {moment:%Y-%m-%d %H:%M %Z}; build again without --at to publish it"
            )
        for line in publishing.left_behind(settings):
            click.echo(f"advice: {line}")
        due = publishing.next_switch(settings, now=datetime.now(UTC)) if moment is None else None
        if due:
            click.echo(
                f"its pages switch by themselves at {due:%Y-%m-%d %H:%M %Z}; build again some time after that"
            )
