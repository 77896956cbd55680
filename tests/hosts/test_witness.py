"""A failure shows what the server said last, and one of the witness hides nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.witness import LINES, last_lines, witnessed


def test_a_failure_carries_the_end_of_the_log(tmp_path: Path) -> None:
    """The last lines, and where the others are."""
    log = tmp_path / "serve.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)), "utf-8")
    with pytest.raises(ZeroDivisionError) as caught, witnessed(lambda: last_lines(log)):
        raise ZeroDivisionError
    [note] = caught.value.__notes__
    head, *lines = note.splitlines()
    assert (str(log) in head, LINES, "line 99") == (True, len(lines), lines[-1])


def test_a_witness_that_fails_hides_nothing(tmp_path: Path) -> None:
    """The first error is the one that is raised."""
    with pytest.raises(ZeroDivisionError) as caught, witnessed(lambda: last_lines(tmp_path)):
        raise ZeroDivisionError
    assert "IsADirectoryError" in caught.value.__notes__[0]
