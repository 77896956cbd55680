from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import msgspec
import pytest

from kramik import catalogue
from kramik.errors import ConfigurationError
from kramik.offer import Conditions
from kramik.pricelist import read as read_prices
from kramik.site.build import MANIFEST, build, site
from tests.site.dom import parse
from tests.site.world import example, texts

PAGES = {path: content.decode() for path, content in site(example()).items() if path.endswith(".html")}
ALL_PAGES = pytest.mark.parametrize("path", sorted(PAGES))


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder but the manifest."""
    found = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in found.items() if name != MANIFEST}


def test_pages() -> None:
    """The default language stands at the root, the other one below its folder, with the same pages."""
    polish = {path for path in PAGES if not path.startswith("en/")}
    expected = {
        "404.html",
        "accessibility/index.html",
        "agregaty-w-praktyce/index.html",
        "agregaty-w-praktyce/order/index.html",
        "index.html",
        "kolejki-bez-strachu/index.html",
        "kolejki-bez-strachu/order/index.html",
        "privacy/2026-11-01/index.html",
        "privacy/index.html",
        "resend/index.html",
        "terms/2026-11-01/index.html",
        "terms/index.html",
        "thanks/index.html",
        "withdraw/index.html",
    }

    assert expected == polish
    assert {f"en/{path}" for path in expected} == set(PAGES) - polish


def test_writes_what_it_returns(tmp_path: Path) -> None:
    """The files on disk are those that were returned."""
    written = build(example(), tmp_path)

    assert written == sorted(files(tmp_path))


@ALL_PAGES
def test_well_formed(path: str) -> None:
    """Every element is closed where it was opened, every id is given once, and there is one main heading."""
    page = parse(PAGES[path])
    ids = [each.attrs["id"] for each in page if "id" in each.attrs]

    assert sorted(set(ids)) == sorted(ids)
    assert 1 == len(page.all("h1"))
    assert ("en" if path.startswith("en/") else "pl") == page.one("html").attrs["lang"]


@ALL_PAGES
def test_links_and_assets_resolve(path: str) -> None:
    """Every link inside the site leads to a file, and every fragment to an element of it."""
    base = f"https://kurs.example/{path.removesuffix('index.html')}"
    names = set(site(example()))
    page = parse(PAGES[path])
    links = {each.attrs[name] for each in page for name in ("href", "src") if name in each.attrs}
    for link in links:
        target = urlsplit(urljoin(base, link))
        if target.scheme != "https" or target.netloc != "kurs.example":
            assert target.scheme in {"mailto", "tel"} or target.netloc == "api.kurs.example", link
            continue
        name = (target.path + "index.html" if target.path.endswith("/") else target.path).lstrip("/")
        assert name in names, link
        if target.fragment:
            assert parse(PAGES[name]).all(id=target.fragment), link


@ALL_PAGES
def test_labels_and_descriptions_resolve(path: str) -> None:
    """Every label names a field, every visible field has a label, and every description exists."""
    page = parse(PAGES[path])
    ids = {each.attrs["id"] for each in page if "id" in each.attrs}
    labelled = {each.attrs["for"] for each in page.all("label")}
    visible = {each.attrs.get("id", "") for each in page.all("input") if each.attrs["type"] != "hidden"}
    described = {name for each in page for name in each.attrs.get("aria-describedby", "").split()}
    described |= {name for each in page for name in each.attrs.get("aria-labelledby", "").split()}

    assert labelled == visible
    assert described <= ids


def test_alternates_name_the_same_page_in_every_language() -> None:
    """A sales page names itself, its translation and the default, by full addresses."""
    page = parse(PAGES["en/kolejki-bez-strachu/index.html"])
    alternates = {
        each.attrs["hreflang"]: each.attrs["href"]
        for each in page.all("link", rel="alternate")
        if "hreflang" in each.attrs
    }
    polish = "https://kurs.example/kolejki-bez-strachu/"

    assert "https://kurs.example/en/kolejki-bez-strachu/" == page.one("link", rel="canonical").attrs["href"]
    assert {
        "pl": polish,
        "en": "https://kurs.example/en/kolejki-bez-strachu/",
        "x-default": polish,
    } == alternates


def test_a_site_in_a_folder_links_into_that_folder() -> None:
    """With a path in its address, every link and asset carries the path."""
    page = parse(site(example(site="https://me.example/shop"))["en/index.html"].decode())
    links = {each.attrs["href"] for each in page.all("a")} | {
        page.one("link", rel="stylesheet").attrs["href"]
    }
    inside = {link for link in links if not link.startswith(("mailto:", "tel:", "#"))}

    assert all(link.startswith("/shop/") for link in inside)


def test_same_source_same_bytes(tmp_path: Path) -> None:
    """Two builds of one source are equal byte for byte."""
    build(example(), tmp_path / "one")
    build(example(), tmp_path / "two")

    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """A second build with one changed page leaves every other file alone."""
    build(example(), tmp_path)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.html")}
    build(example(pages={**texts("pages"), "index.md": "---\ntitle: Kursy\n---\nNowy.\n"}), tmp_path)
    changed = {
        str(file.relative_to(tmp_path)) for file, was in before.items() if file.stat().st_mtime_ns != was
    }

    assert {"index.html"} == changed


def test_what_is_gone_is_removed(tmp_path: Path) -> None:
    """A product that left the catalogue leaves no file and no folder behind."""
    build(example(), tmp_path)
    less = catalogue.read({k: v for k, v in texts("products").items() if k.startswith("agregaty")}, lang="pl")
    build(example(catalogue=less), tmp_path)

    assert [] == [str(file) for file in tmp_path.rglob("*kolejki*")]


def test_files_of_others_stay(tmp_path: Path) -> None:
    """A file beside ours survives every build."""
    (tmp_path / "CNAME").write_text("kurs.example")
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "old.pdf").write_bytes(b"%PDF")
    build(example(), tmp_path)
    build(example(pages={}), tmp_path)

    assert "kurs.example" == (tmp_path / "CNAME").read_text()
    assert [tmp_path / "terms" / "old.pdf"] == list((tmp_path / "terms").iterdir())


def test_a_file_of_others_in_the_way_stops_the_build(tmp_path: Path) -> None:
    """A page that we did not write is not overwritten, and nothing else is written either."""
    (tmp_path / "index.html").write_text("my homepage")
    with pytest.raises(ConfigurationError, match="not a file of this site"):
        build(example(), tmp_path)

    assert {"index.html": b"my homepage"} == files(tmp_path)


def test_a_manifest_that_points_outside_removes_nothing(tmp_path: Path) -> None:
    """Paths that leave the folder are not ours, whatever the manifest says."""
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / MANIFEST).write_bytes(msgspec.json.encode(["../victim.txt", str(victim)]))
    build(example(), out)

    assert "mine" == victim.read_text()


def test_colliding_names_are_reported_together() -> None:
    """A product named like a folder and a page named like a product are both problems."""
    product = texts("products")["kolejki-bez-strachu.md"]
    names = catalogue.read({"thanks.md": product, "my-course.md": product}, lang="pl")
    pages = {"my-course.md": "---\ntitle: x\n---\n"}
    with pytest.raises(ConfigurationError) as caught:
        site(example(catalogue=names, pages=pages))

    assert ["products/thanks.md:1", "pages/my-course.md:1"] == [each.field for each in caught.value.problems]


def test_a_page_with_wrong_front_matter_names_its_file() -> None:
    """The problem of a page says the page and the line."""
    with pytest.raises(ConfigurationError) as caught:
        site(example(pages={"terms.md": "---\ntitel: x\n---\n"}))

    assert {"pages/terms.md:2", "pages/terms.md:1"} == {each.field for each in caught.value.problems}


def test_a_shop_overrides_one_block(tmp_path: Path) -> None:
    """A template of the shop extends the default one of the same name and keeps the rest of it."""
    block = '{% extends "theme/product.html" %}{% block price %}<p id="mine">mine</p>{% endblock %}'
    (tmp_path / "product.html").write_text(block)
    page = parse(site(example(), tmp_path)["agregaty-w-praktyce/index.html"].decode())

    assert "mine" == page.one("p", id="mine").text
    assert "każdej reguły" in page.one("h1").text
    assert [] == page.all("div", **{"class": "ticket"})


def test_a_shop_adds_to_the_style(tmp_path: Path) -> None:
    """`user.css` ends the style sheet and changes its name."""
    (tmp_path / "user.css").write_text("@layer user { :root { --accent: red; } }")
    plain = {path for path in site(example()) if path.endswith(".css")}
    own = {path: content for path, content in site(example(), tmp_path).items() if path.endswith(".css")}

    assert plain != set(own)
    assert next(iter(own.values())).endswith(b"--accent: red; } }")


def test_raw_html_and_scripts_of_a_text_stay_text() -> None:
    """Markdown cannot smuggle an element or a script address into a page."""
    body = "---\ntitle: x\n---\n<script>alert(1)</script>\n\n[a](javascript:alert(1)) {{ 7*7 }}\n"
    page = parse(site(example(pages={"terms.md": body}))["terms/index.html"].decode())

    assert [] == page.all("script")
    assert "<script>alert(1)</script>" in page.one("main").text
    assert "{{ 7*7 }}" in page.one("main").text
    assert [] == [each for each in page.all("a") if each.attrs["href"].startswith("javascript")]


def test_a_missing_translation_falls_back_and_says_its_language() -> None:
    """A course without English words is shown in its own language, marked as such."""
    own = {name: text for name, text in texts("products").items() if not name.endswith(".en.md")}
    page = parse(
        site(example(catalogue=catalogue.read(own, lang="pl")))["en/kolejki-bez-strachu/index.html"].decode()
    )

    assert "pl" == page.one("h1").attrs["lang"]
    assert "Kolejki" in page.one("h1").text


def test_sitemap_lists_pages_for_visitors_only() -> None:
    """Sales pages and texts are listed in both languages; order, thanks and resend pages are not."""
    sitemap = site(example())["sitemap.xml"].decode()

    assert "<loc>https://kurs.example/en/agregaty-w-praktyce/</loc>" in sitemap
    assert not [word for word in ("order", "thanks", "resend", "404") if word in sitemap]


def test_pages_are_small() -> None:
    """By gzip, which is larger than brotli, no page is above 14 KB, the style 10 KB, a page's script 3 KB."""
    sizes = {path: len(gzip.compress(content)) for path, content in site(example()).items()}

    assert max(size for path, size in sizes.items() if path.endswith(".html")) < 14_000
    assert sum(size for path, size in sizes.items() if path.endswith(".css")) < 10_000
    assert max(size for path, size in sizes.items() if path.endswith(".js")) < 3_000
    assert 1 >= max(len(parse(page).all("script", defer="")) for page in PAGES.values())


