"""What the pages of the mailing tools tell a seller to write is what kramik takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kramik import adapters, table

DOCS = Path(__file__).parents[2] / "docs" / "mailers"
PAGES = sorted(page.stem for page in DOCS.glob("*.md") if page.stem != "README")


@pytest.mark.parametrize("name", PAGES)
def test_settings_of_the_page(name: str) -> None:
    """Every `[mailer]` that a page shows is read without a problem, once the environment has its variables."""
    text = (DOCS / f"{name}.md").read_text("utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    tables = [found for found in (tomllib.loads(block).get("mailer") for block in blocks) if found]
    assert tables
    for raw in tables:
        kind = raw.pop("kind")
        variables = dict.fromkeys(re.findall(r"env:(\w+)", str(raw)), "0123456789abcdef-us21")
        found = table.read(raw, adapters.shape("mailer", kind), variables)
        assert isinstance(found, adapters.shape("mailer", kind))


@pytest.mark.parametrize("name", PAGES)
def test_links_of_the_page(name: str) -> None:
    """Every page that a page leads to is there."""
    text = (DOCS / f"{name}.md").read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#:]+\.md)\)", text) if not (DOCS / target).exists()]
    assert [] == targets
