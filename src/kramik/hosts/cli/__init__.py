"""The command line: one file a command, loaded when it is called.

Exit codes: 0 done, 1 failed, 2 wrong use. Every command that prints data takes `--json`.
"""

from __future__ import annotations

import errno
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

import click

from kramik.errors import ConfigurationError, KramikError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "demo",
    "new",
    "check",
    "connect",
    "build",
    "theme",
    "export",
    "serve",
    "sandbox",
    "orders",
    "poison",
    "sweep",
    "cost",
    "azure",
)


EXTRAS = {
    "azure": "azure",
    "packaging": "azure",
    "cryptography": "crypto",
    "jsonschema": "sandbox",
    "PIL": "images",
}
"""What is not in the core, by the name under which it is imported, and the extra that brings it."""


_ADVICE = {
    errno.ENOSPC: "make room there, then run it again",
    errno.EDQUOT: "make room there, then run it again",
    errno.EROFS: "name another place, or let this one be written",
}


class Kramik(click.Group):
    """The group of all commands; imports only the one that runs, and turns decisions into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the commands in the order of a shop's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            close = get_close_matches(cmd_name, COMMANDS, n=1)
            if close:
                ctx.fail(f"there is no command {cmd_name!r}; did you mean {close[0]!r}?")
            return None
        command: click.Command = import_module(f"kramik.hosts.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what can be decided about an error was decided where it was raised."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise Failed(error.problems) from error
        except KramikError as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:
            raise missing(error) from error
        except OSError as error:
            if error.errno is None or error.errno == errno.EPIPE:  # a mistake of ours; a reader who left
                raise
            raise click.ClickException(unusable(error)) from error


def unusable(error: OSError) -> str:
    """Say which file or folder can not be used, why, and what to do; what was to be written is whole, old or new."""
    place = f"{error.filename}: " if error.filename else ""
    advice = _ADVICE.get(error.errno or 0, "name another place, or mend this one")
    return f"{place}{error.strerror}; {advice}"


def missing(error: ModuleNotFoundError) -> Exception:
    """Return what to install; anything but an extra of ours is a mistake of ours and stays what it is."""
    name = (error.name or "").partition(".")[0]
    if name not in EXTRAS:
        return error
    return click.ClickException(f'this needs {name}; install it with: pip install "kramik[{EXTRAS[name]}]"')


class Failed(click.ClickException):
    """Every problem of the shop's files, a line each."""

    def __init__(self, problems: Sequence[object]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__("\n".join([f"{count}:", *(f"  {problem}" for problem in problems)]))


@click.group(cls=Kramik, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="kramik", prog_name="kramik")
def main() -> None:
    """Sell digital courses from a static site; every paid order is delivered.

    \b
    Example:
      kramik new my-shop && cd my-shop && kramik serve --sandbox
    """
