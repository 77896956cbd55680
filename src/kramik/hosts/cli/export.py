"""`kramik export`: the shop for a site that another generator makes."""

from __future__ import annotations

from pathlib import Path

import click

from kramik.hosts.cli import moments, options, printed

JEKYLLS = "default"
"""The layout that pages name where none is said."""

GENERATORS = ("jekyll", "hugo", "eleventy", "astro", "json")


@click.command("export")
@click.argument("generator", type=click.Choice(GENERATORS))
@options.shop
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KRAMIK_EXPORT",
    show_envvar=True,
    help="The folder that the generator reads; `export/GENERATOR` in the shop's folder if left out.",
)
@click.option(
    "--layout", default="", metavar="NAME", help="The layout of your site that the pages of courses name."
)
@click.option(
    "--at", metavar="TIME", help="Export the shop as it is at another moment, such as 2026-12-01T09:00."
)
@options.as_json
def command(
    generator: str, folder: Path, out: Path | None, *, layout: str, at: str | None, as_json: bool
) -> None:
    """Write the shop's data, its order form and pages of its courses into a site that another generator makes.

    Files that kramik did not write are never changed. A page of a course that you edited stays as you left it.
    Export again whenever a product, a price or a text changed: a price that differs is shown to the buyer to confirm.

    \b
    Examples:
      kramik export eleventy --shop my-shop --out my-site/src --layout base.njk
      kramik export jekyll --shop my-shop --out my-site
      kramik export json --out data
    """
    from kramik import publishing

    settings = options.read(folder)
    target = folder / "export" / generator if out is None else out
    moment = None if at is None else moments.read(at, settings.timezone)
    placed = publishing.export(settings, generator, target, layout=layout, now=moment)
    if as_json:
        printed.json(placed)
        return
    click.echo(f"{len(placed.written)} files in {target}")
    for path in placed.kept:
        click.echo(f"{path} is yours and stays as it is")
    for path in placed.left:
        click.echo(f"{path} is yours, and nothing of the shop belongs to it any more; take it out")
    wanted, layouts = layout or JEKYLLS, sorted(each.stem for each in (target / "_layouts").glob("*.*"))
    if generator == "jekyll" and layouts and wanted not in layouts:
        here = ", ".join(layouts)
        click.echo(
            f"advice: the pages of courses name the layout {wanted!r}, and _layouts has {here}; unless your theme "
            "brings it, Jekyll makes bare pages and says nothing: name another with --layout"
        )
