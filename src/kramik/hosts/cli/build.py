"""`kramik build`: the static site."""

from __future__ import annotations

from pathlib import Path

import click

from kramik.hosts.cli import options, printed


@click.command("build")
@options.shop
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KRAMIK_OUT",
    show_envvar=True,
    help="Where the site goes; `public` in the shop's folder if left out.",
)
@options.as_json
def command(folder: Path, out: Path | None, *, as_json: bool) -> None:
    """Build the static site; files that did not change are left alone.

    \b
    Example:
      kramik build --shop my-shop --out public
    """
    from kramik import wiring

    settings = options.read(folder)
    target = folder / "public" if out is None else out
    written = wiring.build_site(settings, target)
    if as_json:
        printed.json(written)
    else:
        click.echo(f"{len(written)} files in {target}")
