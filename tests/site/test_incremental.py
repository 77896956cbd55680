"""A second build makes only what its ingredients ask for, and leaves the same site as a build from nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from kramik import catalogue
from kramik.offer import Conditions
from kramik.pricelist import read as read_prices
from kramik.site import build as builder
from kramik.site.build import MANIFEST, build, site
from kramik.site.memory import Memory
from kramik.site.source import Source
from tests.site.world import example, texts

SLUGS = ("agregaty-w-praktyce", "kolejki-bez-strachu")
COURSES = {
    f"{prefix}{slug}/{page}index.html" for prefix in ("", "en/") for slug in SLUGS for page in ("", "order/")
}
LATER = datetime(2026, 12, 1, 12, tzinfo=UTC)


def shop(*, edit: str = "", **changes: object) -> Source:
    """Return the example shop; `edit` ends the page of one course."""
    files = texts("products")
    files["kolejki-bez-strachu.md"] += edit
    return example(**{"catalogue": catalogue.read(files, lang="pl", currency="PLN"), **changes})


def made(source: Source, out: Path, templates: Path | None = None) -> set[str]:
    """Return the pages of courses that a build into this folder would have to make."""
    return COURSES & builder._made(source, templates, Memory(out)).files.keys()


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder but the manifest."""
    found = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in found.items() if name != MANIFEST}


def test_nothing_changed(tmp_path: Path) -> None:
    """No page of a course is made when nothing changed, also at another moment."""
    build(shop(), tmp_path)

    assert (set(), set()) == (made(shop(), tmp_path), made(shop(now=LATER), tmp_path))


def test_one_edited_course(tmp_path: Path) -> None:
    """Its pages are made, those of the other course are not, and the site is that of a build from nothing."""
    build(shop(), tmp_path / "site")
    edited = shop(edit="\nNowe zdanie.\n")

    assert {path for path in COURSES if "kolejki" in path} == made(edited, tmp_path / "site")
    build(edited, tmp_path / "site")
    build(edited, tmp_path / "fresh")
    assert files(tmp_path / "fresh") == files(tmp_path / "site")


@pytest.mark.parametrize(
    "changes",
    [
        {"seller": {"name": "Ktoś inny"}},
        {"api": "https://api.example"},
        {"conditions": Conditions(countries=("PL", "DE"))},
        {"theme": "warsztat"},
        {"pages": {**texts("pages"), "faq.md": "---\ntitle: FAQ\n---\n"}},
        {"pages": {**texts("pages"), "terms.md": "---\ntitle: Regulamin\nversion: 2027-01-01\n---\nNowy."}},
        {"name": "Inny sklep"},
    ],
)
def test_what_all_pages_share(tmp_path: Path, changes: dict[str, object]) -> None:
    """Seller, addresses, theme and names of pages stand on every page, so every page is made."""
    build(shop(), tmp_path)

    assert COURSES == made(example(**changes), tmp_path)


def test_a_sale_opens(tmp_path: Path) -> None:
    """The moment alone makes the pages of a course that costs something else now."""
    files_of = texts("products")
    sale = (
        'sales: [{price: "149.00 PLN", from: 2026-12-01T00:00:00+00:00, until: 2026-12-08T00:00:00+00:00}]\n'
    )
    name = "kolejki-bez-strachu.md"
    files_of[name] = files_of[name].replace("legal_kind: content\n", f"legal_kind: content\n{sale}", 1)
    prices = read_prices("2026-01-01T00:00:00+00:00,kolejki-bez-strachu,199.00 PLN\n")
    read = {"catalogue": catalogue.read(files_of, lang="pl"), "conditions": Conditions(prices=prices)}
    build(example(**read), tmp_path)

    assert set() == made(example(**read), tmp_path)
    assert {path for path in COURSES if "kolejki" in path} == made(example(**read, now=LATER), tmp_path)


def test_a_page_that_somebody_changed_or_removed(tmp_path: Path) -> None:
    """A page that is not as it was written is made again, whatever is known of it."""
    build(shop(), tmp_path)
    changed, removed = "kolejki-bez-strachu/index.html", "en/agregaty-w-praktyce/order/index.html"
    (tmp_path / changed).write_text("mine")
    (tmp_path / removed).unlink()

    assert {changed, removed} == made(shop(), tmp_path)
    build(shop(), tmp_path)
    assert site(shop())[changed] == (tmp_path / changed).read_bytes()


def test_templates_of_a_shop(tmp_path: Path) -> None:
    """A template of the shop may ask for anything, so with one all pages are made."""
    own = tmp_path / "templates"
    own.mkdir()
    (own / "text.html").write_text('{% extends "theme/text.html" %}')
    build(shop(), tmp_path / "out", templates=own)

    assert COURSES == made(shop(), tmp_path / "out", own)


def test_pictures_of_pages_that_stay(tmp_path: Path) -> None:
    """The pictures of a page that is not made stay; a changed picture makes its page."""
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    pictures.mkdir()
    Image.new("RGB", (500, 300), "navy").save(pictures / "a.png")
    own = texts("products")
    name = "kolejki-bez-strachu.md"
    own[name] = own[name].replace(
        "legal_kind: content\n", "legal_kind: content\npicture: {file: a.png, alt: a}\n", 1
    )
    source = example(catalogue=catalogue.read(own, lang="pl"), pictures=pictures)
    build(source, out)
    before = files(out)
    build(source, out)

    assert before == files(out)
    assert [path for path in before if path.startswith("assets/a.")]
    Image.new("RGB", (500, 300), "white").save(pictures / "a.png")
    os.utime(pictures / "a.png", ns=(1, 1))
    assert {path for path in COURSES if "kolejki" in path} == made(source, out)
    build(source, out)
    assert files(out).keys() != before.keys()


def test_the_sitemap_says_when_a_page_changed(tmp_path: Path) -> None:
    """Only the day of the page that changed moves on."""
    build(shop(), tmp_path)
    build(shop(edit="\nNowe zdanie.\n", now=LATER), tmp_path)
    sitemap = (tmp_path / "sitemap.xml").read_text()

    assert "/kolejki-bez-strachu/</loc><lastmod>2026-12-01<" in sitemap
    assert "/agregaty-w-praktyce/</loc><lastmod>2026-11-25<" in sitemap


def test_a_manifest_of_an_older_version_is_read(tmp_path: Path) -> None:
    """A list of paths, as older versions wrote it, still says which files are ours."""
    build(shop(), tmp_path)
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(sorted(files(tmp_path))))
    build(example(pages={}), tmp_path)

    assert not (tmp_path / "terms").exists()
