"""The command reference: every command's help on one page, `docs/commands.md`.

Written by `python -m kramik.hosts.cli.reference > docs/commands.md`; a test holds that it is current.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from kramik.hosts.cli import main

_HEAD = """\
# Commands

This page is what `--help` says, of every command.
It is written by `python -m kramik.hosts.cli.reference > docs/commands.md`, and a test holds that it is current.

Exit codes: 0 done, 1 failed, 2 wrong use.
"""
_WIDTH = 100


def paths() -> list[tuple[str, ...]]:
    """Return the words that call each command, the root first."""
    return [tuple(path) for path, _ in _commands(main, ())]


def rendered() -> str:
    """Return the page."""
    sections = [_section(path, command) for path, command in _commands(main, ())]
    return "\n".join([_HEAD, *sections])


def _commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _commands(found, (*path, name))


def _section(path: tuple[str, ...], command: click.Command) -> str:
    name = " ".join(("kramik", *path))
    context = click.Context(
        command,
        info_name=name,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## {name}\n\n```\n{text}\n```\n"


if __name__ == "__main__":
    click.echo(rendered(), nl=False)
