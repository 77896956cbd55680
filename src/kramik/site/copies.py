"""What a shop copied from the theme, and what the theme changed in it since.

A copy goes before the theme's own and does not follow it; to change one block only, extend `theme/product.html`.
`templates/.kramik-theme.json` keeps each file of the theme as it was when it was copied, so that after an upgrade the
theme's changes can be read apart from the shop's own. It belongs to the shop: keep it with the templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

import msgspec

from kramik import table
from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.site.theme import ASSETS, HERE

MEMORY = ".kramik-theme.json"
_EXTENDS = re.compile(r"{%-?\s*extends\s+[\"']theme/")


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the theme as it was when it was copied, with its hash for whoever reads the memory."""

    sha256: str
    text: str


def names() -> list[str]:
    """Return every file that can be copied: the templates, then the assets, as a shop has to call them."""
    templates = sorted(file.name for file in (HERE / "theme").glob("*.html"))
    return [*templates, *(f"assets/{name}" for name in sorted(ASSETS))]


def original(name: str) -> Path:
    """Return where the theme has a file of this name."""
    return HERE / name if name.startswith("assets/") else HERE / "theme" / name


def known(name: str) -> None:
    """Look whether the theme has a file of this name.

    Raises:
        Rejected: it has not; the message names the nearest one, or all of them.
    """
    if name in names():
        return
    hint = table.nearest(name, names())
    raise Rejected(Problem(field="FILE", code="unknown", message=f"the theme has no file {name!r}; {hint}"))


def eject(name: str, templates: Path) -> Path:
    """Copy a file into the folder of the shop's own templates and return where it is now.

    Raises:
        Rejected: the theme has no such file.
        FileExistsError: the shop has its own already; it is left as it is.
    """
    known(name)
    target = templates / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(original(name).read_bytes())
    note(name, templates)
    return target


def note(name: str, templates: Path) -> None:
    """Keep that the shop's file follows the theme's file of today."""
    text = original(name).read_text("utf-8")
    now = Original(sha256=sha256(text.encode()).hexdigest(), text=text)
    noted = dict(sorted({**_read(templates), name: now}.items()))
    beside = templates / f"{MEMORY}.new"
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(noted), indent=1) + b"\n")
    beside.replace(templates / MEMORY)


def difference(name: str, templates: Path) -> str:
    """Return what the theme changed since the copy; where nobody noted when that was, what sets the two apart."""
    before = _read(templates).get(name)
    old = before.text if before else (templates / name).read_text("utf-8")
    then = "when you copied it" if before else "as you have it"
    lines = unified_diff(
        old.splitlines(keepends=True),
        original(name).read_text("utf-8").splitlines(keepends=True),
        f"{name} {then}",
        f"{name} in the theme today",
    )
    return "".join(lines)


def advice(templates: Path) -> Iterator[str]:
    """Yield which files of the shop the theme has left behind, and what to do."""
    noted = _read(templates)
    for name in names():
        own = templates / name
        if not own.is_file():
            continue
        text, today = own.read_text("utf-8", "replace"), original(name).read_text("utf-8")
        if text == today or _EXTENDS.search(text):
            continue
        if name not in noted:
            why = "replaces a file of the theme, and nobody noted as of when"
            yield _advice(name, f"{why}: compare them with kramik theme eject {name} --diff")
        elif noted[name].text != today:
            why = "was copied from a file of the theme that has changed since"
            yield _advice(name, f"{why}: see what changed with kramik theme eject {name} --diff")


def _advice(name: str, text: str) -> str:
    return f"templates/{name} {text}, and when yours is up to date say kramik theme eject {name} --merged"


def _read(templates: Path) -> Mapping[str, Original]:
    file = templates / MEMORY
    if not file.is_file():
        return {}
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Original])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        why = "can not be read; remove it, and compare your templates with kramik theme eject FILE --diff"
        raise ConfigurationError(Problem(field=f"templates/{MEMORY}", code="wrong", message=why)) from None
