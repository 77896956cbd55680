"""The rules of `host.json`.

Source: MicrosoftDocs/azure-docs, includes/functions-host-json-queues.md; Azure/azure-webjobs-sdk#2967.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from kramik.errors import Problem
from kramik.hosts.azure.bill import PlanName
from kramik.hosts.azure.hostfile import MAX_DEQUEUE
from kramik.hosts.azure.rules.app import App

FILE = "host.json"
DAY = 86_400.0
LONGEST_WAIT = 600.0
"""Seconds that an order may wait for a poll or a retry at the most, before anybody would call it stuck."""

LONGEST_RUN = 600.0
"""Seconds of a function on the Consumption plan; the host does not start with more."""

_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?")


def problems(app: App, plan: PlanName) -> Iterator[Problem]:
    """Yield what is wrong with the file."""
    if FILE not in app.texts:
        message = "is missing: without it every default holds, also those that break a shop; take that of the package"
        yield Problem(field=f"{app.name}/{FILE}", code="missing_file", message=message)
        return
    try:
        content = json.loads(app.texts[FILE])
    except json.JSONDecodeError as error:
        yield Problem(
            field=f"{app.name}/{FILE}:{error.lineno}", code="not_json", message=f"is not JSON: {error.msg}"
        )
        return
    root = content if isinstance(content, dict) else {}
    yield from _frame(app, root)
    yield from _queues(app, _sub(_sub(root, "extensions"), "queues"))
    yield from _run(app, root, plan)


def seconds(span: object) -> float | None:
    """Return a time span of .NET in seconds, as the host reads it: "60" are 60 days; nothing if it is none."""
    if isinstance(span, int) or (isinstance(span, str) and span.isdigit()):
        return float(span) * DAY
    found = _SPAN.fullmatch(span) if isinstance(span, str) else None
    if found is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return days * DAY + hours * 3_600 + minutes * 60 + rest


def _frame(app: App, root: Mapping[str, object]) -> Iterator[Problem]:
    if root.get("version") != "2.0":
        message = 'must say "version": "2.0": the host reads nothing else of the file otherwise'
        yield app.problem(FILE, '"version"', "host_version", message)
    bundle = _sub(root, "extensionBundle").get("version")
    if not isinstance(bundle, str) or not re.match(r"\[4\.", bundle):
        message = (
            'needs an extensionBundle with "version": "[4.*, 5.0.0)": without it there is no queue trigger'
        )
        yield app.problem(FILE, '"extensionBundle"', "extension_bundle", message)
    if _sub(_sub(root, "extensions"), "http").get("routePrefix") != "":
        message = (
            'needs "routePrefix": "" in extensions.http: the routes of the shop begin with /api themselves, and'
            " every notification would be answered with 404"
        )
        yield app.problem(FILE, '"routePrefix"', "route_prefix", message)


def _queues(app: App, queues: Mapping[str, object]) -> Iterator[Problem]:
    spans = (
        ("maxPollingInterval", "poll_interval", "00:01:00", "a paid order would wait for it"),
        ("visibilityTimeout", "visibility", "00:00:30", "a message that failed would be hidden for it"),
    )
    for name, code, good, harm in spans:
        span = queues.get(name, good)
        waits = seconds(span)
        if waits is None or waits > LONGEST_WAIT:
            message = f'{name} {span!r} is read as {_told(waits)}: {harm}; write "{good}"'
            yield app.problem(FILE, f'"{name}"', code, message)
    if queues.get("messageEncoding") != "base64":
        message = (
            'needs "messageEncoding": "base64" in extensions.queues: shop and host must say the same, or every'
            " message ends as poison"
        )
        yield app.problem(FILE, '"messageEncoding"', "encoding", message)
    tries = queues.get("maxDequeueCount", MAX_DEQUEUE)
    if not isinstance(tries, int) or tries < MAX_DEQUEUE:
        message = (
            f"maxDequeueCount {tries!r} makes poison of a message before the shop has parked its order;"
            f" write {MAX_DEQUEUE}"
        )
        yield app.problem(FILE, '"maxDequeueCount"', "dequeue_count", message)


def _told(waits: float | None) -> str:
    if waits is None:
        return "no time"
    return f"{waits / DAY:g} days" if waits >= DAY else f"{waits:g} seconds"


def _run(app: App, root: Mapping[str, object], plan: PlanName) -> Iterator[Problem]:
    longest = root.get("functionTimeout")
    if longest is None or plan != "consumption":
        return
    runs = seconds(longest)
    if runs is None or runs > LONGEST_RUN:
        message = f'functionTimeout {longest!r} is more than Consumption allows: no start; write "00:05:00"'
        yield app.problem(FILE, '"functionTimeout"', "timeout", message)


def _sub(raw: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}
