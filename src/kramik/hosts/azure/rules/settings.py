"""The rules of application settings, as `az functionapp config appsettings list` or `local.settings.json` has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.hosts.azure.appsettings import NOT_ON_FLEX, STORAGE
from kramik.hosts.azure.bill import PlanName
from kramik.hosts.azure.leak import leaks
from kramik.hosts.azure.template import LONGEST_NAME

HOST_ID = "AzureFunctionsWebHost__hostid"
_ACCOUNT = re.compile(r"AccountName=([a-z0-9]+)", re.IGNORECASE)
_ON = ("1", "true")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one app, and the file that they were read from."""

    file: str
    text: str
    values: dict[str, str]

    @property
    def app(self) -> str:
        """Return the name of the app: the platform's own setting, or the name of the file."""
        return self.values.get("WEBSITE_SITE_NAME", self.file.partition(".")[0])

    @property
    def account(self) -> str:
        """Return the storage account; nothing if the settings do not say."""
        found = _ACCOUNT.search(self.values.get(STORAGE, ""))
        return found[1] if found else self.values.get(f"{STORAGE}__accountName", "")

    @property
    def host_id(self) -> str:
        """Return what the host calls itself in the storage account."""
        return self.values.get(HOST_ID, self.app)[:LONGEST_NAME].lower()

    def problem(self, name: str, code: str, message: str) -> Problem:
        """Return a problem at the line of a setting."""
        lines = self.text.splitlines()
        number = next((number for number, line in enumerate(lines, start=1) if f'"{name}"' in line), 1)
        return Problem(field=f"{self.file}:{number}", code=code, message=message)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What an app of this shop has: the names that it can not do without, all of its usual names, known secrets."""

    wanted: Sequence[str]
    usual: Sequence[str]
    secrets: Mapping[str, str]


def read(file: Path) -> Given:
    """Read the settings of one app.

    Raises:
        ConfigurationError: the file is neither of the two forms.
    """
    text = file.read_text("utf-8")
    try:
        content = json.loads(text)
        pairs = content["Values"].items() if isinstance(content, dict) else _listed(content)
        values = {str(name): "" if value is None else str(value) for name, value in pairs}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        message = "is no list of settings; write one with: az functionapp config appsettings list -o json"
        raise ConfigurationError(Problem(field=file.name, code="not_settings", message=message)) from None
    return Given(file=file.name, text=text, values=values)


def problems(given: Given, plan: PlanName, expected: Expected) -> Iterator[Problem]:
    """Yield what is wrong with the settings of one app."""
    yield from _missing(given, expected.wanted)
    yield from _misplaced(given, expected.usual, expected.secrets)
    if "UseDevelopmentStorage=true" in given.values.get(STORAGE, ""):
        message = f"{STORAGE} names the storage of this machine; use the connection string of the account"
        yield given.problem(STORAGE, "development_storage", message)
    for name in NOT_ON_FLEX if plan == "flex" else ():
        if name in given.values:
            message = f"{name} is refused on Flex Consumption, which has it in functionAppConfig; take it out"
            yield given.problem(name, "not_on_flex", message)
    if plan == "consumption" and given.values.get("FUNCTIONS_WORKER_RUNTIME") != "python":
        message = (
            "FUNCTIONS_WORKER_RUNTIME must be python: the host would look for functions of another language"
        )
        yield given.problem("FUNCTIONS_WORKER_RUNTIME", "worker_runtime", message)
    for name, value in given.values.items():
        if re.fullmatch(r"AzureWebJobs[._].+[._]Disabled", name) and value.lower() in _ON:
            message = (
                f"{name} switches a function off: orders would be taken and never be delivered; take it out"
            )
            yield given.problem(name, "disabled", message)


def shared(all_given: Sequence[Given]) -> Iterator[Problem]:
    """Yield which apps stand in each other's way in one storage account.

    Source: Azure/azure-functions-host#1864 and its wiki, Host IDs.
    """
    for number, second in enumerate(all_given):
        for first in all_given[:number]:
            if not first.account or first.account != second.account:
                continue
            if first.host_id == second.host_id:
                message = (
                    f"{first.app} and {second.app} share the storage {first.account} and the host id"
                    f" {first.host_id}: one would stop the other; give each shop its own storage account"
                )
            else:
                message = (
                    f"{first.app} and {second.app} share the storage {first.account}, and so the queue: each would"
                    " work on the orders of the other; give each shop its own storage account"
                )
            yield second.problem(STORAGE, "shared_storage", message)


def _missing(given: Given, needed: Sequence[str]) -> Iterator[Problem]:
    for name in needed:
        named = [key for key in given.values if key == name or key.startswith(f"{name}__")]
        if not any(given.values[key] for key in named):
            message = f"{name} is missing: the shop does not open without it; `kramik azure settings` says what it is"
            yield given.problem(name, "missing_setting", message)


def _misplaced(given: Given, usual: Sequence[str], secrets: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the settings that hold a secret although no secret belongs under their name."""
    for name, value in given.values.items():
        if name in usual or value.startswith("@Microsoft.KeyVault("):
            continue
        for _ in leaks({name: value.encode()}, secrets):
            message = f"{name} holds a secret that does not belong there; whoever reads settings sees it: take it out"
            yield given.problem(name, "secret", message)


def _listed(content: list[dict[str, object]]) -> Iterator[tuple[object, object]]:
    return ((each["name"], each["value"]) for each in content)
