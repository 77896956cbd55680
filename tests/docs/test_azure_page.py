"""The page about Azure: the commands of kramik that it names exist, with these options, and its settings are read."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import click
import pytest

from kramik.hosts.azure.template import Choices, template
from kramik.hosts.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "azure.md").read_text("utf-8")


def commands(first: str) -> Iterator[list[str]]:
    """Yield the commands of the page that begin with a word: of its blocks, and of its sentences."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in (*lines, *re.findall(r"`([^`\n]+)`", PAGE)):
        if line.startswith(f"{first} ") and "…" not in line:
            yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize("words", list(commands("kramik")), ids=" ".join)
def test_every_command_of_kramik_takes_what_the_page_gives_it(words: list[str], tmp_path: Path) -> None:
    """Names and options; none is called."""
    for name in ("my-shop/shop.toml", "kramik.zip", "settings.json", "one.json", "two.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    command: click.Command = main
    context = click.Context(main, info_name="kramik", **main.context_settings)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    with chdir(tmp_path):
        command.make_context("kramik", words, parent=context)


def test_the_parameters_that_the_page_gives_are_those_of_the_template() -> None:
    """The rest have defaults, or are secrets that `az` asks for."""
    given = {
        word.partition("=")[0] for words in commands("az") for word in words if re.match(r"^[a-zA-Z]+=", word)
    }
    parameters = template(Choices(site=True))["parameters"]
    assert isinstance(parameters, dict)
    assert {"appName", "alertEmail"} == given
    assert given == {name for name, each in parameters.items() if "defaultValue" not in each}


def test_the_resources_that_the_page_names_are_those_of_the_template() -> None:
    """The pages' app and the log have names that follow from the app's."""
    variables = template(Choices(site=True))["variables"]
    assert isinstance(variables, dict)
    endings = set(re.findall(r'"\$APP-([a-z]+)"', PAGE))
    assert {"site", "insights"} == endings
    assert [] == [ending for ending in endings if f"'-{ending}')" not in str(variables.values())]


def test_the_settings_of_the_page_are_toml() -> None:
    """Both addresses, with https."""
    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert all(value.startswith("https://") for value in tomllib.loads(block)["shop"].values())
