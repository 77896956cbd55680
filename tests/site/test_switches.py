"""Pages that switch by themselves when a sale or a window begins or ends: as built, and in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from kramik.catalogue import Catalogue
from kramik.money import Money
from kramik.offer import Conditions
from kramik.pricelist import Change, PriceList
from kramik.sale import Sale
from kramik.site import switches
from kramik.site.build import build, site
from kramik.site.pages import Pages
from kramik.site.source import Source
from tests.site.dom import Element, parse
from tests.site.test_build import files
from tests.site.visit import visiting
from tests.site.world import Running, example, serving

SLUG, OTHER = "agregaty-w-praktyce", "kolejki-bez-strachu"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OPENS, CLOSES = NOW + timedelta(days=2), NOW + timedelta(days=9)
AT_OPEN, AT_CLOSE = "from-20261127T120000Z.html", "from-20261204T120000Z.html"
SALE = Sale(price=Money(minor=17900, currency="PLN"), opens=OPENS, closes=CLOSES)
FORM, WINDOW = {"data-order": ""}, {"class": "window"}
WHOLE, CHEAP = "299,00\N{NO-BREAK SPACE}zł", "179,00\N{NO-BREAK SPACE}zł"


def sold(now: datetime = NOW, *, switching: bool = True, site: str = "", **changes: object) -> Source:
    """Return the example shop whose first course is changed; what it cost stands in the history of prices."""
    url = {"site": site, "api": site, "form_action_origins": ()} if site else {}
    shop = example(**url)
    products = dict(shop.catalogue.products)
    products[SLUG] = msgspec.structs.replace(products[SLUG], **({"sales": (SALE,)} | changes))
    price = Change(since=now - timedelta(days=90), product=SLUG, price=products[SLUG].price)
    return msgspec.structs.replace(
        shop,
        now=now,
        switching=switching,
        catalogue=Catalogue(products=products, hash=""),
        conditions=Conditions(prices=PriceList(changes={SLUG: (price,)})),
    )


def later(source: Source) -> list[str]:
    """Return what is prepared for later moments."""
    return sorted(path for path in site(source) if "from-" in path)


def page(source: Source, path: str) -> Element:
    """Return one page of a shop."""
    return parse(site(source)[path].decode())


def window(shown: Element) -> str:
    """Return what a page says about when a course is sold."""
    return " ".join(each.text for each in shown.all("p", **WINDOW))


def test_only_what_changes_is_prepared() -> None:
    """The two pages of that course and the front page, in each language, once for each moment."""
    expected = {
        f"{lang}{folder}{name}"
        for lang in ("", "en/")
        for folder in (f"{SLUG}/", f"{SLUG}/order/", "")
        for name in (AT_OPEN, AT_CLOSE)
    }
    assert sorted(expected) == later(sold())


@pytest.mark.parametrize("folder", [f"{SLUG}/", f"en/{SLUG}/order/", ""])
def test_a_page_of_later_is_the_page_that_is_built_then(folder: str) -> None:
    """Byte for byte what a build at that moment would write, with what follows then."""
    now = site(sold())
    assert now[f"{folder}{AT_OPEN}"] == site(sold(OPENS))[f"{folder}index.html"]
    assert now[f"{folder}{AT_CLOSE}"] == site(sold(CLOSES))[f"{folder}index.html"]
    assert now[f"{folder}{AT_OPEN}"] != now[f"{folder}index.html"]


def test_each_page_names_the_next() -> None:
    """The moment in UTC and an address from the root, as every other link; the last names none."""
    shop = sold()
    first, second, last = (
        page(shop, f"en/{SLUG}/order/{name}").one("main").attrs for name in ("index.html", AT_OPEN, AT_CLOSE)
    )
    assert (OPENS.isoformat(), f"/en/{SLUG}/order/{AT_OPEN}") == (
        first["data-switch"],
        first["data-successor"],
    )
    assert (CLOSES.isoformat(), f"/en/{SLUG}/order/{AT_CLOSE}") == (
        second["data-switch"],
        second["data-successor"],
    )
    assert "data-switch" not in last


def test_windows_switch_too() -> None:
    """Before a launch, while it is sold, and when it is over."""
    launch = sold(sales=(), opens=OPENS, closes=CLOSES)
    before, during, after = (
        page(launch, f"{SLUG}/order/{name}") for name in ("index.html", AT_OPEN, AT_CLOSE)
    )
    assert "27.11.2026" in window(before)
    assert "4.12.2026" in window(during)
    assert during.all("form", **FORM)
    assert not after.all("form", **FORM)


def test_a_course_without_a_date_is_as_before() -> None:
    """Nothing is prepared, no script is added, and nothing is said to one."""
    shop = example(switching=True)
    assert [] == later(shop)
    assert not any("switch" in path for path in site(shop))
    assert not any(b"data-switch" in content for content in site(shop).values())


def test_what_is_tried_at_another_moment_stays_there() -> None:
    """`build --at` shows that moment, whatever time it is for whoever looks."""
    shop = sold(OPENS, switching=False)
    assert [] == later(shop)
    assert CHEAP in page(shop, f"{SLUG}/order/index.html").one(id="price").text
    assert not any(b"data-switch" in content for content in site(shop).values())


def test_what_is_far_away_is_left_to_a_later_build() -> None:
    """An end in a hundred years costs no page, and many windows cost a dozen."""
    week = timedelta(days=7)
    many = tuple(
        Sale(
            price=Money(minor=17900 - each, currency="PLN"),
            opens=NOW + each * week,
            closes=NOW + (each + 1) * week,
        )
        for each in range(1, 40)
    )
    assert [] == later(sold(sales=(), closes=NOW + timedelta(days=36500)))
    assert switches.MOST * 6 == len(later(sold(sales=many)))
    assert later(sold(sales=many))[0].endswith("from-20261202T120000Z.html")


def test_site_and_api_name_the_same_script() -> None:
    """However long after the build a page of the API is made: scripts have no hash that time changes."""
    shop = sold(NOW)
    built = {path for path in site(shop) if path.startswith("assets/course-order")}
    for moment in (NOW, OPENS, CLOSES + timedelta(days=900)):
        answer = parse(Pages(sold(moment)).order_form(SLUG, "pl", {}, (), now=moment))
        assert {
            each.attrs["src"].removeprefix("https://kurs.example/") for each in answer.all("script")
        } == built
        assert "data-switch" not in answer.one("main").attrs


def test_an_answer_of_the_api_is_of_its_own_moment() -> None:
    """A process that runs for months does not say that a course can be ordered soon."""
    pages = Pages(sold(sales=(), opens=OPENS))
    assert parse(pages.order_form(SLUG, "pl", {}, (), now=NOW)).all("p", **WINDOW)
    assert not parse(pages.order_form(SLUG, "pl", {}, (), now=OPENS)).all("p", **WINDOW)


def test_when_the_moment_is_over_its_file_goes(tmp_path: Path) -> None:
    """The next build is the page of then, and only that course is made anew."""
    build(sold(), tmp_path)
    before = files(tmp_path)
    build(sold(), tmp_path)
    same = files(tmp_path)
    paths = build(sold(OPENS), tmp_path)

    assert before == same
    assert not any(path.endswith(AT_OPEN) for path in paths)
    assert any(path.endswith(AT_CLOSE) for path in paths)
    assert before[f"{OTHER}/index.html"] == files(tmp_path)[f"{OTHER}/index.html"]
    assert CHEAP in parse((tmp_path / SLUG / "index.html").read_text("utf-8")).one(id="price").text


# In a browser


def windows(start: datetime, seconds: float, prices: tuple[int, ...]) -> tuple[Sale, ...]:
    """Return sales that follow one another."""
    length = timedelta(seconds=seconds)
    return tuple(
        Sale(
            price=Money(minor=price, currency="PLN"),
            opens=start + at * length,
            closes=start + (at + 1) * length,
        )
        for at, price in enumerate(prices)
    )


@contextmanager
def launching(
    chromium: Browser, sales: tuple[Sale, ...], *, wrong: str = ""
) -> Iterator[tuple[Page, Running]]:
    """Serve the shop whose course has these sales, built an hour ago, and open a page."""
    built = datetime.now(UTC) - timedelta(hours=1)
    with serving() as shop, visiting(chromium, shop, wrong=wrong) as visitor:
        shop.files = site(sold(built, site=shop.url, sales=sales))
        yield visitor, shop


class Clock:
    """The clock of a visitor, by which the server goes, too: it stands still, however long a busy browser takes."""

    def __init__(self, visitor: Page, shop: Running, now: datetime) -> None:
        self._visitor, self._now = visitor, now
        visitor.clock.install(time=now)
        visitor.clock.pause_at(now)
        shop.now = self._moment

    def forward(self, time: timedelta) -> None:
        """Let time pass."""
        self._now += time
        self._visitor.clock.run_for(time // timedelta(milliseconds=1))

    def _moment(self) -> float:
        return self._now.timestamp()


def test_an_open_page_switches_when_the_moment_comes(chromium: Browser) -> None:
    """From one price to the next at the same address, without loading; then it is ordered for what is shown."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    with launching(chromium, windows(soon, 60, (17900, 14900))) as (visitor, shop):
        address = f"{shop.url}/{SLUG}/order/"
        clock = Clock(visitor, shop, soon - timedelta(minutes=1))
        visitor.goto(address)
        visitor.evaluate("window.kept = true")
        for price in (WHOLE, CHEAP, "149,00\N{NO-BREAK SPACE}zł", WHOLE):
            expect(visitor.locator("#price")).to_have_text(price)
            clock.forward(timedelta(minutes=1))
        assert address == visitor.url
        assert visitor.evaluate("window.kept")
        visitor.locator("#email").fill("ania@example.org")
        visitor.locator("#name").fill("Ania")
        for box in ("#consent_terms", "#consent_immediate"):
            visitor.locator(box).check()
        visitor.locator("button[type=submit]").click()
        visitor.wait_for_url("**/api/orders")
    asked = [path for path in shop.gets if "from-" in path]

    assert 3 == len(set(asked))
    assert "price_shown=299.00+PLN" in shop.posts[0][1]


