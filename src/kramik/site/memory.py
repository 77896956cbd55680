"""What the last build knew of each file that it wrote: a page whose ingredients did not change is not made again.

The manifest in the output folder holds it. A file that somebody changed or removed is made again, whatever is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.site.folder import Written

MANIFEST = ".kramik-site.json"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file: what it was made of, the assets it uses, size and time on the disk, and the day it last changed."""

    made_of: str = ""
    uses: tuple[str, ...] = ()
    size: int = -1
    time: int = 0
    since: str = ""


class Memory:
    """The manifest of one output folder."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.entries: Mapping[str, Entry] = _read(out / MANIFEST)

    def same(self, path: str, made_of: str) -> Entry | None:
        """Return what is known of a file that was made of the same and still lies there as it was written."""
        entry = self.entries.get(path)
        if entry is None or not made_of or entry.made_of != made_of or not self._intact(path, entry):
            return None
        used = [self.entries.get(each) for each in entry.uses]
        kept = all(each and self._intact(name, each) for name, each in zip(entry.uses, used, strict=True))
        return entry if kept else None

    def entry(self, path: str, written: Written, known: Entry, today: str) -> Entry:
        """Return what is to be known of a file that was just written, or found to be the same."""
        before = self.entries.get(path, Entry())
        since = today if written.changed or not before.since else before.since
        return msgspec.structs.replace(known, size=written.size, time=written.time, since=since)

    def text(self, entries: Mapping[str, Entry]) -> bytes:
        """Return the manifest that says this."""
        return msgspec.json.encode(dict(sorted(entries.items()))) + b"\n"

    def _intact(self, path: str, entry: Entry) -> bool:
        try:
            found = (self._out / path).stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (entry.size, entry.time)


def _read(file: Path) -> dict[str, Entry]:
    if not file.is_file():
        return {}
    try:
        read = msgspec.json.decode(file.read_bytes(), type=dict[str, Entry] | list[str])
    except msgspec.DecodeError:
        why = "cannot be read; remove it together with the files of the site, and build again"
        raise ConfigurationError(Problem(field=str(file), code="wrong", message=why)) from None
    entries = read if isinstance(read, dict) else dict.fromkeys(read, Entry())
    return {path: entry for path, entry in entries.items() if _inside(path)}


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts
