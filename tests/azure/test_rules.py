"""What is known to break a shop on Azure is refused: each rule is broken once, and nothing else is said."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from kramik import wiring
from kramik.academies.files.academy import Settings as Files
from kramik.errors import Problem
from kramik.hosts.azure import hostfile
from kramik.hosts.azure.rules import everything
from kramik.hosts.azure.rules import settings as appsettings
from kramik.hosts.azure.rules.app import read
from kramik.hosts.azure.rules.everything import Deployment
from kramik.hosts.azure.rules.host_json import seconds
from kramik.hosts.cli import main, new
from kramik.settings import Adapter, Settings

KEY = "AccountKey=" + "k" * 86 + "=="
STORAGE = f"DefaultEndpointsProtocol=https;AccountName=kramikone;{KEY};EndpointSuffix=core.windows.net"
GOOD = {
    "AzureWebJobsStorage": STORAGE,
    **dict.fromkeys(
        ("KRAMIK_SECRET", "SANDBOX_GATEWAY_KEY", "SANDBOX_MAIL_TOKEN", "SANDBOX_ACADEMY_TOKEN"), "s" * 20
    ),
}
FUNCTION_APP = """\
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("api/payments/{gateway}", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="orders", connection="AzureWebJobsStorage")
def pay(req, out): ...

@app.queue_trigger(arg_name="message", queue_name="orders", connection="AzureWebJobsStorage")
def work(message): ...
"""


class NoSettings(msgspec.Struct, frozen=True):
    """The settings of an adapter that is a real one."""

    base_url: str = "https://api.vendor.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A shop that could sell on Azure."""
    new.make(tmp_path / "shop")
    file = tmp_path / "shop" / "shop.toml"
    text = file.read_text("utf-8").replace('url = "http://127.0.0.1:8000"', 'url = "https://kurs.example"')
    file.write_text(text.replace('# api = "https', 'api = "https'), "utf-8")
    environ = dict.fromkeys(GOOD, "v" * 20)
    return real(wiring.read(tmp_path / "shop", environ))


def real(settings: Settings) -> Settings:
    """Return the shop with real vendors in the place of the sandbox."""
    vendor = Adapter(family="x", kind="vendor", settings=NoSettings())
    return replace(settings, gateways={"vendor": vendor}, mailer=vendor, academy=vendor)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The folder of a function app that is in order."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "host.json").write_text(hostfile.text(), "utf-8")
    (folder / "function_app.py").write_text(FUNCTION_APP, "utf-8")
    return folder


def found(settings: Settings, app: Path | None = None, **rest: object) -> list[Problem]:
    """Return what the rules say."""
    deployment = Deployment(plan="flex", python="3.13", apps=[read(app)] if app else ())
    return list(everything.problems(settings, replace(deployment, **rest)))


def listed(folder: Path, values: Mapping[str, str], name: str = "my-shop.json") -> appsettings.Given:
    """Return settings as the command line of Azure lists them."""
    file = folder / name
    file.write_text(
        json.dumps([{"name": key, "value": value} for key, value in values.items()], indent=2), "utf-8"
    )
    return appsettings.read(file)


def test_what_is_in_order_is_not_refused(settings: Settings, app: Path, tmp_path: Path) -> None:
    """On both plans."""
    consumption = listed(tmp_path, {**GOOD, "FUNCTIONS_WORKER_RUNTIME": "python"})
    assert [] == found(settings, app, given=[listed(tmp_path, GOOD)])
    assert [] == found(settings, app, given=[consumption], plan="consumption", python="3.12")


QUEUES = ("extensions", "queues")


@pytest.mark.parametrize(
    ("path", "value", "code", "reason"),
    [
        ((*QUEUES, "maxPollingInterval"), "60", "poll_interval", "read as 60 days"),
        ((*QUEUES, "maxPollingInterval"), 60, "poll_interval", "read as 60 days"),
        ((*QUEUES, "maxPollingInterval"), "01:00:00", "poll_interval", "3600 seconds"),
        ((*QUEUES, "maxPollingInterval"), "soon", "poll_interval", "no time"),
        ((*QUEUES, "visibilityTimeout"), "30", "visibility", "read as 30 days"),
        ((*QUEUES, "messageEncoding"), "none", "encoding", "ends as poison"),
        ((*QUEUES, "messageEncoding"), None, "encoding", "ends as poison"),
        ((*QUEUES, "maxDequeueCount"), 1, "dequeue_count", "makes poison"),
        (("extensions", "http", "routePrefix"), None, "route_prefix", "404"),
        (("extensions", "http", "routePrefix"), "api", "route_prefix", "404"),
        (("version",), "1.0", "host_version", "2.0"),
        (("extensionBundle",), None, "extension_bundle", "no queue trigger"),
    ],
    ids=repr,
)
def test_each_trap_of_host_json_is_refused(  # noqa: PLR0917 - two fixtures and a table of four
    settings: Settings, app: Path, path: Sequence[str], value: object, code: str, reason: str
) -> None:
    """With its line and its reason, and nothing else."""
    content = json.loads((app / "host.json").read_text("utf-8"))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    if value is None:
        del inner[path[-1]]
    (app / "host.json").write_text(json.dumps(content, indent=2), "utf-8")
    (problem,) = found(settings, app)
    lines = ["", *(app / "host.json").read_text("utf-8").splitlines()]
    file, _, line = problem.field.rpartition(":")
    assert ("app/host.json", code) == (file, problem.code)
    assert reason in problem.message
    assert value is None or path[-1] in lines[int(line)]


