"""Pages that copies of the process make are those that it makes alone, also when a copy is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from kramik import catalogue
from kramik.errors import ConfigurationError
from kramik.site.build import MANIFEST, build
from kramik.site.hands import WORTH, each
from kramik.site.source import Source
from tests.site.world import example, texts

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
"""Whoever shares the tests out listens in a thread; the copies touch nothing of it, and Python 3.12 can not know."""

MANY = 200
PARENT = os.getpid()


def shop(count: int, front: str = "") -> Source:
    """Return a shop of many courses; `front` is one more line of their front matter, which may name the number."""
    original = texts("products")["kolejki-bez-strachu.md"]
    files = {
        f"kurs-{number}.md": original.replace("---\n", f"---\n{front.format(number=number)}\n", 1)
        for number in range(count)
    }
    return example(catalogue=catalogue.read(files, lang="pl", currency="PLN"))


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder but the manifest."""
    found = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in found.items() if name != MANIFEST}


def squared(number: int) -> tuple[int, int]:
    """Return what is made of a number, and who made it."""
    return number * number, os.getpid()


def dies_in_a_copy(number: int) -> int:
    """Return the number, unless this is a copy that reached the hundredth."""
    if number == MANY // 2 and os.getpid() != PARENT:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_order_and_helpers() -> None:
    """Everything comes in its order, and more than one process made it."""
    made = list(each(squared, range(MANY), 2))

    assert [number * number for number in range(MANY)] == [what for what, _ in made]
    assert len({who for _, who in made}) > 1


@pytest.mark.parametrize(("count", "hands"), [(MANY, 1), (WORTH - 1, 2), (0, 2), (1, 2)])
def test_alone(count: int, hands: int) -> None:
    """Few tasks, or one hand, need no copy."""
    assert [PARENT] * count == [who for _, who in each(squared, range(count), hands)]


def test_a_killed_copy() -> None:
    """What a killed copy did not make is made all the same."""
    assert list(range(MANY)) == list(each(dies_in_a_copy, range(MANY), 2))


def test_a_killed_process(tmp_path: Path) -> None:
    """Copies end when the process that was copied is killed: nobody is left to read what they make."""
    script = f"""
import os, time
from kramik.site.hands import each

def slow(number):
    if number % 25 == 0:
        open(f"{tmp_path}/{{os.getpid()}}", "w").close()
    time.sleep(0.01)
    return b"x" * 10_000

list(each(slow, range(1_000), 2))
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    _until(lambda: len(list(tmp_path.iterdir())) == 3)
    process.kill()
    process.wait(10)
    copies = [int(file.name) for file in tmp_path.iterdir() if file.name != str(process.pid)]

    _until(lambda: not any(map(_lives, copies)))


def test_a_consumer_that_gives_up() -> None:
    """Whoever stops reading leaves no process behind."""
    made = each(squared, range(MANY), 2)
    copies = {who for _, who in islice(made, MANY // 2)} - {PARENT}
    made.close()

    assert 2 == len(copies)
    assert not any(map(_lives, copies))


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_the_same_site(tmp_path: Path) -> None:
    """Two hands make the bytes of one, pictures included."""
    source = shop(30)
    build(source, tmp_path / "one")
    build(source, tmp_path / "two", hands=2)

    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert (tmp_path / "one" / MANIFEST).stat().st_size == (tmp_path / "two" / MANIFEST).stat().st_size


@pytest.mark.parametrize("hands", [1, 2])
def test_every_problem_once(tmp_path: Path, hands: int) -> None:
    """Each course whose picture is missing is named once, though several pages show it."""
    (tmp_path / "pictures").mkdir()
    source = shop(30, "picture: {{file: no-{number}.png, alt: x}}")
    with pytest.raises(ConfigurationError) as caught:
        build(replaced(source, tmp_path / "pictures"), tmp_path / "out", hands=hands)

    assert sorted(f"pictures/no-{number}.png" for number in range(30)) == sorted(
        problem.field for problem in caught.value.problems
    )
    assert not (tmp_path / "out").exists()


def replaced(source: Source, pictures: Path) -> Source:
    """Return the source with a folder of pictures."""
    return example(catalogue=source.catalogue, pictures=pictures)
