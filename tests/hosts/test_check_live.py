"""`kramik check --live` as a person calls it: real vendors are asked, and what was learned is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kramik.hosts.cli import main, new
from kramik.sandbox.mailers import kit
from tests.adapters.kit import Office, office
from tests.sandbox.place import opened

Kramik = Callable[..., Result]


@pytest.fixture
def account() -> Iterator[Office]:
    """An office before Kit."""
    with opened() as place, office(place) as found:
        yield found


@pytest.fixture
def kramik(tmp_path: Path, account: Office) -> Kramik:
    """Run a command in a shop whose mailing tool is Kit."""
    folder = tmp_path / "shop"
    new.make(folder)
    file = folder / "shop.toml"
    text = file.read_text("utf-8")
    begin, end = text.index("[mailer]"), text.index("[academy]")
    table = f"""\
[mailer]
kind = "kit"
base_url = "{account.place.url}/kit"
api_key = "env:KIT_API_KEY"
client_id = "{kit.DEMO["client_id"]}"
client_secret = "env:KIT_CLIENT_SECRET"
refresh_token = "env:KIT_REFRESH_TOKEN"
sequences = {{ agregaty-start = 1001, kolejki-start = 1002 }}

"""
    file.write_text(text[:begin] + table + text[end:], "utf-8")
    secrets = {
        f"KIT_{key}".upper(): str(kit.DEMO[key]) for key in ("api_key", "client_secret", "refresh_token")
    }

    def run(*arguments: str) -> Result:
        environ = {"KRAMIK_SHOP": str(folder), **secrets}
        return CliRunner().invoke(main, list(arguments), env=environ, prog_name="kramik")

    return run


def test_fits(kramik: Kramik, account: Office) -> None:
    """A shop that fits says who was asked and who can not be; the token that Kit changed is kept for the next time."""
    for _ in range(2):
        shown = kramik("check", "--live")
        assert 0 == shown.exit_code, shown.output
        assert "mailer was asked, and everything fits" in shown.output
        assert "gateways.sandbox can not be asked" in shown.output
    assert ["refreshed"] == account.tokens()


def test_without_live_nobody_is_asked(kramik: Kramik, account: Office) -> None:
    """`kramik check` alone calls nobody."""
    shown = kramik("check")
    assert (0, []) == (shown.exit_code, account.tokens())


def test_every_problem_at_once(kramik: Kramik, account: Office, tmp_path: Path) -> None:
    """Problems at the vendor are named with the file of the product; missing fields are made when one asks for it."""
    course = tmp_path / "shop" / "products" / "agregaty-w-praktyce.md"
    course.rename(course.with_name("trzeci-kurs.md"))
    course.with_name("agregaty-w-praktyce.en.md").unlink()
    shown = kramik("check", "--live")
    assert (1, True) == (shown.exit_code, "products/trzeci-kurs.md: Kit has no custom field" in shown.output)
    shown = kramik("check", "--live", "--json")
    assert (1, True) == (shown.exit_code, '"field": "products/trzeci-kurs.md"' in shown.stdout)
    assert [0, 0] == [kramik("check", "--live", *more).exit_code for more in (["--create-fields"], [])]


def test_nobody_answers(kramik: Kramik, account: Office) -> None:
    """A vendor that can not be asked is named, with the reason."""
    account.place.fault(peer="kit", operation="setup", fault="refuse", status=500)
    shown = kramik("check", "--live")
    assert (1, True) == (
        shown.exit_code,
        "[mailer]: could not be asked: Kit, looking at the account" in shown.output,
    )


def test_connect(kramik: Kramik, account: Office, tmp_path: Path) -> None:
    """`kramik connect` shows where to go, takes what the browser brings, and keeps it for the shop."""
    file = tmp_path / "shop" / "shop.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('refresh_token = "env:KIT_REFRESH_TOKEN"\n', ""), "utf-8")
    assert "run `kramik connect`" in kramik("check", "--live").output
    command = [sys.executable, "-m", "kramik", "connect", "--shop", str(file.parent)]
    secrets = {"KIT_API_KEY": str(kit.DEMO["api_key"]), "KIT_CLIENT_SECRET": str(kit.DEMO["client_secret"])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **secrets}
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        url = next(line.strip() for line in lines if line.startswith("http"))
        arrived = account.place.browser.get(url.removeprefix(account.place.url)).headers["location"]
        said = process.communicate(f"{arrived}\n", timeout=60)[0]
    assert (0, True, False) == (process.returncode, "connected" in said, "code=" in said)
    shown = kramik("check", "--live")
    assert (0, ["connected"]) == (shown.exit_code, account.tokens())


def test_connect_on_azure(kramik: Kramik) -> None:
    """An Azure shop is connected in its storage account; without one named nothing is begun."""
    shown = kramik("connect", "--azure")
    assert (1, True) == (shown.exit_code, "AzureWebJobsStorage" in shown.output)


def test_nothing_to_connect(kramik: Kramik, tmp_path: Path) -> None:
    """A shop whose mailing tool needs no connection says so."""
    file = tmp_path / "shop" / "shop.toml"
    kept = [
        line for line in file.read_text("utf-8").splitlines() if not line.startswith(("client", "refresh"))
    ]
    file.write_text("\n".join(kept), "utf-8")
    shown = kramik("connect")
    assert (1, True) == (shown.exit_code, "kit needs no connection" in shown.output)


def test_making_needs_asking(kramik: Kramik) -> None:
    """`--create-fields` alone is wrong use."""
    assert 2 == kramik("check", "--create-fields").exit_code