def test_a_run_may_not_be_longer_than_the_plan_allows(settings: Settings, app: Path) -> None:
    """Ten minutes on Consumption; Flex has no such limit."""
    content = json.loads((app / "host.json").read_text("utf-8"))
    (app / "host.json").write_text(json.dumps({**content, "functionTimeout": "00:15:00"}), "utf-8")
    assert [] == found(settings, app)
    assert ["timeout"] == [each.code for each in found(settings, app, plan="consumption", python="3.12")]


@pytest.mark.parametrize(
    ("text", "code"), [("{", "not_json"), ("[]", "host_version"), (None, "missing_file")]
)
def test_a_host_json_that_is_none_is_refused(
    settings: Settings, app: Path, text: str | None, code: str
) -> None:
    """Broken, empty or missing."""
    (app / "host.json").unlink() if text is None else (app / "host.json").write_text(text, "utf-8")
    assert code == found(settings, app)[0].code


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("00:01:00", 60),
        ("60", 60 * 86_400),
        (2, 172_800),
        ("1.00:00:00", 86_400),
        ("00:00:30.5", 30),
        ("1m", None),
    ],
)
def test_a_time_is_read_as_dotnet_reads_it(span: object, expected: float | None) -> None:
    """A bare number is a number of days."""
    assert expected == seconds(span)


@pytest.mark.parametrize(
    ("old", "new_text", "code", "reason"),
    [
        ("http_auth_level=func.AuthLevel.ANONYMOUS", "", "auth_level", "asks for a key"),
        ("AuthLevel.ANONYMOUS", "AuthLevel.FUNCTION", "auth_level", "401"),
        ('methods=["POST"]', 'methods=["POST"], auth_level=func.AuthLevel.ADMIN', "auth_level", "ADMIN"),
        ('methods=["POST"]', 'methods=["POST"], auth_level="function"', "auth_level", "401"),
        (
            '"message", queue_name="orders"',
            '"message", queue_name="orders-poison"',
            "poison_trigger",
            "the timer",
        ),
        ("def pay(req, out): ...", "def pay(req, out):", "syntax", "is not Python"),
    ],
)
def test_each_trap_of_the_functions_is_refused(  # noqa: PLR0917 - two fixtures and a table of four
    settings: Settings, app: Path, old: str, new_text: str, code: str, reason: str
) -> None:
    """A key on the webhook, a trigger on the poison queue, code that is none."""
    assert old in FUNCTION_APP
    (app / "function_app.py").write_text(FUNCTION_APP.replace(old, new_text), "utf-8")
    (problem,) = found(settings, app)
    assert code == problem.code
    assert reason in problem.message
    assert problem.field.startswith("app/function_app.py:")


def test_a_second_queue_trigger_is_refused(settings: Settings, app: Path) -> None:
    """It costs as much as all the rest."""
    trigger = FUNCTION_APP[FUNCTION_APP.index("@app.queue_trigger") :].replace("def work", "def mail")
    (app / "function_app.py").write_text(FUNCTION_APP + trigger, "utf-8")
    assert ["queue_triggers"] == [each.code for each in found(settings, app)]


def test_the_older_form_of_functions_is_looked_at(settings: Settings, app: Path) -> None:
    """A function.json that names no level asks for a key."""
    (app / "pay").mkdir()
    (app / "pay" / "function.json").write_text('{"bindings": [{"type": "httpTrigger"}]}', "utf-8")
    assert ["auth_level"] == [each.code for each in found(settings, app)]


