"""The blocks of a sales page: what front matter says is shown, what it leaves out is not, and mistakes have a line."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from kramik import catalogue
from kramik.blocks import Blocks
from kramik.errors import ConfigurationError
from kramik.site.build import site
from kramik.site.pictures import Pictures
from tests.site.dom import Element, parse
from tests.site.world import example

FRONT = "title: Kurs\nprice: 10.00 PLN\ncourse: c\n"
ALL = {
    "eyebrow": "eyebrow: Poziom drugi",
    "headline": "headline: Jeden **adres**",
    "facts": "facts: [trzy fakty]",
    "video": "video: https://film.example/1",
    "trust": "trust: [{number: '40', label: ukończonych}]",
    "for_whom": "for_whom: [dla ciebie]",
    "not_for": "not_for: [nie dla ciebie]",
    "outcomes": "outcomes: [umiesz to]",
    "programme": "programme:\n- {title: Wstep, lessons: [Jeden, {title: Dwa, minutes: 65, preview: /dwa/}]}",
    "sample": "sample: {title: Fragment, text: Tekst fragmentu, link: /fragment/}",
    "author": "author: {name: Hanna W, about: O mnie, credentials: [tytuł], link: https://hanna.example/}",
    "testimonials": "testimonials: [{words: Świetny, name: Ola, role: dev}]\ntestimonials_note: Sprawdzamy zamówienia.",
    "included": "included: [to dostajesz]",
    "requirements": "requirements: sama przeglądarka",
    "guarantee": "guarantee: Oddam pieniądze.",
    "questions": "questions: [{question: Kiedy, answer: Zaraz}]",
}
SHOWN = {
    "eyebrow": "Poziom drugi",
    "headline": "Jeden adres",
    "facts": "trzy fakty",
    "video": "https://film.example/1",
    "trust": "ukończonych",
    "for_whom": "dla ciebie",
    "not_for": "nie dla ciebie",
    "outcomes": "umiesz to",
    "programme": "1\u00a0godz. 5\u00a0min",
    "sample": "Tekst fragmentu",
    "author": "Hanna W",
    "testimonials": "Sprawdzamy zamówienia.",
    "included": "to dostajesz",
    "requirements": "sama przeglądarka",
    "guarantee": "Oddam pieniądze.",
    "questions": "Zaraz",
}


def sold(*lines: str) -> catalogue.Catalogue:
    """Return a catalogue of one course whose front matter has these lines, too."""
    text = "---\n" + FRONT + "".join(f"{line}\n" for line in lines) + "---\n"
    return catalogue.read({"kurs.md": text}, lang="pl")


def sales_page(*lines: str, **changes: object) -> Element:
    """Return the sales page of that course."""
    return parse(site(example(catalogue=sold(*lines), **changes))["kurs/index.html"].decode())


def seen(page: Element) -> str:
    """Return the text of a page and where its links lead, without the line breaks of its source."""
    links = " ".join(each.attrs.get("href", "") for each in page.all("a"))
    return f"{' '.join(page.one('main').text.split(' '))} {links}"


def test_a_course_without_a_summary_has_no_empty_line() -> None:
    """The line below the title is there when it says something."""
    leads = [
        [each.text for each in sales_page(*lines).all("p", **{"class": "lead"})]
        for lines in ((), ("summary: Jest.",))
    ]

    assert [[], ["Jest."]] == leads


def test_every_block_is_tried_here() -> None:
    """No key of a block is without a test below."""
    assert set(Blocks.__struct_fields__) == {*ALL, "picture", "testimonials_note"}


@pytest.mark.parametrize("key", ALL)
def test_a_block_alone(key: str) -> None:
    """A block is shown when its key is there, and none of the others with it."""
    text = seen(sales_page(ALL[key]))

    assert SHOWN[key] in text
    assert SHOWN[key] not in seen(sales_page())
    others = {other for other in SHOWN if other != key and SHOWN[other] not in SHOWN[key]}
    assert set() == {other for other in others if SHOWN[other] in text}


def test_all_blocks_together() -> None:
    """Promise, proof, plan, price and what takes the risk away stand in this order."""
    page = sales_page(*ALL.values())
    headings = [each.text for each in page.all("h2")]

    assert headings == [
        "Dla kogo jest ten kurs",
        "Po kursie potrafisz",
        "Program",
        "Fragment lekcji",
        "Kto uczy",
        "Mówią po kursie",
        "Co dostajesz",
        "Zaczynamy?",
        "Gwarancja",
        "Pytania i\u00a0odpowiedzi",
    ]


def test_totals_of_the_programme_are_counted() -> None:
    """Lessons and minutes of all modules are added, and a preview is a link where it has an address."""
    page = sales_page(
        "programme:",
        "- {title: A, minutes: 50, lessons: [x, y, z]}",
        "- {title: B, lessons: [{title: v, minutes: 15}]}",
    )

    assert "4\u00a0lekcje · 1\u00a0godz. 5\u00a0min" == page.one("p", **{"class": "totals"}).text


@pytest.mark.parametrize(
    ("lines", "where", "why"),
    [
        (["outcome: [a]"], "5", "did you mean 'outcomes'?"),
        (["programme:", "- title: A", "  lesson: [x]"], "7", "did you mean 'lessons'?"),
        (["sample:", "  titel: A"], "6", "did you mean 'title'?"),
        (["testimonials: [{words: a, name: b}]"], "5", "testimonials_note"),
        (["video: javascript:alert(1)"], "5", "begin it with https://"),
        (["programme: [{title: A, minutes: 0}]"], "5", "must be 1 or more"),
    ],
)
def test_mistakes_have_a_line(lines: list[str], where: str, why: str) -> None:
    """A wrong block names file and line, and the nearest known key."""
    with pytest.raises(ConfigurationError) as caught:
        sold(*lines)

    assert f"products/kurs.md:{where}" in {each.field for each in caught.value.problems}
    assert why in " ".join(each.message for each in caught.value.problems)


def test_a_translation_brings_its_own_blocks() -> None:
    """A block that only the original has is not shown in another language."""
    files = {
        "kurs.md": f"---\n{FRONT}guarantee: Oddam pieniądze.\noutcomes: [umiesz]\n---\n",
        "kurs.en.md": "---\ntitle: Course\noutcomes: [you can]\n---\n",
    }
    page = seen(
        parse(site(example(catalogue=catalogue.read(files, lang="pl")))["en/kurs/index.html"].decode())
    )

    assert "you can" in page
    assert "Oddam" not in page


def photograph(width: int = 900, height: int = 600) -> bytes:
    """Return a JPEG with a place in its metadata."""
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "at home, 52.2 N 21.0 E"
    Image.effect_noise((width, height), 40).convert("RGB").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_picture_is_published_in_several_widths(tmp_path: Path) -> None:
    """AVIF and JPEG in widths below its own, with its size, without metadata, and kept for the next build."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "Tablica 1.jpg").write_bytes(photograph())
    shop = example(catalogue=sold("picture: {file: Tablica 1.jpg, alt: Tablica}"), pictures=folder)
    built = site(shop)
    page = parse(built["kurs/index.html"].decode())
    image = page.one("picture", **{"class": "hero"}).one("img")
    names = sorted(path for path in built if "tablica-1" in path and "card" not in path)

    assert ["480.avif", "480.jpg", "800.avif", "800.jpg"] == [name.rpartition("-")[2] for name in names]
    assert ("800", "533", "Tablica", "high") == tuple(
        image.attrs[key] for key in ("width", "height", "alt", "fetchpriority")
    )
    assert (800, 533) == Image.open(BytesIO(built[image.attrs["src"].lstrip("/")])).size
    assert not [name for name in names if b"at home" in built[name]]
    kept = {file.name: file.stat().st_mtime_ns for file in (tmp_path / ".kramik" / "pictures").iterdir()}
    card = page.one("meta", property="og:image").attrs["content"].rpartition("/")[2]
    assert (1200, 630) == Image.open(BytesIO(built[f"assets/{card}"])).size
    assert sorted([*names, f"assets/{card}"]) == sorted(f"assets/{name}" for name in kept)
    assert built == site(shop)
    assert kept == {
        file.name: file.stat().st_mtime_ns for file in (tmp_path / ".kramik" / "pictures").iterdir()
    }


