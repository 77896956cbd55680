"""A disk whose power can be cut: what was written but not synchronised is kept, torn or lost, in any order.

SQLite writes through it as through any file system. Not modelled: deleted and renamed files, and shared memory,
so the file must be held by one connection (`exclusive`).
Source of the idea: sqlite.org/testing.html, "crash testing".
"""

from __future__ import annotations

from random import Random

import apsw

NAME = "platter"

_SECTOR = 512


class Platter(apsw.VFS):
    """The disk; it loses power instead of making its `fuse`-th write, and then refuses everything."""

    def __init__(self, chance: Random, fuse: int) -> None:
        self.chance, self._fuse, self._files = chance, fuse, list[_File]()
        self.dead = False
        super().__init__(NAME, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        """Open a file, as long as there is power."""
        self.touch()
        opened = _File(self, name, flags)
        self._files.append(opened)
        return opened

    def touch(self) -> None:
        """Refuse to do anything without power."""
        if self.dead:
            raise apsw.IOError("there is no power")

    def count(self) -> None:
        """Count a write; at the last one the power goes."""
        self.touch()
        self._fuse -= 1
        if self._fuse == 0:
            self.dead = True
            for each in self._files:
                each.lose()
            self.touch()


class _File(apsw.VFSFile):
    """A file as the program sees it (`_seen`), over what really lies on the disk."""

    def __init__(self, platter: Platter, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._platter = platter
        size = super().xFileSize()
        self._seen = bytearray(super().xRead(size, 0)) if size else bytearray()
        self._loose: list[tuple[int, bytes]] = []

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        self._platter.touch()
        return bytes(self._seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._loose.append((offset, bytes(data)))
        self._platter.count()
        self._seen.extend(bytes(max(0, offset + len(data) - len(self._seen))))
        self._seen[offset : offset + len(data)] = data

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        self.xSync(0)
        del self._seen[newsize:]
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._platter.touch()
        for offset, data in self._loose:
            super().xWrite(data, offset)
        self._loose.clear()
        super().xSync(flags)

    def xFileSize(self) -> int:  # noqa: N802 - SQLite's name
        self._platter.touch()
        return len(self._seen)

    def lose(self) -> None:
        """Let each loose write reach the disk, or a part of its sectors, or nothing; later ones may come first."""
        chance = self._platter.chance
        chance.shuffle(self._loose)
        for offset, data in self._loose:
            fate = chance.choice(("kept", "torn", "lost"))
            for begin in range(0, len(data), _SECTOR):
                if fate == "kept" or (fate == "torn" and chance.random() < 0.5):
                    super().xWrite(data[begin : begin + _SECTOR], offset + begin)
        self._loose.clear()
