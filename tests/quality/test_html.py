"""What `kramik build` writes and what the API answers with, read by the rules of HTML and of CSS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path

import pytest

from kramik.site.texts import Texts, languages
from tests.quality import tools
from tests.quality.states import SLUG, answered, files, messages
from tests.site.dom import parse

_URL = "https://kurs.example"
_FAULTY = {
    "page.html": """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Page</title></head>
<body><p id="a">One</p><p id="a">Two</p></body></html>
""",
    "style.css": "p { colour: red; }\n",
    "drawing.svg": """<svg xmlns="http://www.w3.org/2000/svg"><circel r="1"/></svg>\n""",
}


@pytest.fixture(scope="module")
def written(built: Path, extremes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything: the built shop, both shops in both themes, and each answer of the API."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "built").symlink_to(built)
    for theme in ("zeszyt", "warsztat"):
        write(folder / theme, files(_URL, extremes, theme))
    pages = answered(_URL, extremes) | messages(_URL)
    write(folder / "answered", {f"{name}.html": page.encode() for name, page in pages.items()})
    return folder


def write(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def test_every_page_is_valid(written: Path) -> None:
    """Nothing that anybody may be sent breaks a rule of html-validate."""
    assert [] == tools.remarks(written)


def test_the_checker_of_the_w3c_is_content(written: Path) -> None:
    """Nor a rule of the W3C: pages, styles and drawings."""
    kinds = {file.suffix for file in written.rglob("*") if file.is_file()}

    assert {".html", ".css", ".svg"} <= kinds
    assert [] == tools.messages(written)


def test_no_state_is_forgotten(written: Path) -> None:
    """Whatever the theme can say stands on a page that is judged; a new state without one turns this red."""
    pages = (file.read_text("utf-8") for file in written.rglob("*.html"))
    said = " ".join(map(unescape, pages)).replace("\N{NO-BREAK SPACE}", " ")
    judged = {name for lang in languages() for name, text in Texts(lang).all.items() if stands(text, said)}

    assert set() == Texts("pl").all.keys() - judged


def stands(text: str, said: str) -> bool:
    """Say whether a text was said, whatever was filled in."""
    parts = re.split(r"\{.*?\}", text.replace("\N{NO-BREAK SPACE}", " "))
    return all(part in said for part in parts)


def test_a_fault_is_found(tmp_path: Path) -> None:
    """Neither is silent because it looks at nothing: a page, a style and a drawing with a fault each are named."""
    write(tmp_path, {name: text.encode() for name, text in _FAULTY.items()})
    said = " ".join(tools.messages(tmp_path))

    assert all(f"{name}:" in said for name in _FAULTY)
    assert all(each in said for each in ("Duplicate ID", "Property “colour”", "“circel”"))
    assert any("no-dup-id" in each for each in tools.remarks(tmp_path))


@pytest.mark.parametrize("path", ["", f"{SLUG}/", f"{SLUG}/order/", "en/", f"en/{SLUG}/order/"])
def test_a_page_that_is_found_says_what_it_is(built: Path, path: str) -> None:
    """Shop, sales and order page have a description, and a search engine may show them."""
    head = parse((built / path / "index.html").read_text("utf-8")).one("head")

    assert 20 < len(head.one("meta", name="description").attrs["content"]) <= 200
    assert [] == head.all("meta", name="robots")
