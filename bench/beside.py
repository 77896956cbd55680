"""A site of Jekyll that makes kramik's pages from the same courses: the easier part of the work, and none of it twice.

Its layouts are finished pages of kramik for a course whose every text is a token; in the place of each token stands
what Liquid has to put there: the words, escaped, or the words as Markdown. No loops, no decisions, no covers.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench import courses
from bench.courses import BODY, Tree

SLUG = "wzorcowy"
_EMPHASIS = "*e*"
_CONFIG = "title: Shop\nkramdown:\n  auto_ids: false\n"
_TOKEN = re.compile(
    r"(?P<block><p>(?P<whole>TOKEN\d+X) <em>e</em></p>)"
    r"|(?P<inline>(?P<line>TOKEN\d+X) <em>e</em>)"
    r"|(?P<plain>(?P<word>TOKEN\d+X)(?: \*e\*)?)"
)


class Reference:
    """A course whose every text is a token; its pages become layouts."""

    def __init__(self) -> None:
        self._places: list[str] = []
        self.tree: Tree = courses.filled(courses.course(0, "text"), self._token)

    def _token(self, _: str, place: str) -> str:
        self._places.append(place)
        return f"TOKEN{len(self._places) - 1}X {_EMPHASIS}"

    def layout(self, page: str) -> str:
        """Return a page of this course as a layout."""
        return _TOKEN.sub(self._liquid, page).replace(SLUG, "{{ page.slug }}")

    def _liquid(self, found: re.Match[str]) -> str:
        token = found["whole"] or found["line"] or found["word"]
        place = self._places[int(token.removeprefix("TOKEN").removesuffix("X"))]
        if found["block"]:
            return "{{ content }}" if place == BODY else f"{{{{ page.{place} | markdownify }}}}"
        if found["inline"]:
            return f"{{{{ page.{place} | markdownify | remove: '<p>' | remove: '</p>' | strip }}}}"
        return f"{{{{ page.{place} | escape }}}}"


def write(folder: Path, layouts: dict[str, str], trees: dict[str, Tree]) -> None:
    """Write the sources of a site with two pages a course."""
    (folder / "_layouts").mkdir(parents=True)
    (folder / "_config.yml").write_text(_CONFIG, "utf-8")
    for name, layout in layouts.items():
        (folder / "_layouts" / f"{name}.html").write_text(layout, "utf-8")
    for slug, tree in trees.items():
        sales = courses.written(tree, layout="product", permalink=f"/{slug}/", slug=slug)
        (folder / f"product-{slug}.md").write_text(sales, "utf-8")
        words: Tree = {"title": tree["title"], "summary": tree["summary"], BODY: ""}
        order = courses.written(words, layout="order", permalink=f"/{slug}/order/", slug=slug)
        (folder / f"order-{slug}.md").write_text(order, "utf-8")


def command(source: Path, out: Path) -> list[str]:
    """Return how the site is built; nothing is kept on the disk for the next time."""
    given = ("--source", str(source), "--destination", str(out))
    return ["jekyll", "build", "--quiet", "--disable-disk-cache", *given]
