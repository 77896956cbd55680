"""What the pages about other generators tell you to type works, and prints what stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from kramik.hosts.cli import new
from kramik.hosts.cli.export import GENERATORS
from tests.docs.walk import commands
from tests.site import generators

FOLDER = Path(__file__).parents[2] / "docs" / "embedding"
PAGES = sorted(file.stem for file in FOLDER.glob("*.md") if file.stem != "README")
TABLE_ROW = re.compile(r"^\| (`[^|]+`) \|", re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_work(name: str, tmp_path: Path) -> None:
    """Typed one after another into a shell, beside a shop and a site."""
    new.make(tmp_path / "my-shop")
    (tmp_path / "my-site").mkdir()
    generators.settle(tmp_path / "my-site", generators.SITES[name][1] if name in generators.SITES else {})
    (tmp_path / "my-site" / "node_modules").symlink_to(generators.MODULES)
    path = f"{generators.BIN}:{generators.MODULES / '.bin'}:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "ASTRO_TELEMETRY_DISABLED": "1"}
    typed = list(commands((FOLDER / f"{name}.md").read_text("utf-8")))
    said = [
        subprocess.run(
            ["bash", "-c", each.command],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for each in typed
    ]

    assert typed
    assert [stable(each.output) for each in typed] == [stable(text) for text in said]


def stable(text: str) -> str:
    """Return a text without how long something took."""
    return re.sub(r"[\d.]+ seconds", "N seconds", text).strip()


def test_every_generator_has_a_page() -> None:
    """And the table of the first page leads to it."""
    first = (FOLDER / "README.md").read_text("utf-8")

    assert sorted(GENERATORS) == PAGES
    assert [] == [
        name for name in GENERATORS if f"`kramik export {name}` |" not in first or f"({name}.md)" not in first
    ]


def test_every_field_of_the_data_is_explained(tmp_path: Path) -> None:
    """The two tables name what is there, and nothing else."""
    new.make(tmp_path / "shop")
    kramik = str(generators.BIN / "kramik")
    subprocess.run([kramik, "export", "json", "--shop", "shop", "--out", "out"], cwd=tmp_path, check=True)
    data = json.loads((tmp_path / "out" / "shop.json").read_text("utf-8"))
    rows = TABLE_ROW.findall((FOLDER / "json.md").read_text("utf-8"))
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted([*data, *data["products"][0]]) == sorted(named)
