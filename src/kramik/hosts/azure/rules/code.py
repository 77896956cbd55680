"""The rules of the code that declares functions, read without running it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

from kramik.errors import Problem
from kramik.hosts.azure.rules.app import App, own_code

_KEYED = "gateways, buyers and browsers have no key, and every notification would be answered with 401"
_FIX = "write http_auth_level=AuthLevel.ANONYMOUS; the shop verifies signatures itself"


def problems(app: App) -> Iterator[Problem]:
    """Yield what is wrong with the functions."""
    if "function_app.py" not in app.names:
        message = "is missing: Azure starts such an app without an error, and without a function"
        yield Problem(field=f"{app.name}/function_app.py", code="missing_file", message=message)
    triggers = 0
    for file, text in own_code(app):
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            where = f"{app.name}/{file}:{error.lineno}"
            yield Problem(field=where, code="syntax", message=f"is not Python: {error.msg}")
            continue
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            yield from _levels(app, file, call)
            yield from _queue(app, file, call)
            triggers += _name(call) == "queue_trigger"
    if triggers > 1:
        message = f"has {triggers} queue triggers: each costs 21 cents a month while idle; let a message say its kind"
        yield Problem(field=app.name, code="queue_triggers", message=message)
    yield from _declared(app)


def _levels(app: App, file: str, call: ast.Call) -> Iterator[Problem]:
    """Yield the keys that a call asks visitors for; `FunctionApp()` asks for one unless it is told not to."""
    said = {word.arg: word.value for word in call.keywords}
    level = said.get("http_auth_level" if _name(call) == "FunctionApp" else "auth_level")
    if _name(call) == "FunctionApp" and level is None and not call.args:
        message = f"FunctionApp() asks for a key: {_KEYED}; {_FIX}"
        yield _at(app, file, call.lineno, code="auth_level", message=message)
    spelt = ast.unparse(level).rpartition(".")[2].strip("'\"").upper() if level else ""
    if _name(call) in ("FunctionApp", "route") and spelt in ("FUNCTION", "ADMIN"):
        message = f"the level {spelt} asks for a key: {_KEYED}; {_FIX}"
        yield _at(app, file, call.lineno, code="auth_level", message=message)


def _queue(app: App, file: str, call: ast.Call) -> Iterator[Problem]:
    if _name(call) != "queue_trigger":
        return
    named = next((word.value for word in call.keywords if word.arg == "queue_name"), None)
    if isinstance(named, ast.Constant) and str(named.value).endswith("-poison"):
        message = "a trigger on the poison queue costs 21 cents a month and makes poison of poison; the timer drains it"
        yield _at(app, file, call.lineno, code="poison_trigger", message=message)


def _declared(app: App) -> Iterator[Problem]:
    """Yield the same of the older form, a `function.json` for each function."""
    for file in sorted(name for name in app.texts if name.endswith("/function.json")):
        try:
            content = json.loads(app.texts[file])
        except json.JSONDecodeError:
            continue
        bindings = content.get("bindings", []) if isinstance(content, dict) else []
        for binding in bindings:
            if binding.get("type") == "httpTrigger" and binding.get("authLevel", "function") != "anonymous":
                yield app.problem(
                    file, "httpTrigger", "auth_level", f"asks for a key: {_KEYED}; write anonymous"
                )


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _at(app: App, file: str, line: int, *, code: str, message: str) -> Problem:
    return Problem(field=f"{app.name}/{file}:{line}", code=code, message=message)
