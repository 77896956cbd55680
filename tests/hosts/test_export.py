"""`kramik export` as a person calls it: where it writes, what it says, and when it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kramik.hosts.cli import main, new

Kramik = Callable[..., Result]


@pytest.fixture
def kramik(tmp_path: Path) -> Kramik:
    """Run a command for a new shop."""
    new.make(tmp_path / "shop")
    return lambda *arguments: CliRunner().invoke(main, [*arguments, "--shop", str(tmp_path / "shop")])


def test_without_out_it_writes_beside_the_shop(kramik: Kramik, tmp_path: Path) -> None:
    """To look at what there is, before a site is touched."""
    found = kramik("export", "json")

    assert (0, f"7 files in {tmp_path}/shop/export/json\n") == (found.exit_code, found.output)
    assert (tmp_path / "shop" / "export" / "json" / "shop.json").is_file()


def test_the_moment_is_that_of_at(kramik: Kramik, tmp_path: Path) -> None:
    """Read in the shop's clock, or in UTC where it has none; twice the same bytes."""
    texts = []
    for _ in range(2):
        kramik("export", "json", "--at", "2026-12-01T09:00")
        texts.append((tmp_path / "shop" / "export" / "json" / "shop.json").read_bytes())

    assert "2026-12-01T08:00:00Z" == json.loads(texts[0])["generated_at"]
    assert texts[0] == texts[1]


def test_it_names_the_pages_that_it_left_alone(kramik: Kramik, tmp_path: Path) -> None:
    """A page of a course that its owner edited."""
    kramik("export", "jekyll", "--out", str(tmp_path / "site"))
    (tmp_path / "site" / "courses" / "kolejki-bez-strachu.html").write_text("mine", "utf-8")
    found = kramik("export", "jekyll", "--out", str(tmp_path / "site"))

    assert (0, True) == (
        found.exit_code,
        "courses/kolejki-bez-strachu.html is yours and stays as it is\n" in found.output,
    )


@pytest.mark.parametrize(
    ("there", "more", "said"),
    [
        (["page.html"], [], True),
        (["page.html"], ["--layout", "page"], False),
        (["default.html", "page.html"], [], False),
        ([], [], False),
    ],
)
def test_a_layout_that_the_site_lacks(
    kramik: Kramik, tmp_path: Path, there: list[str], more: list[str], *, said: bool
) -> None:
    """Jekyll would build bare pages and not say so aloud; a theme may bring it, so it is advice."""
    (tmp_path / "site" / "_layouts").mkdir(parents=True)
    for name in there:
        (tmp_path / "site" / "_layouts" / name).write_text("{{ content }}", "utf-8")
    found = kramik("export", "jekyll", "--out", str(tmp_path / "site"), *more)

    assert (0, said) == (found.exit_code, "name the layout 'default', and _layouts has page;" in found.output)


def test_a_file_of_the_site_in_the_way_is_a_failure(kramik: Kramik, tmp_path: Path) -> None:
    """Exit code 1, its name, and what to do."""
    file = tmp_path / "site" / "_data" / "shop.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}", "utf-8")
    found = kramik("export", "eleventy", "--out", str(tmp_path / "site"))

    assert (1, "{}", [file]) == (
        found.exit_code,
        file.read_text("utf-8"),
        list((tmp_path / "site").rglob("*.*")),
    )
    assert f"{file}: is not as kramik wrote it; move it away" in found.output


@pytest.mark.parametrize("wrong", [("gatsby",), ("json", "--at", "soon"), ()])
def test_a_wrong_use_is_2(kramik: Kramik, wrong: tuple[str, ...]) -> None:
    """A generator that we do not know, a moment that is none, nothing."""
    assert 2 == kramik("export", *wrong).exit_code
