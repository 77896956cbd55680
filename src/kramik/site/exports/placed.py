"""Put exported files into a site that others made, and never write over what is not ours.

`.kramik-export.json` remembers, by generator, the hash of each file as we wrote it. A file that says something else
has another author by now: a stub stays as it is, anything else stops the export before the first byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.site.exports.files import Files

MEMORY = ".kramik-export.json"
_Memory = Mapping[str, Mapping[str, list[str]]]


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, each a list of paths: written (or the same already), kept as others left it, removed.

    What others left of a course that is gone is `left`: a page whose form nobody takes an order from.
    """

    written: list[str]
    kept: list[str]
    removed: list[str]
    left: list[str] = []


def place(files: Files, out: Path) -> Placed:
    """Write the files below `out`, and remove those that we wrote before and that nobody needs or changed.

    An export that was killed is simply run again.

    Raises:
        ConfigurationError: something that is not ours is in the way; nothing was written.
    """
    memory = _remembered(out)
    before = memory.get(files.generator, {})
    wanted = {**files.stubs, **files.ours}
    foreign = [
        path for path, content in wanted.items() if _foreign(out / path, content, _hashes(memory, path))
    ]
    in_the_way = [path for path in foreign if path in files.ours or not (out / path).is_file()]
    if in_the_way:
        raise ConfigurationError(*(_problem(out / path) for path in sorted(in_the_way)))
    written = {path: content for path, content in wanted.items() if path not in foreign}
    after = {path: [_hash(content)] for path, content in written.items()}
    out.mkdir(parents=True, exist_ok=True)
    both = {path: [*before.get(path, []), *after.get(path, [])] for path in {*before, *after}}
    _write(out / MEMORY, _text({**memory, files.generator: both}))
    for path, content in written.items():
        _write(out / path, content)
    others = {path for name, paths in memory.items() if name != files.generator for path in paths}
    gone = sorted(before.keys() - wanted.keys() - others)
    removed = [path for path in gone if _removed(out, path, before[path])]
    _write(out / MEMORY, _text({**memory, files.generator: after}))
    left = [path for path in gone if (out / path).is_file()]
    return Placed(written=sorted(written), kept=sorted(foreign), removed=removed, left=left)


def _hashes(memory: _Memory, path: str) -> list[str]:
    """Return every hash under which we wrote a file, for whatever generator."""
    return [each for paths in memory.values() for each in paths.get(path, [])]


def _remembered(out: Path) -> _Memory:
    file = out / MEMORY
    if not file.is_file():
        return {}
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, list[str]]])
    except msgspec.MsgspecError:
        why = "can not be read; remove it, and move away what an earlier export wrote"
        raise ConfigurationError(Problem(field=str(file), code="not_json", message=why)) from None


def _foreign(file: Path, content: bytes, ours: list[str]) -> bool:
    if not file.exists():
        return False
    if not file.is_file():
        return True
    found = file.read_bytes()
    return found != content and _hash(found) not in ours


def _removed(out: Path, path: str, ours: list[str]) -> bool:
    file = out / path
    if not file.is_file() or _hash(file.read_bytes()) not in ours:
        return False
    file.unlink()
    return True


def _write(file: Path, content: bytes) -> None:
    if file.is_file() and file.read_bytes() == content:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.write_bytes(content)
    beside.replace(file)


def _text(memory: _Memory) -> bytes:
    encoded = msgspec.json.encode(memory, order="sorted")
    return msgspec.json.format(encoded, indent=1) + b"\n"


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _problem(file: Path) -> Problem:
    why = "is not as kramik wrote it; move it away, or export into another folder"
    return Problem(field=str(file), code="foreign_file", message=why)
