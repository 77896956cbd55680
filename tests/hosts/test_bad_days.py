"""A full disk, a port that is taken, the wrong folder: a sentence with the place and what to do, and no traces."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kramik.hosts.cli import new

KRAMIK = Path(sys.executable).with_name("kramik")
SECONDS = 60


def run(*arguments: object, blocks: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command; a file it writes may have so many blocks of 1 KiB, as on a disk that has no more."""
    limit = "" if blocks is None else f"ulimit -f {blocks}; "
    command = f"{limit}exec {KRAMIK} {shlex.join(map(str, arguments))}"
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS, check=False
    )


def sentence(found: subprocess.CompletedProcess[str]) -> str:
    """Return what was said, once, by a command that failed."""
    assert (1, "") == (found.returncode, found.stdout)
    assert "Traceback" not in found.stderr
    return found.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A new shop."""
    new.make(tmp_path / "shop")
    return tmp_path / "shop"


def test_a_site_that_does_not_fit(shop: Path, tmp_path: Path) -> None:
    """The file is named; what was published before stays whole, and nothing half is left beside it."""
    out = tmp_path / "out"
    assert 0 == run("build", "--shop", shop, "--out", out).returncode
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    settings = shop / "shop.toml"
    settings.write_text(
        settings.read_text("utf-8").replace('name = "Akademia A', 'name = "Akademia Starych A'), "utf-8"
    )
    said = sentence(run("build", "--shop", shop, "--out", out, blocks=16))

    assert f"Error: {out}/" in said
    assert "File too large; name another place, or mend this one" in said
    assert [] == [each.name for each in out.rglob("*.new")]
    whole = {
        file
        for file, content in before.items()
        if file.read_bytes() == content or b"Starych" in file.read_bytes()
    }
    assert {*before} - whole <= {out / ".kramik-site.json"}


def test_a_shop_that_does_not_fit(tmp_path: Path) -> None:
    """A copy that ends in the middle is told by its first file, and taken away, so that one may try again."""
    said = sentence(run("new", tmp_path / "shop", blocks=2))
    assert f"Error: {tmp_path}/shop/" in said
    assert "can not be written: [Errno 27]" in said
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("sandbox", "--port"), "--port"),
        (("serve", "--port", "0", "--sandbox", "--sandbox-port"), "--sandbox-port"),
    ],
)
def test_a_port_that_is_taken(shop: Path, command: tuple[str, ...], option: str) -> None:
    """Most likely by another shop that is tried on this machine: the option that helps is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        where = () if command[0] == "sandbox" else ("--shop", shop)
        said = sentence(run(*command, port, *where))
    assert (
        f"Error: 127.0.0.1:{port} can not be used: Address already in use; choose another with {option}\n"
        == said
    )


@pytest.mark.parametrize("command", ["check", "build", "serve"])
def test_the_wrong_folder(tmp_path: Path, command: str) -> None:
    """One problem, with the whole path: it is no shop, so nobody is told that it lacks courses."""
    said = sentence(run(command, "--shop", tmp_path))
    assert said.startswith(
        f"Error: 1 problem:\n  shop.toml: there is no shop.toml in {tmp_path}; make a shop"
    )


def test_a_command_with_a_slip(shop: Path) -> None:
    """The nearest one is named."""
    found = run("chekc", "--shop", shop)
    assert (2, True) == (
        found.returncode,
        "there is no command 'chekc'; did you mean 'check'?" in found.stderr,
    )


def test_a_course_with_a_mistake_is_told_once(shop: Path) -> None:
    """Its translation is not blamed on it, but for mistakes of its own."""
    for name, line in (("agregaty-w-praktyce.md", "hedline: x"), ("agregaty-w-praktyce.en.md", "sumary: x")):
        file = shop / "products" / name
        file.write_text(file.read_text("utf-8").replace("---\n", f"---\n{line}\n", 1), "utf-8")
    said = sentence(run("check", "--shop", shop)).splitlines()

    assert "Error: 2 problems:" == said[0]
    assert "agregaty-w-praktyce.md:2: hedline is not known; did you mean 'headline'?" in said[1]
    assert "agregaty-w-praktyce.en.md:2: sumary is not known; did you mean 'summary'?" in said[2]
