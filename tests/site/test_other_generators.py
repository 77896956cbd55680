"""A blog of Jekyll, Hugo, Eleventy or Astro sells a course: exported, built for real, bought in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kramik.site.exports import files
from kramik.site.exports.data import Export
from kramik.site.exports.placed import place
from tests.hosts import served
from tests.hosts.served import Shop
from tests.site import generators
from tests.site.dom import parse
from tests.site.world import example

SLUG = "agregaty-w-praktyce"
GENERATORS = sorted(generators.SITES)


class Blog:
    """A site of somebody else with the shop in it, built."""

    def __init__(self, name: str, folder: Path, shop: Shop) -> None:
        self.site, self.out = folder / "site", folder / "out"
        self.build, self.own = generators.SITES[name]
        generators.settle(self.site, self.own)
        done = shop.command("export", name, "--out", str(self.site), *self.layout(name), "--json")
        assert 0 == done.returncode, done.stderr
        self.placed = json.loads(done.stdout)
        self.build(self.site, self.out)

    @staticmethod
    def layout(name: str) -> tuple[str, ...]:
        """Return the option that names the layout, where the usual one is not what this site has."""
        named = {"eleventy": "base.njk", "astro": "Base.astro"}.get(name)
        return ("--layout", named) if named else ()

    def page(self, path: str) -> str:
        """Return a built page."""
        return (self.out / path).read_text("utf-8")

    def post(self, name: str) -> str:
        """Return a page of the author, which Jekyll calls otherwise."""
        return self.page(f"{name}.html" if (self.out / f"{name}.html").exists() else f"{name}/index.html")

    @property
    def data(self) -> dict:
        """Return the data that were exported, wherever this generator reads them."""
        (file,) = (path for path in self.placed["written"] if path.endswith("shop.json"))
        return json.loads((self.site / file).read_text("utf-8"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, served on an address of its own, with a sandbox world."""
    with (
        served.world() as running,
        served.shop(tmp_path_factory.mktemp("sold") / "shop", running) as open_shop,
    ):
        yield open_shop


@pytest.fixture(scope="module", params=GENERATORS)
def blog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Blog:
    """The blog, made by each of the generators."""
    return Blog(request.param, tmp_path_factory.mktemp(request.param), shop)


@pytest.fixture(scope="module")
def address(blog: Blog) -> Iterator[str]:
    """Where the blog can be read."""
    with generators.shown(blog.out) as url:
        yield url


def fill(page: Page, lang: str = "pl", email: str = "ania@example.org") -> None:
    """Fill the form of the course."""
    page.fill(f"#{SLUG}-{lang}-email", email)
    page.fill(f"#{SLUG}-{lang}-name", "Ania Żółw")
    for box in ("terms", "immediate"):
        page.check(f"#{SLUG}-{lang}-consent_{box}")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_a_course_is_ordered_and_paid_from_another_site(
    chromium: Browser, blog: Blog, address: str, shop: Shop, *, script: bool
) -> None:
    """From the page that the other generator made, over the gateway, to the access: once each."""
    email = f"ania-{script}-{blog.build.__name__}@example.org".lower()
    context = chromium.new_context(java_script_enabled=script)
    page = context.new_page()
    page.goto(f"{address}/courses/{SLUG}/?ref=blog")
    fill(page, email=email)
    page.click("button[type=submit][name=button]")
    page.wait_for_url(f"{shop.world.url}/gateway/**")
    page.click("button[value=pay]")
    page.wait_for_url(f"{shop.url}/thanks/**")
    context.close()
    (placed,) = json.loads(shop.command("orders", "list", "--email", email, "--json").stdout)
    effects = served.eventually(
        lambda: shop.effects(placed["id"]), lambda seen: seen["grant"] == seen["sequence"] == 1
    )

    assert {"grant": 1, "purchase": 1, "sequence": 1} == {
        name: effects[name] for name in ("grant", "purchase", "sequence")
    }


def test_mistakes_are_said_before_the_order_is_sent(chromium: Browser, address: str) -> None:
    """The script finds its form, its fields and a place for the summary in a page that is not ours."""
    page = chromium.new_page()
    page.goto(f"{address}/courses/{SLUG}/")
    title = page.title()
    page.click("button[type=submit][name=button]")

    expect(page.locator(".remarks")).to_be_focused()
    expect(page.locator(".remarks li")).to_have_count(4)
    page.click(".remarks li:first-child a")
    expect(page.locator(f"#{SLUG}-pl-email")).to_be_focused()
    assert title == page.title()
    page.close()


