"""Copy one file of the default theme into a shop, where the shop's own goes before ours.

A copy does not follow our changes. Whoever wants another block only extends `theme/product.html` instead.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from kramik.errors import Problem, Rejected
from kramik.site.theme import ASSETS, HERE


def names() -> list[str]:
    """Return every file that can be copied: the templates, then the assets, as a shop has to call them."""
    templates = sorted(file.name for file in (HERE / "theme").glob("*.html"))
    return [*templates, *(f"assets/{name}" for name in sorted(ASSETS))]


def eject(name: str, templates: Path) -> Path:
    """Copy a file into the folder of the shop's own templates and return where it is now.

    Raises:
        Rejected: the theme has no such file; the message names the nearest one, or all of them.
        FileExistsError: the shop has its own already; it is left as it is.
    """
    if name not in names():
        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names())}"
        raise Rejected(
            Problem(field="FILE", code="unknown", message=f"the theme has no file {name!r}; {hint}")
        )
    ours = HERE / name if name.startswith("assets/") else HERE / "theme" / name
    target = templates / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(ours.read_bytes())
    return target
