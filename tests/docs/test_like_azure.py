"""The page about Azure's behaviour on one machine: its commands run, and its names are those of the store."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from kramik.hosts.cli import new
from kramik.stores.azure import Account
from tests.azurite.storage import Azurite

PAGE = Path(__file__).parents[2] / "docs" / "like-azure.md"


def blocks() -> list[str]:
    """Return the shell blocks of the page."""
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_commands_look_after_a_shop_in_a_storage_account(tmp_path: Path) -> None:
    """Its second block runs in the folder of a shop, and leaves the tables and queues that the page names."""
    azurite = Azurite(tmp_path)
    azurite.start()
    try:
        new.make(tmp_path / "shop")
        script = blocks()[1].replace("UseDevelopmentStorage=true", f"'{azurite.connection}'")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ran = subprocess.run(
            ["bash", "-e"],
            input=script,
            text=True,
            cwd=tmp_path / "shop",
            env={"PATH": path},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert 0 == ran.returncode, ran.stderr
        with TableServiceClient.from_connection_string(azurite.connection) as tables:
            made = {each.name for each in tables.list_tables()}
        with QueueServiceClient.from_connection_string(azurite.connection) as queues:
            made |= {each.name for each in queues.list_queues()}
    finally:
        azurite.end()
    named = set(re.findall(r"^\| `(kramik[\w-]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert made <= named
    assert {"kramikorders", "kramikpoison", "kramik-work-poison"} <= made


def test_the_simulator_is_named_as_every_tool_names_it() -> None:
    """`UseDevelopmentStorage=true` is Azurite at its own ports."""
    assert "UseDevelopmentStorage=true" in blocks()[0]
    account = Account("UseDevelopmentStorage=true")
    assert ("http://127.0.0.1:10002/devstoreaccount1", "http://127.0.0.1:10001/devstoreaccount1") == (
        account.table("orders").url,
        account.queue("kramik-work").url.removesuffix("/kramik-work"),
    )
    account.close()
