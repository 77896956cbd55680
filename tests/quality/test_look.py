"""Shop, sales page and order page look as they were approved: both themes, light and dark, phone, tablet and desk.

After a change that is meant, `KRAMIK_APPROVE=1 make test ARGS=tests/quality/test_look.py` writes it anew; look at it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from kramik import catalogue
from tests.hosts.served import eventually
from tests.quality import look, sight
from tests.quality.sight import Scheme, seeing
from tests.site.world import Running, serving

LOOKBOOK = Path(__file__).parent / "lookbook"
"""Two courses and a front page that stay as they are, whatever becomes of the example shop."""
SLUG = "agregaty-w-praktyce"
APPROVED = Path(__file__).parents[1] / "approved" / "look"
PAGES = {"shop": "/", "sales": f"/{SLUG}/", "order": f"/{SLUG}/order/"}
WIDTHS = (360, 768, 1280)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
BUSY = 10.0
"""Seconds in which even a busy browser has painted what it was told: until then a page is looked at again."""
GAP = 4
"""Between two pictures on one sheet."""
FONTS = """:root { --text: monospace; --display: cursive; --code: fantasy; }"""
BROKEN = {
    "a section without its space": ".part { padding-block: 0; }",
    "a grid of one column": ".split { grid-template-columns: 1fr; }",
    "a button of another colour": ".button { background: var(--surface); color: var(--ink); }",
    "paper without squares and another ground": ":root { --paper: light-dark(#fff, #000); }",
}


@contextmanager
def shown(theme: str = "zeszyt") -> Iterator[Running]:
    """Serve the shop of the lookbook."""
    texts = {file.name: file.read_text("utf-8") for file in sorted(LOOKBOOK.glob("*.md"))}
    pages = {"index.md": texts.pop("index.md"), "terms.md": "---\ntitle: Regulamin\n---\nTekst.\n"}
    sold = catalogue.read(texts, lang="pl", currency="PLN")
    with serving(catalogue=sold, pages=pages, langs=("pl",), theme=theme) as running:
        yield running


@pytest.fixture(scope="module", params=["zeszyt", "warsztat"])
def shop(request: pytest.FixtureRequest) -> Iterator[Running]:
    """The shop in each theme; its name is what the fixture was asked for."""
    with shown(request.param) as running:
        yield running


def taken(page: Page) -> tuple[dict[str, look.Places], dict[str, Image.Image]]:
    """Return places by width and pictures by width and scheme, of the page that is open and dressed."""
    where, seen = {}, {}
    for wide in WIDTHS:
        sight.resize(page, wide, 900)
        where[str(wide)] = look.places(page)
        for scheme in SCHEMES:
            sight.recolour(page, scheme)
            seen[f"{wide} {scheme}"] = look.picture(page)
    return where, seen


def opened(page: Page, url: str, style: str = "") -> None:
    """Open a page in letters of boxes, perhaps with a style laid over it."""
    page.goto(url)
    sight.wear(page, style)
    look.dress(page)


def sheet(seen: dict[str, Image.Image]) -> Image.Image:
    """Lay pictures side by side."""
    high = max(each.height for each in seen.values())
    whole = Image.new("RGB", (sum(each.width + GAP for each in seen.values()), high), "#888")
    left = 0
    for each in seen.values():
        whole.paste(each, (left, 0))
        left += each.width + GAP
    return whole


def cut(whole: Image.Image, where: dict[str, look.Places]) -> dict[str, Image.Image]:
    """Return the pictures of a sheet, as wide as their windows were, and as high as the foot of their pages is low."""
    seen, left = {}, 0
    for wide, scheme in product(WIDTHS, SCHEMES):
        foot = where[str(wide)][".bottom"]
        seen[f"{wide} {scheme}"] = whole.crop(
            (left, 0, left + wide // look.GRAIN, (foot[1] + foot[3]) // look.GRAIN)
        )
        left += wide // look.GRAIN + GAP
    return seen


@pytest.mark.parametrize("name", PAGES)
def test_the_look(chromium: Browser, shop: Running, name: str, request: pytest.FixtureRequest) -> None:
    """Every part lies where it lay, and from afar each page has the colours it had."""
    file = APPROVED / f"{request.node.callspec.params['shop']}-{name}"
    with seeing(chromium) as page:
        opened(page, shop.url + PAGES[name])
        if os.environ.get("KRAMIK_APPROVE"):
            approve(file, *taken(page))
        before = json.loads(file.with_suffix(".json").read_text("utf-8"))
        pictures = cut(Image.open(file.with_suffix(".png")).convert("RGB"), before)
        wrong = eventually(
            lambda: changed(before, pictures, *taken(page)), lambda found: not found, seconds=BUSY
        )

    assert {} == wrong


def test_other_fonts_change_nothing(chromium: Browser) -> None:
    """A machine with other fonts sees the same look, to the pixel, as its letters are boxes, too."""
    with shown() as running, seeing(chromium) as page:
        found = []
        for style in ("", FONTS):
            opened(page, f"{running.url}/{SLUG}/", style)
            found.append(look.places(page))
        page.goto(f"{running.url}/{SLUG}/")
        plain = look.places(page)
        sight.wear(page, FONTS)

        assert found[0] == found[1]
        assert plain != look.places(page)


def test_a_broken_style_is_noticed(chromium: Browser) -> None:
    """Negative control: each wrong line of style moves a part or changes a picture by more than is allowed."""
    before = json.loads((APPROVED / "zeszyt-sales.json").read_text("utf-8"))["1280"]
    with shown() as running, seeing(chromium) as page:
        opened(page, f"{running.url}/{SLUG}/")
        whole = look.picture(page)
        for what, style in BROKEN.items():
            sight.wear(page, style)
            look.dress(page)
            assert eventually(
                lambda: (
                    list(look.moved(before, look.places(page)))
                    or look.apart({what: whole}, {what: look.picture(page)})  # noqa: B023 - asked in this turn
                ),
                seconds=BUSY,
            ), what


def changed(
    before: dict[str, look.Places],
    pictures: dict[str, Image.Image],
    where: dict[str, look.Places],
    seen: dict[str, Image.Image],
) -> dict[str, object]:
    """Return which parts lie elsewhere, by width, and how far pictures are apart, by width and scheme."""
    moved = {wide: said for wide in where if (said := list(look.moved(before[wide], where[wide])))}
    return {**moved, **look.apart(pictures, seen)}


def approve(file: Path, where: dict[str, look.Places], seen: dict[str, Image.Image]) -> None:
    """Write how a page looks, for whoever looks at it."""
    file.parent.mkdir(exist_ok=True)
    file.with_suffix(".json").write_text(_written(where), "utf-8")
    sheet(seen).save(file.with_suffix(".png"), optimize=True)


def _written(where: dict[str, look.Places]) -> str:
    """Return places as JSON with a part a line, so that a change is read as a difference."""
    widths = (
        f'"{wide}": {{\n' + ",\n".join(f"  {json.dumps(part)}: {box}" for part, box in parts.items()) + "\n}"
        for wide, parts in where.items()
    )
    return "{\n" + ",\n".join(widths) + "\n}\n"
