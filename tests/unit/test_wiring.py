from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec
import pytest

from kramik import adapters, publishing, table, wiring
from kramik.config import environment
from kramik.errors import Rejected
from kramik.gateways import Features
from kramik.hosts import cli
from kramik.hosts.cli import new

ROOT = Path(__file__).parents[2]

ADAPTERS = [(family, kind) for family, kinds in adapters.FAMILIES.items() for kind in kinds]
_SECRET = re.compile(r"(^|_)(key|token|secret|password|pin|crc|salt)$")


@pytest.mark.parametrize(("family", "kind"), ADAPTERS)
def test_what_is_called_a_secret_is_read_from_the_environment(family: str, kind: str) -> None:
    """A key in shop.toml is refused by `kramik check`, and the log knows what to mask."""
    shape = adapters.shape(family, kind)
    named = {
        field.encode_name for field in msgspec.structs.fields(shape) if _SECRET.search(field.encode_name)
    }
    assert set() == named - table.secret_keys(shape)
    assert table.secret_keys(shape), "an adapter without any secret can sign nothing"


@pytest.mark.parametrize("family", adapters.FAMILIES)
def test_an_unknown_kind_names_the_nearest_known_one(family: str) -> None:
    """A typing error gets a hint."""
    with pytest.raises(Rejected, match="sandbox"):
        adapters.shape(family, "sandbx")


def test_an_adapter_whose_extra_is_missing_says_what_to_install() -> None:
    """A shop never starts with a gateway that would fail at the first payment."""
    with pytest.raises(Rejected, match=r'pip install "kramik\[crypto\]"'):
        adapters.require("redsys", lambda _: None)


def test_an_adapter_of_the_core_needs_no_extra() -> None:
    """Nobody looks for a package that is not needed."""
    adapters.require("imoje", lambda _: None)


def test_orders_are_for_their_owner_alone(tmp_path: Path) -> None:
    """A new file of orders, and what lies beside it while it is open, can be read by nobody else."""
    with wiring.open_store(tmp_path / "shop.sqlite") as store:
        store.vault.put("kit", "s3cret", version=0)
        modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert {"shop.sqlite", "shop.sqlite-wal"} <= {*modes}
    assert {0o600} == {*modes.values()}


def test_every_extra_that_a_command_may_miss_is_one_of_ours() -> None:
    """Whoever installed the core alone is told what to install, not shown where Python looked for it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(cli.EXTRAS.values()) <= declared.keys()
    for name, extra in cli.EXTRAS.items():
        told = cli.missing(ModuleNotFoundError(name=f"{name}.inner"))
        assert isinstance(told, click.ClickException)
        assert f'pip install "kramik[{extra}]"' in told.message
    unknown = ModuleNotFoundError(name="kramik.nothing")
    assert cli.missing(unknown) is unknown


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [
        ("cryptography", "serve --sandbox --gateway redsys --port 0 --sandbox-port 0", "crypto"),
        ("jsonschema", "serve --sandbox --mailer kit --port 0 --sandbox-port 0", "sandbox"),
        ("packaging", "azure package", "azure"),
    ],
)
def test_a_command_without_its_extra_says_what_to_install(
    tmp_path: Path, package: str, command: str, extra: str
) -> None:
    """The package is made to be missing in a process of its own."""
    shop = tmp_path / "shop"
    subprocess.run([sys.executable, "-m", "kramik", "new", str(shop)], check=True, timeout=60)
    code = f"import sys; sys.modules[{package!r}] = None; from kramik.hosts.cli import main; main({command.split()!r})"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=shop, check=False, capture_output=True, text=True, timeout=60
    )
    assert (1, "") == (ran.returncode, ran.stdout)
    assert f'needs {package}; install it with: pip install "kramik[{extra}]"' in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("kind", sorted(adapters.GATEWAYS.keys() - {"sandbox"}))
def test_a_form_may_lead_to_every_host_of_a_vendor(kind: str) -> None:
    """A gateway names the domains of its vendor, and its own addresses lie below them."""
    features = adapters.GATEWAYS[kind]().features
    domains = features.hops if isinstance(features, Features) else ()
    fields = msgspec.structs.fields(adapters.shape("gateways", kind))
    defaults = [field.default for field in fields if field.name in {"base_url", "pay_url"}]

    assert [] == [url for url in defaults if not urlsplit(url).netloc.endswith(domains)]
    assert domains


@pytest.mark.parametrize(
    ("base_url", "origins"),
    [
        ("https://secure.przelewy24.pl", ("https://*.przelewy24.pl", "https://secure.przelewy24.pl")),
        ("https://sandbox.przelewy24.pl", ("https://*.przelewy24.pl", "https://sandbox.przelewy24.pl")),
        ("http://127.0.0.1:8787/p24", ("http://127.0.0.1:8787",)),
        ("https://notprzelewy24.pl", ("https://notprzelewy24.pl",)),
    ],
)
def test_the_policy_knows_the_hops_of_a_gateway(
    tmp_path: Path, base_url: str, origins: tuple[str, ...]
) -> None:
    """Przelewy24 sends the buyer on from the host that took the payment to the one that shows it."""
    new.make(tmp_path / "shop")
    file = tmp_path / "shop" / "shop.toml"
    table_of = (
        f'[gateways.przelewy24]\nmerchant_id = 1\ncrc = "env:A"\napi_key = "env:A"\nbase_url = "{base_url}"\n'
    )
    before, _, after = file.read_text("utf-8").partition("[gateways.sandbox]")
    file.write_text(before + table_of + after[after.index("[mailer]") :], "utf-8")
    settings = wiring.read(tmp_path / "shop", environment(tmp_path / "shop", {"A": "0123456789abcdef"}))

    assert origins == publishing.source(settings).form_action_origins
