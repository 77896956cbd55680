"""Wheels for the target: loaded by pip with their hashes, and unpacked to what runs.

pip is asked for wheels alone, so nothing is built and no code of a dependency runs on this machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from kramik.errors import ConfigurationError, Problem
from kramik.hosts.azure.target import Target

PATIENCE = 600.0
"""Seconds that pip may take for all wheels."""

_UNUSED = frozenset({".pyi", ".pyc", ".c", ".h", ".cpp", ".pxd", ".pyx", ".rs", ".md"})
_NEVER_ASKED = frozenset({"dnspython", "pycparser"})
"""Wanted by a dependency for what kramik never asks of it: the deliverability of an address, and parsing C."""
_PARTS = {"stdnum": ("__init__.py", "exceptions.py", "util.py", "pl/")}
"""Of a package that is large, what kramik uses. A test holds that every import of kramik finds its module."""
_FOLDERS = frozenset({"tests", "test", "__pycache__", "headers", "scripts"})
_SPARE = ("yaml/_yaml.", "multidict/_testcapi.", "anyio/_backends/_trio", "werkzeug/debug/")
"""Parts that have a stand-in in the same package, or that only a test or another event loop asks for."""
_TWINS = tuple(f"azure/{client}/aio/" for client in ("data/tables", "storage/blob", "storage/queue"))
"""The asynchronous twins of Azure's clients; kramik is synchronous throughout."""
_KEPT = ("METADATA", "entry_points.txt", "licen", "copying", "notice", "authors")
"""Of a `.dist-info`: what `importlib.metadata` reads, and what licences want to travel with their code."""


def loaded(requirements: Sequence[str], target: Target) -> dict[str, bytes]:
    """Return the files of all requirements, by their path below site-packages.

    Raises:
        ConfigurationError: pip is missing, or did not find a wheel for the target: its last line says which.
    """
    asked = [each for each in requirements if each.partition("==")[0] not in _NEVER_ASKED]
    if find_spec("pip") is None:
        raise ConfigurationError(_problem("pip is missing; install it with: python -m ensurepip"))
    with tempfile.TemporaryDirectory(prefix="kramik-wheels-") as folder:
        _download(asked, target, Path(folder))
        return {
            name: content
            for wheel in sorted(Path(folder).glob("*.whl"))
            for name, content in unpacked(wheel).items()
        }


def unpacked(wheel: Path) -> dict[str, bytes]:
    """Return what runs of a wheel, by its path below site-packages."""
    with zipfile.ZipFile(wheel) as archive:
        names = {
            _place(name): name for name in archive.namelist() if _runs(PurePosixPath(name)) and _used(name)
        }
        return {place: archive.read(name) for place, name in sorted(names.items())}


def _download(requirements: Sequence[str], target: Target, folder: Path) -> None:
    wanted = folder / "requirements.txt"
    wanted.write_text("\n".join([*requirements, ""]), "utf-8")
    asked = subprocess.run(  # noqa: S603 - our own pip with arguments of our own
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ),
            *("--no-deps", "--require-hashes", "--only-binary=:all:", "--requirement", str(wanted)),
            *("--implementation", "cp", "--python-version", target.digits, "--abi", f"cp{target.digits}"),
            *(part for platform in target.platforms for part in ("--platform", platform)),
            *("--dest", str(folder)),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if asked.returncode:
        lines = [line for line in asked.stderr.splitlines() if line.startswith("ERROR")]
        message = (
            f"pip found no wheel for Python {target.version} on Linux: {(lines or ['no word from pip'])[-1]}"
        )
        raise ConfigurationError(_problem(message))


def _place(name: str) -> str:
    """Return where a file of a wheel goes: what lies in `NAME.data/purelib` belongs beside the others."""
    first, _, rest = name.partition("/")
    return rest.partition("/")[2] if first.endswith(".data") else name


def _runs(path: PurePosixPath) -> bool:
    if path.parts[0].endswith(".dist-info"):
        return any(part.lower().startswith(tuple(map(str.lower, _KEPT))) for part in path.parts[1:])
    if path.parts[0].endswith(".data") and path.parts[1] not in ("purelib", "platlib"):
        return False
    return path.suffix not in _UNUSED and path.name != "py.typed" and not _FOLDERS & set(path.parts[:-1])


def _used(name: str) -> bool:
    first, _, rest = name.partition("/")
    return not name.startswith((*_TWINS, *_SPARE)) and (first not in _PARTS or rest.startswith(_PARTS[first]))


def _problem(message: str) -> Problem:
    return Problem(field="wheels", code="wheels", message=message)


def distributions(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the name and version of each distribution among unpacked files."""
    for name in files:
        first, _, rest = name.partition("/")
        if rest == "METADATA":
            yield first.removesuffix(".dist-info").replace("-", " ")
