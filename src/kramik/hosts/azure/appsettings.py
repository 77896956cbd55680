"""The application settings of the function app: one list, from which template, command and checks are made.

A setting is a plain value, the connection to the shop's own storage, or a secret whose name `shop.toml` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from kramik.hosts.azure.bill import PlanName
from kramik.hosts.azure.target import Version

Source = Literal["value", "storage", "insights", "secret", "deployment"]

STORAGE = "AzureWebJobsStorage"
"""The connection of the host, of the queue trigger and of the shop's store: one storage account for all of it."""

INSIGHTS = "APPLICATIONINSIGHTS_CONNECTION_STRING"
RUN_FROM = "WEBSITE_RUN_FROM_PACKAGE"

NOT_ON_FLEX = ("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", RUN_FROM, "WEBSITE_CONTENTSHARE")
"""Settings that Flex Consumption refuses or replaces.

Source: learn.microsoft.com/azure/azure-functions/functions-app-settings, "Flex Consumption plan deprecations".
"""


class AppSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting: where its value comes from, and why it is there."""

    name: str
    source: Source
    why: str
    value: str = ""


def needed(
    plan: PlanName, version: Version, secrets: Sequence[str], *, alerts: bool = True
) -> list[AppSetting]:
    """Return the settings that an app on this plan needs."""
    storage = "the host, the queue and the orders: one storage account"
    settings = [AppSetting(name=STORAGE, source="storage", why=storage)]
    if alerts:
        settings.append(AppSetting(name=INSIGHTS, source="insights", why="lines of the log, for the alert"))
    if plan == "consumption":
        settings += _of_consumption(version)
    why = "a secret that shop.toml reads"
    return [*settings, *(AppSetting(name=name, source="secret", why=why) for name in secrets)]


def _of_consumption(version: Version) -> list[AppSetting]:
    fixed = [
        ("FUNCTIONS_EXTENSION_VERSION", "~4", "the only version of the host that is supported"),
        ("FUNCTIONS_WORKER_RUNTIME", "python", "the language of the app"),
    ]
    if version != "3.13":
        fixed.append(("PYTHON_ENABLE_INIT_INDEXING", "1", "functions are found while the worker starts"))
    settings = [AppSetting(name=name, source="value", value=value, why=why) for name, value, why in fixed]
    why = "where the package lies; `az functionapp deployment source config-zip` sets it"
    return [*settings, AppSetting(name=RUN_FROM, source="deployment", why=why)]
