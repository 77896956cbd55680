"""The template: well formed, complete in itself, pinned, described, and without a secret."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kramik.hosts import functions
from kramik.hosts.azure import hostfile
from kramik.hosts.azure.alerts import EVENTS
from kramik.hosts.azure.appsettings import NOT_ON_FLEX, needed
from kramik.hosts.azure.leak import leaks
from kramik.hosts.azure.resources import VERSIONS
from kramik.hosts.azure.template import QUEUE, Choices, template, text
from kramik.hosts.cli import main, new
from kramik.hosts.traces import ALARMS
from kramik.stores.azure import Account
from kramik.stores.azure.store import QUEUE as STORE_QUEUE
from tests.azure.arm import Call, calls, parsed, strings

SECRETS = ("KRAMIK_SECRET", "IMOJE_SERVICE_KEY")
ALL = [
    Choices(plan="flex", python="3.13", secrets=SECRETS, vault=vault, site=site, alerts=alerts)
    for vault, site, alerts in product((True, False), repeat=3)
] + [
    Choices(plan="consumption", python="3.12", secrets=SECRETS, vault=vault, site=True)
    for vault in (True, False)
]
every = pytest.mark.parametrize(
    "choices", ALL, ids=lambda each: f"{each.plan}-{each.vault}-{each.site}-{each.alerts}"
)


def expressions(value: object) -> list[object]:
    """Return every expression of a template."""
    return [parsed(each) for each in strings(value) if each.startswith("[")]


def resources(choices: Choices) -> list[dict]:
    """Return the resources."""
    found = template(choices)["resources"]
    assert isinstance(found, list)
    return found


def of(choices: Choices, kind: str) -> dict:
    """Return the resource of a type."""
    (found,) = (each for each in resources(choices) if each["type"] == kind)
    return found


def settings_of(choices: Choices) -> dict[str, str]:
    """Return the application settings."""
    listed = of(choices, "Microsoft.Web/sites")["properties"]["siteConfig"]["appSettings"]
    return {each["name"]: each["value"] for each in listed}


def whole(name: str) -> str:
    """Return the name of a resource as one comparable text, whatever form it is written in."""
    found = parsed(name) if name.startswith("[") else name
    parts = found.arguments if isinstance(found, Call) and found.name == "concat" else [found]
    return "".join(str(part) for part in parts)


@every
def test_every_expression_is_well_formed(choices: Choices) -> None:
    """Each function exists and has as many arguments as it takes."""
    assert [] != expressions(template(choices))


@every
def test_every_parameter_and_variable_is_there_and_is_used(choices: Choices) -> None:
    """None is missing, and none is left over."""
    made = template(choices)
    for kind in ("parameters", "variables"):
        used = {call.arguments[0] for each in expressions(made) for call in calls(each) if call.name == kind}
        assert set(made[kind]) == used  # type: ignore[call-overload]  # both are dicts


@every
def test_every_reference_leads_to_a_resource_of_the_template(choices: Choices) -> None:
    """By its type and its name; only roles are Azure's own."""
    made = resources(choices)
    known = {(each["type"], whole(each["name"])) for each in made}
    for call in (call for each in expressions(template(choices)) for call in calls(each)):
        if call.name == "resourceId":
            kind, *names = call.arguments
            assert (kind, "/".join(str(name) for name in names)) in known, call


@every
def test_every_resource_waits_for_what_it_refers_to(choices: Choices) -> None:
    """What a resource names in its properties stands in its `dependsOn`, but for the account behind a container."""
    for each in resources(choices):
        named = {
            str(call)
            for value in expressions(each.get("properties", {}))
            for call in calls(value)
            if call.name == "resourceId"
        }
        above = {str(parsed(one)) for one in each.get("dependsOn", [])}
        assert named <= above, (each["type"], named - above)


@every
def test_every_version_is_pinned(choices: Choices) -> None:
    """A date, that of the table, the same everywhere."""
    for each in resources(choices):
        family = "/".join(each["type"].split("/")[:2])
        assert VERSIONS[family] == each["apiVersion"]
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", each["apiVersion"])


@every
def test_every_parameter_says_what_it_is(choices: Choices) -> None:
    """A sentence; and a secret is secure and has no default."""
    parameters = template(choices)["parameters"]
    assert isinstance(parameters, dict)
    for name, each in parameters.items():
        assert each["metadata"]["description"].endswith(".")
        assert ("securestring" == each["type"]) == (name in SECRETS)
        assert not (name in SECRETS and "defaultValue" in each)


@every
def test_no_secret_stands_in_a_template(choices: Choices) -> None:
    """Secrets are parameters or references, and the storage key is asked for by the deployment itself."""
    assert [] == list(leaks({"template.json": text(choices).encode()}, {}))
    for name in SECRETS:
        value = settings_of(choices)[name]
        assert value == f"[parameters('{name}')]" or "@Microsoft.KeyVault(" in value
    assert "listKeys(" in settings_of(choices)["AzureWebJobsStorage"]


@every
def test_equal_choices_give_equal_bytes(choices: Choices) -> None:
    """And the file is JSON."""
    assert text(choices) == text(choices)
    assert template(choices) == json.loads(text(choices))


