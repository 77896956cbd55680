"""Where the texts of a shop ask for a picture that can not be shown: the place to mend is there, not in the picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from msgspec.structs import replace

from kramik.errors import Problem

_WRITTEN = ("products/[!.]*.md", "pages/[!.]*.md", "templates/**/*.html")


def located(problem: Problem, pictures: Path | None) -> Iterator[Problem]:
    """Yield a problem of a picture once for each line that asks for it; as it is when no line does."""
    places = list(_places(problem.field, pictures)) if pictures and problem.code == "picture" else []
    said = f"asks for {problem.field}, which {problem.message}"
    yield from (replace(problem, field=place, message=said) for place in places)
    if not places:
        yield problem


def _places(picture: str, pictures: Path) -> Iterator[str]:
    """Yield file and line of everything that names a picture, given by its path below the shop's folder."""
    name = picture.removeprefix(f"{pictures.name}/")
    asks = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])")
    for file in (file for pattern in _WRITTEN for file in sorted(pictures.parent.glob(pattern))):
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), start=1):
            if asks.search(unquote(line)):
                yield f"{file.relative_to(pictures.parent)}:{number}"