def test_an_app_without_functions_is_refused(settings: Settings, app: Path) -> None:
    """Azure would start it and say nothing."""
    (app / "function_app.py").unlink()
    assert ["missing_file"] == [each.code for each in found(settings, app)]


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("shop/products/x.md", "my key is sixteen-signs-ok", "secret"),
        ("function_app.py", FUNCTION_APP + f'\nSTORAGE = "{KEY}"\n', "secret"),
        ("local.settings.json", "{}", "local_file"),
        ("shop/.env", "A=b", "local_file"),
        (".python_packages/lib/site-packages/m.cpython-312-x86_64-linux-gnu.so", "", "python"),
    ],
)
def test_what_does_not_belong_into_an_app_is_refused(  # noqa: PLR0917 - two fixtures and a table of three
    settings: Settings, app: Path, file: str, text: str, code: str
) -> None:
    """Secrets, files of this machine, parts for another Python."""
    (app / file).parent.mkdir(parents=True, exist_ok=True)
    (app / file).write_text(text, "utf-8")
    (problem,) = found(settings, app, secrets={"IMOJE_KEY": "sixteen-signs-ok"})
    assert code == problem.code
    assert "sixteen-signs-ok" not in problem.message
    assert "kkkk" not in problem.message


def test_a_zip_is_looked_at_like_a_folder(settings: Settings, app: Path, tmp_path: Path) -> None:
    """That is what is deployed."""
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.write(app / "function_app.py", "function_app.py")
    assert ["missing_file"] == [each.code for each in found(settings, tmp_path / "app.zip")]


def test_the_plan_has_to_have_the_python(settings: Settings) -> None:
    """Consumption on Linux ended at 3.12."""
    (problem,) = found(settings, plan="consumption")
    assert ("python", "--python") == (problem.code, problem.field)


@pytest.mark.parametrize(
    ("values", "code", "reason"),
    [
        ({**GOOD, "KRAMIK_SECRET": ""}, "missing_setting", "KRAMIK_SECRET is missing"),
        (
            {key: value for key, value in GOOD.items() if "Storage" not in key},
            "missing_setting",
            "AzureWebJobsStorage",
        ),
        (
            {**GOOD, "AzureWebJobsStorage": "UseDevelopmentStorage=true"},
            "development_storage",
            "this machine",
        ),
        ({**GOOD, "NOTE": KEY}, "secret", "NOTE holds a secret"),
        ({**GOOD, "DEBUG": "the key is sixteen-signs-ok"}, "secret", "DEBUG holds a secret"),
        ({**GOOD, "FUNCTIONS_WORKER_RUNTIME": "python"}, "not_on_flex", "refused on Flex"),
        ({**GOOD, "AzureWebJobs.work.Disabled": "true"}, "disabled", "never be delivered"),
    ],
)
def test_each_trap_of_the_settings_is_refused(  # noqa: PLR0917 - two fixtures and a table of three
    settings: Settings, tmp_path: Path, values: Mapping[str, str], code: str, reason: str
) -> None:
    """With the name of the setting, and never its value."""
    (problem,) = found(settings, given=[listed(tmp_path, values)], secrets={"IMOJE_KEY": "sixteen-signs-ok"})
    assert code == problem.code
    assert reason in problem.message
    assert "sixteen-signs-ok" not in problem.message


def test_a_connection_by_identity_is_a_connection(settings: Settings, tmp_path: Path) -> None:
    """`AzureWebJobsStorage__accountName` stands for the connection string."""
    values = {key: value for key, value in GOOD.items() if "Storage" not in key}
    given = listed(tmp_path, {**values, "AzureWebJobsStorage__accountName": "kramikone"})
    assert [] == found(settings, given=[given])


def test_what_the_deployment_itself_sets_is_in_order(settings: Settings, tmp_path: Path) -> None:
    """The log's connection has a key, and on Consumption the address of the package a signature."""
    insights = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=" + "0" * 36}
    package = {"WEBSITE_RUN_FROM_PACKAGE": "https://kramikone.blob.core.windows.net/a/b.zip?sig=" + "s" * 43}
    consumption = {**GOOD, **insights, **package, "FUNCTIONS_WORKER_RUNTIME": "python"}
    assert [] == found(settings, given=[listed(tmp_path, {**GOOD, **insights})])
    given = [listed(tmp_path, consumption)]
    assert [] == found(settings, given=given, plan="consumption", python="3.12")


def test_consumption_needs_the_language(settings: Settings, tmp_path: Path) -> None:
    """Flex has it elsewhere."""
    codes = [
        each.code
        for each in found(settings, given=[listed(tmp_path, GOOD)], plan="consumption", python="3.12")
    ]
    assert ["worker_runtime"] == codes


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({}, {}, "would work on the orders of the other"),
        (
            {"AzureFunctionsWebHost__hostid": "one"},
            {"AzureFunctionsWebHost__hostid": "ONE"},
            "one would stop the other",
        ),
        (
            {"WEBSITE_SITE_NAME": "a-name-that-is-longer-than-32-signs-eu"},
            {"WEBSITE_SITE_NAME": "a-name-that-is-longer-than-32-signs-us"},
            "one would stop the other",
        ),
    ],
)
def test_two_apps_do_not_share_their_storage(  # noqa: PLR0917 - two fixtures and a table of three
    settings: Settings, tmp_path: Path, first: dict[str, str], second: dict[str, str], reason: str
) -> None:
    """Neither the host's id nor the queue."""
    given = [
        listed(tmp_path, {**GOOD, **first}, "one.json"),
        listed(tmp_path, {**GOOD, **second}, "two.json"),
    ]
    (problem,) = found(settings, given=given)
    assert ("shared_storage", True) == (problem.code, problem.field.startswith("two.json:"))
    assert reason in problem.message


