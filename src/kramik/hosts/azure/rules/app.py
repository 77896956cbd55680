"""A function app as it is deployed: the files of a folder or of a zip, by their path."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kramik.errors import ConfigurationError, Problem

TEXT = (".py", ".json", ".toml", ".md", ".html", ".txt", ".env")
_LARGEST = 1024 * 1024


class App(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of an app, and the names of all its files."""

    name: str
    texts: dict[str, str]
    names: frozenset[str]

    def line(self, file: str, needle: str) -> str:
        """Return `file:line` of the first line that has these characters."""
        lines = self.texts.get(file, "").splitlines()
        number = next((number for number, line in enumerate(lines, start=1) if needle in line), 1)
        return f"{self.name}/{file}:{number}"

    def problem(self, file: str, needle: str, code: str, message: str) -> Problem:
        """Return a problem at the first line that has these characters."""
        return Problem(field=self.line(file, needle), code=code, message=message)


def read(path: Path) -> App:
    """Read a folder or a zip.

    Raises:
        ConfigurationError: it is neither.
    """
    if path.is_dir():
        names = frozenset(each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file())
        texts = {name: (path / name).read_bytes() for name in names if _is_text(name)}
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = frozenset(each.filename for each in archive.infolist() if not each.is_dir())
            texts = {name: archive.read(name) for name in names if _is_text(name)}
    else:
        message = "is neither a folder nor a zip; name what `kramik azure package` has made"
        raise ConfigurationError(Problem(field=str(path), code="no_app", message=message))
    readable = {
        name: content.decode("utf-8", "replace") for name, content in texts.items() if len(content) < _LARGEST
    }
    return App(name=path.name or str(path), texts=readable, names=names)


def own_code(app: App) -> Iterator[tuple[str, str]]:
    """Yield the files that declare functions: those of the app, and kramik's own."""
    for name, text in sorted(app.texts.items()):
        if name.endswith(".py") and ("/" not in name or name.endswith("kramik/hosts/functions.py")):
            yield name, text


def _is_text(name: str) -> bool:
    carried = name.startswith(".python_packages/") and not name.endswith("kramik/hosts/functions.py")
    return not carried and name.endswith(TEXT)
