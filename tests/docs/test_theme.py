"""The page about the look names every token that a shop may set, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from kramik.site.theme import HERE

PAGE = Path(__file__).parents[2] / "docs" / "theme.md"


def test_every_token_is_explained() -> None:
    """The table of tokens and the style sheet's layer of tokens have the same names."""
    style = (HERE / "assets" / "kramik.css").read_text("utf-8")
    layer = style.split("@layer tokens {")[1].split("@layer page {")[0]
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `--")]

    assert set(re.findall(r"(--[\w-]+):", layer)) == {
        each for row in rows for each in re.findall(r"`(--[\w-]+)`", row.split("|")[1])
    }