def test_two_apps_with_storage_of_their_own_are_in_order(settings: Settings, tmp_path: Path) -> None:
    """However they are named."""
    other = {**GOOD, "AzureWebJobsStorage": STORAGE.replace("kramikone", "kramiktwo")}
    assert [] == found(settings, given=[listed(tmp_path, GOOD, "a.json"), listed(tmp_path, other, "b.json")])


def test_the_settings_of_this_machine_are_read_too(settings: Settings, tmp_path: Path) -> None:
    """`local.settings.json` has the same names in another form."""
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": GOOD}), "utf-8")
    assert [] == found(settings, given=[appsettings.read(file)])


def test_a_sandbox_does_not_sell(tmp_path: Path) -> None:
    """Three adapters, two addresses of this machine; each with its line of shop.toml."""
    new.make(tmp_path / "shop")
    problems = found(wiring.read(tmp_path / "shop", dict.fromkeys(GOOD, "v" * 20)))
    assert ["loopback", "api", "sandbox", "sandbox", "sandbox"] == [each.code for each in problems]
    lines = (tmp_path / "shop" / "shop.toml").read_text("utf-8").splitlines()
    for problem in problems[2:]:
        assert lines[int(problem.field.rpartition(":")[2]) - 1].startswith("[")


def test_a_vendor_on_this_machine_is_refused(settings: Settings) -> None:
    """Azure can not reach it."""
    here = Adapter(family="mailer", kind="vendor", settings=NoSettings(base_url="http://localhost:8787"))
    assert ["loopback"] == [each.code for each in found(replace(settings, mailer=here))]


def test_course_files_lie_in_a_container(settings: Settings) -> None:
    """A folder of this machine is not there on Azure."""
    folder = Adapter(family="academy", kind="files", settings=Files(folder="courses"))
    key = "k" * 20
    container = Adapter(
        family="academy", kind="files", settings=Files(account="a", account_key=key, container="courses")
    )
    assert ["folder"] == [each.code for each in found(replace(settings, academy=folder))]
    assert [] == found(replace(settings, academy=container))


def test_plain_http_is_refused(settings: Settings) -> None:
    """A gateway does not follow a redirect."""
    assert ["not_https"] == [each.code for each in found(replace(settings, api="http://api.kurs.example"))]


def check(tmp_path: Path, *arguments: str) -> Result:
    """Run `kramik check`."""
    return CliRunner().invoke(
        main, ["check", "--shop", str(tmp_path / "shop"), *arguments], prog_name="kramik"
    )


def test_the_command_reports_everything_at_once(tmp_path: Path, app: Path) -> None:
    """As text with exit code 1, and as JSON."""
    new.make(tmp_path / "shop")
    (app / "host.json").unlink()
    listed(tmp_path, {})
    arguments = ("--azure", "--app", str(app), "--app-settings", str(tmp_path / "my-shop.json"))
    shown = check(tmp_path, *arguments)
    assert 1 == shown.exit_code
    for text in (
        "[gateways.sandbox] is the sandbox",
        "app/host.json: is missing",
        "KRAMIK_SECRET is missing",
    ):
        assert text in shown.output
    codes = {each["code"] for each in json.loads(check(tmp_path, *arguments, "--json").stdout)}
    assert {"sandbox", "missing_file", "missing_setting"} <= codes


@pytest.mark.parametrize(("name", "text"), [("x.json", "{}"), ("y.json", "nothing")])
def test_settings_that_are_none_are_refused(tmp_path: Path, name: str, text: str) -> None:
    """With the command that lists them."""
    new.make(tmp_path / "shop")
    (tmp_path / name).write_text(text, "utf-8")
    shown = check(tmp_path, "--azure", "--app-settings", str(tmp_path / name))
    assert (1, True) == (shown.exit_code, "az functionapp config appsettings list" in shown.output)
    shown = check(tmp_path, "--azure", "--app", str(tmp_path / name))
    assert (1, True) == (shown.exit_code, "neither a folder nor a zip" in shown.output)


def test_azure_is_looked_at_when_asked_for(tmp_path: Path, app: Path) -> None:
    """Without --azure the sandbox is fine, and --app is wrong use."""
    new.make(tmp_path / "shop")
    assert 0 == check(tmp_path).exit_code
    assert 2 == check(tmp_path, "--app", str(app)).exit_code
