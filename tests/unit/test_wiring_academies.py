"""What a shop gets of its academy: fresh links and files where it has them, and a folder meant from the shop's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kramik import wiring
from kramik.hosts.cli import new
from kramik.premises import Ports
from kramik.stores.memory import MemoryOrders, MemoryQueue, MemoryVault

ENVIRON = {
    "KRAMIK_SECRET": "a secret of this shop, long enough",
    "SANDBOX_GATEWAY_KEY": "key",
    "SANDBOX_MAIL_TOKEN": "token",
    "KEY": "00ff:00ff",
}
TABLES: dict[str, dict[str, object]] = {
    "ghost": {"url": "https://kurs.example", "admin_key": "env:KEY"},
    "files": {"folder": "courses"},
    "learnworlds": {
        "base_url": "https://l.example",
        "client_id": "c",
        "client_secret": "env:KEY",
        "site": "https://l.example",
    },
    "circle": {"token": "env:KEY", "site": "https://c.example"},
}


def ports(folder: Path, kind: str) -> Ports:
    """Open a shop with this academy."""
    new.make(folder)
    (folder / ".env").unlink()
    overlay = {"academy": {"kind": kind, **TABLES[kind]}}
    settings = wiring.read(folder, ENVIRON, overlay)
    return wiring.build(settings, MemoryOrders(), MemoryQueue(), vault=MemoryVault()).ports


@pytest.mark.parametrize(
    ("kind", "fresh", "shelf"),
    [
        ("ghost", True, False),
        ("learnworlds", True, False),
        ("circle", False, False),
        ("files", False, True),
    ],
)
def test_the_shop_knows_what_its_academy_can(kind: str, fresh: bool, shelf: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table
    """A click asks for a fresh link, or shows files, exactly where the academy has such."""
    found = ports(tmp_path / "shop", kind)
    assert (fresh, shelf) == (found.fresh_links is not None, found.shelf is not None)


def test_a_folder_is_meant_from_the_shop(tmp_path: Path) -> None:
    """A folder that is no whole path lies in the shop's folder, from wherever the shop is started."""
    course = tmp_path / "shop" / "courses" / "agregaty-w-praktyce"
    found = ports(tmp_path / "shop", "files")
    course.mkdir(parents=True)
    (course / "a.txt").touch()
    assert found.shelf is not None
    assert ["a.txt"] == [each.path for each in found.shelf.items("agregaty-w-praktyce")]
