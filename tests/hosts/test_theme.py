"""`kramik theme eject`: a copy to change, which then goes before the theme's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kramik.hosts.cli import main, new
from kramik.site import eject
from kramik.site.build import site
from tests.site.world import example

Kramik = Callable[..., Result]


@pytest.fixture
def kramik(tmp_path: Path) -> Kramik:
    """Run a command for a new shop."""
    new.make(tmp_path / "shop")
    return lambda *arguments: CliRunner().invoke(main, [*arguments, "--shop", str(tmp_path / "shop")])


def test_a_copy_goes_before_the_theme(kramik: Kramik, tmp_path: Path) -> None:
    """The copied template is the one that pages are made of, and changing it changes them."""
    ejected = kramik("theme", "eject", "message.html")
    copy = tmp_path / "shop" / "templates" / "message.html"
    copy.write_text(copy.read_text("utf-8").replace("{% block main %}", "{% block main %}\nOUR OWN"), "utf-8")
    built = kramik("build", "--out", str(tmp_path / "out"))

    assert (0, 0) == (ejected.exit_code, built.exit_code)
    assert str(copy) in ejected.output
    assert "OUR OWN" in (tmp_path / "out" / "404.html").read_text("utf-8")


@pytest.mark.parametrize("name", eject.names())
def test_a_copy_alone_changes_nothing(tmp_path: Path, name: str) -> None:
    """Every file that is listed can be copied byte for byte, and the site stays as it was."""
    source, templates = example(), tmp_path / "templates"
    copy = eject.eject(name, templates)

    assert templates / name == copy
    assert dict(site(source)) == dict(site(source, templates))


def test_what_is_there_is_left_as_it_is(kramik: Kramik, tmp_path: Path) -> None:
    """A template of the shop is never written over; the sentence names it."""
    own = tmp_path / "shop" / "templates" / "shop.html"
    own.parent.mkdir()
    own.write_text("mine", "utf-8")
    found = kramik("theme", "eject", "shop.html")

    assert (1, "mine") == (found.exit_code, own.read_text("utf-8"))
    assert f"{own} is there already and was left as it is" in found.output


@pytest.mark.parametrize("name", ["prodcut.html", "../theme.py", "/etc/passwd", "assets/../texts/pl.toml"])
def test_only_files_of_the_theme_are_copied(kramik: Kramik, tmp_path: Path, name: str) -> None:
    """Another name is wrong use, answered with the nearest one, and makes no folder."""
    found = kramik("theme", "eject", name)

    assert (2, True) == (found.exit_code, f"the theme has no file {name!r}" in found.output)
    assert not (tmp_path / "shop" / "templates").exists()


def test_without_a_file_the_names_are_listed(kramik: Kramik) -> None:
    """For people a line each, for programs as JSON; both list the same."""
    listed = kramik("theme", "eject").output.split()

    assert {"base.html", "product.html", "order.html", "assets/kramik.css"} < set(listed)
    assert listed == json.loads(kramik("theme", "eject", "--json").output)


def test_nothing_is_copied_beside_a_shop(tmp_path: Path) -> None:
    """A folder without shop.toml is not meant, most likely."""
    found = CliRunner().invoke(main, ["theme", "eject", "base.html", "--shop", str(tmp_path)])

    assert (1, []) == (found.exit_code, list(tmp_path.iterdir()))