@pytest.mark.parametrize("path", ["", f"en/{SLUG}/"])
def test_a_page_that_was_built_before_switches_at_once(chromium: Browser, path: str) -> None:
    """Nobody has built the site since: the visitor sees what is true now."""
    ago = datetime.now(UTC) - timedelta(minutes=30)
    with launching(chromium, windows(ago, 86_400, (17900,))) as (visitor, shop):
        visitor.goto(f"{shop.url}/{path}")
        expect(visitor.locator(".price:visible", has_text="179").first).to_be_visible()
        before = shop.files[f"{path}index.html"].split(b"<main")[1].replace(shop.url.encode(), b"")
        assert b"179" not in before  # the address may hold it: its port is any number


def test_a_host_in_trouble_is_asked_again(chromium: Browser) -> None:
    """A page that is not there at the moment, as at a host that thousands ask at once, is there a little later."""
    ago = datetime.now(UTC) - timedelta(minutes=30)
    with launching(chromium, windows(ago, 86_400, (17900,)), wrong="404") as (visitor, shop):
        whole = shop.files
        shop.files = {path: content for path, content in whole.items() if "from-" not in path}
        with visitor.expect_response(lambda answer: "from-" in answer.url and answer.status == 404):
            visitor.goto(f"{shop.url}/{SLUG}/order/")
        expect(visitor.locator("#price")).to_have_text(WHOLE)
        shop.files = whole
        expect(visitor.locator("#price")).to_have_text(CHEAP)


