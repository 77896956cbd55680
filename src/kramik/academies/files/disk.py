"""Course files in a folder of this machine: nothing outside of a course's own folder is ever shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from kramik.ports import CourseFile

_NUMBER = re.compile(r"(\d+)")


class Disk:
    """One folder with a folder for each course."""

    def __init__(self, folder: str) -> None:
        self._root = Path(folder).expanduser()

    def items(self, course: str) -> Sequence[CourseFile]:
        """Return the files of a course; hidden ones, and links that lead out of it, are not among them."""
        home = self._home(course)
        return sorted(self._found(home), key=lambda each: counted(each.path)) if home else []

    def fetch(self, course: str, path: str) -> CourseFile | None:
        """Return one file of a course; None for whatever is not a plain file inside of it."""
        home = self._home(course)
        if home is None or not all(_named(part) for part in path.split("/")):
            return None
        return _file(home, home.joinpath(*path.split("/")))

    def _home(self, course: str) -> Path | None:
        """Return the real folder of a course."""
        if not _named(course):
            return None
        try:
            root, home = self._root.resolve(strict=True), (self._root / course).resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        return home if home.is_dir() and home.is_relative_to(root) else None

    def _found(self, home: Path) -> Iterator[CourseFile]:
        for place in home.rglob("*"):
            if all(_named(part) for part in place.relative_to(home).parts) and (found := _file(home, place)):
                yield found


def counted(path: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts as people count: `lesson 2` before `lesson 10`, folders by folder."""
    parts = _NUMBER.split(path.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _named(part: str) -> bool:
    """Say whether a part of a path is the plain name of something that is meant to be seen."""
    return bool(part) and not part.startswith(".") and part.isprintable() and not {*part} & {*"/\\:"}


def _file(home: Path, place: Path) -> CourseFile | None:
    """Describe a plain file that truly lies in this folder, wherever its links lead."""
    try:
        real = place.resolve(strict=True)
        about = real.stat()
    except (OSError, RuntimeError, ValueError):
        return None
    if not S_ISREG(about.st_mode) or not real.is_relative_to(home):
        return None
    return CourseFile(
        path=place.relative_to(home).as_posix(),
        size=about.st_size,
        changed=datetime.fromtimestamp(about.st_mtime_ns / 1e9, UTC),
        place=str(real),
    )
