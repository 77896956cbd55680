"""The folder that a site is written to: a file appears whole or not at all; one that says the same is left alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: whether it is another one now, its size in bytes, and its time in nanoseconds."""

    changed: bool
    size: int
    time: int


class Folder:
    """One folder; paths are relative to it and use slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._there: set[str] = set()

    def write(self, path: str, content: bytes) -> Written:
        """Write a file unless it says this already."""
        file = f"{self.root}/{path}"
        folder, _, name = file.rpartition("/")
        self._open(folder)
        same = _same(file, content)
        if same:
            return Written(changed=False, size=same.st_size, time=same.st_mtime_ns)
        made = _replaced(file, f"{folder}/.{name}.new", content)
        return Written(changed=True, size=made.st_size, time=made.st_mtime_ns)

    def _open(self, folder: str) -> None:
        """Make a folder and those above it, unless it was done."""
        if folder in self._there:
            return
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - thousands of files: a Path costs more than the call
        while folder not in self._there:
            self._there.add(folder)
            folder = folder.rpartition("/")[0]

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty without it."""
        (self.root / path).unlink(missing_ok=True)
        for folder in (self.root / path).parents:
            if folder == self.root or not folder.is_dir() or any(folder.iterdir()):
                return
            folder.rmdir()

    def differs(self, path: str, content: bytes) -> bool:
        """Say whether something else lies there."""
        file = self.root / path
        return file.exists() and (not file.is_file() or file.read_bytes() != content)


def _replaced(file: str, beside: str, content: bytes) -> os.stat_result:
    """Write a file beside and put it in the place of the old one, which stays when the disk is full.

    Raises:
        OSError: it can not be written; it names the file.
    """
    try:
        with open(beside, "wb") as new:  # noqa: PTH123 - thousands of files: a Path costs more than the call
            new.write(content)
            new.flush()
            made = os.fstat(new.fileno())
        os.replace(beside, file)  # noqa: PTH105 - as above
    except OSError as error:
        with suppress(OSError):
            os.unlink(beside)  # noqa: PTH108 - as above
        raise OSError(error.errno, error.strerror, file) from None
    return made


def _same(file: str, content: bytes) -> os.stat_result | None:
    """Return what is known of a file that says this already, or None."""
    try:
        found = os.stat(file)  # noqa: PTH116 - as above
        if found.st_size != len(content):
            return None
        with open(file, "rb") as old:  # noqa: PTH123 - as above
            return found if old.read() == content else None
    except OSError:  # not there, or not to be read: it is written, and that says what is wrong
        return None
