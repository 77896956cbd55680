"""All rules over all that was named: the shop, the app that is deployed, the settings of one app or of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kramik.errors import Problem
from kramik.hosts.azure.appsettings import needed
from kramik.hosts.azure.bill import PlanName
from kramik.hosts.azure.package import secret_names
from kramik.hosts.azure.rules import code, contents, host_json, shop
from kramik.hosts.azure.rules import settings as appsettings
from kramik.hosts.azure.rules.app import App
from kramik.hosts.azure.rules.settings import Given
from kramik.hosts.azure.target import Version
from kramik.settings import Settings


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be deployed, and where."""

    plan: PlanName
    python: Version
    apps: Sequence[App] = ()
    given: Sequence[Given] = ()
    secrets: Mapping[str, str] = {}


def problems(settings: Settings, deployment: Deployment) -> Iterator[Problem]:
    """Yield every problem."""
    yield from shop.problems(settings)
    if not deployment.apps:
        yield from contents.python(deployment.plan, deployment.python)
    for app in deployment.apps:
        yield from host_json.problems(app, deployment.plan)
        yield from code.problems(app)
        yield from contents.problems(app, deployment.plan, deployment.python, deployment.secrets)
    read = secret_names((settings.folder / shop.FILE).read_bytes())
    every = needed(deployment.plan, deployment.python, read)
    wanted = [each.name for each in every if each.source in ("storage", "secret")]
    usual = [each.name for each in every]
    for given in deployment.given:
        yield from appsettings.problems(
            given,
            deployment.plan,
            appsettings.Expected(wanted=wanted, usual=usual, secrets=deployment.secrets),
        )
    yield from appsettings.shared(deployment.given)