def test_without_pillow_a_picture_is_published_as_it_is(tmp_path: Path) -> None:
    """The file itself is shown, under a name with the hash of its content, and no card is made of it."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    content = photograph()
    (folder / "a.jpg").write_bytes(content)
    pictures = Pictures(folder, "/shop", resize=False)
    shown = pictures.shown("a.jpg", "hero")

    assert ("", "", 0) == (shown.avif, shown.jpeg, shown.width)
    assert {shown.source.removeprefix("/shop/"): content} == pictures.files
    assert ("", "") == (pictures.card("a.jpg"), pictures.drawn("kurs"))


def test_code_can_be_reached_with_the_keyboard() -> None:
    """A block of code scrolls sideways, so it takes the focus."""
    page = sales_page("sample:", "  title: A", "  text: |", "    ```python", "    x = 1", "    ```")

    assert "0" == page.one("pre").attrs["tabindex"]
    assert "x = 1" in page.one("pre").text


@pytest.mark.parametrize(
    "file", ["missing.jpg", "../outside.png", "../shop.toml", "/etc/passwd", "notes.txt", "broken.png"]
)
def test_a_picture_that_is_none(tmp_path: Path, file: str) -> None:
    """What is missing, lies elsewhere or can not be opened is a problem with its name."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "broken.png").write_bytes(b"no picture")
    (tmp_path / "outside.png").write_bytes(photograph(80, 60))
    (folder / "notes.txt").write_bytes(b"text")
    with pytest.raises(ConfigurationError) as caught:
        sales_page(f"picture: {{file: {file}, alt: x}}", pictures=folder)

    assert [f"pictures/{file}"] == [each.field for each in caught.value.problems]
