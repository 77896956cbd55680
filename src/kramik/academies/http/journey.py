"""Making the steps of a recipe: one request each, and what its answer means.

What is not certain stays `OutcomeUnknown`. A question changes nothing, so one without an answer is asked again;
after a step that must not be made twice, nothing may look as if it had not happened.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

import msgspec
from jmespath.exceptions import JMESPathError

from kramik.academies.http.auth import Auth
from kramik.academies.http.recipe import Choice, Question, Recipe, Step, filled
from kramik.academies.http.template import Template, Values, escaped
from kramik.errors import KramikError, OutcomeUnknown, Problem, Rejected, Transient
from kramik.http import Answer, Budget, Client

UNAUTHORIZED = 401


class Guide:
    """Makes journeys at one academy, each within the time of one call."""

    def __init__(self, client: Client, recipe: Recipe, auth: Auth) -> None:
        self._client, self._recipe, self._auth = client, recipe, auth

    def go(self, steps: Iterable[Step], values: Values, *, within: float = math.inf) -> dict[str, object]:
        """Make the steps that apply, in order, within so many seconds; return the values with what was saved.

        Raises:
            Transient: nothing happened that must not happen twice.
            OutcomeUnknown: something may have happened.
            Rejected: the academy refused a step.
            NeedsOperator: a step can not be made with these settings.
        """
        known, budget, risky = dict(values), Budget(min(self._client.call_seconds, within)), False
        for step in steps:
            if not _applies(step, known):
                continue
            try:
                known |= self._make(step, known, budget)
            except KramikError as error:
                raise _decision(error, step, risky=risky) from None
            risky = risky or not (step.harmless or self._recipe.repeat in ("keyed", "set"))
        return known

    def _make(self, step: Step, values: Values, budget: Budget) -> Mapping[str, object]:
        answer, headers = self._sent(step, values, budget)
        good = 200 <= answer.status < 300  # noqa: PLR2004 - known by heart
        body = _read(answer, strict=good)
        if answer.status in step.already and (step.already_when is None or _asked(step.already_when, body)):
            return _saved(step, body, values)
        if answer.status in step.retry_on:
            raise Transient(f"{answer.what}: answered {answer.status}, try again later")
        if answer.status not in step.ok:
            raise self._client.decision(answer, headers)
        if step.fail_when is not None and _asked(step.fail_when, body):
            said = self._client.quoted(answer, headers)
            message = f"{answer.what}: refused inside an answer {answer.status} ({said})"
            raise Rejected(Problem(field="", code="refused", message=message))
        return _saved(step, body, values)

    def _sent(self, step: Step, values: Values, budget: Budget) -> tuple[Answer, Mapping[str, str]]:
        """Make the request, once more with a new token when the old one is refused; return what was sent along."""
        answer, headers = self._asked(step, values, budget)
        if answer.status == UNAUTHORIZED and UNAUTHORIZED not in step.already and self._auth.forget():
            return self._asked(step, values, budget)
        return answer, headers

    def _asked(self, step: Step, values: Values, budget: Budget) -> tuple[Answer, Mapping[str, str]]:
        path = step.path.text(values, escaped)
        if step.query:
            path += f"?{urlencode(_texts(step.query, values))}"
        own = {**_texts(self._recipe.headers, values), **_texts(step.headers, values)}
        headers = {**own, **self._auth.headers(self._client, values, budget)}
        answer = self._client.send(
            step.method,
            path,
            doing=step.name,
            json=None if step.json is None else filled(step.json, values),
            form=None if step.form is None else _texts(step.form, values),
            headers=headers,
            answers={*step.ok, *step.already, *step.retry_on, UNAUTHORIZED},
            budget=budget,
        )
        return answer, headers


def _applies(step: Step, known: Values) -> bool:
    return (not step.when or bool(known.get(step.when))) and not (step.unless and known.get(step.unless))


def _decision(error: KramikError, step: Step, *, risky: bool) -> KramikError:
    """Return what a failed step means for the whole journey."""
    if risky:
        return OutcomeUnknown(f"{error}; what came before it did happen")
    if isinstance(error, OutcomeUnknown) and step.method == "GET":
        return Transient(str(error))
    return error


def _read(answer: Answer, *, strict: bool) -> object:
    """Read the body as JSON, None when there is none.

    Raises:
        OutcomeUnknown: it says that it is JSON and can not be read, and the answer says that all went well.
    """
    if not answer.body.strip():
        return None
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if strict and "json" in answer.headers.get("content-type", "json"):
            message = f"{answer.what}: answered {answer.status}, but not with JSON that can be read"
            raise OutcomeUnknown(message) from None
        return None


def _asked(question: Question, body: object) -> object:
    """Ask a body; an expression that does not fit it finds nothing."""
    try:
        return question(body)
    except (JMESPathError, TypeError, ValueError):
        return None


def _saved(step: Step, body: object, values: Values) -> dict[str, object]:
    found = {name: _asked(question, body) for name, question in step.save.items()}
    found |= {name: _chosen(choice, body, values) for name, choice in step.choose.items()}
    return {name: value for name, value in found.items() if value is not None}


def _chosen(choice: Choice, body: object, values: Values) -> object:
    """Return what is taken of the first in the list that is meant; None when there is none."""
    items, wanted = _asked(choice.of, body), choice.equals.text(values).casefold()
    fits = (
        (item for item in items if str(_asked(choice.key, item)).casefold() == wanted)
        if isinstance(items, list)
        else ()
    )
    return next((_asked(choice.take, item) for item in fits), None)


def _texts(templates: Mapping[str, Template], values: Values) -> dict[str, str]:
    return {key: each.text(values) for key, each in templates.items()}
