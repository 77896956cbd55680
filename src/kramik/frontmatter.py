"""The front matter of a file: the YAML between two lines `---`, read into a value; each mistake names its line.

It is handed texts and opens no file. YAML is looked at twice only when something is wrong: the second look knows the
lines.
"""

from __future__ import annotations

import re

import msgspec
import yaml

from kramik import table
from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.table import Shape

_FRONT = re.compile(r"\A---[ \t]*\n(?P<front>.*?)^---[ \t]*$\n?(?P<body>.*)\Z", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"^([A-Za-z_]\w*)[ \t]*:(?:\s|$)", re.MULTILINE)
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one that msgspec reads with: the two do not agree about every text."""

_FIRST = 2
"""The line of a file on which its front matter begins."""

_HINTS = {
    "mapping values are not allowed": "put quotes around a text with a colon in it",
    "cannot start any token": "put quotes around a text that begins with @ or `, and indent with spaces",
    "found unknown escape character": "write a backslash in '…' rather than in \"…\"",
    "found undefined alias": "put quotes around a text that begins with *",
    "found a tab character": "indent with spaces, not with a tab",
    "expected <block end>": "let the keys of one table begin in the same column, and close each quote",
    "expected ',' or": "close the bracket, and put quotes around a text with a comma, a colon or a bracket in it",
    "while scanning a quoted scalar": "close the quote",
}
"""What a sentence of the YAML reader means for somebody who writes a course, most likely."""


def split(file: str, text: str) -> tuple[str, str]:
    """Split a file into its front matter and its Markdown; `file` is its path in the shop's folder.

    Raises:
        ConfigurationError: the two lines `---` are missing.
    """
    match = _FRONT.match(text.replace("\r\n", "\n").removeprefix("\N{BOM}"))
    if match is None:
        message = "starts without front matter; begin it with a line ---, the fields, and a line ---"
        raise ConfigurationError(_problem(file, 1, message))
    return match["front"], match["body"]


def read(file: str, front: str, shape: type[Shape]) -> Shape:
    """Read front matter into a struct.

    Raises:
        ConfigurationError: every problem, with file and line.
    """
    return shaped(file, front, fields(file, front), shape)


def shaped(file: str, front: str, raw: dict[str, object], shape: type[Shape]) -> Shape:
    """Make a struct of the keys and values of front matter.

    Raises:
        ConfigurationError: every problem, with file and line.
    """
    try:
        return table.read(raw, shape)
    except Rejected as error:
        raise ConfigurationError(*(located(file, front, each) for each in error.problems)) from None


def parsed(file: str, text: str) -> dict[str, object]:
    """Return the keys and values of a whole file.

    Raises:
        ConfigurationError: it has no front matter, or this can not be read.
    """
    return fields(file, split(file, text)[0])


def fields(file: str, front: str) -> dict[str, object]:
    """Return the keys and values of front matter.

    Raises:
        ConfigurationError: it is no YAML, or says a key twice.
    """
    try:
        found = msgspec.yaml.decode(front.encode(), type=dict[str, object])
    except (msgspec.MsgspecError, ValueError) as error:
        line, why = _unreadable(front, error)
        raise ConfigurationError(_problem(file, line, f"is no front matter: {why}")) from None
    keys = _KEY.findall(front)
    if len(keys) != len(set(keys)):
        twice = [_problem(file, line, f"{key} is written twice; keep one") for key, line in _repeated(front)]
        if twice:
            raise ConfigurationError(*twice)
    return found


def located(file: str, front: str, problem: Problem) -> Problem:
    """Return a problem whose field is a place in front matter, such as `sales[0].from`, with the line of that place."""
    line = _line(front, problem.field)
    return _problem(file, line, f"{problem.field} {problem.message}".strip(), code=problem.code)


def _problem(file: str, line: int, message: str, *, code: str = "wrong") -> Problem:
    return Problem(field=f"{file}:{line}", code=code, message=message)


def _line(front: str, place: str) -> int:
    """Return the line of a place, or of what is nearest around it; the first line when there is nothing."""
    node, line = _composed(front), 1
    for number, key in _STEP.findall(place):
        child, found = _step(node, int(number) if number else key)
        if found is None:
            break
        node, line = child, found + _FIRST
    return line


def _step(node: yaml.Node | None, wanted: str | int) -> tuple[yaml.Node | None, int | None]:
    """Return what a key or a number leads to, and its line counted from 0; None when it leads nowhere."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == wanted:
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(wanted, int) and wanted < len(node.value):
        return node.value[wanted], node.value[wanted].start_mark.line
    return None, None


def _repeated(front: str) -> list[tuple[str, int]]:
    node = _composed(front)
    keys = [each for each, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    seen: set[str] = set()
    found = []
    for key in keys:
        if key.value in seen:
            found.append((key.value, key.start_mark.line + _FIRST))
        seen.add(key.value)
    return found


def _composed(front: str) -> yaml.Node | None:
    try:
        return yaml.compose(front, Loader=_LOADER)
    except yaml.YAMLError:
        return None


def _unreadable(front: str, error: Exception) -> tuple[int, str]:
    """Return the line of what can not be read, and why."""
    cause = error.__context__
    mark = getattr(cause, "problem_mark", None)
    if getattr(cause, "problem", None) == "found unexpected end of stream":
        mark = getattr(cause, "context_mark", mark)
    if mark is not None:
        said = f"{getattr(cause, 'context', '') or ''} {getattr(cause, 'problem', '') or ''}".strip()
        hint = next((text for words, text in _HINTS.items() if words in said), "")
        return int(mark.line) + _FIRST, f"{said}; {hint}" if hint else said
    impossible = _impossible(_composed(front))
    if impossible is not None:
        line = impossible.start_mark.line + _FIRST
        return line, f"{impossible.value} is no moment that exists; write one such as 2026-12-01 09:00"
    return _FIRST, "write keys and values, such as title: My course"


def _impossible(node: yaml.Node | None) -> yaml.ScalarNode | None:
    """Return the first value that looks like a moment and is none, such as 2026-13-40."""
    if isinstance(node, yaml.ScalarNode):
        if node.tag != "tag:yaml.org,2002:timestamp":
            return None
        try:
            yaml.safe_load(node.value)
        except ValueError:
            return node
    inner = node.value if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
    return next(filter(None, map(_impossible, inner)), None)
