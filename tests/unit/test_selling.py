"""Sales, coupons, the history of prices and limited things: what is offered at a moment, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik import conditions, coupons, pricelist
from kramik.catalogue import Product, read
from kramik.coupons import Coupon
from kramik.errors import ConfigurationError
from kramik.intent import Quota
from kramik.money import Money
from kramik.offer import Conditions, Offer, offer
from kramik.pricelist import PriceList
from kramik.quotas import Quotas
from kramik.sale import Sale
from kramik.stores.memory import MemoryVault
from kramik.stores.sqlite import SqliteStore
from tests.contracts.race import race
from tests.story.example import COURSE, NOON

DAY = timedelta(days=1)
WARSAW = conditions.zone("Europe/Warsaw")
SEATS = Quota(name="seats/agregaty", limit=3)


def pln(text: str) -> Money:
    """Return so much money."""
    return Money(minor=round(float(text) * 100), currency="PLN")


def a_sale(price: str, first: datetime, last: datetime) -> Sale:
    """Return a sale window."""
    return Sale(price=pln(price), opens=first, closes=last)


def history(*lines: str) -> PriceList:
    """Return a history of the course: `days before noon, price`."""
    changes = []
    for line in lines:
        days, price = line.split(",")
        since = NOON - int(days) * DAY
        changes.append(f"{since.isoformat()},agregaty,{price} PLN")
    return pricelist.read("\n".join(changes))


def on_sale(*sales: Sale) -> Product:
    """Return the course with sale windows."""
    return msgspec.structs.replace(COURSE, sales=sales)


# Sales and the lowest price


def test_a_sale_is_half_open() -> None:
    """The first moment is in the window, the last one is not."""
    product = on_sale(a_sale("199", NOON, NOON + DAY))
    moments = [NOON - timedelta(microseconds=1), NOON, NOON + DAY - timedelta(microseconds=1), NOON + DAY]
    prices = [offer(product, Conditions(), now=moment).price.amount for moment in moments]
    assert ["299.00", "199.00", "199.00", "299.00"] == prices


@pytest.mark.parametrize(
    ("lines", "lowest"),
    [
        (["90,299.00"], "299.00"),
        (["90,299.00", "20,249.00"], "249.00"),
        (["90,199.00", "40,249.00"], "249.00"),
        (["90,199.00", "30,249.00"], "249.00"),
        (["90,199.00", "29,249.00"], "199.00"),
        (["10,279.00"], "279.00"),
        (["90,299.00", "20,99.00", "19,299.00"], "99.00"),
        (["90,299.00", "0,9.00"], "299.00"),
    ],
)
def test_the_lowest_price_of_the_thirty_days_before(lines: list[str], lowest: str) -> None:
    """What stood when the window of thirty days began counts, what came with the sale or after it does not."""
    product = on_sale(a_sale("49", NOON, NOON + DAY))
    found = offer(product, Conditions(prices=history(*lines)), now=NOON).lowest
    assert lowest == (found and found.amount)


def test_an_earlier_sale_counts_although_nobody_built_then() -> None:
    """Windows in the product file are history, too."""
    earlier = a_sale("149", NOON - 20 * DAY, NOON - 19 * DAY)
    long_ago = a_sale("99", NOON - 40 * DAY, NOON - 31 * DAY)
    product = on_sale(earlier, long_ago, a_sale("199", NOON, NOON + DAY))
    found = offer(product, Conditions(prices=history("90,299.00")), now=NOON)
    assert (None, 0, pln("299")) == (found.lowest, found.percent, found.later)
    cheaper = on_sale(earlier, long_ago, a_sale("129", NOON, NOON + DAY))
    assert pln("149") == offer(cheaper, Conditions(prices=history("90,299.00")), now=NOON).lowest


def test_a_sale_that_is_not_below_the_lowest_price_is_no_reduction() -> None:
    """Raised before and lowered again: nothing is struck out, and what follows is told."""
    product = on_sale(a_sale("250", NOON, NOON + DAY))
    told = [
        offer(product, Conditions(prices=history("90,200.00", "10,299.00")), now=NOON),
        offer(product, Conditions(prices=history("90,250.00", "10,299.00")), now=NOON),
        offer(product, Conditions(prices=history("90,250.01", "10,299.00")), now=NOON),
    ]
    assert [(None, pln("299")), (None, pln("299")), (pln("250.01"), None)] == [
        (each.lowest, each.later) for each in told
    ]


def test_a_price_that_was_written_down_in_a_sale_ends_with_it() -> None:
    """Nobody built when the earlier sale was over, and the price went back all the same."""
    earlier, now = a_sale("149", NOON - 50 * DAY, NOON - 48 * DAY), a_sale("140", NOON, NOON + DAY)
    prices = history("90,299.00", "49,149.00")

    assert pln("299") == offer(on_sale(earlier, now), Conditions(prices=prices), now=NOON).lowest
    assert pln("149") == offer(on_sale(now), Conditions(prices=prices), now=NOON).lowest


OPENS = NOON - 2 * DAY


def launch(*sales: Sale, prices: PriceList | None = None, now: datetime = NOON) -> Offer:
    """Return what a course costs that opened two days ago."""
    product = msgspec.structs.replace(COURSE, opens=OPENS, sales=sales)
    return offer(product, Conditions(prices=prices or PriceList()), now=now)


def test_a_course_that_opens_with_a_sale_strikes_nothing_out() -> None:
    """Nobody ever paid more: the price says what follows it; the next sale compares with what was paid."""
    first, second = a_sale("199", OPENS, OPENS + DAY), a_sale("249", OPENS + DAY, NOON + DAY)
    later = a_sale("149", NOON + 9 * DAY, NOON + 10 * DAY)
    told = [launch(first, second, later, now=now) for now in (OPENS, NOON, NOON + 9 * DAY)]

    assert [pln("249"), pln("299"), None] == [each.later for each in told]
    assert [None, None, pln("199")] == [each.lowest for each in told]
    assert [0, 0, 25] == [each.percent for each in told]
    assert {pln("299")} == {each.regular for each in told}


@pytest.mark.parametrize(
    ("sale", "line"),
    [
        (("199", OPENS + timedelta(hours=1), NOON + DAY), "0,1.00"),
        (("199", OPENS, NOON + DAY), "90,299.00"),
    ],
)
def test_what_was_sold_for_more_has_a_lowest_price(sale: tuple[str, datetime, datetime], line: str) -> None:
    """An hour at the regular price, or an earlier edition: then a sale is a reduction."""
    found = launch(a_sale(*sale), prices=history(line))
    assert (pln("299"), None) == (found.lowest, found.later)


def test_a_price_that_is_only_announced_is_not_written_down() -> None:
    """Before a course can be ordered, and after its end, nothing is asked for it."""
    product = msgspec.structs.replace(COURSE, opens=NOON, closes=NOON + DAY)
    moments = (NOON - DAY, NOON, NOON + DAY)
    assert [0, 1, 0] == [len(conditions.news([product], PriceList(), now=moment)) for moment in moments]


def test_prices_in_another_currency_are_not_compared() -> None:
    """A shop that changed from euros to zlotys has a lowest price in zlotys, or none."""
    product = on_sale(a_sale("199", NOON, NOON + DAY))
    euros = f"{(NOON - 40 * DAY).isoformat()},agregaty,49.00 EUR\n"
    both = pricelist.read(f"{euros}{(NOON - 20 * DAY).isoformat()},agregaty,249.00 PLN\n")

    assert pln("249") == offer(product, Conditions(prices=both), now=NOON).lowest
    assert pricelist.read(euros).lowest(product.slug, product.sales, before=NOON) is None


def test_a_per_cent_is_of_the_lowest_price() -> None:
    """Not of the regular one, and rounded towards the truth."""
    product = on_sale(a_sale("199", NOON, NOON + DAY))
    found = offer(product, Conditions(prices=history("90,299.00", "20,249.00")), now=NOON)
    assert (20, pln("299"), NOON + DAY) == (found.percent, found.regular, found.until)


def test_a_changed_price_is_written_down_once() -> None:
    """The history gets a line when the price is news, also at the start and the end of a sale."""
    product, prices, lines = on_sale(a_sale("199", NOON, NOON + DAY)), PriceList(), []
    for moment in (NOON - 2 * DAY, NOON - DAY, NOON, NOON + timedelta(hours=1), NOON + DAY, NOON + 2 * DAY):
        change = prices.changed(product.slug, product.price, product.sales, now=moment)
        if change is not None:
            lines.append(change.line)
            prices = pricelist.read("\n".join(lines))
    assert ["299.00 PLN", "199.00 PLN", "299.00 PLN"] == [line.split(",")[2] for line in lines]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("2026-11-01,a,1.00 PLN", 1),
        ("since,product,price\n\n2026-11-01T00:00:00Z,a,1 PLN\nnonsense", 4),
        ("2026-11-01T00:00:00Z,a,1e3 PLN", 1),
        ("2026-11-02T00:00:00Z,a,1 PLN\n2026-11-01T00:00:00Z,a,1 PLN", 2),
        ("2026-11-02T00:00:00Z,a,1 PLN,more", 1),
    ],
)
def test_a_history_that_can_not_be_read(text: str, line: int) -> None:
    """Every line is told with its number: a history that lies is worse than none."""
    with pytest.raises(ConfigurationError) as caught:
        pricelist.read(text)
    assert [f"prices.csv:{line}"] == [each.field for each in caught.value.problems]


def test_the_file_of_prices_only_grows(tmp_path: Path) -> None:
    """Builds add lines at its end and repeat nothing; a file without a last line end is not damaged."""
    file = tmp_path / "prices.csv"
    file.write_text("since,product,price\n2026-01-01T00:00:00+00:00,agregaty,399.00 PLN", "utf-8")
    for _ in range(2):
        conditions.record_prices(tmp_path, [COURSE], conditions.read_prices(tmp_path), now=NOON)
    assert (
        "since,product,price\n2026-01-01T00:00:00+00:00,agregaty,399.00 PLN\n"
        "2026-11-02T12:00:00+00:00,agregaty,299.00 PLN\n"
    ) == file.read_text("utf-8")
    assert ["prices.csv"] == [each.name for each in tmp_path.iterdir()]


# Coupons


@pytest.mark.parametrize(
    ("coupon", "price"),
    [
        ({"percent": 20}, "239.20"),
        ({"percent": 100}, "0.00"),
        ({"percent": 33}, "200.33"),
        ({"amount": pln("50")}, "249.00"),
        ({"amount": pln("500")}, "0.00"),
    ],
)
def test_what_a_coupon_leaves_to_pay(coupon: dict, price: str) -> None:
    """Per cent or an amount, never below nothing, parts of a grosz are the buyer's."""
    known = {"A": Coupon(code="A", **coupon)}
    assert price == offer(COURSE, Conditions(coupons=known), now=NOON, coupon=" a ").price.amount


