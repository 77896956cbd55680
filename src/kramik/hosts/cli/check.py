"""`kramik check`: every problem of a shop at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kramik.errors import ConfigurationError
from kramik.hosts.cli import options, printed

if TYPE_CHECKING:
    from kramik.settings import Settings


@click.command("check")
@options.shop
@options.as_json
def command(folder: Path, *, as_json: bool) -> None:
    """Find every problem of settings, products, texts and templates, with file and line.

    \b
    Example:
      kramik check --shop my-shop
    """
    try:
        settings, files, advice = _checked(folder)
    except ConfigurationError as error:
        if not as_json:
            raise
        printed.json(error.problems)
        raise SystemExit(1) from None
    if as_json:
        printed.json([])
    else:
        click.echo(f"{settings.name}: {len(settings.catalogue.products)} products, {files} files, no problem")
        for each in advice:
            click.echo(f"advice: {each}")


def _checked(folder: Path) -> tuple[Settings, int, list[str]]:
    from kramik import wiring
    from kramik.site.build import site
    from kramik.stores.memory import MemoryOrders, MemoryQueue, MemoryVault

    settings = options.read(folder)
    wiring.build(settings, MemoryOrders(), MemoryQueue(), vault=MemoryVault())
    source = wiring.source(settings)
    problems = tuple(source.problems())
    if problems:
        raise ConfigurationError(*problems)
    return settings, len(site(source, settings.templates)), list(wiring.advice(settings))
