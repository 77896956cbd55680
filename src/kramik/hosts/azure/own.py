"""The files of kramik that run on Azure: what the function app reaches by its imports, and their data.

The command line, the servers, the sandbox and the embedded store stay at home.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = "kramik.hosts.functions"
LEFT_OUT = (
    "kramik.hosts.cli",
    "kramik.hosts.azure",
    "kramik.sandbox",
    "kramik.stores.sqlite",
    "kramik.stores.memory",
)
"""Never taken along, even where a function that nobody calls there imports them."""

_DATA = frozenset({".toml", ".html", ".css", ".js", ".svg", ".json"})
_SOURCE = Path(__file__).parents[2]


def files(root: str = ROOT) -> dict[str, bytes]:
    """Return the files, by their path below site-packages."""
    modules = reached(root)
    taken = {name: path.read_bytes() for name, path in sorted((_file(each) for each in modules), key=str)}
    folders = {(_SOURCE.parent / name).parent for name in taken if name.endswith("/__init__.py")} - {_SOURCE}
    data = {path for folder in folders for path in folder.rglob("*") if path.suffix in _DATA}
    beside = {path.relative_to(_SOURCE.parent).as_posix(): path for path in data}
    taken |= {name: path.read_bytes() for name, path in beside.items() if not _stays(name.replace("/", "."))}
    return dict(sorted(taken.items()))


def reached(root: str) -> set[str]:
    """Return every module of kramik that this one imports, also inside of functions, with its packages."""
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name in seen or _stays(name) or not _exists(name):
            continue
        seen.add(name)
        waiting += [*_imports(name), name.rpartition(".")[0] or name]
    return seen


def _stays(module: str) -> bool:
    return any(f"{module}.".startswith(f"{each}.") for each in LEFT_OUT)


def _imports(module: str) -> Iterator[str]:
    tree = ast.parse(_file(module)[1].read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.startswith("kramik"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kramik"):
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _exists(module: str) -> bool:
    return _file(module)[1].is_file()


def _file(module: str) -> tuple[str, Path]:
    """Return the name below site-packages, and the path, of a module or a package."""
    path = _SOURCE.parent.joinpath(*module.split("."))
    package = path / "__init__.py"
    path = package if package.is_file() else path.with_suffix(".py")
    return path.relative_to(_SOURCE.parent).as_posix(), path