@given(st.integers(1, 100), st.integers(0, 10**9))
def test_a_coupon_never_costs_more_and_never_less_than_nothing(percent: int, minor: int) -> None:
    """Whatever it is taken off."""
    left = Coupon(code="A", percent=percent).off(Money(minor=minor, currency="PLN")).minor
    assert 0 <= left <= minor
    assert left <= minor * (100 - percent) / 100 < left + 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""),
        ({"opens": NOON}, ""),
        ({"opens": NOON + DAY}, "unknown_coupon"),
        ({"closes": NOON}, "coupon_over"),
        ({"closes": NOON + DAY}, ""),
        ({"products": ("other",)}, "coupon_elsewhere"),
        ({"products": ("agregaty", "other")}, ""),
        ({"percent": 0, "amount": Money(minor=1, currency="EUR")}, "coupon_elsewhere"),
    ],
)
def test_when_a_coupon_gives_something(changes: dict, code: str) -> None:
    """A code that is not open yet is not known, so that nobody finds out about it."""
    known = {"A": msgspec.structs.replace(Coupon(code="A", percent=10), **changes)}
    found = coupons.problem("a", known, "agregaty", now=NOON, currency="PLN")
    assert code == (found.code if found else "")
    applied = offer(COURSE, Conditions(coupons=known), now=NOON, coupon="A").coupon
    assert (applied == "A") == (code == "")


