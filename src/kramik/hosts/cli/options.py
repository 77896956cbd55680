"""The options that several commands share, and the shop or the store that they name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from kramik.ports import Vault
    from kramik.settings import Settings
    from kramik.shop import Shop
    from kramik.stores.azure import AzureStore
    from kramik.stores.sqlite import SqliteStore

Command = TypeVar("Command", bound=Callable[..., object])

DATABASE = "kramik.sqlite"

shop = click.option(
    "--shop",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    envvar="KRAMIK_SHOP",
    show_envvar=True,
    help="The folder of the shop; this folder if left out.",
)
data = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KRAMIK_DATA",
    show_envvar=True,
    help="The folder of the orders; `data` in the shop's folder if left out.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def silent(event: str, **facts: object) -> None:
    """Write nothing: a command tells its person itself what it did."""


def read(folder: Path) -> Settings:
    """Read the settings of the shop in this folder.

    Raises:
        ConfigurationError: every problem of every file.
    """
    from kramik import wiring

    return wiring.read(folder, environ(folder))


def environ(folder: Path) -> dict[str, str]:
    """Return the environment of the shop in this folder, its `.env` included."""
    from kramik import config

    return config.environment(folder, os.environ)


def on_azure(folder: Path) -> bool:
    """Say whether the orders of this shop lie in a storage account: KRAMIK_STORE is `azure`."""
    return environ(folder).get("KRAMIK_STORE") == "azure"


def place(folder: Path, data: Path | None) -> Path:
    """Return the folder of the orders."""
    return folder / "data" if data is None else data


@contextmanager
def opened_store(folder: Path, data: Path | None) -> Iterator[SqliteStore | AzureStore]:
    """Open the orders beside whatever process serves them; no setting of the shop is needed for that."""
    from kramik import wiring

    if on_azure(folder):
        with wiring.open_azure(environ(folder)) as account:
            yield account
        return
    file = place(folder, data) / DATABASE
    if not file.exists():
        message = (
            f"there are no orders in {file.parent}; name the folder that `kramik serve` uses with --data"
        )
        raise click.ClickException(message)
    store = wiring.open_store(file)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened_vault(folder: Path, data: Path | None, *, azure: bool) -> Iterator[Vault]:
    """Open where a vendor's changing secrets are kept: beside the orders, or in the storage account of an Azure shop.

    The file is made if it is not there; a shop may be connected before it is ever served.
    """
    from kramik import wiring

    if azure:
        with wiring.open_azure(environ(folder)) as account:
            yield account.vault
        return
    where = place(folder, data)
    where.mkdir(parents=True, exist_ok=True)
    with wiring.open_store(where / DATABASE) as store:
        yield store.vault


def names_account(folder: Path) -> bool:
    """Say whether the environment names the storage account of an Azure shop."""
    named = environ(folder)
    return bool(named.get("AzureWebJobsStorage") or named.get("AzureWebJobsStorage__accountName"))


@contextmanager
def opened_shop(folder: Path, data: Path | None) -> Iterator[Shop]:
    """Open the shop with its adapters, beside whatever process serves it."""
    from kramik import wiring

    settings = read(folder)
    with opened_store(folder, data) as store:
        yield wiring.build(settings, store.orders, store.queue, vault=store.vault, log=silent)
