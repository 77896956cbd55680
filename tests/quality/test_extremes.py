"""Courses that nobody thought of: words longer than a phone, forty on a shelf, 200 lessons, a picture that is gone."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from kramik import catalogue
from kramik.catalogue import Catalogue
from tests.quality import sight
from tests.quality.sight import seeing
from tests.site.world import serving

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
GERMAN = (
    "Rechtsschutzversicherungsgesellschaften und Grundstücksverkehrsgenehmigungszuständigkeiten im Überblick"
)
ENDLESS = f"""---
title: "{GERMAN}"
summary: "{WORD} {GERMAN}"
price: "1234567.89 PLN"
course: c
eyebrow: "{WORD}"
headline: "**{WORD}** und {GERMAN}"
facts: ["{WORD}", "{WORD}", "{GERMAN}"]
requirements: "{WORD}"
trust: [{{number: "300 000 000", label: "{WORD}"}}, {{number: "1 000 000", label: "{GERMAN}"}}]
for_whom: ["{WORD}"]
not_for: ["{GERMAN}"]
outcomes: ["{WORD}", "**{WORD}**"]
programme: [{{title: "{WORD}", lessons: [{{title: "{WORD}", minutes: 9999, preview: true}}]}}]
sample: {{title: "{WORD}", text: "{WORD} `{WORD}`", link: "https://{"x" * 60}.example/"}}
author: {{name: "{WORD}", about: "{WORD}", credentials: ["{WORD}"]}}
testimonials: [{{words: "{WORD}", name: "{WORD}", role: "{WORD}"}}, {{words: "{GERMAN}", name: A, role: "{WORD}"}}]
testimonials_note: "{WORD}"
included: ["**{WORD}**"]
guarantee: "{WORD}"
questions: [{{question: "`{WORD}` **{GERMAN}**?", answer: "{WORD}"}}]
---
## {GERMAN}

{WORD} [{WORD}](https://{"y" * 60}.example/)

| {GERMAN} | {WORD} |
|---|---|
| {WORD} | b |
"""
PLAIN = "---\ntitle: Kurs {0}\nprice: 10.00 PLN\ncourse: c{0}\n{1}---\n"


def sold(*texts: str) -> Catalogue:
    """Return a catalogue of these product files, named by their number."""
    files = {f"kurs-{number}.md": text for number, text in enumerate(texts)}
    return catalogue.read(files, lang="pl", currency="PLN")


@pytest.mark.parametrize("theme", ["zeszyt", "warsztat"])
def test_words_without_end(chromium: Browser, theme: str) -> None:
    """A German title, and a word that is wider than any phone in every place of a course, break and are read whole."""
    with serving(catalogue=sold(ENDLESS), theme=theme) as shop, seeing(chromium) as page:
        for path in ("/", "/kurs-0/", "/kurs-0/order/"):
            page.goto(shop.url + path)
            sight.unfold(page)
            for wide in (320, 360, 768, 1000, 1280):
                sight.resize(page, wide, 700)
                assert [] == sight.lost(page), (path, wide)


def test_forty_courses(chromium: Browser) -> None:
    """A shelf of forty courses has forty rows, each with a cover of its own, one below the other."""
    with (
        serving(catalogue=sold(*(PLAIN.format(each, "") for each in range(40)))) as shop,
        seeing(chromium) as page,
    ):
        page.goto(shop.url)
        covers = page.locator(".cover").evaluate_all("all => all.map(each => each.innerHTML)")
        tops = page.locator(".course").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().top)"
        )

        assert [] == sight.lost(page)
        assert 40 == len(covers) == len(set(covers))
        assert all(150 < below - above < 400 for above, below in pairwise(tops))


def test_two_hundred_lessons(chromium: Browser) -> None:
    """A programme of two hundred lessons can be unfolded and read; without voices there is no empty place for them."""
    lessons = "programme:\n" + "".join(
        f"- title: Część {part}\n  lessons:\n"
        + "".join(f"  - {{title: Lekcja {each}, minutes: {each}}}\n" for each in range(1, 21))
        for part in range(10)
    )
    with serving(catalogue=sold(PLAIN.format(0, lessons))) as shop, seeing(chromium, 360) as page:
        page.goto(f"{shop.url}/kurs-0/")
        sight.unfold(page)

        assert [] == sight.lost(page)
        expect(page.locator(".lessons li:visible")).to_have_count(200)
        expect(page.locator(".totals")).to_have_text("200 lekcji · 35 godz.")
        expect(page.locator(".voices, #testimonials")).to_have_count(0)


def test_a_picture_that_is_gone(chromium: Browser, tmp_path: Path) -> None:
    """A picture that the host lost leaves its words in its place; a course without a picture has a drawn cover."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    drawn = BytesIO()
    Image.new("RGB", (800, 600), "#2b4bad").save(drawn, "PNG")
    (folder / "tablica.png").write_bytes(drawn.getvalue())
    front = "picture: {file: tablica.png, alt: Tablica z granicą agregatu}\n"
    with (
        serving(catalogue=sold(PLAIN.format(0, front), PLAIN.format(1, "")), pictures=folder) as shop,
        seeing(chromium, 360) as page,
    ):
        shop.files = {
            name: each for name, each in shop.files.items() if not name.endswith((".jpg", ".avif", ".png"))
        }
        page.goto(f"{shop.url}/kurs-0/")
        box = page.get_by_role("img", name="Tablica z granicą agregatu").bounding_box()
        lost = sight.lost(page)
        page.goto(f"{shop.url}/kurs-1/")

        assert box is not None
        assert (320, 240) == (round(box["width"]), round(box["height"]))
        assert [] == lost
        expect(page.locator(".plate .cover")).to_be_visible()
