"""Kit's description of its API: what a request may say, and what an answer has to say.

The description is Kit's OpenAPI document without its texts; custom fields are free there, as their keys are the shop's.
A request that names anything else is refused, where Kit would ignore it: a wrong word must not go unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import jsonschema
import msgspec

Schema = dict[str, object]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: who may call it, its query parameters, and the schemas of body and answers by status."""

    security: list[str]
    query: list[str]
    body: Schema | None = None
    answers: dict[str, Schema]

    def problems(self, query: Mapping[str, str], body: object) -> Iterator[str]:
        """Yield what is wrong with a request."""
        for name in query:
            if name not in self.query:
                yield f"{name} is no parameter"
        if self.body is not None:
            yield from _wrong(self.body, body)

    def broken(self, status: int, answer: object) -> list[str]:
        """Return in which way this answer is not what Kit answers."""
        schema = self.answers.get(str(status))
        return [f"{status} is no answer"] if schema is None else list(_wrong(schema, answer))


class Rules:
    """The whole description, read when it is first needed."""

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """Return the operations by method and path, such as `GET /v4/account`."""
        raw = (Path(__file__).parent / "v4.json").read_bytes()
        return msgspec.json.decode(raw, type=_Document).operations


class _Document(msgspec.Struct):
    source: str
    operations: dict[str, Operation]


def _wrong(schema: Schema, value: object) -> Iterator[str]:
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        yield f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message}"