def test_a_coupon_on_top_of_a_sale() -> None:
    """It is taken off the price of the moment; the note of the lowest price stays, the per cent is the sale's alone."""
    known = Conditions(coupons={"A": Coupon(code="A", percent=50)}, prices=history("90,299.00"))
    found = offer(on_sale(a_sale("200", NOON, NOON + DAY)), known, now=NOON, coupon="A")
    assert (pln("100"), pln("299"), "A", 0) == (found.price, found.lowest, found.coupon, found.percent)


def test_a_file_of_coupons(tmp_path: Path) -> None:
    """Codes in any case; moments of the shop's clock."""
    (tmp_path / "coupons.toml").write_text(
        """
[wiosna-20]
percent = 20
limit = 5
from = 2026-12-01T09:00:00
[ANIA]
amount = "50.00 PLN"
products = ["a"]
""",
        "utf-8",
    )
    found = conditions.read_coupons(tmp_path, products={"a": 1}, currency="PLN", clock=WARSAW)
    spring = Coupon(code="WIOSNA-20", percent=20, limit=5, opens=datetime(2026, 12, 1, 8, tzinfo=UTC))
    assert {"WIOSNA-20": spring, "ANIA": Coupon(code="ANIA", amount=pln("50"), products=("a",))} == found


def test_every_problem_of_the_coupons_at_once(tmp_path: Path) -> None:
    """With its line, its code and what to do."""
    (tmp_path / "coupons.toml").write_text(
        """["zażółć"]
percent = 20
[A]
percent = 120
[B]
percent = 5
amount = "1.00 EUR"
[C]
[D]
percent = 5
products = ["agregty"]
until = 2026-12-01T00:00:00
[d]
percentage = 5
""",
        "utf-8",
    )
    with pytest.raises(ConfigurationError) as caught:
        conditions.read_coupons(tmp_path, products={"agregaty": 1}, currency="PLN", clock=None)
    said = [str(each) for each in caught.value.problems]
    expected = [
        "coupons.toml:1: [zażółć] is no code",
        "coupons.toml:3: [A] percent",
        "coupons.toml:5: [B] gives 1.00 EUR",
        "coupons.toml:5: [B] needs percent or amount",
        "coupons.toml:8: [C] needs percent or amount",
        "coupons.toml:9: [D] is for 'agregty', which is no product; did you mean 'agregaty'?",
        "coupons.toml:9: [D] until names no zone",
        "coupons.toml:13: [d] is written twice",
        "coupons.toml:13: [d] percentage",
    ]
    assert expected == [line[: len(start)] for line, start in zip(said, expected, strict=True)]


