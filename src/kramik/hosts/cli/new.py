"""`kramik new`: a ready shop to make one's own."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import click

EXAMPLE = "akademia-agregatow"
SANDBOX = {
    "SANDBOX_GATEWAY_KEY": "sandbox-gateway-key",
    "SANDBOX_ACADEMY_TOKEN": "sandbox-academy-token",
    "SANDBOX_MAIL_TOKEN": "sandbox-mail-token",
}
"""What the sandbox world is opened with unless it is told otherwise; nothing real hangs on it."""


@click.command("new")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Make a ready shop: shop.toml, products/, pages/, README.

    \b
    Example:
      kramik new my-shop
    """
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty; name a new folder, nothing was written"
        raise click.ClickException(message)
    there = folder.exists()
    try:
        make(folder)
    except OSError as error:
        if not there:
            shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, shutil.Error):
            raise
        _, place, why = error.args[0][0]
        said = why.partition(": ")[0]
        message = f"{place} can not be written: {said}; make room there, or name another folder"
        raise click.ClickException(message) from None
    click.echo(f"{folder} is ready. Next:\n  cd {folder}\n  kramik serve --sandbox")


def make(folder: Path) -> None:
    """Copy the example shop and give it secrets of its own."""
    shutil.copytree(
        example(),
        folder,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(".env", ".kramik", "data", "public"),
    )
    lines = [
        f"{name}={value}" for name, value in ({"KRAMIK_SECRET": secrets.token_hex(32)} | SANDBOX).items()
    ]
    (folder / ".env").touch(mode=0o600)
    (folder / ".env").write_text("\n".join([*lines, ""]), "utf-8")
    (folder / ".gitignore").write_text(".env\n.kramik/\ndata/\npublic/\n", "utf-8")


def example() -> Path:
    """Return the folder of the example shop: in the package, or in the repository that this runs from."""
    package = Path(__file__).parents[2]
    for place in (package / "examples", package.parents[1] / "examples"):
        if (place / EXAMPLE / "shop.toml").exists():
            return place / EXAMPLE
    message = f"the example shop is missing beside {package}; install kramik again"
    raise click.ClickException(message)
