"""What the function app carries from others: `requirements/azure.txt`, as far as it is meant for the target.

pip judges markers by the Python that runs it, not by the one that it loads wheels for; so they are judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from kramik.errors import ConfigurationError, Problem

FILE = "azure.txt"

_GOES_ON = "\\"


def text() -> str:
    """Return the locked requirements: from the package, or from the repository that this runs from."""
    package = Path(__file__).parents[2]
    for place in (package / "requirements", package.parents[1] / "requirements"):
        if (place / FILE).exists():
            return (place / FILE).read_text("utf-8")
    message = f"is missing beside {package}; install kramik again"
    raise ConfigurationError(Problem(field=f"requirements/{FILE}", code="missing_file", message=message))


def chosen(locked: str, markers: Mapping[str, str]) -> list[str]:
    """Return the requirements whose markers hold, each with its hashes and without its marker."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - of the extra `azure`

    kept = []
    for line in _joined(locked):
        head, *hashes = line.split(" --hash=")
        requirement = Requirement(head)
        if requirement.marker is None or requirement.marker.evaluate(dict(markers)):
            pinned = f"{requirement.name}{requirement.specifier}"
            kept.append(" ".join([pinned, *(f"--hash={each.strip()}" for each in hashes)]))
    return kept


def _joined(locked: str) -> Iterator[str]:
    """Yield each requirement on one line, without comments."""
    line = ""
    for raw in locked.splitlines():
        part = raw.split("#", 1)[0].strip()
        line = f"{line} {part.rstrip(_GOES_ON).strip()}".strip()
        if line and not part.endswith(_GOES_ON):
            yield line
            line = ""
