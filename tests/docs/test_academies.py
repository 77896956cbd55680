"""What the pages of the academies tell a seller to write is what kramik takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kramik import adapters, table

DOCS = Path(__file__).parents[2] / "docs" / "academies"
PAGES = sorted(page.stem for page in DOCS.glob("*.md") if page.stem != "README")


@pytest.mark.parametrize("name", PAGES)
def test_settings_of_the_page(name: str) -> None:
    """Every `[academy]` that a page shows is read without a problem, once the environment has its variables."""
    blocks = re.findall(
        r"^```toml\n(.*?)^```", (DOCS / f"{name}.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    tables = [found for found in (tomllib.loads(block).get("academy") for block in blocks) if found]
    assert tables
    for raw in tables:
        kind = raw.pop("kind")
        variables = dict.fromkeys(re.findall(r"env:(\w+)", str(raw)), "00ff:00ff")
        found = table.read(raw, adapters.shape("academy", kind), variables)
        assert (name, True) == (kind, isinstance(found, adapters.shape("academy", kind)))


def test_the_guide_names_what_is_there() -> None:
    """Every file that the guide to a new academy names exists."""
    text = (DOCS.parent / "adding-an-academy.md").read_text("utf-8")
    named = [path for path in re.findall(r"`((?:src|tests|docs)/[\w/.]+)`", text) if "<" not in path]
    assert named
    assert [] == [path for path in named if not (DOCS.parents[1] / path).exists()]
