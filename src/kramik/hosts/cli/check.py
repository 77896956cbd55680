"""`kramik check`: every problem of a shop at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from kramik.errors import ConfigurationError
from kramik.hosts.cli import on_azure, options, printed

if TYPE_CHECKING:
    from kramik.settings import Settings


@click.command("check")
@options.shop
@options.data
@click.option(
    "--live", is_flag=True, help="Also ask the vendors whether keys, courses and sequences are right."
)
@click.option(
    "--create-fields", is_flag=True, help="With --live: make what a product needs at a vendor and lacks."
)
@on_azure.options
@options.as_json
def command(
    folder: Path,
    data: Path | None,
    *,
    live: bool,
    create_fields: bool,
    as_json: bool,
    azure: bool,
    **named: Unpack[on_azure.Named],
) -> None:
    """Find every problem of settings, products, texts and templates, with file and line.

    It looks at the finished pages, too: links, what the law wants to be there, and colours that can be read.

    \b
    Examples:
      kramik check --shop my-shop
      kramik check --live --create-fields
    """
    if create_fields and not live:
        message = "--create-fields makes something at a vendor; add --live"
        raise click.UsageError(message)
    if not azure:
        on_azure.refuse_alone(named)
    try:
        settings, files, advice = _checked(folder)
        if azure:
            on_azure.look(settings, named)
        told = _asked(settings, data, azure=azure, create=create_fields) if live else []
    except ConfigurationError as error:
        if not as_json:
            raise
        printed.json(error.problems)
        raise SystemExit(1) from None
    if as_json:
        printed.json([])
    else:
        click.echo(f"{settings.name}: {len(settings.catalogue.products)} products, {files} files, no problem")
        for line in (*(f"advice: {each}" for each in advice), *told):
            click.echo(line)


def _asked(settings: Settings, data: Path | None, *, azure: bool, create: bool) -> list[str]:
    """Ask the vendors; return who was asked and who can not be.

    Raises:
        ConfigurationError: everything that does not fit.
    """
    from kramik.hosts.cli import live

    there = azure and options.names_account(settings.folder)
    with options.opened_vault(settings.folder, data, azure=there) as vault:
        found = live.ask(settings, vault, create=create)
    if found.problems:
        raise ConfigurationError(*found.problems)
    return [
        *(f"{name} was asked, and everything fits" for name in found.asked),
        *(f"{name} can not be asked; try it with a purchase" for name in found.silent),
    ]


def _checked(folder: Path) -> tuple[Settings, int, list[str]]:
    from kramik import publishing, wiring
    from kramik.site import inspection
    from kramik.site.build import site
    from kramik.stores.memory import MemoryOrders, MemoryQueue, MemoryVault

    settings = options.read(folder)
    wiring.build(settings, MemoryOrders(), MemoryQueue(), vault=MemoryVault())
    source = publishing.source(settings)
    files = site(source, settings.templates)
    astray = wiring.misdirected(settings, MemoryVault())
    problems = (*astray, *inspection.problems(source, files, folder))
    if problems:
        raise ConfigurationError(*problems)
    return settings, len(files), list(wiring.advice(settings))