def test_flex_has_its_runtime_where_it_belongs() -> None:
    """And none of the settings that it refuses."""
    choices = Choices(secrets=SECRETS)
    config = of(choices, "Microsoft.Web/sites")["properties"]["functionAppConfig"]
    assert {"name": "python", "version": "3.13"} == config["runtime"]
    assert set() == set(settings_of(choices)) & set(NOT_ON_FLEX)
    assert {"name": "FC1", "tier": "FlexConsumption"} == of(choices, "Microsoft.Web/serverfarms")["sku"]


def test_consumption_names_its_runtime_as_it_always_did() -> None:
    """Linux, Python 3.12, the host's version four."""
    choices = Choices(plan="consumption", python="3.12", secrets=SECRETS)
    assert "Python|3.12" == of(choices, "Microsoft.Web/sites")["properties"]["siteConfig"]["linuxFxVersion"]
    assert {"FUNCTIONS_EXTENSION_VERSION": "~4", "FUNCTIONS_WORKER_RUNTIME": "python"}.items() <= settings_of(
        choices
    ).items()
    assert "functionAppConfig" not in of(choices, "Microsoft.Web/sites")["properties"]


def test_the_app_may_read_the_vault_and_nothing_else_of_it() -> None:
    """One role on one vault, for the identity of the app."""
    role = of(Choices(secrets=SECRETS, vault=True), "Microsoft.Authorization/roleAssignments")
    assert "Microsoft.KeyVault/vaults/" in role["scope"]
    assert "4633458b-17de-408a-b874-0445c86b69e6" in role["properties"]["roleDefinitionId"]


def test_a_parked_order_sends_a_mail() -> None:
    """One metric alert on lines of severity error, to one address; the cheapest that Azure has."""
    rule = of(Choices(secrets=SECRETS), "Microsoft.Insights/metricAlerts")["properties"]
    (criterion,) = rule["criteria"]["allOf"]
    assert ("traces/count", ["3"]) == (criterion["metricName"], criterion["dimensions"][0]["values"])
    assert "parked" in rule["description"]
    assert not [each for each in resources(Choices(alerts=False)) if "Insights" in each["type"]]


def test_queue_and_tables_are_those_of_the_store_and_of_the_trigger() -> None:
    """They are there before the first order, under the names that the store would give them."""
    prefix = Account("AccountName=a").prefix
    names = {whole(each["name"]).rpartition("/")[2] for each in resources(Choices())}
    assert QUEUE == functions.QUEUE == STORE_QUEUE
    assert {QUEUE, f"{QUEUE}-poison"} <= names
    assert {f"{prefix}{name}" for name in ("orders", "poison", "vault")} <= names


def test_the_events_of_the_alert_are_logged_as_errors() -> None:
    """The rule counts lines of that severity, so the function app has to give it to them."""
    assert set(EVENTS) == ALARMS


def test_the_settings_command_lists_what_the_template_sets(tmp_path: Path) -> None:
    """One list for both."""
    new.make(tmp_path / "shop")
    found = azure("settings", "--shop", str(tmp_path / "shop"), "--json")
    names = [each["name"] for each in json.loads(found.stdout)]
    made = json.loads(azure("template", "--shop", str(tmp_path / "shop")).stdout)
    (app,) = (each for each in made["resources"] if each["type"] == "Microsoft.Web/sites")
    assert names == [each["name"] for each in app["properties"]["siteConfig"]["appSettings"]]
    assert "KRAMIK_SECRET" in names
    assert "KRAMIK_SECRET" in azure("settings", "--shop", str(tmp_path / "shop")).stdout


def test_a_template_goes_to_a_file(tmp_path: Path) -> None:
    """And the command says what to do with it."""
    new.make(tmp_path / "shop")
    out = tmp_path / "template.json"
    found = azure("template", "--shop", str(tmp_path / "shop"), "--site", "--vault", "--out", str(out))
    assert (0, True) == (found.exit_code, "what-if" in found.stdout)
    assert "Microsoft.Web/staticSites" in out.read_text("utf-8")


@pytest.mark.parametrize("name", ["template", "settings"])
def test_consumption_has_no_newer_python(tmp_path: Path, name: str) -> None:
    """Wrong use, with what to do."""
    new.make(tmp_path / "shop")
    found = azure(name, "--shop", str(tmp_path / "shop"), "--plan", "consumption", "--python", "3.13")
    assert (2, True) == (found.exit_code, "take the plan flex" in found.output)


def test_the_settings_of_a_plan_are_those_that_it_needs() -> None:
    """The deployment sets where the package lies, and only on Consumption."""
    flex, consumption = needed("flex", "3.13", SECRETS), needed("consumption", "3.12", SECRETS)
    assert "WEBSITE_RUN_FROM_PACKAGE" not in [each.name for each in flex]
    assert "WEBSITE_RUN_FROM_PACKAGE" in [each.name for each in consumption]


def test_the_host_polls_every_minute_and_says_its_encoding() -> None:
    """Every value of host.json that is known to break a shop is set."""
    queues = json.loads(hostfile.text())["extensions"]["queues"]
    assert ("00:01:00", "base64", 5) == (
        queues["maxPollingInterval"],
        queues["messageEncoding"],
        queues["maxDequeueCount"],
    )


def azure(*arguments: str) -> Result:
    """Run `kramik azure`."""
    return CliRunner().invoke(main, ["azure", *arguments], prog_name="kramik")
