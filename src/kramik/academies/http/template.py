"""Texts with places for values: `{order.email}`, with a filter `{course.id|int}`; `{{` and `}}` are braces.

A `course.` place is what the table `courses` says of this course, and the shop's own id of it where it says nothing.

A place names one value of a fixed list and nothing else: no attributes, no calls, no conditions.
A value is never read as a template, so what a buyer types stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import quote

import msgspec

from kramik.errors import NeedsOperator, Problem, Rejected
from kramik.table import nearest

Values = Mapping[str, object]

OPTIONAL = "optional"


class Missing:
    """What stands for the value of an optional place that has none; a body leaves its field out."""

    def __str__(self) -> str:
        return ""


MISSING = Missing()

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACE = re.compile(r"([a-z][a-z0-9_.-]*)(?:\|([a-z]+))?", re.IGNORECASE)


class Place(msgspec.Struct, frozen=True):
    """Where a value comes, and the filter that it passes."""

    name: str
    filter: str = ""


class Template(msgspec.Struct, frozen=True):
    """A text that was read once: literal parts and places."""

    parts: tuple[str | Place, ...]

    @property
    def places(self) -> Iterator[Place]:
        """Yield the places."""
        return (part for part in self.parts if isinstance(part, Place))

    @property
    def literal(self) -> str:
        """Return the text before the first place."""
        return self.parts[0] if self.parts and isinstance(self.parts[0], str) else ""

    def text(self, values: Values, encode: Callable[[str], str] = str) -> str:
        """Return the text with every value in its place, encoded.

        Raises:
            NeedsOperator: a value is missing or does not fit its filter.
        """
        return "".join(
            part if isinstance(part, str) else encode(str(_value(part, values))) for part in self.parts
        )

    def value(self, values: Values) -> object:
        """Return the text, or the value itself, be it a number, where the template is one place and nothing else.

        Raises:
            NeedsOperator: as `text`.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], Place):
            return _value(self.parts[0], values)
        return self.text(values)


def parse(text: str) -> Template:
    """Read a template.

    Raises:
        Rejected: it has a brace too much or an unknown filter.
    """
    parts: list[str | Place] = []
    at = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[at : token.start()])
        parts.append(_read(token[0], text))
        at = token.end()
    parts.append(text[at:])
    return Template(tuple(_joined(parts)))


def unknown(template: Template, known: Collection[str]) -> Iterator[str]:
    """Yield a sentence for every place whose value nobody gives; `course.` is known with any name behind it."""
    for place in template.places:
        if place.name not in known and not place.name.startswith("course."):
            yield f"has a place {{{place.name}}}, which is not known; {nearest(place.name, known)}"


def escaped(text: str) -> str:
    """Encode a value for a path or a query: no character keeps a meaning there."""
    return quote(text, safe="").replace(".", "%2E") if set(text) == {"."} else quote(text, safe="")


def _read(token: str, text: str) -> str | Place:
    if token in ("{{", "}}"):
        return token[0]
    found = _PLACE.fullmatch(token[1:-1]) if len(token) > 1 else None
    if found is None:
        raise _wrong(f"has {token!r} in {text!r}; a place is written {{order.email}}, a brace twice")
    name, applied = found[1], found[2] or ""
    if applied and applied not in FILTERS:
        raise _wrong(f"has an unknown filter {applied!r}; {nearest(applied, FILTERS)}")
    return Place(name, applied)


def _joined(parts: list[str | Place]) -> Iterator[str | Place]:
    """Yield the parts with neighbouring texts as one, so that a braced text is one literal."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        yield part
        text = ""
    if text:
        yield text


def _value(place: Place, values: Values) -> object:
    value = values.get(place.name)
    if value is None and place.name.startswith("course."):
        value = values.get("order.course")
    if value is None and place.filter == OPTIONAL:
        return MISSING
    if value is None or isinstance(value, (dict, list)):
        raise NeedsOperator(f"there is no value for {{{place.name}}}: no step before has found one")
    try:
        return FILTERS[place.filter](value) if place.filter else value
    except ValueError:
        what = f"the value for {{{place.name}}} is no whole number"
        raise NeedsOperator(f"{what}; look at `course` in the product, and at `courses`") from None


def _whole(value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


FILTERS: Mapping[str, Callable[[object], object]] = {
    OPTIONAL: lambda value: value,
    "int": _whole,
    "lower": lambda value: str(value).lower(),
    "url": lambda value: escaped(str(value)),
}


def _wrong(message: str) -> Rejected:
    return Rejected(Problem(field="", code="wrong_template", message=message))
