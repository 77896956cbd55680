"""`kramik theme`: make the look of the shop one's own."""

from __future__ import annotations

from pathlib import Path

import click

from kramik.hosts.cli import options, printed


@click.group("theme")
def command() -> None:
    """Make the look of the shop your own.

    \b
    Example:
      kramik theme eject product.html --shop my-shop
    """


@command.command("eject")
@click.argument("name", metavar="[FILE]", default="")
@options.shop
@click.option("--diff", is_flag=True, help="Show what the theme changed in FILE since you copied it.")
@click.option("--merged", is_flag=True, help="Note that your FILE is up to date with the theme of today.")
@options.as_json
def eject(name: str, folder: Path, *, diff: bool, merged: bool, as_json: bool) -> None:
    """Copy a template of the default theme into `templates/`, where yours goes before ours; list them without FILE.

    A file that is there already is left as it is.
    To change one block only, write `{% extends "theme/product.html" %}` into a `templates/product.html` of your own.
    A copy does not follow the theme: after an upgrade, `kramik check` and `kramik build` name what it left behind.

    \b
    Examples:
      kramik theme eject
      kramik theme eject product.html --shop my-shop
      kramik theme eject product.html --diff
      kramik theme eject assets/kramik.css
    """
    from kramik.errors import Rejected
    from kramik.site import copies

    if (diff or merged) and (not name or diff == merged):
        message = "name FILE, and either --diff or --merged"
        raise click.UsageError(message)
    if not name:
        found = copies.names()
        printed.json(found) if as_json else click.echo("\n".join(found))
        return
    if not (folder / "shop.toml").is_file():
        message = f"{folder} is no shop: it has no shop.toml; name its folder with --shop"
        raise click.ClickException(message)
    try:
        copies.known(name)
    except Rejected as error:
        raise click.BadParameter(str(error.problems[0].message), param_hint="FILE") from None
    if diff or merged:
        _compare(name, folder / "templates", merged=merged, as_json=as_json)
    else:
        _copy(name, folder / "templates", as_json=as_json)


def _copy(name: str, templates: Path, *, as_json: bool) -> None:
    from kramik.site import copies

    try:
        target = copies.eject(name, templates)
    except FileExistsError as error:
        message = f"{error.filename} is there already and was left as it is; move it away to start anew"
        raise click.ClickException(message) from None
    printed.json([str(target)]) if as_json else click.echo(f"{target} is yours; it goes before the theme's")


def _compare(name: str, templates: Path, *, merged: bool, as_json: bool) -> None:
    from kramik.site import copies

    own = templates / name
    if not own.is_file():
        message = f"{own} is not there; copy the theme's with kramik theme eject {name}"
        raise click.ClickException(message)
    if merged:
        copies.note(name, templates)
        said = f"{own} is noted as up to date with the theme"
    else:
        said = copies.difference(name, templates).rstrip("\n")
    if as_json:
        printed.json([said] if said else [])
    else:
        click.echo(said or f"the theme did not change {name} since you copied it")
