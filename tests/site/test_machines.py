"""What is made for machines and for later: feed, linked data, headers of hosts, and old versions of the terms."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from kramik.errors import ConfigurationError
from kramik.offer import Conditions
from kramik.pricelist import read as read_prices
from kramik.site import headers, versions
from kramik.site.build import site
from tests.site.dom import Element, parse
from tests.site.world import example, texts

ATOM = "{http://www.w3.org/2005/Atom}"
PRICES = read_prices(
    "2026-09-01T08:00:00+02:00,agregaty-w-praktyce,299.00 PLN\n"
    "2026-10-01T08:00:00+02:00,kolejki-bez-strachu,199.00 PLN\n"
)
NEW_TERMS = "---\ntitle: Regulamin\nversion: 2027-01-01\n---\nNowe zasady.\n"


def linked(page: Element) -> dict[str, dict]:
    """Return the linked data of a page by type."""
    graph = json.loads(page.one("script", type="application/ld+json").text)["@graph"]
    return {
        "/".join(each["@type"]) if isinstance(each["@type"], list) else each["@type"]: each for each in graph
    }


def page(path: str, **changes: object) -> Element:
    """Return a page of the example shop."""
    return parse(site(example(**changes))[path].decode())


def test_a_sales_page_tells_price_and_course() -> None:
    """Price, currency, availability and length are those of the page, with full addresses."""
    course = linked(page("agregaty-w-praktyce/index.html"))["Product/Course"]

    assert ("299.00", "PLN", "https://schema.org/InStock") == tuple(
        course["offers"][key] for key in ("price", "priceCurrency", "availability")
    )
    assert {"@type": "CourseInstance", "courseMode": "Online", "courseWorkload": "PT7H4M"} == course[
        "hasCourseInstance"
    ]
    assert "https://kurs.example/agregaty-w-praktyce/" == course["url"] == course["offers"]["url"]
    assert re.fullmatch(
        r"https://kurs\.example/assets/agregaty-w-praktyce-card\.[0-9a-f]{10}\.png", course["image"]
    )
    assert "aggregateRating" not in course


def test_a_course_that_is_not_on_sale_is_not_in_stock() -> None:
    """Before its window a course is announced, not offered."""
    source = example()
    product = msgspec.structs.replace(
        source.catalogue.products["agregaty-w-praktyce"], opens=datetime(2027, 1, 1, tzinfo=UTC)
    )
    catalogue = msgspec.structs.replace(source.catalogue, products={product.slug: product})
    course = linked(page("agregaty-w-praktyce/index.html", catalogue=catalogue))["Product/Course"]

    assert ("https://schema.org/OutOfStock", "2027-01-01T00:00:00+00:00") == tuple(
        course["offers"][key] for key in ("availability", "availabilityStarts")
    )


def test_the_front_page_lists_the_courses_and_the_way_leads_back_to_it() -> None:
    """Every course is an item of the list, and each page knows who sells."""
    shop, course = linked(page("en/index.html")), linked(page("en/kolejki-bez-strachu/index.html"))

    assert [
        "https://kurs.example/en/agregaty-w-praktyce/",
        "https://kurs.example/en/kolejki-bez-strachu/",
    ] == [each["url"] for each in shop["ItemList"]["itemListElement"]]
    assert ["https://kurs.example/en/", "https://kurs.example/en/kolejki-bez-strachu/"] == [
        each["item"] for each in course["BreadcrumbList"]["itemListElement"]
    ]
    assert shop["Organization"] == course["Organization"]


def test_no_title_closes_the_script() -> None:
    """A title with the end of a script in it stays inside the data."""
    source = example()
    product = source.catalogue.products["agregaty-w-praktyce"]
    words = {"pl": msgspec.structs.replace(product.words["pl"], title="</script><b>")}
    product = msgspec.structs.replace(product, words=words)
    catalogue = msgspec.structs.replace(source.catalogue, products={product.slug: product})
    made = page("agregaty-w-praktyce/index.html", catalogue=catalogue)

    assert "</script><b>" == linked(made)["Product/Course"]["name"]
    assert [] == made.all("b")


def test_the_feed_dates_courses_by_the_history_of_prices() -> None:
    """The newest course comes first, and building again at another moment changes nothing."""
    feeds = [
        site(example(conditions=Conditions(prices=PRICES), now=datetime(2026, 11, day, tzinfo=UTC)))[
            "feed.xml"
        ]
        for day in (1, 2)
    ]
    feed = ET.fromstring(feeds[0].decode())  # noqa: S314 - our own text

    assert feeds[0] == feeds[1]
    assert ["Kolejki bez strachu", "Agregaty w praktyce"] == [
        each.findtext(f"{ATOM}title") for each in feed.iter(f"{ATOM}entry")
    ]
    assert ["2026-10-01T06:00:00Z", "2026-09-01T06:00:00Z"] == [
        each.findtext(f"{ATOM}published") for each in feed.iter(f"{ATOM}entry")
    ]


def test_a_course_that_is_only_announced_is_no_news() -> None:
    """It comes into the feed when it can be ordered; an earlier edition stays there."""
    source = example()
    announced = {
        slug: msgspec.structs.replace(each, opens=datetime(2027, 1, 1, tzinfo=UTC))
        for slug, each in source.catalogue.products.items()
    }
    catalogue = msgspec.structs.replace(source.catalogue, products=announced)
    shops = (
        example(catalogue=catalogue, conditions=Conditions(prices=each)) for each in (read_prices(""), PRICES)
    )
    assert [0, 2] == [site(shop)["feed.xml"].count(b"<entry>") for shop in shops]


def test_every_host_sends_the_same_policy() -> None:
    """Netlify, Apache and nginx send the policy that the shop's own server sends, and keep assets for ever."""
    files = {name: site(example())[name].decode() for name in ("_headers", ".htaccess", "headers.nginx.conf")}

    for name, text in files.items():
        assert all(value in text for value in headers.security(example()).values()), name
        assert "max-age=31536000, immutable" in text, name
        assert "no-referrer" in text, name
    assert files["headers.nginx.conf"].count("Content-Security-Policy") == 4


