"""The package: small, equal whenever its parts are equal, complete in itself, and without a secret."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kramik.hosts.azure import bytecode, coldstart, leak, target
from kramik.hosts.azure.archive import archive
from kramik.hosts.azure.package import LIMIT, SITE_PACKAGES, Package, named_secrets, package
from kramik.hosts.azure.target import Target, Version
from kramik.hosts.cli import main, new

REPOSITORY = Path(__file__).parents[2]
HERE: Version = f"{sys.version_info.major}.{sys.version_info.minor}"  # type: ignore[assignment]  # 3.11 to 3.13
WORKER = Path(sys.executable).parents[1] / "worker"
SETTINGS = {
    "AzureWebJobsStorage": "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"
    "QueueEndpoint=http://127.0.0.1:9/q;TableEndpoint=http://127.0.0.1:9/t;",
    **dict.fromkeys(
        ("KRAMIK_SECRET", "SANDBOX_GATEWAY_KEY", "SANDBOX_MAIL_TOKEN", "SANDBOX_ACADEMY_TOKEN"), "s" * 32
    ),
}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example shop, with secrets in its `.env`."""
    folder = tmp_path_factory.mktemp("package") / "shop"
    new.make(folder)
    (folder / "data").mkdir()
    (folder / "data" / "kramik.sqlite").write_bytes(b"orders")
    return folder


@pytest.fixture(scope="session")
def made(shop: Path) -> Package:
    """Its package for the Python that runs here, so that it can be tried."""
    return package(shop, target.found(HERE), named_secrets(shop, {}))


