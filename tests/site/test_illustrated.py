"""Pictures that an author puts into a text: made small like all others, and never asked of somebody else."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from unicodedata import normalize

import pytest
from PIL import Image

from kramik import catalogue
from kramik.errors import ConfigurationError
from kramik.site import illustrated, inspection
from kramik.site.build import build, site
from kramik.site.exports.data import Export
from kramik.site.source import Source
from tests.site.dom import Element, parse
from tests.site.world import example, texts

HEAD = "---\ntitle: Kurs\nprice: 10.00 PLN\ncourse: c\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The pictures of a shop: a photograph, a drawing without a ground, and one of lines."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (1000, 600), "navy").save(pictures / "board.jpg")
    Image.new("RGBA", (200, 100), (0, 0, 0, 0)).save(pictures / "clear.png")
    (pictures / "lines.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>')
    return pictures


def shop(body: str, folder: Path | None, *lines: str) -> Source:
    """Return a shop with one course whose sales page says this."""
    text = HEAD + "".join(f"{line}\n" for line in lines) + f"---\n{body}\n"
    return example(catalogue=catalogue.read({"kurs.md": text}, lang="pl"), pictures=folder)


def sales_page(source: Source) -> Element:
    """Return the sales page of that course."""
    return parse(site(source)["kurs/index.html"].decode())


@pytest.mark.parametrize(
    "address", ["board.jpg", "pictures/board.jpg", "/pictures/board.jpg", "../pictures/board.jpg"]
)
def test_an_image_of_a_text_is_a_picture_of_the_shop(folder: Path, address: str) -> None:
    """In widths that fit a column, with its size, loaded late; alone in a paragraph it is a figure with a caption."""
    page = sales_page(shop(f'Słowo.\n\n![Tablica z **granicą**]({address} "W lekcji")\n\nSłowo.', folder))
    figure = page.one("div", id="program").one("figure")
    image = figure.one("img")

    assert ("Tablica z granicą", "lazy", "800", "480") == tuple(
        image.attrs[key] for key in ("alt", "loading", "width", "height")
    )
    assert "image/avif" == figure.one("source").attrs["type"]
    assert "W\N{NO-BREAK SPACE}lekcji" == figure.one("figcaption").text


def test_a_picture_within_a_sentence_or_a_block(folder: Path) -> None:
    """It stays in its line; a sample lesson has pictures, too."""
    sample = ("sample:", "  title: A", "  text: |", "    Tekst ![tu](board.jpg) dalej")
    page = sales_page(shop("Zob. ![tam](board.jpg)!", folder, *sample))

    assert ["tam", "tu"] == [each.attrs["alt"] for each in page.all("img")]
    assert [] == [each for each in page.all("figure") if "plate" not in each.attrs.get("class", "")]


def test_pictures_of_a_page(folder: Path) -> None:
    """Terms and other pages show them as well, in every version that is kept."""
    text = "---\ntitle: O mnie\nversion: 1\n---\n![ja](board.jpg)\n"
    source = example(pages={**texts("pages"), "about.md": text}, pictures=folder)
    built = site(source)

    for path in ("about/index.html", "about/1/index.html", "en/about/index.html"):
        assert "ja" == parse(built[path].decode()).one("picture").one("img").attrs["alt"]


def test_what_is_clear_is_laid_on_white(folder: Path) -> None:
    """A diagram of black lines on nothing is not black on black."""
    built = site(shop("![a](clear.png)", folder))
    jpeg = next(
        content
        for path, content in built.items()
        if path.startswith("assets/clear.") and path.endswith(".jpg")
    )
    pixel = Image.open(BytesIO(jpeg)).convert("RGB").getpixel((10, 10))

    assert (255, 255, 255) == pixel


def test_a_drawing_of_lines_stays_one(folder: Path) -> None:
    """An SVG is published as it is."""
    source = shop("![a](lines.svg)", folder)
    image = sales_page(source).one("picture").one("img")

    assert (folder / "lines.svg").read_bytes() == site(source)[image.attrs["src"].lstrip("/")]


@pytest.mark.parametrize("file", ["missing.jpg", "../shop.toml", "../../etc/passwd.png"])
def test_a_picture_that_is_not_there(folder: Path, file: str) -> None:
    """It is a problem, not a hole in the page; nothing outside of the folder is read."""
    with pytest.raises(ConfigurationError) as caught:
        site(shop(f"![a]({file})", folder))

    assert [f"pictures/{file}"] == [each.field for each in caught.value.problems]


def test_a_picture_that_a_text_asks_for_in_vain(folder: Path) -> None:
    """The place to mend is the line that asks for it, in each file that does; another name that ends alike is not."""
    (folder.parent / "products").mkdir()
    (folder.parent / "products" / "kurs.en.md").write_text("---\ntitle: x\n---\n![a](my-gone.jpg)\n")
    (folder.parent / "products" / "kurs.md").write_text(HEAD + "---\nSłowo.\n\n![a](gone.jpg)\n")
    (folder.parent / "pages").mkdir()
    (folder.parent / "pages" / "index.md").write_text("---\ntitle: x\n---\n![a](../pictures/gone.jpg)\n")
    with pytest.raises(ConfigurationError) as caught:
        site(shop("![a](gone.jpg)", folder))

    assert ["products/kurs.md:8", "pages/index.md:4"] == [each.field for each in caught.value.problems]
    assert {True} == {
        "asks for pictures/gone.jpg, which can not be read" in each.message for each in caught.value.problems
    }


def test_a_picture_of_somebody_else(folder: Path) -> None:
    """The policy of the site lets no browser load it, so whoever checks is told, with the line."""
    source = shop("Słowo.\n\n![a](https://else.example/a.png)", folder)
    (folder.parent / "products").mkdir()
    (folder.parent / "products" / "kurs.md").write_text(HEAD + "---\n![a](https://else.example/a.png)\n")
    found = list(inspection.problems(source, site(source), folder.parent))

    assert ["products/kurs.md:6"] == [each.field for each in found]
    assert "save it in pictures/" in found[0].message


def test_another_picture_makes_its_page_again(folder: Path, tmp_path: Path) -> None:
    """A page is made of the pictures in its text, too."""
    source = shop("![a](board.jpg)", folder)
    build(source, tmp_path / "out")
    before = (tmp_path / "out" / "kurs" / "index.html").read_bytes()
    Image.new("RGB", (1000, 600), "white").save(folder / "board.jpg")
    build(source, tmp_path / "out")

    assert before != (tmp_path / "out" / "kurs" / "index.html").read_bytes()


def test_the_front_page_shows_the_picture_of_a_course(folder: Path) -> None:
    """A cover is drawn only where there is none; the title beside it says it all, so it has no words."""
    front = parse(site(shop("", folder, "picture: {file: board.jpg, alt: Tablica}"))["index.html"].decode())
    drawn = parse(site(shop("", folder))["index.html"].decode())

    assert ("", 0) == (
        front.one("picture", **{"class": "cover"}).one("img").attrs["alt"],
        len(front.all("svg")),
    )
    assert (0, 1) == (len(drawn.all("picture")), len(drawn.all("svg", **{"class": "cover"})))


def test_another_site_gets_full_addresses(folder: Path) -> None:
    """The picture stays where the shop is published."""
    data = Export(shop("![a](board.jpg)", folder)).data()
    html = data.products[0].words["pl"].html

    assert "https://kurs.example/assets/board." in html


def test_what_a_text_names() -> None:
    """Spaces between angle brackets, a caption, an address elsewhere, a mere link."""
    text = '![a](<two words.png> "x") ![b](b.png) ![c](https://x.example/c.png) [d](d.png) ![e](../pictures/e.png)'

    assert ["two words.png", "b.png", "e.png"] == list(illustrated.named(text))


@pytest.mark.parametrize(
    ("root", "size"),
    [
        ('viewBox="0 0 9 6"', ("9", "6")),
        ("width='120' height='80px' viewBox='0 0 9 9'", ("120", "80")),
        ('width="100%" viewBox="-1.5,-2 12.4 7.6"', ("12", "8")),
        ('width="100%"', (None, None)),
    ],
)
def test_a_drawing_keeps_its_place(folder: Path, root: str, size: tuple[str | None, str | None]) -> None:
    """A drawing says its size or its shape, so nothing jumps; search engines get a picture that they take."""
    (folder / "lines.svg").write_text(
        f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" {root}/>'
    )
    page = sales_page(shop("![a](lines.svg)", folder, "picture: {file: lines.svg, alt: a}"))
    images = page.all("img")

    assert [size, size] == [(each.attrs.get("width"), each.attrs.get("height")) for each in images]
    assert "/assets/kurs-card." in page.one("meta", property="og:image").attrs["content"]


def test_a_name_whose_accents_stand_apart(folder: Path) -> None:
    """A Mac may spell a file with a letter and its accent apart; it is the same picture."""
    (folder / "board.jpg").rename(folder / normalize("NFD", "zdjęcie.jpg"))
    page = sales_page(shop("![a](zdjęcie.jpg)", folder))

    assert "800" == page.one("img").attrs["width"]


def test_a_name_in_other_letters(folder: Path) -> None:
    """What works on the author's machine and on no host is told with the name that the file has."""
    (folder / "board.jpg").rename(folder / "Board.JPG")
    with pytest.raises(ConfigurationError, match=r"it is called Board\.JPG"):
        site(shop("![a](board.jpg)", folder))
