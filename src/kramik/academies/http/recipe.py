"""A recipe: how an academy is asked, as tables of `shop.toml` or of a preset say it; read once, with all problems.

`grant` gives access, `find` asks whether it was given, `revoke` takes it back, `fresh` gets a new link, and `check`
asks whether a product's course is there, before anybody buys it.
Each is a list of steps, made in order. Only the leaf strings of a step are templates, so that no value changes
the shape of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from kramik import table
from kramik.academies.http import template
from kramik.academies.http.template import Template
from kramik.errors import Problem, Rejected
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


class Reading:
    """Collects the problems of one recipe; `settings` and `secrets` are the names that places may use."""

    def __init__(self, settings: Iterable[str], secrets: Iterable[str]) -> None:
        self.problems: list[Problem] = []
        self._open = {"base_url", *(f"order.{each}" for each in ORDER), *settings}
        self._secret = {*self._open, *(f"secret.{each}" for each in secrets)}

    def text(self, where: str, text: str, saved: frozenset[str] = frozenset(), *, secret: bool) -> Template:
        """Read a template; a secret may stand where it is sent to the vendor and in nothing that leads elsewhere."""
        try:
            found = template.parse(text)
        except Rejected as error:
            self._add(where, error.problems[0].message)
            return Template(())
        for wrong in template.unknown(found, {*(self._secret if secret else self._open), *saved}):
            self._add(where, wrong)
        return found

    def links(self, where: str, raw: Links, saved: frozenset[str]) -> tuple[Template, ...]:
        """Read the links, of which the first whose places have values counts."""
        texts = [raw] if isinstance(raw, str) else raw
        return tuple(self.text(where, each, saved, secret=False) for each in texts if each)

    def texts(self, where: str, raw: Mapping[str, str], saved: frozenset[str]) -> dict[str, Template]:
        """Read the values of a flat table."""
        return {key: self.text(f"{where}.{key}", each, saved, secret=True) for key, each in raw.items()}

    def question(self, where: str, text: str) -> Question | None:
        """Read a JMESPath expression; None for an empty one."""
        if not text:
            return None
        try:
            return jmespath.compile(text).search
        except JMESPathError as error:
            self._add(where, f"is no JMESPath expression: {' '.join(str(error).split())[:120]}")
            return None

    def recipe(self, text: RecipeText) -> Recipe:
        """Read a recipe; it counts only when there are no problems."""
        if (text.repeat == "lookup") != bool(text.find):
            self._add("find", 'belongs to repeat = "lookup", and the other way round')
        if bool(text.fresh) != bool(text.fresh_link):
            self._add("fresh", "belongs to fresh_link, and the other way round")
        if not text.grant:
            self._add("grant", "has no step")
        saved = {name: _saved(steps) for name, steps in _journeys(text).items()}
        if text.found not in saved["find"] and text.find:
            self._add("found", "must name what a step of find saves when access was given")
        links = saved["grant"] | saved["find"]
        return Recipe(
            repeat=text.repeat,
            link=self.links("link", text.link, links),
            fresh_link=self.links("fresh_link", text.fresh_link, saved["fresh"] | {RECORDED}),
            found=text.found,
            headers=self.texts("headers", text.headers, frozenset()),
            journeys={name: self.journey(name, steps) for name, steps in _journeys(text).items()},
            lag=text.lag,
        )

    def journey(self, name: str, raw: Steps) -> tuple[Step, ...]:
        """Read the steps of a journey; what one saves, those behind it may use."""
        steps, saved = [], frozenset[str]({RECORDED} if name == "fresh" else ())
        for number, each in enumerate(raw):
            where = f"{name}[{number}]"
            try:
                written = table.read(each, Written)
            except Rejected as error:
                for problem in error.problems:
                    self._add(f"{where}.{problem.field}", problem.message)
                continue
            steps.append(self._step(where, written, saved))
            saved |= written.save.keys() | written.choose.keys()
        return tuple(steps)

    def _step(self, where: str, step: Written, saved: frozenset[str]) -> Step:
        self._shape(where, step, saved)
        already = step.already
        questions = {
            key: self.question(f"{where}.save.{key}", each) or _nothing for key, each in step.save.items()
        }
        return Step(
            name=step.name,
            method=step.method,
            path=self.text(f"{where}.path", step.path, saved, secret=False),
            query=self.texts(f"{where}.query", step.query, saved),
            headers=self.texts(f"{where}.headers", step.headers, saved),
            json=None if step.json is None else self._body(f"{where}.json", step.json, saved),
            form=None if step.form is None else self.texts(f"{where}.form", step.form, saved),
            ok=frozenset(step.ok),
            already=frozenset(already.status if already else ()),
            already_when=self.question(f"{where}.already.when", already.when) if already else None,
            fail_when=self.question(f"{where}.fail_when", step.fail_when),
            retry_on=frozenset(step.retry_on),
            save=questions,
            choose={
                key: self._choice(f"{where}.choose.{key}", each, saved) for key, each in step.choose.items()
            },
            when=step.when,
            unless=step.unless,
            harmless=step.harmless or step.method == "GET",
        )

    def _choice(self, where: str, chosen: Chosen, saved: frozenset[str]) -> Choice:
        return Choice(
            of=self.question(f"{where}.of", chosen.of) or _nothing,
            key=self.question(f"{where}.key", chosen.key) or _nothing,
            equals=self.text(f"{where}.equals", chosen.equals, saved, secret=False),
            take=self.question(f"{where}.take", chosen.take or chosen.key) or _nothing,
        )

    def _shape(self, where: str, step: Written, saved: frozenset[str]) -> None:
        if step.json is not None and step.form is not None:
            self._add(where, "has json and form; a request has one body")
        if not step.path.startswith("/"):
            self._add(f"{where}.path", "must begin with a slash; it lies below base_url")
        for key, name in (("when", step.when), ("unless", step.unless)):
            if name and name not in saved:
                self._add(f"{where}.{key}", f"names {name!r}, which no step before saves")

    def _body(self, where: str, raw: object, saved: frozenset[str]) -> Body:
        if isinstance(raw, str):
            return self.text(where, raw, saved, secret=True)
        if isinstance(raw, dict):
            return {key: self._body(f"{where}.{key}", each, saved) for key, each in raw.items()}
        if isinstance(raw, list):
            return [self._body(f"{where}[{number}]", each, saved) for number, each in enumerate(raw)]
        return raw

    def _add(self, where: str, message: str) -> None:
        key = where.partition("[")[0].partition(".")[0]
        self.problems.append(Problem(field=key, code="wrong_recipe", message=f"({where}) {message}"))


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


def _journeys(text: RecipeText) -> dict[Journey, Steps]:
    journeys: dict[Journey, Steps] = {"grant": text.grant, "find": text.find, "revoke": text.revoke}
    return {**journeys, "fresh": text.fresh, "check": text.check}


def _saved(steps: Steps) -> frozenset[str]:
    tables = (step.get(key) for step in steps for key in ("save", "choose"))
    return frozenset(str(name) for each in tables if isinstance(each, dict) for name in each)


def _nothing(_body: object) -> None:
    return None
