"""`kramik theme eject`: a copy to change, which then goes before the theme's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kramik.hosts.cli import main, new
from kramik.site import copies
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


def test_copies_alone_change_nothing(tmp_path: Path) -> None:
    """Every file that is listed can be copied byte for byte, and with all of them the site is as it was."""
    source, templates = example(), tmp_path / "templates"
    for name in copies.names():
        assert templates / name == copies.eject(name, templates)
        assert copies.original(name).read_bytes() == (templates / name).read_bytes()

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


@pytest.fixture
def older(kramik: Kramik, tmp_path: Path) -> Path:
    """A copy of the shop that was made of an older theme: one line of the theme was another one then."""
    kramik("theme", "eject", "message.html")
    memory = tmp_path / "shop" / "templates" / copies.MEMORY
    noted = json.loads(memory.read_text("utf-8"))
    noted["message.html"]["text"] = noted["message.html"]["text"].replace(
        "{% block main %}", "{% block old %}"
    )
    memory.write_text(json.dumps(noted), "utf-8")
    copy = tmp_path / "shop" / "templates" / "message.html"
    copy.write_text(copy.read_text("utf-8").replace("<h1>", "<h1>OUR OWN "), "utf-8")
    return copy


def advised(kramik: Kramik, command: str, tmp_path: Path) -> list[str]:
    """Return what a command advises about templates."""
    out = ["--out", str(tmp_path / "out")] if command == "build" else []
    done = kramik(command, *out)
    assert 0 == done.exit_code, done.output
    return [line for line in done.output.splitlines() if "templates/" in line]


@pytest.mark.parametrize("command", ["check", "build"])
def test_a_copy_that_the_theme_left_behind_is_named(
    kramik: Kramik, older: Path, tmp_path: Path, command: str
) -> None:
    """The advice names the file and both commands; what the theme changed is shown alone, and merged it is quiet."""
    (advice,) = advised(kramik, command, tmp_path)
    assert advice.startswith(
        "advice: templates/message.html was copied from a file of the theme that has changed since"
    )
    assert advice.endswith("when yours is up to date say kramik theme eject message.html --merged")
    shown = kramik("theme", "eject", "message.html", "--diff").output
    assert ["-{% block old %}", "+{% block main %}"] == [
        line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    assert 0 == kramik("theme", "eject", "message.html", "--merged").exit_code
    assert [] == advised(kramik, command, tmp_path)
    assert "did not change" in kramik("theme", "eject", "message.html", "--diff").output
    assert "OUR OWN" in older.read_text("utf-8")


def test_a_copy_that_asks_for_a_script_of_old(kramik: Kramik, tmp_path: Path) -> None:
    """A template from before an upgrade says where it names what the theme no longer has, and what there is."""
    kramik("theme", "eject", "order.html")
    copy = tmp_path / "shop" / "templates" / "order.html"
    copy.write_text(
        copy.read_text("utf-8").replace("view.asset('course-order.js')", "view.asset('coupon.js')"), "utf-8"
    )
    line = next(at for at, text in enumerate(copy.read_text("utf-8").splitlines(), 1) if "coupon.js" in text)
    built = kramik("build", "--out", str(tmp_path / "out"))

    assert 1 == built.exit_code
    assert f"templates/order.html:{line}" in built.output
    assert "the theme has no asset 'coupon.js'; take one of: course-order.js" in built.output


def test_a_copy_of_unknown_age_is_named(kramik: Kramik, older: Path, tmp_path: Path) -> None:
    """Where nobody noted what it was copied from, the two are compared whole; a template that extends ours is fine."""
    (older.parent / copies.MEMORY).unlink()
    (older.parent / "text.html").write_text('{% extends "theme/text.html" %}\n', "utf-8")
    (advice,) = advised(kramik, "check", tmp_path)

    assert advice.startswith(
        "advice: templates/message.html replaces a file of the theme, and nobody noted as of when"
    )
    assert "OUR OWN" in kramik("theme", "eject", "message.html", "--diff").output


def test_a_copy_that_became_an_extension_is_quiet(kramik: Kramik, older: Path, tmp_path: Path) -> None:
    """Whoever now overrides one block only follows the theme, whatever was copied once."""
    older.write_text('{% extends "theme/message.html" %}\n', "utf-8")

    assert [] == advised(kramik, "check", tmp_path)


def test_a_copy_without_changes_is_quiet(kramik: Kramik, tmp_path: Path) -> None:
    """Whatever was copied today is up to date, and the hash of each is that of the copy."""
    for name in ("form.html", "assets/course-order.js"):
        kramik("theme", "eject", name)
    templates = tmp_path / "shop" / "templates"
    noted = json.loads((templates / copies.MEMORY).read_text("utf-8"))

    assert [] == advised(kramik, "check", tmp_path)
    assert {name: sha256((templates / name).read_bytes()).hexdigest() for name in noted} == {
        name: each["sha256"] for name, each in noted.items()
    }
    assert ["assets/course-order.js", "form.html"] == list(noted)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--diff",), 2),
        (("form.html", "--diff", "--merged"), 2),
        (("form.html", "--diff"), 1),
        (("form.html", "--merged"), 1),
        (("nothing.html", "--diff"), 2),
    ],
)
def test_only_a_copy_is_compared(
    kramik: Kramik, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    """Without a file, with both, or without a copy it says what to do, and writes nothing."""
    assert code == kramik("theme", "eject", *arguments).exit_code
    assert not (tmp_path / "shop" / "templates").exists()


def test_a_note_that_can_not_be_read(kramik: Kramik, older: Path) -> None:
    """The file is named; nothing of the shop is lost."""
    (older.parent / copies.MEMORY).write_text("{", "utf-8")
    found = kramik("check")

    assert (1, True) == (found.exit_code, f"templates/{copies.MEMORY}" in found.output)