@pytest.mark.parametrize("moment", ["2026-10-25T02:30:00", "2027-03-28T02:30:00"])
def test_a_coupon_whose_moment_happens_twice_or_never(tmp_path: Path, moment: str) -> None:
    """When the clocks are changed, a coupon has to say which moment is meant, as a sale has to."""
    file = tmp_path / "coupons.toml"
    file.write_text(f"[A]\npercent = 5\nuntil = {moment}\n", "utf-8")
    with pytest.raises(ConfigurationError, match=r"\[A\] until happens twice or never"):
        conditions.read_coupons(tmp_path, products={}, currency="PLN", clock=WARSAW)
    file.write_text(f"[A]\npercent = 5\nuntil = {moment}+02:00\n", "utf-8")
    assert ["A"] == list(conditions.read_coupons(tmp_path, products={}, currency="PLN", clock=WARSAW))


# Moments


FRONT = "---\ntitle: A\nprice: 299.00 PLN\ncourse: c\n{}---\n"


OVERLAP = """\
sales:
- {price: 1.00 PLN, from: 2026-12-01, until: 2026-12-03}
- {price: 2.00 PLN, from: 2026-12-02, until: 2026-12-04}
"""


def moments(lines: str) -> tuple[datetime | None, datetime | None]:
    """Return the window of a product file in Warsaw."""
    product = read({"a.md": FRONT.format(lines)}, lang="pl", zone=WARSAW).products["a"]
    return product.opens, product.closes


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01 09:00", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("2026-07-01 09:00:00", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        ("'2026-12-01 09:00'", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("2026-12-01T09:00:00-05:00", datetime(2026, 12, 1, 14, tzinfo=UTC)),
    ],
)
def test_a_moment_of_the_shops_clock(text: str, moment: datetime) -> None:
    """Without a zone of its own a moment is of the shop's clock, summer and winter; with one it is its own."""
    assert moment == moments(f"opens: {text}\n")[0]


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "2027-03-28 02:30"])
def test_a_moment_that_happens_twice_or_never(text: str) -> None:
    """When the clocks are changed, the author has to say which moment is meant."""
    with pytest.raises(ConfigurationError, match="happens twice or never"):
        moments(f"opens: {text}\n")
    assert moments(f"opens: {text}+02:00\n".replace(" 02:30+", "T02:30:00+"))[0] is not None


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("sales:\n- {price: 199.00 PLN, from: 2026-12-01, until: 2026-12-01}\n", "ends before it begins"),
        ("sales:\n- {price: 299.00 PLN, from: 2026-12-01, until: 2026-12-02}\n", "is no sale"),
        ("sales:\n- {price: 1.00 EUR, from: 2026-12-01, until: 2026-12-02}\n", "sells in PLN"),
        ("sales:\n- {price: 1.00 PLN, from: 2026-12-01}\n", "needs price, from and until"),
        ("sales:\n- {price: 1.00 PLN, from: soon, until: 2026-12-02}\n", "is no moment"),
        (
            OVERLAP,
            "overlap",
        ),
        ("seats: 0\n", "seats"),
        ("opens: 12:30\n", "is no moment"),
    ],
)
def test_windows_that_make_no_sense(lines: str, word: str) -> None:
    """Each is told with what to do."""
    with pytest.raises(ConfigurationError, match=word):
        read({"a.md": FRONT.format(lines)}, lang="pl", currency="PLN", zone=WARSAW)


