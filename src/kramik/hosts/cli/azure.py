"""`kramik azure`: the function app as a zip, its resources as a template, its settings as a list."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kramik.hosts.cli import options, printed

if TYPE_CHECKING:
    from kramik.hosts.azure.bill import PlanName
    from kramik.hosts.azure.coldstart import ColdStart
    from kramik.hosts.azure.package import Package
    from kramik.hosts.azure.target import Version

MEBIBYTE = 1024 * 1024

_plan = click.option(
    "--plan",
    type=click.Choice(["flex", "consumption"]),
    default="flex",
    show_default=True,
    help="Flex Consumption; or Consumption on Linux, which Azure retires in September 2028.",
)
_python = click.option(
    "--python",
    "version",
    type=click.Choice(["3.12", "3.13"]),
    help="The Python on Azure; 3.13 if left out, on Consumption 3.12.",
)
_alerts = click.option("--no-alerts", is_flag=True, help="Leave out the log, the alert and their cost.")


@click.group("azure")
def command() -> None:
    """Make what Azure needs: the package, the template, the settings.

    \b
    Example:
      kramik azure package --shop my-shop --out my-shop.zip
      kramik azure template --shop my-shop > template.json
    """


@command.command("package")
@options.shop
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("kramik.zip"),
    show_default=True,
    help="The zip.",
)
@_python
@click.option(
    "--interpreter",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="KRAMIK_INTERPRETER",
    show_envvar=True,
    help="An interpreter of that version on this machine: it makes the bytecode and measures the cold import.",
)
@options.as_json
def package(
    folder: Path, out: Path, version: Version | None, interpreter: Path | None, *, as_json: bool
) -> None:
    """Make the function app as a zip: equal files give an equal zip, and no secret gets into it.

    Wheels for the target are loaded by pip, with the hashes that kramik was tested with.

    \b
    Example:
      kramik azure package --shop my-shop --out my-shop.zip
    """
    from kramik.hosts.azure import coldstart, target
    from kramik.hosts.azure.package import named_secrets
    from kramik.hosts.azure.package import package as made_of

    chosen = target.found(version or target.VERSIONS[0], interpreter)
    made = made_of(folder, chosen, named_secrets(folder, os.environ))
    out.write_bytes(made.content)
    cold = coldstart.measured(out, chosen)
    if as_json:
        printed.json(_as_data(out, made, cold))
    else:
        _tell(out, made, cold)


@command.command("template")
@options.shop
@_plan
@_python
@click.option("--vault", is_flag=True, help="Keep the secrets in a key vault; needs the role Owner.")
@click.option("--site", is_flag=True, help="Add a static web app for the pages.")
@_alerts
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file; printed if left out.")
def template(
    folder: Path,
    plan: PlanName,
    version: Version | None,
    out: Path | None,
    *,
    vault: bool,
    site: bool,
    no_alerts: bool,
) -> None:
    """Make the resources as an ARM template; each secret is a secure parameter, and none stands in it.

    \b
    Example:
      kramik azure template --shop my-shop --site --out template.json
    """
    from kramik.hosts.azure.template import Choices, text

    made = text(
        Choices(
            plan=plan,
            python=_version(plan, version),
            secrets=_secrets(folder),
            vault=vault,
            site=site,
            alerts=not no_alerts,
        )
    )
    if out is None:
        click.echo(made, nl=False)
    else:
        out.write_text(made, "utf-8")
        click.echo(f"{out} is written; look at what it changes with: az deployment group what-if")


@command.command("settings")
@options.shop
@_plan
@_python
@_alerts
@options.as_json
def settings(
    folder: Path, plan: PlanName, version: Version | None, *, no_alerts: bool, as_json: bool
) -> None:
    """List the application settings of the function app, and where each value comes from.

    The template sets them all; this is for an app that was made otherwise.

    \b
    Example:
      kramik azure settings --shop my-shop
    """
    from kramik.hosts.azure.appsettings import needed

    found = needed(plan, _version(plan, version), _secrets(folder), alerts=not no_alerts)
    if as_json:
        printed.json(found)
    else:
        rows = [(each.name, each.value or _FROM[each.source], each.why) for each in found]
        printed.table(("setting", "value", "why"), rows)


_FROM = {
    "storage": "the connection string of the storage account",
    "insights": "the connection string of Application Insights",
    "secret": "the secret itself, or a key vault reference",
    "deployment": "set by the deployment",
    "value": "",
}


def _version(plan: PlanName, version: Version | None) -> Version:
    from kramik.hosts.azure.target import CONSUMPTION, version_on

    if plan == "consumption" and version not in (None, CONSUMPTION):
        message = f"Consumption ends at Python {CONSUMPTION}; take the plan flex for {version}"
        raise click.BadParameter(message, param_hint="--python")
    return version_on(plan, version)


def _secrets(folder: Path) -> list[str]:
    """Return the names of the secrets that the shop's settings read."""
    from kramik.hosts.azure.package import secret_names

    return secret_names((folder / "shop.toml").read_bytes())


def _as_data(out: Path, made: Package, cold: ColdStart | None) -> dict[str, object]:
    facts = ("files", "unpacked", "distributions", "sources", "compiled", "python", "interpreter")
    return {
        "file": str(out),
        "bytes": len(made.content),
        **{name: getattr(made, name) for name in facts},
        "cold_import_ms": cold,
    }


def _tell(out: Path, made: Package, cold: ColdStart | None) -> None:
    size, unpacked = len(made.content) / MEBIBYTE, made.unpacked / MEBIBYTE
    click.echo(
        f"{out}: {size:.1f} MiB, {made.files:,} files, {unpacked:.0f} MiB unpacked, Python {made.python}"
    )
    if made.compiled:
        click.echo(f"bytecode     {made.compiled:,} of {made.sources:,} sources, made by {made.interpreter}")
    else:
        click.echo(
            f"bytecode     none: this machine has no Python {made.python}, so Azure compiles at each cold start;"
        )
        click.echo("             name one with --interpreter")
    if cold is None:
        click.echo("cold import  not measured, for the same reason")
    else:
        facts = f"{cold.app:.0f} ms; azure.functions alone {cold.bare:.0f} ms, an empty Python {cold.empty:.0f} ms"
        click.echo(f"cold import  {facts}")
