"""What `kramik build` writes and what the API answers with, read by the rules of HTML."""

from __future__ import annotations

from pathlib import Path

from tests.quality import tools
from tests.quality.states import answered


def test_every_page_is_valid(built: Path) -> None:
    """No page of the built shop breaks a rule of HTML."""
    assert len(list(built.rglob("*.html"))) > 10
    assert [] == tools.remarks(built)


def test_every_answer_is_valid(tmp_path: Path) -> None:
    """Nor does a page of the API, whatever its state."""
    for name, page in answered("https://kurs.example").items():
        (tmp_path / f"{name}.html").write_text(page, "utf-8")

    assert [] == tools.remarks(tmp_path)
