"""The part of `kramik check` that looks at Azure: its options, and what is read for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from kramik.errors import ConfigurationError
from kramik.hosts.cli.options import Command

if TYPE_CHECKING:
    from kramik.hosts.azure.bill import PlanName
    from kramik.hosts.azure.target import Version
    from kramik.settings import Settings


class Named(TypedDict):
    """What was named on the command line."""

    apps: Sequence[Path]
    lists: Sequence[Path]
    plan: PlanName
    version: Version | None


_OPTIONS = (
    click.option("--azure", is_flag=True, help="Look also for what is known to break on Azure."),
    click.option(
        "--app",
        "apps",
        type=click.Path(path_type=Path, exists=True),
        multiple=True,
        help="With --azure: the zip or the folder that is to be deployed.",
    ),
    click.option(
        "--app-settings",
        "lists",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        multiple=True,
        help="With --azure: the settings of an app, as az functionapp config appsettings list -o json prints"
        " them; those of every app that shares a storage account.",
    ),
    click.option(
        "--plan",
        type=click.Choice(["flex", "consumption"]),
        default="flex",
        show_default=True,
        help="With --azure: the plan of the app.",
    ),
    click.option(
        "--python",
        "version",
        type=click.Choice(["3.12", "3.13"]),
        help="With --azure: the Python of the app; 3.13 if left out, on Consumption 3.12.",
    ),
)


def options(command: Command) -> Command:
    """Give a command the options."""
    for option in reversed(_OPTIONS):
        add: Callable[[Command], Command] = option
        command = add(command)
    return command


def refuse_alone(named: Named) -> None:
    """Refuse what is only looked at with --azure.

    Raises:
        UsageError: something was named that would be left unseen.
    """
    if named["apps"] or named["lists"]:
        message = "--app and --app-settings are looked at with --azure"
        raise click.UsageError(message)


def look(settings: Settings, named: Named) -> None:
    """Look at everything that was named.

    Raises:
        ConfigurationError: every problem.
    """
    from kramik.hosts.azure import target
    from kramik.hosts.azure.package import named_secrets
    from kramik.hosts.azure.rules import app, everything
    from kramik.hosts.azure.rules import settings as appsettings

    deployment = everything.Deployment(
        plan=named["plan"],
        python=target.version_on(named["plan"], named["version"]),
        apps=[app.read(each) for each in named["apps"]],
        given=[appsettings.read(each) for each in named["lists"]],
        secrets=named_secrets(settings.folder, os.environ),
    )
    problems = tuple(everything.problems(settings, deployment))
    if problems:
        raise ConfigurationError(*problems)
