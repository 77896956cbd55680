"""What a visitor's line has to carry: bytes in brotli, and who is asked for them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from kramik.site.theme import HERE, Theme
from tests.quality import odd, tools
from tests.quality.states import SLUG
from tests.site.dom import Element, parse
from tests.site.visit import visiting
from tests.site.world import Running

SMALL = HERE / "assets" / "small"
HTML, STYLE, SCRIPT = 14_000, 10_000, 3_000
LOADS = {"img": "src", "script": "src", "iframe": "src", "source": "srcset", "video": "src", "audio": "src"}
FETCHED = ("stylesheet", "icon", "preload", "modulepreload", "manifest")


def pages(built: Path) -> dict[str, Element]:
    """Return every page of the built shop by its path."""
    return {str(file.relative_to(built)): parse(file.read_text("utf-8")) for file in built.rglob("*.html")}


def loaded(page: Element) -> list[str]:
    """Return the addresses that a page loads by itself."""
    links = [each.attrs["href"] for each in page.all("link") if set(each.attrs["rel"].split()) & set(FETCHED)]
    return links + [
        each.attrs[name] for tag, name in LOADS.items() for each in page.all(tag) if name in each.attrs
    ]


def test_every_page_is_light(built: Path) -> None:
    """No page is above 14 KB, nor all its style above 10 KB, nor all its scripts above 3 KB, as brotli sends them."""
    sizes = tools.brotli(file for file in built.rglob("*") if file.suffix in {".html", ".css", ".js"})

    def heavy(page: Element, suffix: str) -> int:
        return sum(sizes[built / path.lstrip("/")] for path in loaded(page) if path.endswith(suffix))

    found = pages(built)
    assert len(found) > 10
    for path, page in found.items():
        weight = {
            "html": sizes[built / path] <= HTML,
            "css": 0 < heavy(page, ".css") <= STYLE,
            "js": heavy(page, ".js") <= SCRIPT,
        }
        assert dict.fromkeys(weight, True) == weight, path


def test_the_script_of_a_shop_that_has_everything_is_light(tmp_path: Path) -> None:
    """Coupons and moments at which pages switch make the one script of the order page longer; it stays below 3 KB."""
    source = odd.shop("https://kurs.example", odd.copy(tmp_path / "odd"))
    script = tmp_path / "script.js"
    script.write_bytes(Theme(source).assets["course-order.js"].content)
    own = {part: (SMALL / part).read_bytes() for part in ("coupon.js", "switch.js", "course-order.js")}

    assert all(part in script.read_bytes() for part in own.values()), list(own)
    assert tools.brotli([script])[script] <= SCRIPT


def test_nobody_else_is_asked(built: Path) -> None:
    """Whatever a page loads is a file of the shop itself."""
    for path, page in pages(built).items():
        for address in loaded(page):
            assert (built / address.lstrip("/")).is_file(), f"{path} loads {address}"


def test_nothing_that_the_policy_forbids(built: Path) -> None:
    """No page has a script, a style or a handler of its own; data for search engines is no script."""
    for path, page in pages(built).items():
        scripts = [each for each in page.all("script") if each.attrs.get("type") != "application/ld+json"]
        inline = [each.tag for each in scripts if "src" not in each.attrs or each.text.strip()]
        inline += [each.tag for each in page.all("style")]
        inline += [
            f"{each.tag} {name}"
            for each in page
            for name in each.attrs
            if name == "style" or name.startswith("on")
        ]
        inline += [each.tag for each in page if each.attrs.get("href", "").startswith("javascript:")]
        assert [] == inline, path


@pytest.mark.parametrize("path", [f"/{SLUG}/order/", f"/en/{SLUG}/order/"])
def test_the_order_page_asks_for_two_files(chromium: Browser, running: Running, path: str) -> None:
    """The page loads its style and its script, wakes the server once, and asks for nothing more but its icon."""
    asked: list[str] = []
    with visiting(chromium, running) as page:
        page.on("request", lambda request: asked.append(urlsplit(request.url).path))
        with page.expect_request("**/api/warm"):
            page.goto(running.url + path, wait_until="networkidle")
        page.wait_for_load_state("networkidle")
    files = [each for each in asked if each.startswith("/assets/") and not each.endswith(".svg")]

    assert {".css", ".js"} == {Path(each).suffix for each in files}
    assert [path, "/api/warm"] == [each for each in asked if not each.startswith("/assets/")]
    assert len(files) == 2
