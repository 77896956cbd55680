"""How fast `kramik build` makes a shop of many courses, beside Debian's Jekyll, which makes the same pages.

Jekyll gets the easier part: its layouts are the finished pages of kramik, in which only slug, title, summary and text
are still to be put; it reads the same Markdown. It makes no feed, no map of the site and no covers.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from bench import stock
from bench.figures import Chapter, Figure, middle

SLUG, TITLE, SUMMARY = "kurs-wzorcowy", "TYTUL-KURSU", "STRESZCZENIE-KURSU"
BODY = "TRESC-KURSU"
_FRONT = """---
title: "{title}"
summary: "{summary}"
price: "199.00 PLN"
course: "{slug}"
legal_kind: content
---
{body}
"""
_FILLED = {
    SLUG: "{{ page.slug }}",
    TITLE: "{{ page.title | escape }}",
    SUMMARY: "{{ page.summary | escape }}",
}


def site(scratch: Path, *, products: int, rounds: int) -> Chapter:
    """Measure fresh processes, in turns, each into an empty folder; then one edited course."""
    scratch.mkdir()
    shop, jekyll = _shop(scratch / "shop"), scratch / "jekyll"
    text = _text(shop)
    layouts = _layouts(_shop(scratch / "one"), scratch / "one-out")
    _fill(shop / "products", text, products)
    _jekyll(jekyll, layouts, text, products)
    ours, theirs, edited = [], [], []
    for number in range(rounds):
        shutil.rmtree(scratch / "ours", ignore_errors=True)
        shutil.rmtree(scratch / "theirs", ignore_errors=True)
        ours.append(_timed(_kramik(shop, scratch / "ours")))
        theirs.append(_timed(_build(jekyll, scratch / "theirs")))
        with (shop / "products" / "kurs-7.md").open("a", encoding="utf-8") as course:
            course.write(f"\nZdanie {number}.\n")
        edited.append(_timed(_kramik(shop, scratch / "ours")))
    pages = _compared(scratch / "ours", scratch / "theirs", products)
    whole = middle(ours)
    figures = [
        Figure(what=f"Jekyll: {pages:,} pages", figure=_s(middle(theirs))),
        Figure(
            what="`kramik build`: the same pages, and all that belongs to a shop",
            figure=_s(whole),
            ratio=middle(theirs) / whole,
            target=3,
        ),
        Figure(
            what="`kramik build` after one course was edited",
            figure=_s(middle(edited)),
            ratio=middle(edited) / whole,
            target=0.05,
            better="less",
        ),
    ]
    how = (
        f"{products:,} courses, a sales page and an order page each; processor time of fresh processes in turns, "
        f"median of {rounds}. Jekyll has the least to do: its layouts are finished pages of kramik with four places "
        "to fill, and it draws no covers and no cards."
    )
    return Chapter(title="The site", how=how, figures=figures)


def _shop(folder: Path) -> Path:
    """Make the example shop in one language."""
    settings = stock.shop_folder(folder) / "shop.toml"
    text = settings.read_text("utf-8")
    one = re.sub(r"^languages = .*$", 'languages = ["pl"]', text, flags=re.MULTILINE)
    assert one != text
    settings.write_text(one, "utf-8")
    return folder


def _text(shop: Path) -> str:
    course = shop / "products" / "kolejki-bez-strachu.md"
    return course.read_text("utf-8").split("---\n", 2)[2]


def _layouts(shop: Path, out: Path) -> dict[str, str]:
    """Return kramik's own pages as layouts of Jekyll."""
    _emptied(shop / "products")
    front = _FRONT.format(title=TITLE, summary=SUMMARY, slug=SLUG, body=BODY)
    (shop / "products" / f"{SLUG}.md").write_text(front, "utf-8")
    _timed(_kramik(shop, out))
    sales = (out / SLUG / "index.html").read_text("utf-8")
    order = (out / SLUG / "order" / "index.html").read_text("utf-8")
    assert f"<p>{BODY}</p>" in sales
    return {
        "product": _filled(sales.replace(f"<p>{BODY}</p>", "{{ content }}")),
        "order": _filled(order),
    }


def _filled(page: str) -> str:
    for word, filled in _FILLED.items():
        page = page.replace(word, filled)
    return page


def _fill(folder: Path, text: str, products: int) -> None:
    _emptied(folder)
    for number in range(products):
        slug = f"kurs-{number}"
        course = _FRONT.format(
            title=f"Kurs {number}", summary=f"Streszczenie {number}.", slug=slug, body=text
        )
        (folder / f"{slug}.md").write_text(course, "utf-8")


def _jekyll(folder: Path, layouts: dict[str, str], text: str, products: int) -> None:
    (folder / "_layouts").mkdir(parents=True)
    (folder / "_config.yml").write_text("title: Shop\n", "utf-8")
    for name, layout in layouts.items():
        (folder / "_layouts" / f"{name}.html").write_text(layout, "utf-8")
    for number in range(products):
        facts = f'slug: kurs-{number}\ntitle: "Kurs {number}"\nsummary: "Streszczenie {number}."\n'
        for layout, path, body in (("product", "", text), ("order", "order/", "")):
            front = f"---\nlayout: {layout}\npermalink: /kurs-{number}/{path}\n{facts}---\n"
            (folder / f"{layout}-{number}.md").write_text(front + body, "utf-8")


def _emptied(folder: Path) -> None:
    for file in folder.glob("*.md"):
        file.unlink()


def _compared(ours: Path, theirs: Path, products: int) -> int:
    """Return how many pages both made, each with the same headings."""
    for path in ("kurs-7/index.html", f"kurs-{products - 1}/order/index.html"):
        assert _headings(ours / path) == _headings(theirs / path) != [], path
    made = {str(file.relative_to(theirs)) for file in theirs.rglob("*.html")}
    assert made <= {str(file.relative_to(ours)) for file in ours.rglob("*.html")}
    assert len(made) == 2 * products
    return len(made)


def _headings(page: Path) -> list[str]:
    return re.findall(
        r"<h[12][^>]*>(?:<[^>]*>)*([^<]*)", page.read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")
    )


def _kramik(shop: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "kramik", "build", "--shop", str(shop), "--out", str(out)]


def _build(source: Path, out: Path) -> list[str]:
    return [
        "jekyll",
        "build",
        "--quiet",
        "--disable-disk-cache",
        "--source",
        str(source),
        "--destination",
        str(out),
    ]


def _timed(command: list[str]) -> float:
    """Return the processor time of a process, in seconds: a busy neighbour changes it little."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, **stock.ENVIRONMENT}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"
