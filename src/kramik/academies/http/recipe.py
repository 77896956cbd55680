"""A recipe: how an academy is asked, as tables of `shop.toml` or of a preset say it (`reading.py` reads them).

`grant` gives access, `find` asks whether it was given, `revoke` takes it back, `fresh` gets a new link, and `check`
asks whether a product's course is there, before anybody buys it.
Each is a list of steps, made in order. Only the leaf strings of a step are templates, so that no value changes
the shape of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from kramik.academies.http import template
from kramik.academies.http.template import Template
from kramik.http import Method
from kramik.ports import Repeat

Journey = Literal["grant", "find", "revoke", "fresh", "check"]
ORDER = (
    "id",
    "email",
    "name",
    "first_name",
    "last_name",
    "course",
    "title",
    "product",
    "lang",
    "begins",
    "ends",
)
OK = (200, 201, 202, 204)
RECORDED = "recorded"
"""The link that was recorded when access was given, for the steps that get a new one."""

Body = object
"""What JSON can be, with templates in place of texts."""

Question = Callable[[object], object]
"""A JMESPath expression: asks a JSON value for something in it."""


class Already(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer that says that it was done before: one of these statuses, and the expression is true of the body."""

    status: list[int]
    when: str = ""


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of a list: the first of `of` whose `key` equals a value, as text and in any case; `take` of it is saved."""

    of: str
    key: str
    equals: str
    take: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """How one of a list is chosen."""

    of: Question
    key: Question
    equals: Template
    take: Question


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step as it is written down."""

    name: str
    path: str
    method: Method = "POST"
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    json: dict[str, object] | None = None
    form: dict[str, str] | None = None
    ok: tuple[int, ...] = OK
    already: Already | None = None
    fail_when: str = ""
    retry_on: list[int] = []
    save: dict[str, str] = {}
    choose: dict[str, Chosen] = {}
    when: str = ""
    unless: str = ""
    harmless: bool = False


Steps = list[dict[str, object]]

Links = str | list[str]
"""A link, or several of which the first counts whose places all have a value."""


class RecipeText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recipe as it is written down; `found` is the saved name that says that access was given."""

    repeat: Repeat
    link: Links
    grant: Steps
    fresh_link: Links = ""
    lag: float = 0.0
    headers: dict[str, str] = {}
    auth: dict[str, object] = {}
    found: str = ""
    find: Steps = []
    revoke: Steps = []
    fresh: Steps = []
    check: Steps = []


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was read; `harmless` when making it twice changes nothing, whatever the recipe says of the whole."""

    name: str
    method: Method
    path: Template
    query: Mapping[str, Template]
    headers: Mapping[str, Template]
    json: Body
    form: Mapping[str, Template] | None
    ok: frozenset[int]
    already: frozenset[int]
    already_when: Question | None
    fail_when: Question | None
    retry_on: frozenset[int]
    save: Mapping[str, Question]
    choose: Mapping[str, Choice]
    when: str
    unless: str
    harmless: bool


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about an academy but its address and its secrets."""

    repeat: Repeat
    link: tuple[Template, ...]
    fresh_link: tuple[Template, ...]
    found: str
    headers: Mapping[str, Template]
    journeys: Mapping[Journey, tuple[Step, ...]]
    lag: float = 0.0


def filled(body: Body, values: template.Values) -> object:
    """Return a body with every value in its place.

    Raises:
        NeedsOperator: a value is missing.
    """
    if isinstance(body, Template):
        return body.value(values)
    if isinstance(body, dict):
        fields = {key: filled(each, values) for key, each in body.items()}
        return {key: each for key, each in fields.items() if each is not template.MISSING}
    return [filled(each, values) for each in body] if isinstance(body, list) else body
