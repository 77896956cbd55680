"""The ARM template of a shop: storage, plan, function app, alert, and a static web app if asked for.

Equal choices give equal bytes. A secret is a secure parameter, or lies in a key vault; it is never a literal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from kramik.hosts.azure import alerts, resources
from kramik.hosts.azure.appsettings import needed
from kramik.hosts.azure.bill import PlanName
from kramik.hosts.azure.resources import Resource
from kramik.hosts.azure.target import Version

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"

QUEUE = "kramik-work"
QUEUES = (QUEUE, f"{QUEUE}-poison")
TABLES = ("kramikorders", "kramikpoison", "kramikvault")
"""What the store would make by itself when it first needs it; here it is there before the first order."""

LONGEST_NAME = 32
"""Characters of an app's name: the host's id is cut off there, and two apps that share it stop each other.

Source: Azure/azure-functions-host wiki, Host IDs.
"""

SITE_LOCATIONS = ("westeurope", "westus2", "centralus", "eastus2", "eastasia")
"""Where static web apps can be managed.

Source: learn.microsoft.com/azure/static-web-apps/faq; their files are served from everywhere.
"""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decides about a template."""

    plan: PlanName = "flex"
    python: Version = "3.13"
    secrets: Sequence[str] = ()
    vault: bool = False
    site: bool = False
    alerts: bool = True


def template(choices: Choices) -> dict[str, object]:
    """Return the template as a value."""
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": _parameters(choices),
        "variables": _variables(choices),
        "resources": _resources(choices),
        "outputs": _outputs(choices),
    }


def text(choices: Choices) -> str:
    """Return the template as a file."""
    return json.dumps(template(choices), indent=2, ensure_ascii=False) + "\n"


def _resources(choices: Choices) -> list[Resource]:
    settings = needed(choices.plan, choices.python, choices.secrets, alerts=choices.alerts)
    containers = [resources.PACKAGES] if choices.plan == "flex" else []
    found = [
        *resources.storage(queues=QUEUES, tables=TABLES, containers=containers),
        resources.hosting(choices.plan),
        *(alerts.alerts() if choices.alerts else ()),
        resources.function_app(choices.plan, choices.python, settings, vault=choices.vault),
    ]
    found += resources.vault(choices.secrets) if choices.vault else []
    return [*found, resources.static_site()] if choices.site else found


def _parameters(choices: Choices) -> dict[str, object]:
    found: dict[str, object] = {
        "appName": _parameter(
            "The name of the function app, unique in all of Azure: it becomes NAME.azurewebsites.net.",
            minLength=2,
            maxLength=LONGEST_NAME,
        ),
        "location": _parameter(
            "The region of everything, as `az functionapp list-flexconsumption-locations` names it.",
            defaultValue="[resourceGroup().location]",
        ),
    }
    if choices.plan == "flex":
        found["memory"] = _parameter(
            "Megabytes of an instance; the smallest is enough for a shop.",
            kind="int",
            defaultValue=512,
            allowedValues=[512, 2048, 4096],
        )
    if choices.alerts:
        found["alertEmail"] = _parameter("Who gets a mail when an order is parked.", minLength=3)
    if choices.site:
        found["siteLocation"] = _parameter(
            "The region of the static web app.",
            defaultValue=SITE_LOCATIONS[0],
            allowedValues=list(SITE_LOCATIONS),
        )
    for name in choices.secrets:
        found[name] = _parameter(
            f"The secret that shop.toml reads as env:{name}.", kind="securestring", minLength=1
        )
    return found


def _parameter(description: str, *, kind: str = "string", **rest: object) -> dict[str, object]:
    return {"type": kind, **rest, "metadata": {"description": description}}


def _variables(choices: Choices) -> dict[str, str]:
    mark = "uniqueString(resourceGroup().id, parameters('appName'))"
    found = {
        "plan": "[concat(parameters('appName'), '-plan')]",
        "storage": f"[concat('kramik', {mark})]",
    }
    if choices.alerts:
        found |= {
            name: f"[concat(parameters('appName'), '-{ending}')]"
            for name, ending in (
                ("insights", "insights"),
                ("people", "people"),
                ("rule", "parked"),
                ("workspace", "logs"),
            )
        }
    if choices.site:
        found["site"] = "[concat(parameters('appName'), '-site')]"
    if choices.vault:
        found["vault"] = f"[concat('kramik-', {mark})]"
    return found


def _outputs(choices: Choices) -> dict[str, object]:
    app = resources.bare("Microsoft.Web/sites", "parameters('appName')")
    version = resources.VERSIONS["Microsoft.Web/sites"]
    found = {
        "api": f"[concat('https://', reference({app}, '{version}').defaultHostName)]",
        "storage": "[variables('storage')]",
    }
    if choices.site:
        site = resources.bare("Microsoft.Web/staticSites", "variables('site')")
        version = resources.VERSIONS["Microsoft.Web/staticSites"]
        found["site"] = f"[concat('https://', reference({site}, '{version}').defaultHostname)]"
    return {name: {"type": "string", "value": value} for name, value in found.items()}