def test_whoever_types_is_not_disturbed(chromium: Browser) -> None:
    """What was typed stays, and so does the page around it: the API asks when the price is another one."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    with launching(chromium, windows(soon, 86_400, (17900,))) as (visitor, shop):
        clock = Clock(visitor, shop, soon - timedelta(minutes=1))
        visitor.goto(f"{shop.url}/{SLUG}/order/")
        visitor.locator("#name").fill("Ania")
        clock.forward(timedelta(minutes=2))
        visitor.evaluate(
            "fetch('/robots.txt').then(answer => answer.text())"
        )  # behind whatever was asked before
        expect(visitor.locator("#price")).to_have_text(WHOLE)
        expect(visitor.locator("#name")).to_have_value("Ania")

    assert [] == [path for path in shop.gets if "from-" in path]


def test_a_clock_that_is_fast_switches_nothing(chromium: Browser) -> None:
    """The server is asked, and its answer says what time it is."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with launching(chromium, windows(tomorrow, 86_400, (17900,))) as (visitor, shop):
        visitor.clock.install(time=tomorrow + timedelta(hours=1))
        with visitor.expect_response(lambda answer: "from-" in answer.url) as answer:
            visitor.goto(f"{shop.url}/{SLUG}/order/")
        answer.value.finished()
        visitor.clock.run_for(5_000)
        expect(visitor.locator("#price")).to_have_text(WHOLE)
