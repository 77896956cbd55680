from __future__ import annotations

from pathlib import Path

from kramik import unread


def test_what_looks_like_a_course_and_is_none(tmp_path: Path) -> None:
    """Drafts in a folder, other endings, languages that the shop does not speak; kept versions and hidden files not."""
    names = (
        "products/a.md",
        "products/a.en.md",
        "products/a.de.md",
        "products/b.markdown",
        "products/c.MD",
        "products/drafts/d.md",
        "products/.hidden.txt",
        "pages/versions/terms@1.md",
        "pages/notes.txt",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", "utf-8")

    assert [
        "products/a.de.md is not shown; add 'de' to languages in shop.toml",
        "products/b.markdown is not read; give it a name that ends with .md",
        "products/c.MD is not read; give it a name that ends with .md",
        "products/drafts/d.md is not read; move it up into products/, unless it is a draft",
        "pages/notes.txt is not read; give it a name that ends with .md",
    ] == list(unread.files(tmp_path, ("pl", "en")))
