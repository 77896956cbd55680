"""The matrices of mailing tools and academies are current, and each vendor can be tried and read of."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from kramik import adapters, table
from kramik.hosts.cli import delivery_matrix
from kramik.ports import Academy, Checkable, Mailer, Revoking
from kramik.sandbox import academies, mailers, vendors
from kramik.sandbox.stage import Vendor
from kramik.stores.memory import MemoryVault

DOCS = Path(__file__).parents[2] / "docs"
UNPLAYED = {"sandbox", "http", "smtp"}
"""Adapters of which no vendor is played under their name."""

WORDS = {"mailers": ("mailer", mailers.NAMES), "academies": ("academy", academies.NAMES)}
VENDORS = [(folder, name) for folder, (_, names) in WORDS.items() for name in names]


def demo(folder: str, name: str) -> dict[str, object]:
    """Return the settings of a vendor's one account."""
    vendor: Vendor = mailers.tool(name) if folder == "mailers" else academies.platform(name)
    return dict(vendor.DEMO)


def shape(folder: str, name: str) -> type[msgspec.Struct]:
    """Return the shape of an adapter's table."""
    return adapters.shape(WORDS[folder][0], name)


def settings(folder: str, name: str) -> msgspec.Struct:
    """Return the settings of an adapter as the demo sets it up."""
    known = {field.encode_name for field in msgspec.structs.fields(shape(folder, name))}
    base = {"base_url": "http://127.0.0.1:1"} if "base_url" in known else {}
    return msgspec.convert({**base, **demo(folder, name)}, shape(folder, name))


def test_matrices_are_current() -> None:
    """Both pages are what the adapters declare; write them anew with `python -m kramik.hosts.cli.delivery_matrix`."""
    assert delivery_matrix.rendered_mailers() == (DOCS / "mailers" / "README.md").read_text("utf-8")
    assert delivery_matrix.rendered_academies() == (DOCS / "academies" / "README.md").read_text("utf-8")


def test_every_adapter_is_declared_and_can_be_tried() -> None:
    """Each adapter declares itself; each but the sandbox's own is played, and each that is played has an adapter."""
    assert {*adapters.MAILERS} == {*delivery_matrix.mailer_features()}
    assert {*adapters.ACADEMIES} == {*delivery_matrix.academy_features()}
    assert {*mailers.NAMES} == {*adapters.MAILERS} - UNPLAYED
    assert {*academies.NAMES} == {*adapters.ACADEMIES} - UNPLAYED


def test_mounts_do_not_collide() -> None:
    """No two vendors of one world live under one name."""
    names = [*vendors.NAMES, *mailers.NAMES, *academies.NAMES, "gateway", "mail", "academy"]
    assert sorted(set(names)) == sorted(names)


def test_pages() -> None:
    """Each vendor has a page that names every setting and says what happens on a refund."""
    for folder, name in VENDORS:
        page = (DOCS / folder / f"{name}.md").read_text("utf-8")
        keys = [field.encode_name for field in msgspec.structs.fields(shape(folder, name))]
        assert [] == [key for key in keys if f"`{key}`" not in page], name
        assert "refund" in page.lower(), name


EXAMPLES = [
    (path.parent.name, path.name, text)
    for folder in WORDS
    for path in sorted((DOCS / folder).glob("*.md"))
    for text in re.findall(r"^```toml\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize(("folder", "page", "text"), EXAMPLES)
def test_examples_are_read(folder: str, page: str, text: str) -> None:
    """Each table that a page shows is one that the adapter takes, once its secrets stand in the environment."""
    family = WORDS[folder][0]
    raw = dict(tomllib.loads(text).get(family, {}))
    if kind := raw.pop("kind", None):
        environ = dict.fromkeys(re.findall(r'"env:(\w+)"', text), "a-secret-us21")
        read = adapters.shape(family, kind)
        assert isinstance(table.read(raw, read, environ), read)


def test_declared_kinds() -> None:
    """The kinds of repeat-safety that the adapters of the demo have are among those that they declare."""
    for name in mailers.NAMES:
        tool, declared = adapters.MAILERS[name](), delivery_matrix.mailer_features()[name]
        mailer: Mailer = tool.make(settings("mailers", name), 1.0, MemoryVault())
        assert mailer.purchase.repeat in declared.purchase_repeat, name
        assert mailer.sequence.repeat in declared.sequence_repeat, name
        assert isinstance(mailer, Checkable) == declared.live, name
    for name in academies.NAMES:
        platform, about = adapters.ACADEMIES[name](), delivery_matrix.academy_features()[name]
        academy: Academy = platform.make(settings("academies", name), 1.0, MemoryVault())
        assert academy.invitation.repeat in about.repeat, name
        assert isinstance(academy, Revoking) == about.revokes, name
        assert isinstance(academy, Checkable) == about.live, name
