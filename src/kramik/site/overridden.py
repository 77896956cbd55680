"""The shop's own templates, held against those that they override: what nothing asks for is told.

A file with a name that the theme does not know, and a block that the template above it does not have, change nothing
on any page; whoever wrote them wonders why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

from kramik import table
from kramik.errors import Problem
from kramik.site.copies import names
from kramik.site.theme import HERE

_STYLE = "user.css"


def problems(templates: Path) -> Iterator[Problem]:
    """Yield what has no effect in the folder of a shop's own templates."""
    own = {str(file.relative_to(templates)): file for file in sorted(templates.rglob("*")) if file.is_file()}
    read = {name: _Template(file) for name, file in own.items() if name.endswith(".html")}
    asked = {name for template in read.values() for name in template.asks}
    known = {*names(), _STYLE}
    for name in own:
        if name not in known | asked and not Path(name).name.startswith("."):
            yield _problem(
                name,
                1,
                f"is no file of the theme, and none of yours asks for it; {table.nearest(name, known)}",
            )
    for name, template in read.items():
        for block, line in template.blocks.items():
            above = _blocks_above(template, read)
            if above is not None and block not in above:
                yield _problem(
                    name,
                    line,
                    f"overrides a block {block!r} that is not there; {table.nearest(block, above)}",
                )


class _Template:
    """What a template says of itself: what it extends, what it asks for, and its outermost blocks with their lines."""

    def __init__(self, file: Path) -> None:
        self.parent = ""
        self.asks: set[str] = set()
        self.blocks: dict[str, int] = {}
        self.all: set[str] = set()
        try:
            tree = Environment(autoescape=True).parse(file.read_text("utf-8", "replace"))
        except TemplateSyntaxError:
            return  # told with its line when a page is made of it
        for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
            name = str(getattr(getattr(node, "template", None), "value", ""))
            self.asks.add(name)
            self.parent = name if isinstance(node, nodes.Extends) else self.parent
        self.blocks = {node.name: node.lineno for node in tree.body if isinstance(node, nodes.Block)}
        self.all = {node.name for node in tree.find_all(nodes.Block)}


def _blocks_above(template: _Template, own: Mapping[str, _Template]) -> set[str] | None:
    """Return every block that a template may override; None when it extends nothing that is known."""
    found: set[str] = set()
    name, parent = template.parent, None
    while name:
        ours = HERE / "theme" / name.removeprefix("theme/")
        parent = own.get(name) or (_Template(ours) if ours.is_file() else None)
        if parent is None or parent is template:
            return None
        found |= parent.all
        name = parent.parent
    return found if template.parent else None


def _problem(name: str, line: int, message: str) -> Problem:
    return Problem(field=f"templates/{name}:{line}", code="template", message=message)
