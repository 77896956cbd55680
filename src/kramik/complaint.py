"""What msgspec finds wrong with a value, as a place inside the value and a sentence for whoever wrote it.

msgspec speaks of `array`, `int | null` and `$[0].lessons[1]`; the author of a course wrote a list, a number, a lesson.
A sentence of another form than those known here is passed on as it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Literal, get_args, get_origin

import msgspec

_PLACE = re.compile(r" - at `(?:(?P<part>key|value|\.\.\.)` in `)?\$?(?P<path>[^`]*)`\Z")
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<given>\w+)`")
_CHOICE = re.compile(r"Invalid enum value '?(?P<given>.*?)'?")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_SAID = {
    r"Object missing required field `(.*)`": "lacks {}; add it",
    r"Expected `int` >= (-?\d+)": "must be {} or more",
    r"Expected `int` <= (-?\d+)": "must be {} or less",
    r"Expected `str` of length >= 1": "is empty; fill it, or leave it out",
    r"Expected `str` matching regex '\^\(\[a-z\]\{2\}\)\?\$'": "is no language; write two small letters, such as pl",
}

_WANTED = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table of keys and values",
}
_GIVEN = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "left empty",
}


def of(error: msgspec.ValidationError, kind: object) -> tuple[str, str]:
    """Return where inside the value it is, such as `[0].lessons[1]`, and a sentence that follows its name."""
    said, place = str(error), ""
    found = _PLACE.search(said)
    if found:
        said, place = said[: found.start()], found["path"]
        if found["part"] == "key":
            return place, "has a key that is no text; put quotes around a text with a comma or a colon in it"
    unknown = _UNKNOWN.fullmatch(said)
    if unknown:
        hint = nearest(unknown["key"], _keys(kind))
        quote = (
            "" if hint.startswith("did you mean") else "; a text with a comma or a colon in it needs quotes"
        )
        return f"{place}.{unknown['key']}", f"is not known; {hint}{quote}"
    return place, _sentence(said, kind)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or lists them all."""
    words = sorted(set(known))
    close = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(words)}"


def _sentence(said: str, kind: object) -> str:
    if found := _TYPE.fullmatch(said):
        return _wrong_type(found["wanted"].split(" | "), found["given"])
    if found := _CHOICE.fullmatch(said):
        choices = list(dict.fromkeys(_choices(kind)))
        return f"is {found['given']!r}; choose one of {', '.join(choices)}"
    for pattern, sentence in _SAID.items():
        if found := re.fullmatch(pattern, said):
            return sentence.format(*found.groups())
    return f"is wrong: {said}"


def _wrong_type(wanted: list[str], given: str) -> str:
    kinds = " or ".join(dict.fromkeys(_WANTED.get(each, each) for each in wanted if each != "null"))
    if given == "null":
        return f"is left empty; it must be {kinds}"
    quote = "; put quotes around it" if "str" in wanted and given in {"int", "float", "bool"} else ""
    return f"must be {kinds}, not {_GIVEN.get(given, given)}{quote}"


def _choices(kind: object) -> Iterator[str]:
    """Yield the words that a type lets one choose from, also those inside its fields."""
    if get_origin(kind) is Literal:
        yield from map(str, get_args(kind))
        return
    for inner in (*_fields(kind), *get_args(kind)):
        yield from _choices(inner)


def _keys(kind: object) -> Iterator[str]:
    """Yield the keys of every struct that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from (field.encode_name for field in msgspec.structs.fields(kind))
    for inner in (*_fields(kind), *get_args(kind)):
        yield from _keys(inner)


def _fields(kind: object) -> tuple[object, ...]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return tuple(field.type for field in msgspec.structs.fields(kind))
    return ()
