"""Reading a recipe: every problem of it at once, each with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import jmespath
from jmespath.exceptions import JMESPathError

from kramik import table
from kramik.academies.http import template
from kramik.academies.http.recipe import (
    ORDER,
    RECORDED,
    Body,
    Choice,
    Chosen,
    Journey,
    Links,
    Question,
    Recipe,
    RecipeText,
    Step,
    Steps,
    Written,
)
from kramik.academies.http.template import Template
from kramik.errors import Problem, Rejected


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
        said = message if where == key else f"({where}) {message}"
        self.problems.append(Problem(field=key, code="wrong_recipe", message=said))


def _journeys(text: RecipeText) -> dict[Journey, Steps]:
    journeys: dict[Journey, Steps] = {"grant": text.grant, "find": text.find, "revoke": text.revoke}
    return {**journeys, "fresh": text.fresh, "check": text.check}


def _saved(steps: Steps) -> frozenset[str]:
    tables = (step.get(key) for step in steps for key in ("save", "choose"))
    return frozenset(str(name) for each in tables if isinstance(each, dict) for name in each)


def _nothing(_body: object) -> None:
    return None