def test_nobody_sees_the_trap(chromium: Browser, address: str) -> None:
    """The field for machines is out of sight and out of the way of the keyboard, in a page without our style."""
    page = chromium.new_page()
    page.goto(f"{address}/courses/{SLUG}/")
    box = page.locator(f"#{SLUG}-pl-bookmark").bounding_box()
    wide = page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    assert (True, True) == (box is not None and box["x"] + box["width"] <= 0, wide)
    page.close()


@pytest.mark.parametrize("lang", ["pl", "en"])
def test_the_page_of_a_course_holds_the_form_untouched(blog: Blog, lang: str) -> None:
    """Title, text and form, in each language, inside of the site's own layout."""
    page = blog.page(f"{'' if lang == 'pl' else 'en/'}courses/{SLUG}/index.html")
    data = blog.data
    words = next(each for each in data["products"] if each["slug"] == SLUG)["words"][lang]

    assert 1 == page.count(data["orders"][SLUG][lang])
    assert f'<html lang="{lang}">' in page
    assert f"<title>{words['title']}</title>" in page
    assert "Blog Hanny" in page
    assert words["html"].strip() in page


def test_a_form_stands_in_the_middle_of_a_markdown_post(blog: Blog) -> None:
    """Markdown goes on behind it, and changed no element, no attribute and no word of it."""
    page = blog.post("blog")
    data = blog.data
    ours = parse(data["orders"]["kolejki-bez-strachu"]["pl"]).one("div", **{"class": "course-order"})
    theirs = parse(page).one("div", **{"class": "course-order"})

    assert [(each.tag, each.attrs) for each in ours] == [(each.tag, each.attrs) for each in theirs]
    assert ours.text.split() == theirs.text.split()
    assert ["autora", "ciąg"] == [each.text for each in parse(page).all("em")]


@pytest.mark.parametrize("name", ["jekyll", "eleventy"])
def test_an_unknown_course_is_said_on_the_page(name: str, tmp_path: Path) -> None:
    """A typing mistake is seen at the first look, where the generator's language can not stop the build."""
    build, own = generators.SITES[name]
    generators.settle(tmp_path / "site", own)
    place(files.GENERATORS[name](Export(example()), ""), tmp_path / "site")
    build(tmp_path / "site", tmp_path / "out")
    page = next(
        file for file in (tmp_path / "out").rglob("*.html") if "odd" in str(file.relative_to(tmp_path))
    )

    assert 'the shop has no product "no-such"' in page.read_text("utf-8")


@pytest.mark.parametrize(("name", "post"), [("hugo", "content/blog.md"), ("astro", "src/pages/blog.astro")])
def test_an_unknown_course_stops_the_build(name: str, post: str, tmp_path: Path) -> None:
    """Hugo and Astro say which one, and publish nothing."""
    build, own = generators.SITES[name]
    generators.settle(tmp_path / "site", {**own, post: own[post].replace("kolejki-bez-strachu", "no-such")})
    place(files.GENERATORS[name](Export(example()), ""), tmp_path / "site")
    with pytest.raises(AssertionError, match=r"the shop has no product .*no-such"):
        build(tmp_path / "site", tmp_path / "out")


def test_every_file_of_the_blog_is_as_it_was(blog: Blog) -> None:
    """The export added its files and changed none."""
    assert dict(blog.own) == {name: (blog.site / name).read_text("utf-8") for name in blog.own}
    assert set(blog.own).isdisjoint(blog.placed["written"])


def test_assets_are_published_under_the_names_that_pages_use(blog: Blog) -> None:
    """Script and style arrive byte for byte, without a change of the site's configuration."""
    assets = Export(example()).assets

    for asset in assets.values():
        assert asset.content == (blog.out / asset.path).read_bytes().rstrip(b"\n") + b"\n"
        assert f"/{asset.path}" in blog.page(f"courses/{SLUG}/index.html")


@pytest.mark.parametrize("name", ["eleventy", "astro"])
def test_without_a_layout_pages_are_whole(name: str, tmp_path: Path) -> None:
    """Whoever has no site yet sees a course at once."""
    generators.settle(tmp_path / "site", {"package.json": generators.ASTRO["package.json"]})
    place(files.GENERATORS[name](Export(example()), ""), tmp_path / "site")
    generators.SITES[name][0](tmp_path / "site", tmp_path / "out")
    page = (tmp_path / "out" / "courses" / SLUG / "index.html").read_text("utf-8")

    assert re.match(r'<!DOCTYPE html>\s*<html lang="pl">', page)
    assert page.rstrip().endswith("</html>")
    assert 1 == len(parse(page).all("form"))
