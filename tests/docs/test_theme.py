"""The page about the look names every token that a shop may set, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, nodes

from kramik.site.build import site
from kramik.site.theme import HERE
from tests.site.dom import parse
from tests.site.world import example

PAGE = Path(__file__).parents[2] / "docs" / "theme.md"


def test_every_token_is_explained() -> None:
    """The table of tokens and the style sheet's layer of tokens have the same names."""
    style = (HERE / "assets" / "kramik.css").read_text("utf-8")
    layer = style.split("@layer tokens {")[1].split("@layer page {")[0]
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `--")]

    assert set(re.findall(r"(--[\w-]+):", layer)) == {
        each for row in rows for each in re.findall(r"`(--[\w-]+)`", row.split("|")[1])
    }


def test_the_template_of_the_page_is_one(tmp_path: Path) -> None:
    """It makes the page that is promised: one block replaced, a part more, and all the others as they were."""
    (text,) = re.findall(r"```html\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "product.html").write_text(text, "utf-8")
    path = "agregaty-w-praktyce/index.html"
    before, after = (
        [each.text for each in parse(page).all("h2")]
        for page in (site(example())[path].decode(), site(example(), tmp_path)[path].decode())
    )
    place = before.index("Program")

    assert {"Moja obietnica", "Jak wygląda tydzień"} == {*after} - {*before}
    assert 1 == len({*before} - {*after})
    assert ["Program", "Jak wygląda tydzień"] == after[place : place + 2]


def test_every_block_is_named() -> None:
    """The table of blocks has those of the theme, and no other."""
    theme = HERE / "theme"
    trees = [
        Environment(autoescape=True).parse((theme / name).read_text("utf-8"))
        for name in ("base.html", "product.html")
    ]
    there = {node.name for tree in trees for node in tree.find_all(nodes.Block)}
    part = PAGE.read_text("utf-8").split("| where | blocks")[1].split("`kramik check`")[0]

    assert there == set(re.findall(r"`([a-z_]+)`", part))
