"""The rules of what lies in an app: no secret, nothing of this machine, the right Python, not too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kramik.errors import Problem
from kramik.hosts.azure.bill import PlanName
from kramik.hosts.azure.leak import leaks
from kramik.hosts.azure.rules.app import App
from kramik.hosts.azure.target import CONSUMPTION

LOCAL = ("local.settings.json", ".env")

_ABI = re.compile(r"\.cpython-3(\d+)-")


def problems(app: App, plan: PlanName, version: str, secrets: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what should not be in the app."""
    texts = {f"{app.name}/{name}": text.encode() for name, text in sorted(app.texts.items())}
    yield from leaks(texts, secrets)
    for name in sorted(app.names):
        if name.rpartition("/")[2] in LOCAL:
            message = "is for this machine and is full of secrets; leave it out of what is deployed"
            yield Problem(field=f"{app.name}/{name}", code="local_file", message=message)
    yield from python(plan, version)
    built = {f"3.{found[1]}" for name in app.names if (found := _ABI.search(name))}
    if built and version not in built:
        message = (
            f"has parts for Python {', '.join(sorted(built))}, and the app runs on {version}: nothing could be"
            f" imported; make it with --python {version}"
        )
        yield Problem(field=app.name, code="python", message=message)


def python(plan: PlanName, version: str) -> Iterator[Problem]:
    """Yield whether the plan has this version of Python."""
    if plan == "consumption" and _minor(version) > _minor(CONSUMPTION):
        message = (
            f"Python {version} is not on the Consumption plan, which gets no version after {CONSUMPTION};"
            f" take --plan flex, or --python {CONSUMPTION}"
        )
        yield Problem(field="--python", code="python", message=message)


def _minor(version: str) -> int:
    return int(version.partition(".")[2])
