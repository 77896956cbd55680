"""A table that a person wrote (front matter, a table of `shop.toml`) becomes a value, or a list of problems.

Every problem is reported at once: unknown keys with the nearest known one, missing keys, wrong types,
secrets that stand in the file, variables of the environment that are not set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, TypeVar, get_args

import msgspec

from kramik import complaint
from kramik.complaint import nearest
from kramik.errors import Problem, Rejected

__all__ = ["Secret", "SecretTable", "Secrets", "Shape", "nearest", "read", "secret_keys", "secrets"]

Shape = TypeVar("Shape", bound=msgspec.Struct)

_SECRET = msgspec.Meta(extra={"secret": True})
Secret = Annotated[str, _SECRET]
"""A field that must be read from the environment, by `env:NAME`."""
Secrets = Annotated[str | list[str], _SECRET]
"""One secret or a list of them."""
SecretTable = Annotated[dict[str, str], _SECRET]
"""Secrets by a name of their own."""

_ENV = "env:"


def read(table: Mapping[str, object], shape: type[Shape], environ: Mapping[str, str] | None = None) -> Shape:
    """Convert a table into a struct; with `environ`, text that begins with `env:` is looked up there.

    Raises:
        Rejected: one problem for each key that is unknown, missing or of the wrong type; `field` is the key, and
            behind it the place inside its value: `programme[0].title`.
    """
    fields = _fields(shape)
    problems = [*_unknown(table, fields), *_missing(table, fields), *_exposed(table, fields)]
    values = {
        key: _looked_up_all(key, value, environ, problems)
        if isinstance(value, Mapping) and key in fields and _is_secret(fields[key])
        else _looked_up(key, value, environ, problems)
        for key, value in table.items()
    }
    problems += _wrong(values, fields)
    if problems:
        raise Rejected(*problems)
    return msgspec.convert(values, shape, strict=False)


def secrets(value: msgspec.Struct) -> Iterator[str]:
    """Yield the values of the fields that are secrets."""
    for field in msgspec.structs.fields(value):
        if _is_secret(field):
            yield from map(str, _listed(getattr(value, field.name)))


def secret_keys(shape: type[msgspec.Struct]) -> frozenset[str]:
    """Return the keys of a table that must be read from the environment."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(shape) if _is_secret(field))


@cache
def _fields(shape: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(shape)}


def _unknown(table: Mapping[str, object], fields: Mapping[str, object]) -> Iterator[Problem]:
    for key in table:
        if key not in fields:
            yield Problem(
                field=str(key), code="unknown_key", message=f"is not known; {nearest(str(key), fields)}"
            )


def _missing(
    table: Mapping[str, object], fields: Mapping[str, msgspec.structs.FieldInfo]
) -> Iterator[Problem]:
    for key, field in fields.items():
        if field.required and key not in table:
            yield Problem(field=key, code="missing_key", message="is missing; add it")


def _exposed(
    table: Mapping[str, object], fields: Mapping[str, msgspec.structs.FieldInfo]
) -> Iterator[Problem]:
    for key, value in table.items():
        if (
            key in fields
            and _is_secret(fields[key])
            and not all(str(each).startswith(_ENV) for each in _listed(value))
        ):
            message = f'is a secret written in the file; write "{_ENV}NAME" and set NAME in the environment'
            yield Problem(field=key, code="secret_in_file", message=message)


def _looked_up(key: str, value: object, environ: Mapping[str, str] | None, problems: list[Problem]) -> object:
    if environ is None:
        return value
    if isinstance(value, list):
        return [_looked_up(key, each, environ, problems) for each in value]
    if not isinstance(value, str) or not value.startswith(_ENV):
        return value
    name = value.removeprefix(_ENV)
    if not environ.get(name):
        message = f"reads {name} from the environment, where it is missing or empty; set it there or in .env"
        problems.append(Problem(field=key, code="missing_variable", message=message))
    return environ.get(name, "")


def _looked_up_all(
    key: str, values: Mapping[str, object], environ: Mapping[str, str] | None, problems: list[Problem]
) -> dict[str, object]:
    return {name: _looked_up(f"{key}.{name}", each, environ, problems) for name, each in values.items()}


def _wrong(table: Mapping[str, object], fields: Mapping[str, msgspec.structs.FieldInfo]) -> Iterator[Problem]:
    for key, value in table.items():
        field = fields.get(key)
        if field is None:
            continue
        try:
            msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as error:
            place, message = complaint.of(error, field.type)
            yield Problem(field=f"{key}{place}", code="wrong_type", message=message)
        except Rejected as error:
            yield from (Problem(field=key, code=each.code, message=each.message) for each in error.problems)


def _is_secret(field: msgspec.structs.FieldInfo) -> bool:
    return _SECRET in get_args(field.type)


def _listed(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else [value]
