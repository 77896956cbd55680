"""What `kramik build` writes and what the API answers with, read by the rules of HTML."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality import tools
from tests.quality.states import SLUG, answered
from tests.site.dom import parse


def test_every_page_is_valid(built: Path) -> None:
    """No page of the built shop breaks a rule of HTML."""
    assert len(list(built.rglob("*.html"))) > 10
    assert [] == tools.remarks(built)


@pytest.mark.parametrize("path", ["", f"{SLUG}/", f"{SLUG}/order/", "en/", f"en/{SLUG}/order/"])
def test_a_page_that_is_found_says_what_it_is(built: Path, path: str) -> None:
    """Shop, sales and order page have a description, and a search engine may show them."""
    head = parse((built / path / "index.html").read_text("utf-8")).one("head")

    assert 20 < len(head.one("meta", name="description").attrs["content"]) <= 200
    assert [] == head.all("meta", name="robots")


def test_every_answer_is_valid(tmp_path: Path) -> None:
    """Nor does a page of the API, whatever its state."""
    for name, page in answered("https://kurs.example").items():
        (tmp_path / f"{name}.html").write_text(page, "utf-8")

    assert [] == tools.remarks(tmp_path)
