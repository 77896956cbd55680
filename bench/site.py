"""How fast `kramik build` makes a shop of many courses, beside Debian's Jekyll, which makes the same pages.

Every page is compared, word for word. Jekyll makes no feed, no map of the site, no covers and no cards.
"""

from __future__ import annotations

import html
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from bench import beside, courses, servers, stock
from bench.courses import Tree
from bench.figures import Chapter, Figure, middle
from kramik.site import hands

_EDITED = "kurs-7"
_EDITS = 7
_PATIENCE = 60.0
"""Seconds until an edited course has to be seen in the preview."""


def site(scratch: Path, *, products: int, rounds: int) -> Chapter:
    """Measure fresh processes, in turns, each into an empty folder; then one edited course."""
    scratch.mkdir()
    shop, jekyll = _shop(scratch / "shop"), scratch / "jekyll"
    trees = dict(_courses(shop, products))
    beside.write(jekyll, _layouts(_shop(scratch / "one"), scratch / "one-out"), trees)
    _fill(shop / "products", trees)
    ours, theirs, edited = [], [], []
    for number in range(rounds):
        shutil.rmtree(scratch / "ours", ignore_errors=True)
        shutil.rmtree(scratch / "theirs", ignore_errors=True)
        ours.append(_timed(_kramik(shop, scratch / "ours")))
        theirs.append(_timed(beside.command(jekyll, scratch / "theirs")))
        _compared(scratch / "ours", scratch / "theirs", products)
        course = shop / "products" / f"{_EDITED}.md"
        text = course.read_text("utf-8")
        course.write_text(f"{text}\nZdanie {number}.\n", "utf-8")
        edited.append(_timed(_kramik(shop, scratch / "ours")))
        course.write_text(text, "utf-8")
    how = (
        f"{products:,} courses with every block filled, a sales page and an order page each, compared word for word; "
        f"fresh processes in turns into an empty folder, median of {rounds}. Jekyll has the least to do: its layouts "
        "are finished pages in which every text of a course has its place, and it draws no covers and no cards. "
        "kramik draws the cards in the first round and keeps them. The edits are held against the processor time of "
        "a build."
    )
    previewed = _previewed(shop, scratch / "data")
    took = {
        name: _Took.middle(each) for name, each in (("ours", ours), ("theirs", theirs), ("edited", edited))
    }
    return Chapter(title="The site", how=how, figures=_figures(products, previewed, **took))


def _figures(products: int, previewed: float, *, ours: _Took, theirs: _Took, edited: _Took) -> list[Figure]:
    return [
        Figure(what=f"Jekyll: {2 * products:,} pages", figure=str(theirs)),
        Figure(
            what=f"`kramik build` on {hands.count()} cores: the same pages, and all that belongs to a shop",
            figure=str(ours),
            ratio=theirs.wall / ours.wall,
            target=3,
        ),
        Figure(what="the same, in processor time", figure="", ratio=theirs.processor / ours.processor),
        Figure(
            what="`kramik build` after one course was edited",
            figure=str(edited),
            ratio=edited.processor / ours.processor,
        ),
        Figure(
            what="an edited course in the running preview, until it is seen",
            figure=f"{1000 * previewed:.0f} ms of a processor",
            ratio=previewed / ours.processor,
            target=0.05,
            better="less",
        ),
    ]


def _previewed(shop: Path, data: Path) -> float:
    """Return the processor time that an edit costs `kramik serve --sandbox`, its watching included; in seconds."""
    course = shop / "products" / f"{_EDITED}.md"
    with servers.preview(shop, data) as server:
        url = f"http://127.0.0.1:{server.port}"
        seen = _until(f"{url}/__preview", "1")
        before = server.cpu()
        for number in range(_EDITS):
            with course.open("a", encoding="utf-8") as text:
                text.write(f"\nZdanie numer {number}.\n")
            seen = _until(f"{url}/__preview", seen)
            assert f"Zdanie numer {number}." in _read(f"{url}/{_EDITED}/").replace("\N{NO-BREAK SPACE}", " ")
        return (server.cpu() - before) / _EDITS


def _until(url: str, before: str) -> str:
    """Return what an address says when it says something else than before."""
    until = time.monotonic() + _PATIENCE
    while (now := _read(url)) == before:
        assert time.monotonic() < until, f"{url} still says {before!r}"
        time.sleep(0.05)
    return now


def _read(url: str) -> str:
    with urlopen(url, timeout=_PATIENCE) as answer:
        text: bytes = answer.read()
    return text.decode()


def _shop(folder: Path) -> Path:
    """Make the example shop in one language."""
    settings = stock.shop_folder(folder) / "shop.toml"
    text = settings.read_text("utf-8")
    one = re.sub(r"^languages = .*$", 'languages = ["pl"]', text, flags=re.MULTILINE)
    assert one != text
    settings.write_text(one, "utf-8")
    return folder


def _courses(shop: Path, products: int) -> Iterator[tuple[str, Tree]]:
    """Yield courses whose Markdown is that of a course of the example shop, numbered in every line."""
    text = (shop / "products" / "kolejki-bez-strachu.md").read_text("utf-8").split("---\n", 2)[2]
    for number in range(products):
        body = re.sub(r"[.:]$", rf" {number}\g<0>", text, flags=re.MULTILINE)
        yield f"kurs-{number}", courses.course(number, body)


def _layouts(shop: Path, out: Path) -> dict[str, str]:
    """Return kramik's own pages as layouts of Jekyll."""
    reference = beside.Reference()
    _fill(shop / "products", {beside.SLUG: reference.tree})
    _timed(_kramik(shop, out))
    sales = (out / beside.SLUG / "index.html").read_text("utf-8")
    order = (out / beside.SLUG / "order" / "index.html").read_text("utf-8")
    return {"product": reference.layout(sales), "order": reference.layout(order)}


def _fill(folder: Path, trees: dict[str, Tree]) -> None:
    for file in folder.glob("*.md"):
        file.unlink()
    for slug, tree in trees.items():
        (folder / f"{slug}.md").write_text(courses.sold(tree, slug), "utf-8")


def _compared(ours: Path, theirs: Path, products: int) -> None:
    """Insist that both made every page, with the same words."""
    made = sorted(file.relative_to(theirs) for file in theirs.rglob("*.html"))
    assert len(made) == 2 * products
    for page in made:
        assert _words(ours / page) == _words(theirs / page) != [], page


def _words(page: Path) -> list[str]:
    """Return what a page says, without its markup and the name of its card."""
    return html.unescape(re.sub(r"<[^>]*>|-card\.[0-9a-f]*", " ", page.read_text("utf-8"))).split()


def _kramik(shop: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "kramik", "build", "--shop", str(shop), "--out", str(out)]


class _Took(NamedTuple):
    """What a process took, in seconds: by the clock, and of all processors."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s, {self.processor:.2f} s of processors"

    @classmethod
    def middle(cls, of: list[_Took]) -> _Took:
        """Return the medians."""
        return cls(*map(middle, zip(*of, strict=True)))


def _timed(command: list[str]) -> _Took:
    """Run a process and return what it and its own processes took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, **stock.ENVIRONMENT}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, timeout=300)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Took(ended - began, processor)