def test_a_page_in_one_language_only() -> None:
    """It is shown in the language that it is written in; one in a language that the shop does not speak is no page."""
    more = {"faq.en.md": "---\ntitle: Questions\n---\nAsk.\n", "agb.de.md": "---\ntitle: AGB\n---\n"}
    files = site(example(pages={**texts("pages"), **more}))
    polish, english = (parse(files[f"{folder}faq/index.html"].decode()) for folder in ("", "en/"))

    assert ["Questions", "Questions"] == [each.one("h1").text for each in (polish, english)]
    assert ["en", "en"] == [each.one("article").attrs["lang"] for each in (polish, english)]
    assert [] == [path for path in files if "agb" in path]


def test_a_lower_price_never_stands_alone() -> None:
    """Wherever a page strikes a price out, it says the lowest one of the thirty days before: in the list, too."""
    files_of = texts("products")
    name = "kolejki-bez-strachu.md"
    sale = "sales: [{price: 149.00 PLN, from: 2026-11-20T00:00:00Z, until: 2026-12-20T00:00:00Z}]\n"
    files_of[name] = files_of[name].replace("legal_kind: content\n", f"legal_kind: content\n{sale}", 1)
    prices = read_prices("2026-01-01T00:00:00+00:00,kolejki-bez-strachu,199.00 PLN\n")
    source = example(catalogue=catalogue.read(files_of, lang="pl"), conditions=Conditions(prices=prices))
    pages = {path: parse(text.decode()) for path, text in site(source).items() if path.endswith(".html")}
    struck = {path: len(page.all("s")) for path, page in pages.items()}
    lowest = {path: len(page.all("p", **{"class": "small lowest"})) for path, page in pages.items()}

    assert struck == lowest
    assert {
        "index.html",
        "en/index.html",
        "kolejki-bez-strachu/index.html",
        "kolejki-bez-strachu/order/index.html",
    } <= {path for path, count in struck.items() if count}