@pytest.fixture(scope="session")
def unpacked(made: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Azure would mount."""
    folder = tmp_path_factory.mktemp("wwwroot")
    zipfile.ZipFile(BytesIO(made.content)).extractall(folder)
    return folder


def names(made: Package) -> list[str]:
    """Return the files of a package."""
    return zipfile.ZipFile(BytesIO(made.content)).namelist()


def run(root: Path, script: str, **settings: str) -> str:
    """Run a script that sees the package and the standard library, and nothing else."""
    environ = settings | {"PYTHONPATH": f"{root}:{root / SITE_PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"}
    asked = subprocess.run(
        [sys.executable, "-s", "-S", "-c", script],
        env=environ,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (asked.returncode, asked.stderr), asked.stderr
    return asked.stdout


def test_a_package_is_small(made: Package) -> None:
    """Bytecode included."""
    assert made.compiled > 500
    assert len(made.content) < LIMIT, len(made.content)


def test_a_package_with_the_client_for_blobs_is_small_too(shop: Path, made: Package, tmp_path: Path) -> None:
    """It goes along where course files lie in blobs, and only there."""
    shutil.copytree(shop, tmp_path / "files")
    text = (shop / "shop.toml").read_text("utf-8")
    before, head, after = text.partition("[academy]")
    changed = before + head + after.replace('kind = "sandbox"', 'kind = "files"', 1)
    (tmp_path / "files" / "shop.toml").write_text(changed, "utf-8")
    other = package(tmp_path / "files", target.found(HERE), {})
    assert len(other.content) < LIMIT, len(other.content)
    assert {"azure_storage_blob"} == {
        each.partition(" ")[0] for each in set(other.distributions) - set(made.distributions)
    }


def test_equal_shops_give_equal_packages(shop: Path, made: Package, tmp_path: Path) -> None:
    """Byte for byte, from another folder, with files of another age."""
    shutil.copytree(shop, tmp_path / "other")
    for path in (tmp_path / "other").rglob("*"):
        path.touch()
    assert made.content == package(tmp_path / "other", target.found(HERE), {}).content


def test_another_text_gives_another_package() -> None:
    """The negative control of the test above."""
    assert archive({"a": b"1", "b": b"2"}) == archive({"b": b"2", "a": b"1"})
    assert archive({"a": b"1"}) != archive({"a": b"2"})


def test_a_package_has_what_azure_looks_for(made: Package) -> None:
    """The app of three lines, its host.json, and the shop's texts."""
    with zipfile.ZipFile(BytesIO(made.content)) as opened:
        assert 3 == len(opened.read("function_app.py").splitlines())
        assert "2.0" == json.loads(opened.read("host.json"))["version"]
    expected = {"shop/shop.toml", "shop/products/agregaty-w-praktyce.md", "shop/pages/terms.md"}
    assert expected <= set(names(made))


def test_a_package_has_nothing_that_is_not_needed(made: Package) -> None:
    """No server, no command line, no sandbox, no store of one machine, no tests, no types, no orders."""
    unwanted = re.compile(
        r"(^|/)(uvicorn|starlette|apsw|rich|click|dns|pip|kramik/(sandbox|hosts/cli|hosts/azure|stores/sqlite))(/|$)"
        r"|\.(pyi|c|h|pyx|sqlite)$|(^|/)tests?/|RECORD$|(^|/)\.env$"
    )
    assert [] == [name for name in names(made) if unwanted.search(name)]
    tag = f".cpython-{HERE.replace('.', '')}.pyc"
    assert [] == [name for name in names(made) if name.endswith(".pyc") and not name.endswith(tag)]


def test_every_module_of_kramik_can_be_imported_from_the_package(unpacked: Path) -> None:
    """Also those that are only imported when they are needed, and everything that they import then."""
    site = unpacked / SITE_PACKAGES
    wanted = {
        ".".join(path.relative_to(site).with_suffix("").parts).removesuffix(".__init__")
        for path in (site / "kramik").rglob("*.py")
    }
    for path in (site / "kramik").rglob("*.py"):
        wanted |= set(imports(path.read_text("utf-8")))
    elsewhere = (
        "dotenv",
        "PIL",  # pictures are made where the site is built
        "azure.storage.blob",  # only of shops whose course files lie in blobs
        "kramik.hosts.cli",
        "kramik.sandbox",
        "kramik.stores.sqlite",
        "kramik.stores.memory",
    )
    asked = sorted(name for name in wanted if not name.startswith(elsewhere))
    assert "kramik.fulfilment" in asked
    run(unpacked, f"import importlib\nfor name in {asked!r}: importlib.import_module(name)")


def test_the_shop_in_the_package_can_be_read(unpacked: Path) -> None:
    """With its products, without the command line and without `.env`."""
    environ = dict.fromkeys(
        ("KRAMIK_SECRET", "SANDBOX_GATEWAY_KEY", "SANDBOX_MAIL_TOKEN", "SANDBOX_ACADEMY_TOKEN"), "s" * 32
    )
    script = (
        "from pathlib import Path\nfrom kramik import publishing, wiring\n"
        f"settings = wiring.read(Path('shop'), {environ!r})\n"
        "print(len(settings.catalogue.products), len(publishing.pages(settings).message('sent', 'pl')) > 100)"
    )
    assert "2 True\n" == run(unpacked, script)


def test_the_app_of_the_package_answers(unpacked: Path) -> None:
    """Indexed as Azure does it, it warms up and describes itself, and has asked no storage for that."""
    script = (
        "import json, azure.functions as func, function_app\n"
        "found = {each.get_function_name(): each for each in function_app.app.get_functions()}\n"
        "def ask(name, path):\n"
        "    request = func.HttpRequest('GET', 'https://x.azurewebsites.net' + path, body=b'')\n"
        "    return found[name].get_user_function()(request)\n"
        "warm, told = ask('warm', '/api/warm'), ask('describe', '/api/openapi.json')\n"
        "print(warm.status_code, json.loads(told.get_body())['openapi'], 'work' in found, 'sweep' in found)\n"
    )
    assert "204 3.1.0 True True\n" == run(unpacked, script, **SETTINGS)


def test_the_worker_of_azure_takes_the_package(unpacked: Path) -> None:
    """Microsoft's own worker core indexes the app of the zip, with the dependencies of the zip, and it answers."""
    core, http = (
        REPOSITORY / "tests" / "functions" / "core.py",
        {"method": "GET", "url": "https://x/api/warm"},
    )
    request = http | {"headers": {}, "params": {}, "query": {}, "body": ""}
    assert WORKER.is_dir(), "Microsoft's worker core is not installed; run: make azurite"
    asked = subprocess.run(
        [sys.executable, "-s", "-S", str(core), str(unpacked)],
        input=json.dumps({"function": "warm", "trigger": "req", "http": request}) + "\n",
        env=SETTINGS | {"PYTHONPATH": f"{unpacked / SITE_PACKAGES}:{WORKER}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    bindings, answer = map(json.loads, asked.stdout.splitlines())
    assert {"warm", "place", "notify", "work", "sweep"} <= set(bindings)
    assert 204 == answer["http"]["status"]


def test_the_import_of_a_package_is_measured(made: Package, tmp_path: Path) -> None:
    """In fresh processes of the target's Python; nothing is said where there is none."""
    (tmp_path / "app.zip").write_bytes(made.content)
    cold = coldstart.measured(tmp_path / "app.zip", target.found(HERE))
    assert cold is not None
    assert 0 < cold.empty < cold.bare <= cold.app * 2
    assert coldstart.measured(tmp_path / "app.zip", Target(version="3.13")) is None


def test_an_address_is_looked_at_without_the_parts_that_are_left_out(unpacked: Path) -> None:
    """`email_validator` never asks for DNS, and a Polish tax number needs no other country's rules."""
    script = (
        "from email_validator import validate_email\nfrom stdnum.pl import nip\n"
        "print(validate_email('a@b.example.com', check_deliverability=False, test_environment=True).normalized)\n"
        "print(nip.is_valid('526-000-12-46'))"
    )
    assert "a@b.example.com\nTrue\n" == run(unpacked, script)


def test_bytecode_is_never_checked_and_names_the_place_on_azure(made: Package) -> None:
    """A read-only mount can not write it anew, and a traceback shows where a file lies there."""
    with zipfile.ZipFile(BytesIO(made.content)) as opened:
        compiled = [name for name in opened.namelist() if name.endswith(".pyc") and "/kramik/" in name]
        content = opened.read(compiled[0])
    unchecked_hash = (1).to_bytes(4, "little")
    assert unchecked_hash == content[4:8]
    assert bytecode.WWWROOT.encode() in content
    assert made.sources - 5 < made.compiled <= made.sources


def test_without_an_interpreter_there_is_no_bytecode() -> None:
    """And none is made for another version."""
    assert {} == bytecode.compiled({"a.py": b"x = 1"}, Target(version="3.13"))
    assert {"__pycache__"} == {
        name.partition("/")[0]
        for name in bytecode.compiled({"a.py": b"x = 1", "b.py": b"x ="}, target.found(HERE))
    }


def test_an_interpreter_of_another_version_is_not_taken(tmp_path: Path) -> None:
    """Nor a program that is none."""
    other: Version = "3.12" if HERE == "3.11" else "3.11"
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    (tmp_path / "python").chmod(0o755)
    for named in (Path(sys.executable), tmp_path / "python", tmp_path / "nothing"):
        assert target.found(other, named).interpreter != named


# secrets


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("products/agregaty-w-praktyce.md", "the key is {env}"),
        ("products/agregaty-w-praktyce.md", "the key is {environ}"),
        ("pages/terms.md", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=" + "k" * 86 + "=="),
        ("shop.toml", "# {env}"),
        ("shop.toml", "# sk_live_0123456789abcdef"),
        ("templates/own.html", "-----BEGIN PRIVATE KEY-----"),
    ],
    ids=repr,
)
def test_a_secret_keeps_the_package_from_being_made(tmp_path: Path, file: str, text: str) -> None:
    """Of `.env`, of the environment, or of the look of one; file and line are named, and the secret is not."""
    new.make(tmp_path / "shop")
    secret = (tmp_path / "shop" / ".env").read_text("utf-8").partition("=")[2].splitlines()[0]
    planted = text.format(env=secret, environ="planted-in-the-environment")
    path = tmp_path / "shop" / file
    path.parent.mkdir(exist_ok=True)
    before = path.read_text("utf-8") if path.exists() else ""
    path.write_text(f"{before}\n{planted}\n", "utf-8")
    out = tmp_path / "out.zip"
    environ = {"IMOJE_SERVICE_KEY": "planted-in-the-environment"}
    found = azure("package", "--shop", str(tmp_path / "shop"), "--out", str(out), environ=environ)
    line = f"{before}\n{planted}".count("\n") + 1
    assert (1, False) == (found.exit_code, out.exists())
    assert f"{file}:{line}: holds" in found.output
    assert secret not in found.output
    assert "planted-in" not in found.output


def test_no_value_of_the_environment_is_in_a_package(shop: Path, made: Package) -> None:
    """Looked for in the bytes of every file."""
    secrets = named_secrets(shop, {})
    assert {"KRAMIK_SECRET", "SANDBOX_GATEWAY_KEY"} <= set(secrets)
    with zipfile.ZipFile(BytesIO(made.content)) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    assert [] == [
        (name, key)
        for name, content in contents.items()
        for key, value in secrets.items()
        if value.encode() in content
    ]


def test_a_short_word_is_no_secret() -> None:
    """A value of `.env` such as a port stands in every file."""
    assert [] == list(leak.leaks({"a": b"port 8000"}, {"PORT": "8000"}))
    assert 1 == len(list(leak.leaks({"a": b"port 8000-8000"}, {"KEY": "8000-8000"})))


def imports(text: str) -> Iterator[str]:
    """Yield the modules that a source imports, wherever it does."""
    tree = ast.parse(text)
    unseen = {node for block in ast.walk(tree) if _is_for_types(block) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and node not in unseen:
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node not in unseen:
            yield node.module


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def azure(*arguments: str, environ: dict[str, str] | None = None) -> Result:
    """Run `kramik azure`."""
    return CliRunner().invoke(main, ["azure", *arguments], env=environ, prog_name="kramik")