def test_a_moment_without_any_zone() -> None:
    """A shop without a clock has to name an offset."""
    with pytest.raises(ConfigurationError, match="write timezone in"):
        read({"a.md": FRONT.format("opens: 2026-12-01 09:00\n")}, lang="pl")


def test_an_unknown_zone() -> None:
    """A zone that does not exist is refused by name."""
    with pytest.raises(Exception, match="'Europe/Kraków' is no time zone"):
        conditions.zone("Europe/Kraków")


def test_an_offer_without_a_sale_says_nothing_more() -> None:
    """No struck-through price, no note."""
    assert Offer(price=pln("299")) == offer(COURSE, Conditions(prices=history("9,9.00")), now=NOON)


# Limited things


@pytest.fixture(params=["memory", "sqlite"])
def quotas(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Quotas]:
    """Limited things in each store."""
    if request.param == "memory":
        yield Quotas(MemoryVault())
        return
    with SqliteStore(tmp_path / "shop.db") as store:
        yield Quotas(store.vault)


def test_no_more_than_there_are(quotas: Quotas) -> None:
    """Three seats are three orders; the same order holds its seat as often as it likes."""
    until = NOON + timedelta(hours=1)
    held = [quotas.hold(SEATS, order, now=NOON, until=until) for order in ("a", "b", "a", "c", "d", "b")]
    assert [True, True, True, True, False, True] == held
    assert 0 == quotas.left(SEATS, now=NOON)


def test_what_lapsed_is_free_again(quotas: Quotas) -> None:
    """A buyer who did not pay in time loses the seat; one who paid keeps it for good."""
    until = NOON + timedelta(hours=1)
    for order in ("a", "b", "c"):
        quotas.hold(SEATS, order, now=NOON, until=until)
    assert quotas.keep(SEATS, "a", now=NOON)
    later = NOON + 2 * DAY
    assert 2 == quotas.left(SEATS, now=later)
    assert [True, True, False] == [
        quotas.hold(SEATS, x, now=later, until=later + DAY) for x in ("d", "e", "f")
    ]
    assert quotas.keep(SEATS, "a", now=later)


def test_a_late_payment_takes_what_is_left_or_nothing(quotas: Quotas) -> None:
    """Whose seat lapsed gets another one if there is one."""
    one = Quota(name="seats/one", limit=1)
    quotas.hold(one, "a", now=NOON, until=NOON + timedelta(hours=1))
    later = NOON + DAY
    assert quotas.keep(one, "a", now=later)
    two = Quota(name="seats/two", limit=1)
    quotas.hold(two, "a", now=NOON, until=NOON + timedelta(hours=1))
    quotas.hold(two, "b", now=later, until=later + DAY)
    assert not quotas.keep(two, "a", now=later)


def test_what_is_given_back_can_be_taken(quotas: Quotas) -> None:
    """The seat of a refunded order is free; giving back twice is harmless."""
    one = Quota(name="seats/one", limit=1)
    quotas.hold(one, "a", now=NOON, until=NOON + DAY)
    quotas.keep(one, "a", now=NOON)
    for _ in range(2):
        quotas.free(one, "a", now=NOON)
    assert quotas.hold(one, "b", now=NOON, until=NOON + DAY)


def test_a_race_for_the_last_seats(quotas: Quotas) -> None:
    """Of many at once exactly as many win as there are seats."""
    until = NOON + DAY
    won = race([lambda n=n: quotas.hold(SEATS, f"o{n}", now=NOON, until=until) for n in range(12)])  # type: ignore[misc]
    assert 3 == sum(won)
