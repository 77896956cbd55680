"""What another generator is told, and that nothing of others is touched."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from kramik.errors import ConfigurationError
from kramik.money import parse_price
from kramik.offer import Conditions
from kramik.pricelist import PriceList
from kramik.sale import Sale
from kramik.site.exports import files
from kramik.site.exports.data import Export
from kramik.site.exports.placed import MEMORY, place
from kramik.site.pages import Pages
from kramik.site.source import Source
from tests.site.dom import parse
from tests.site.world import example

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SLUG = "agregaty-w-praktyce"


def exported(source: Source) -> dict:
    """Return the data as a generator reads it."""
    return json.loads(Export(source).data().text)


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def without(source: Source, slug: str) -> Source:
    """Return the shop without a product."""
    products = {name: each for name, each in source.catalogue.products.items() if name != slug}
    return msgspec.structs.replace(
        source, catalogue=msgspec.structs.replace(source.catalogue, products=products)
    )


# The data


def test_the_data_names_its_schema_moment_and_catalogue() -> None:
    """A reader knows which fields to expect, how old the prices are, and from which catalogue they come."""
    source = example()
    data = exported(source)

    assert (1, "2026-11-25T12:00:00Z", source.catalogue.hash) == tuple(
        data[name] for name in ("schema_version", "generated_at", "catalogue")
    )
    assert ("https://api.kurs.example/api/orders", ["pl", "en"]) == (
        data["shop"]["orders_url"],
        data["shop"]["languages"],
    )


def test_a_price_is_exact_and_as_readers_write_it() -> None:
    """The amount for machines, and a text for each language of the shop."""
    (course,) = (each for each in exported(example())["products"] if each["slug"] == SLUG)

    assert {
        "amount": "299.00",
        "currency": "PLN",
        "shown": {"pl": "299,00\N{NO-BREAK SPACE}zł", "en": "PLN\N{NO-BREAK SPACE}299.00"},
    } == course["price"]
    assert (None, None, 0, True, False) == tuple(
        course[name] for name in ("regular", "lowest", "percent", "on_sale", "free")
    )


def test_a_sale_carries_what_the_law_wants_beside_its_price() -> None:
    """The regular price, the lowest one of the thirty days before, and until when; in data and in the form."""
    source = example()
    sale = Sale(
        price=parse_price("199.00 PLN"), opens=NOW - timedelta(days=1), closes=NOW + timedelta(days=1)
    )
    product = msgspec.structs.replace(source.catalogue.products[SLUG], sales=(sale,))
    catalogue = msgspec.structs.replace(
        source.catalogue, products={**source.catalogue.products, SLUG: product}
    )
    source = msgspec.structs.replace(source, catalogue=catalogue, conditions=Conditions(prices=PriceList()))
    data = exported(source)
    (course,) = (each for each in data["products"] if each["slug"] == SLUG)

    assert ("199.00", "299.00", "299.00", 33) == (
        course["price"]["amount"],
        course["regular"]["amount"],
        course["lowest"]["amount"],
        course["percent"],
    )
    assert "30 dni" in course["words"]["pl"]["lowest"]
    assert course["words"]["pl"]["lowest"] in data["orders"][SLUG]["pl"]


def test_the_form_is_the_one_of_our_own_order_page() -> None:
    """The same fields, values and texts, so that an order from another site stores the same consents and prices."""
    source = example()
    ours = parse(Pages(source, api=False).order_form(SLUG, "pl", {}, []))
    theirs = parse(exported(source)["orders"][SLUG]["pl"])
    fields = [
        [
            (
                each.attrs.get("name"),
                each.attrs.get("type"),
                each.attrs.get("value"),
                each.attrs.get("required"),
            )
            for each in page.all("input")
        ]
        for page in (ours, theirs)
    ]

    assert fields[0] == fields[1]
    assert "https://api.kurs.example/api/orders" == theirs.one("form").attrs["action"]


def test_ids_of_two_forms_and_of_the_page_do_not_meet() -> None:
    """Each label still finds its field."""
    orders = exported(example())["orders"]
    texts = [form for forms in orders.values() for form in forms.values()]
    ids = [name for text in texts for name in re.findall(r'\sid="([^"]+)"', text)]
    pointed = {
        name
        for text in texts
        for names in re.findall(r'\s(?:for|aria-describedby)="([^"]+)"', text)
        for name in names.split()
    }

    assert len(ids) == len(set(ids))
    assert pointed <= set(ids)
    assert {"email", "price", "terms"}.isdisjoint(ids)


@pytest.mark.parametrize("slug", ["agregaty-w-praktyce", "kolejki-bez-strachu"])
@pytest.mark.parametrize("lang", ["pl", "en"])
def test_a_form_has_full_addresses_and_no_blank_line(slug: str, lang: str) -> None:
    """It stands in a page of another host, and often inside of Markdown."""
    form = exported(example())["orders"][slug][lang]

    assert [] == [
        each for each in re.findall(r'(?:href|src|action)="([^"]*)"', form) if not each.startswith("https://")
    ]
    assert "" not in [line.strip() for line in form.splitlines()]


@pytest.mark.parametrize("generator", sorted(files.GENERATORS))
def test_the_same_shop_at_the_same_moment_is_the_same_bytes(generator: str, tmp_path: Path) -> None:
    """Twice, and once more over itself: no byte differs, so a site under version control has no noise."""
    for name in ("one", "two", "two"):
        place(files.GENERATORS[generator](Export(example()), ""), tmp_path / name)

    assert tree(tmp_path / "one") == tree(tmp_path / "two")


# Files of others


@pytest.mark.parametrize("generator", sorted(files.GENERATORS))
def test_a_file_of_the_site_is_never_written_over(generator: str, tmp_path: Path) -> None:
    """Whatever stands where our data would: it stays, all of them are named, and nothing at all is written."""
    made = files.GENERATORS[generator](Export(example()), "")
    for path in list(made.ours)[:2]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("mine", "utf-8")
    before = tree(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        place(made, tmp_path)

    assert before == tree(tmp_path)
    assert sorted(str(tmp_path / path) for path in list(made.ours)[:2]) == [
        each.field for each in refused.value.problems
    ]


def test_an_edited_page_of_a_course_stays_as_it_is(tmp_path: Path) -> None:
    """A stub is a beginning: what its owner made of it survives the next export, which renews the rest."""
    place(files.jekyll(Export(example()), ""), tmp_path)
    page = tmp_path / "courses" / f"{SLUG}.html"
    page.write_text("my own page", "utf-8")
    placed = place(files.jekyll(Export(example(now=NOW + timedelta(days=1))), ""), tmp_path)

    assert ("my own page", [f"courses/{SLUG}.html"]) == (page.read_text("utf-8"), placed.kept)
    assert "2026-11-26T12:00:00Z" in (tmp_path / "_data" / "shop.json").read_text("utf-8")


def test_edited_data_stop_the_next_export(tmp_path: Path) -> None:
    """A price that somebody wrote into the data by hand is not lost without a word."""
    place(files.jekyll(Export(example()), ""), tmp_path)
    data = tmp_path / "_data" / "shop.json"
    data.write_text(data.read_text("utf-8").replace("299.00", "199.00"), "utf-8")
    before = tree(tmp_path)
    with pytest.raises(ConfigurationError):
        place(files.jekyll(Export(example(now=NOW + timedelta(days=1))), ""), tmp_path)

    assert before == tree(tmp_path)


def test_the_page_of_a_course_that_is_gone_goes_too(tmp_path: Path) -> None:
    """But not one that was edited, which is named, and nothing that we never wrote."""
    place(files.jekyll(Export(example()), ""), tmp_path)
    edited = tmp_path / "en" / "courses" / f"{SLUG}.html"
    edited.write_text("mine", "utf-8")
    (tmp_path / "courses" / "index.html").write_text("mine", "utf-8")
    placed = place(files.jekyll(Export(without(example(), SLUG)), ""), tmp_path)

    assert [f"courses/{SLUG}.html"] == placed.removed
    assert [f"en/courses/{SLUG}.html"] == placed.left
    assert {"mine"} == {file.read_text("utf-8") for file in (edited, tmp_path / "courses" / "index.html")}


def test_an_export_that_was_killed_is_run_again(tmp_path: Path) -> None:
    """With the memory written and one file new, one file old: both are still known as ours."""
    old, new = (files.jekyll(Export(example(now=NOW + timedelta(days=days))), "") for days in (0, 1))
    place(old, tmp_path)
    remembered = (tmp_path / MEMORY).read_bytes()
    place(new, tmp_path)
    first, then = (json.loads(text)["jekyll"] for text in (remembered, (tmp_path / MEMORY).read_bytes()))
    both = {path: [*first[path], *hashes] for path, hashes in then.items()}
    (tmp_path / MEMORY).write_text(json.dumps({"jekyll": both}), "utf-8")
    (tmp_path / "_data" / "shop.json").write_bytes(old.ours["_data/shop.json"])
    place(new, tmp_path)

    assert new.ours["_data/shop.json"] == (tmp_path / "_data" / "shop.json").read_bytes()


def test_two_generators_may_share_a_folder(tmp_path: Path) -> None:
    """Neither removes what the other needs, and each still removes its own."""
    made = [
        place(files.GENERATORS[generator](Export(source), ""), tmp_path)
        for source in (example(), without(example(), SLUG))
        for generator in ("jekyll", "json")
    ]
    left = tree(tmp_path)

    assert [f"orders/{SLUG}.en.html", f"orders/{SLUG}.pl.html"] == made[-1].removed
    assert {"shop.json", "_data/shop.json", "_includes/course-order.html"} < set(left)
    assert {f"assets/{name}" for name in ("course-order.js", "course-order.css")} == {
        re.sub(r"\.[0-9a-f]{10}", "", path) for path in left if path.startswith("assets/")
    }
    assert [] == [path for path in left if SLUG in path]