def test_a_site_in_a_folder_speaks_of_its_folder_alone() -> None:
    """Below `/shop` no rule is about the rest of the host, whose pages are somebody else's."""
    below = example(site="https://me.example/shop")
    names = ("_headers", "headers.nginx.conf", "staticwebapp.config.json")
    files = {name: site(below)[name].decode() for name in names}
    places = [line for line in files["_headers"].splitlines() if line.startswith("/")]
    config = json.loads(files["staticwebapp.config.json"])

    assert ["/shop/*", "/shop/assets/*", "/shop/thanks/*", "/shop/en/thanks/*"] == places
    assert ["routes"] == list(config)
    assert ["/shop/assets/*", "/shop/thanks/*", "/shop/en/thanks/*", "/shop/*"] == [
        each["route"] for each in config["routes"]
    ]
    inside = [line for line in files["headers.nginx.conf"].splitlines() if not line.startswith(" ")]
    assert {"}"} == {line for line in inside if not line.startswith("location ^~ /shop/")}
    assert 4 == files["headers.nginx.conf"].count("error_page 404 /shop/404.html;")
    policy = headers.policy(below)
    assert [policy] * 4 == [each["headers"]["Content-Security-Policy"] for each in config["routes"]]
    assert "no-referrer" == config["routes"][1]["headers"]["Referrer-Policy"]


def test_a_page_names_its_language_as_the_world_does() -> None:
    """Open Graph wants language and country."""
    assert ["pl_PL", "en_GB"] == [
        page(path).one("meta", property="og:locale").attrs["content"]
        for path in ("index.html", "en/index.html")
    ]


def test_old_terms_stay_online(tmp_path: Path) -> None:
    """A recorded version has its page after the terms changed, marked as old; the new one is current."""
    versions.record(tmp_path, example())
    changed = example(pages={**texts("pages"), "terms.md": NEW_TERMS}, versions=versions.read(tmp_path))
    old, new = (page_of(changed, f"terms/{version}/index.html") for version in ("2026-11-01", "2027-01-01"))

    assert "To jest wersja 2026-11-01" in old.one("main").text
    assert "Reklamacje" in old.one("main").text
    assert "noindex" == old.one("meta", name="robots").attrs["content"]
    assert ["Nowe zasady." in new.one("main").text, "To jest wersja" in new.one("main").text] == [True, False]
    assert {"/terms/2026-11-01/", "/terms/2027-01-01/"} <= {each.attrs["href"] for each in new.all("a")}
    assert [] == versions.record(tmp_path, example(versions=versions.read(tmp_path)))


def page_of(source: object, path: str) -> Element:
    """Return a page of a source."""
    return parse(site(source)[path].decode())  # type: ignore[arg-type]  # what `example` returns


def test_a_published_version_never_changes(tmp_path: Path) -> None:
    """Another text under a version that was published is a problem of the page, and nothing is built."""
    versions.record(tmp_path, example())
    pages = {**texts("pages"), "terms.en.md": texts("pages")["terms.en.md"] + "One word more.\n"}
    with pytest.raises(ConfigurationError) as caught:
        site(example(pages=pages, versions=versions.read(tmp_path)))

    assert [("pages/terms.en.md:1", "changed_version")] == [
        (each.field, each.code) for each in caught.value.problems
    ]


def test_a_version_that_is_no_address_is_refused() -> None:
    """A version becomes a folder, so a path in it is a problem."""
    with pytest.raises(ConfigurationError, match="becomes an address"):
        site(example(pages={"terms.md": "---\ntitle: x\nversion: ../../etc\n---\n"}))
