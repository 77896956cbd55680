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
@options.as_json
def eject(name: str, folder: Path, *, as_json: bool) -> None:
    """Copy a template of the default theme into `templates/`, where yours goes before ours; list them without FILE.

    A file that is there already is left as it is.
    To change one block only, write `{% extends "theme/product.html" %}` into a `templates/product.html` of your own.

    \b
    Examples:
      kramik theme eject
      kramik theme eject product.html --shop my-shop
      kramik theme eject assets/kramik.css
    """
    from kramik.errors import Rejected
    from kramik.site import eject as ejected

    if not name:
        found = ejected.names()
        printed.json(found) if as_json else click.echo("\n".join(found))
        return
    if not (folder / "shop.toml").is_file():
        message = f"{folder} is no shop: it has no shop.toml; name its folder with --shop"
        raise click.ClickException(message)
    try:
        target = ejected.eject(name, folder / "templates")
    except Rejected as error:
        raise click.BadParameter(str(error.problems[0].message), param_hint="FILE") from None
    except FileExistsError as error:
        message = f"{error.filename} is there already and was left as it is; move it away to start anew"
        raise click.ClickException(message) from None
    printed.json([str(target)]) if as_json else click.echo(f"{target} is yours; it goes before the theme's")
