"""Every command as a person calls it: help, exit codes, JSON, and what it does."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from kramik import wiring
from kramik.config import environment
from kramik.hosts.cli import main, new, reference
from kramik.intent import Invoice, asked
from kramik.journal import StepName
from kramik.money import Money
from kramik.order import Order
from kramik.queue import Message
from tests.story.example import an_order, paid, refund

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs" / "commands.md"
Kramik = Callable[..., Result]


@pytest.fixture
def kramik(tmp_path: Path) -> Kramik:
    """Run a command in a shop folder of its own."""
    new.make(tmp_path / "shop")

    def run(*arguments: str) -> Result:
        shop = str(tmp_path / "shop")
        return CliRunner().invoke(main, list(arguments), env={"KRAMIK_SHOP": shop}, prog_name="kramik")

    return run


@pytest.fixture
def shop(tmp_path: Path, kramik: Kramik) -> Path:
    """The folder of that shop, with a store in it."""
    (tmp_path / "shop" / "data").mkdir()
    wiring.open_store(tmp_path / "shop" / "data" / "kramik.sqlite").close()
    return tmp_path / "shop"


def insert(shop: Path, *orders: Order) -> None:
    """Store orders."""
    with wiring.open_store(shop / "data" / "kramik.sqlite") as store:
        for order in orders:
            store.orders.insert(order).result()


def poison(shop: Path, *messages: Message) -> None:
    """Move messages aside."""
    with wiring.open_store(shop / "data" / "kramik.sqlite") as store:
        for message in messages:
            store.queue.put(message, now=NOW).result()
            received = store.queue.take(now=NOW, visibility=60)
            assert received is not None
            store.queue.poison(received, "a person must look", now=NOW)


def parked(name: str = "parked-1") -> Order:
    """Return a paid order whose invitation waits for a person."""
    return an_order(name).apply(paid(name), now=NOW).park("invitation", "the academy refused", now=NOW)


# Help


@pytest.mark.parametrize("path", [" ".join(path) for path in reference.paths()])
def test_every_command_has_an_example(kramik: Kramik, path: str) -> None:
    """Its help shows how it is called, and ends with exit code 0."""
    found = kramik(*path.split(), "--help")
    assert (0, True) == (
        found.exit_code,
        re.search(rf"Examples?:\n +kramik {path}".rstrip(), found.output) is not None,
    )


@pytest.mark.parametrize("path", [" ".join(path) for path in reference.paths() if path])
def test_every_option_says_what_it_is_for(path: str) -> None:
    """No option without a help text; what reads the environment names its variable."""
    command: click.Command = main
    for name in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [] == [each.name for each in options if not each.help]
    assert [] == [each.name for each in options if each.envvar and not each.show_envvar]


def test_the_command_reference_is_current() -> None:
    """`docs/commands.md` is what the help says; the page tells how to write it anew."""
    assert DOCUMENT.read_text("utf-8") == reference.rendered()


# Exit codes


@pytest.mark.parametrize(
    "wrong",
    [
        ("nothing",),
        ("orders",),
        ("orders", "show"),
        ("orders", "list", "--state", "odd"),
        ("poison", "replay"),
        ("new",),
    ],
)
def test_a_wrong_use_is_2(kramik: Kramik, wrong: tuple[str, ...]) -> None:
    """An unknown command, a missing argument, an impossible value."""
    assert 2 == kramik(*wrong).exit_code


@pytest.mark.parametrize(
    "failing",
    [
        ("orders", "list"),
        ("orders", "show", "x"),
        ("poison", "list"),
        ("sweep",),
        ("check", "--shop", "/nowhere"),
    ],
)
def test_a_failure_is_1_and_a_sentence(kramik: Kramik, failing: tuple[str, ...]) -> None:
    """No orders yet, no shop there: the message says what to do, without a stack trace."""
    found = kramik(*failing)
    assert (1, True) == (found.exit_code, found.output.startswith("Error: "))
    assert isinstance(found.exception, SystemExit)


# new, check, build


def test_a_new_shop_is_ready(kramik: Kramik, tmp_path: Path) -> None:
    """It has secrets of its own that nobody else can read, and no problem."""
    folder = tmp_path / "another"
    assert 0 == kramik("new", str(folder)).exit_code
    assert "no problem" in kramik("check", "--shop", str(folder)).output
    assert 0o600 == (folder / ".env").stat().st_mode & 0o777
    assert (folder / ".env").read_text() != (tmp_path / "shop" / ".env").read_text()


def test_the_live_tables_of_a_new_shop_are_ready(kramik: Kramik, shop: Path) -> None:
    """Taken in and filled with keys, they are settings without a problem: no key of them was renamed or forgotten."""
    settings = (shop / "shop.toml").read_text("utf-8")
    sold, _, live = settings.partition("# --- Going live")
    tables = "\n".join(line.removeprefix("#").removeprefix(" ") for line in live.splitlines()[1:])
    here = sold[: sold.index("# --- The sandbox")]
    (shop / "shop.toml").write_text(here + tables.replace("…", "1"), "utf-8")
    keys = {
        "GHOST_ADMIN_KEY": f"{24 * 'a'}:{64 * 'b'}",
        "IMOJE_SERVICE_KEY": "k",
        "KIT_API_KEY": "k",
        "SMTP_PASSWORD": "k",
    }
    with (shop / ".env").open("a") as env:
        env.writelines(f"{name}={key}\n" for name, key in keys.items())
    found = kramik("check")

    assert (0, True) == (found.exit_code, "no problem" in found.output), found.output


def test_a_folder_that_is_not_empty_is_left_alone(kramik: Kramik, tmp_path: Path) -> None:
    """Nothing is written into it."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    found = kramik("new", str(tmp_path / "mine"))
    assert (1, ["letter.txt"]) == (found.exit_code, [each.name for each in (tmp_path / "mine").iterdir()])


def test_check_shows_every_problem_at_once(kramik: Kramik, shop: Path) -> None:
    """Of settings, secrets, environment and products, each with file and line."""
    settings = (shop / "shop.toml").read_text("utf-8")
    settings = settings.replace('locale = "pl"', 'local = "pl"')
    settings = settings.replace('"env:SANDBOX_GATEWAY_KEY"', '"a-secret-in-the-file"')
    settings = settings.replace('"env:SANDBOX_MAIL_TOKEN"', '"env:NO_SUCH_VARIABLE"')
    settings = settings.replace(
        'kind = "sandbox"\nbase_url = "http://127.0.0.1:8787"\ntoken = "env:SANDBOX_ACAD',
        'kind = "sandbx"\ntoken = "env:SANDBOX_ACAD',
    )
    (shop / "shop.toml").write_text(settings, "utf-8")
    product = shop / "products" / "kolejki-bez-strachu.md"
    product.write_text(product.read_text("utf-8").replace("199.00 PLN", "199,00"), "utf-8")
    found = kramik("check")
    places = {
        "did you mean 'locale'": 'local = "pl"',
        "is a secret written in the file": "a-secret-in-the-file",
        "reads NO_SUCH_VARIABLE": "NO_SUCH_VARIABLE",
        "'sandbx' is not known": 'kind = "sandbx"',
    }
    for message, text in places.items():
        line = next(number for number, each in enumerate(settings.splitlines(), 1) if text in each)
        assert re.search(rf"shop\.toml:{line}: .*{message}", found.output), (message, found.output)
    assert re.search(r"products/kolejki-bez-strachu\.md:\d: price '199,00'", found.output)
    assert (1, False) == (found.exit_code, "a-secret-in-the-file" in found.output)
    assert 5 <= len(json.loads(kramik("check", "--json").stdout))


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("shop.toml", "[shop\n", r"shop\.toml:1: is not TOML"),
        ("shop.toml", 'a = "b"\nshop = 3\n', r"shop\.toml:\d: \[shop\] must be a table"),
        ("templates/shop.html", "{% if %}", r"templates/shop\.html:1: can not be rendered"),
        ("templates/shop.html", "\n\n{{ nothing }}", r"templates/shop\.html:3: .*'nothing' is undefined"),
        ("templates/shop.html", "\n{{ 1 / 0 }}", r"templates/shop\.html:2: .*division by zero"),
        (
            "templates/shop.html",
            '{% extends "them/shop.html" %}',
            r"shop\.html:1: .* no template them/shop\.html",
        ),
        ("pages/terms.md", "", r"pages/terms\.md:1: starts without front matter"),
        (
            "coupons.toml",
            "[A]\npercent = 5\n\n[B]\npercent =\n",
            r"coupons\.toml:5: is not TOML: Invalid value",
        ),
        ("coupons.toml", "[ZIMA-ŻÓŁW]\n", r"coupons\.toml:1: is not TOML: .*put quotes around a name"),
        (
            "coupons.toml",
            "[A]\npercent = zima\n",
            r"coupons\.toml:2: is not TOML: .*put quotes around a text",
        ),
        ("coupons.toml", "[A]\n[A]\n", r"coupons\.toml:2: is not TOML: .*it is written twice; keep one"),
        (
            "products/p.md",
            "---\ntitle: x\nprice: 1.00 PLN\ncourse: x\nprogramme:\n- {title: Pole, linia}\n---\n",
            r"products/p\.md:6: .*linia is not known; .*; a text with a comma or a colon in it needs quotes",
        ),
        ("prices.csv", "nonsense\n", r"prices\.csv:1: is no line such as"),
        ("products/bad.md", "no front matter", r"products/bad\.md:1: starts without front matter"),
        ("products/Bad Name.md", "---\n---\n", r"products/Bad Name\.md:1: is no product name"),
        (
            "products/healthz.md",
            "---\ntitle: x\nprice: 1.00 PLN\ncourse: x\n---\n",
            r"products/healthz\.md:1: takes the name",
        ),
        ("products/w.md", "---\ntitle: x\nprice: 1.00 EUR\ncourse: x\n---\n", r"products/w\.md:3: .*EUR"),
    ],
)
def test_check_finds_what_is_wrong_in_a_file(  # noqa: PLR0917 - two fixtures and a table of three
    kramik: Kramik, shop: Path, file: str, text: str, problem: str
) -> None:
    """File, line and a sentence; exit code 1."""
    (shop / file).parent.mkdir(exist_ok=True)
    (shop / file).write_text(text, "utf-8")
    found = kramik("check")
    assert (1, True) == (found.exit_code, re.search(problem, found.output) is not None), found.output


@pytest.mark.parametrize(
    ("name", "slip"),
    [("shop", "shp"), ("mailer", "mailler"), ("academy", "acadamy"), ("gateways.sandbox", "gateway.sandbox")],
)
def test_a_slip_in_the_name_of_a_table_is_one_problem(
    kramik: Kramik, shop: Path, name: str, slip: str
) -> None:
    """Nobody is told as well that the table is missing: it stands there."""
    settings = (shop / "shop.toml").read_text("utf-8")
    (shop / "shop.toml").write_text(settings.replace(f"[{name}]", f"[{slip}]"), "utf-8")
    found = kramik("check")

    assert f"did you mean {name.partition('.')[0]!r}?" in found.output
    assert "Error: 1 problem:" in found.output, found.output


@pytest.mark.parametrize(("table", "why"), [("mailer", "is missing"), ("academy", "is missing")])
def test_a_table_that_is_missing_says_so(kramik: Kramik, shop: Path, table: str, why: str) -> None:
    """With what to write."""
    settings = (shop / "shop.toml").read_text("utf-8")
    start = settings.index(f"[{table}]")
    end = settings.find("\n\n", start)
    (shop / "shop.toml").write_text(settings[:start] + settings[end:], "utf-8")
    found = kramik("check")

    assert f'[{table}] {why}; add the table with a kind such as kind = "sandbox"' in found.output


TOOLS = {
    "kit": 'api_key = "env:KEY"',
    "brevo": 'api_key = "env:KEY"\nlists = {other = 7}\nsender = "A <a@b.example>"',
    "listmonk": 'base_url = "https://l.example"\nuser = "api"\ntoken = "env:KEY"\nbuyers = 3\ntemplates = {other = 7}',
    "mailerlite": 'api_key = "env:KEY"\nbuyers = "7"',
    "buttondown": 'api_key = "env:KEY"\nbuyers = "b"\ntags = {other = "t"}',
}
"""The tools in whose settings a product's sequence has to be known."""


@pytest.mark.parametrize("tool", TOOLS)
def test_mails_that_lead_nowhere_are_found_before_somebody_buys(
    kramik: Kramik, shop: Path, tool: str
) -> None:
    """Each order of such a course would park after it was paid; the line is that of its sequence."""
    settings = (shop / "shop.toml").read_text("utf-8")
    table = '[mailer]\nkind = "sandbox"\nbase_url = "http://127.0.0.1:8787"\ntoken = "env:SANDBOX_MAIL_TOKEN"'
    assert table in settings
    (shop / "shop.toml").write_text(
        settings.replace(table, f'[mailer]\nkind = "{tool}"\n{TOOLS[tool]}'), "utf-8"
    )
    with (shop / ".env").open("a") as env:
        env.write("KEY=a-key\n")
    product = (shop / "products" / "agregaty-w-praktyce.md").read_text("utf-8").splitlines()
    line = next(number for number, text in enumerate(product, start=1) if text.startswith("sequence:"))
    found = kramik("check")

    assert 1 == found.exit_code
    assert re.search(rf"products/agregaty-w-praktyce\.md:{line}: .*'agregaty-start'", found.output), (
        found.output
    )


def test_what_only_an_adapter_can_see_has_a_line(kramik: Kramik, shop: Path) -> None:
    """A key that is there and can not be one is found when the adapter is made: it is told as all others are."""
    settings = (shop / "shop.toml").read_text("utf-8")
    table = (
        '[academy]\nkind = "sandbox"\nbase_url = "http://127.0.0.1:8787"\ntoken = "env:SANDBOX_ACADEMY_TOKEN"'
    )
    ghost = '[academy]\nkind = "ghost"\nurl = "https://k.example"\nadmin_key = "env:GHOST_ADMIN_KEY"'
    assert table in settings
    (shop / "shop.toml").write_text(settings.replace(table, ghost), "utf-8")
    with (shop / ".env").open("a") as env:
        env.write("GHOST_ADMIN_KEY=half-of-it\n")
    line = settings[: settings.index(table)].count("\n") + 4
    found = kramik("check")

    assert (1, False) == (found.exit_code, "half-of-it" in found.output)
    assert f"shop.toml:{line}: [academy] admin_key is no Admin API key; copy it whole" in found.output


def test_a_file_that_is_not_utf_8_is_a_problem(kramik: Kramik, shop: Path) -> None:
    """It is not sold with question marks in it."""
    (shop / "products" / "latin.md").write_bytes("---\ntitle: żółw\n---\n".encode("iso8859-2"))
    assert "products/latin.md:2: is not written in UTF-8" in kramik("check").output


@pytest.mark.parametrize("file", ["prices.csv", "coupons.toml", "shop.toml", "pages/terms.md"])
def test_every_file_says_that_it_is_not_utf_8(kramik: Kramik, shop: Path, file: str) -> None:
    """Windows-1250 is still what some editors write; the line is that of the first strange letter."""
    old = (shop / file).read_bytes() if (shop / file).exists() else b""
    (shop / file).write_bytes(old + "# żółw\n".encode("cp1250"))
    line = old.count(b"\n") + 1
    assert f"{file}:{line}: is not written in UTF-8; save it again" in kramik("check").output


def test_files_from_windows_are_read(kramik: Kramik, shop: Path) -> None:
    """A byte order mark and line ends of two characters change nothing."""
    (shop / "coupons.toml").write_text("[SPRING]\npercent = 20\n", "utf-8")
    for file in (*shop.glob("*.toml"), *shop.glob("*/*.md")):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    found = kramik("check")
    assert (0, True) == (found.exit_code, "no problem" in found.output), found.output


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('locale = "pl"', 'locale = "de"', "[shop] locale names 'de', which the theme does not speak"),
        ('locale = "pl"', 'locale = "pl"\ncountries = ["EU", "UK"]', "names 'UK', which is no country"),
        ('"Europe/Warsaw"', '"Warszawa"', "[shop] timezone 'Warszawa' is no time zone"),
        ('currency = "PLN"', 'curency = "PLN"', "did you mean 'currency'?"),
        ('locale = "pl"', 'locale = "pl"\ntheme = "zeszty"', "choose one of zeszyt, warsztat"),
    ],
)  # fmt: skip
def test_one_mistake_of_the_settings_is_not_blamed_on_other_files(  # noqa: PLR0917 - two fixtures, a table of three
    kramik: Kramik, shop: Path, old: str, new: str, told: str
) -> None:
    """Products with moments and coupons for them are right as they are."""
    settings = (shop / "shop.toml").read_text("utf-8")
    (shop / "shop.toml").write_text(settings.replace(old, new), "utf-8")
    product = shop / "products" / "kolejki-bez-strachu.md"
    product.write_text(
        product.read_text("utf-8").replace("---", "---\nopens: 2026-12-01 10:00+01:00", 1), "utf-8"
    )
    (shop / "coupons.toml").write_text('[A]\npercent = 5\nproducts = ["kolejki-bez-strachu"]\n', "utf-8")
    found = kramik("check")
    assert told in found.output
    assert {"shop.toml"} == set(re.findall(r"^  ([a-z./-]+):\d", found.output, re.MULTILINE)), found.output


def test_problems_of_a_file_stand_in_the_order_of_its_lines(kramik: Kramik, shop: Path) -> None:
    """Whoever mends them goes from the top to the bottom."""
    product = shop / "products" / "kolejki-bez-strachu.md"
    text = (
        product.read_text("utf-8")
        .replace("199.00 PLN", "199")
        .replace("legal_kind: content", "legal_kind: x")
    )
    product.write_text(text.replace("---", "---\nseats: none", 1), "utf-8")
    lines = re.findall(r"kolejki-bez-strachu\.md:(\d+)", kramik("check").output)
    assert (3, sorted(map(int, lines))) == (len(lines), [*map(int, lines)])


def test_a_wrong_product_is_not_blamed_on_its_coupon(kramik: Kramik, shop: Path) -> None:
    """The coupon is for a course that is there."""
    product = shop / "products" / "kolejki-bez-strachu.md"
    product.write_text(product.read_text("utf-8").replace("199.00 PLN", "199"), "utf-8")
    (shop / "coupons.toml").write_text('[A]\npercent = 5\nproducts = ["kolejki-bez-strachu"]\n', "utf-8")
    assert "coupons.toml" not in kramik("check").output


def test_a_shop_without_products_is_a_problem(kramik: Kramik, shop: Path) -> None:
    """There is nothing to sell."""
    for file in (shop / "products").iterdir():
        file.unlink()
    assert "holds no product" in kramik("check").output


def test_build_writes_the_site(kramik: Kramik, shop: Path, tmp_path: Path) -> None:
    """As text and as JSON, where it is told to."""
    assert 0 == kramik("build", "--out", str(tmp_path / "site")).exit_code
    assert (tmp_path / "site" / "index.html").exists()
    assert isinstance(json.loads(kramik("build", "--json").stdout), list)
    assert (shop / "public" / "agregaty-w-praktyce" / "order" / "index.html").exists()


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ((), ("1", "1", "1")),
        (("immediate",), ("mine", "mine", "mine")),
        (("immediate_event",), ("1", "1", "mine")),
        (("immediate", "immediate_event"), ("mine", "mine", "mine")),
    ],
)
def test_a_shop_has_its_own_words_beside_a_box(
    shop: Path, tables: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """For every kind of product, or for one; those of the theme fill what is left."""
    with (shop / "shop.toml").open("a", encoding="utf-8") as file:
        for name in tables:
            file.write(f'\n[consents.{name}]\nversion = "mine"\npl = "tak"\nen = "yes"\n')
    texts = wiring.read(shop, environment(shop, {})).consents
    found = [asked(texts, "immediate", kind) for kind in ("content", "service", "event")]
    assert expected == tuple(each.version for each in found if each)


def publish(shop: Path) -> None:
    """Give the shop an address that others reach."""
    text = (shop / "shop.toml").read_text("utf-8")
    (shop / "shop.toml").write_text(text.replace("http://127.0.0.1:8000", "https://kurs.example"), "utf-8")


def kept(shop: Path) -> list[str]:
    """Return the files that remember what was published."""
    return sorted(file.name for file in (*shop.glob("prices.csv"), *shop.glob("pages/versions/*")))


def test_what_is_published_is_written_down(kramik: Kramik, shop: Path) -> None:
    """Prices and versions of a shop that others reach; of one that is tried on this machine, nothing."""
    assert (0, []) == (kramik("build").exit_code, kept(shop))
    publish(shop)
    assert 0 == kramik("build").exit_code
    assert {"prices.csv", "terms@2026-11-01.md", "privacy@2026-11-01.en.md"} <= {*kept(shop)}


def test_a_build_that_is_refused_writes_nothing_down(kramik: Kramik, shop: Path) -> None:
    """A sale without a price from before it: the price of the sale was never published, so it is no history."""
    publish(shop)
    product = shop / "products" / "kolejki-bez-strachu.md"
    sale = "---\nsales:\n- {price: 9.00 PLN, from: 2020-01-01 00:00Z, until: 2120-01-01 00:00Z}"
    product.write_text(product.read_text("utf-8").replace("---", sale, 1), "utf-8")
    found = kramik("build")
    assert (1, []) == (found.exit_code, kept(shop))
    assert "kolejki-bez-strachu.md:2: sales needs the price from before it" in found.output


def test_a_sale_is_tried_before_anything_was_published(kramik: Kramik, shop: Path, tmp_path: Path) -> None:
    """On this machine the regular price counts as asked before it; nothing is written down, and check says so."""
    product = shop / "products" / "kolejki-bez-strachu.md"
    sale = "---\nsales:\n- {price: 149.00 PLN, from: 2026-12-01 10:00, until: 2026-12-08 10:00}"
    product.write_text(product.read_text("utf-8").replace("---", sale, 1), "utf-8")
    built = kramik("build", "--at", "2026-12-01T10:00", "--out", str(tmp_path / "then"))
    page = (tmp_path / "then" / "kolejki-bez-strachu" / "index.html").read_text("utf-8")
    checked = kramik("check")

    assert (0, 0, []) == (built.exit_code, checked.exit_code, kept(shop)), built.output
    assert "149,00\u00a0zł" in page
    assert "dni przed obniżką: 199,00\u00a0zł" in page
    assert "kolejki-bez-strachu.md has a sale and no history: here 199.00 PLN counts" in checked.output


# orders


def unknown(*names: StepName) -> Order:
    """Return a paid order of which nobody knows whether these steps happened."""
    order = an_order("unknown-1").apply(paid("unknown-1"), now=NOW)
    for name in names:
        order = order.park(name, "cut off", now=NOW, unknown=True)
    return order


def unsafe(shop: Path) -> None:
    """Let both vendors be of the kind that can not be asked."""
    text = (shop / "shop.toml").read_text("utf-8")
    (shop / "shop.toml").write_text(
        text.replace('kind = "sandbox"', 'kind = "sandbox"\nrepeat = "unsafe"'), "utf-8"
    )


def test_every_unknown_step_wants_its_own_answer(kramik: Kramik, shop: Path) -> None:
    """An unsafe call is never repeated because a person spoke about another one."""
    unsafe(shop)
    insert(shop, unknown("invitation", "purchase"))
    link = "--happened=invitation=https://academy.example/7"
    for said in ((), (link,), ("--happened=https://academy.example/7",), ("--not-happened=purchase",)):
        assert 0 != kramik("orders", "retry", "unknown-1", *said).exit_code
    assert ["unknown-1"] == ids(kramik("orders", "list", "--state", "parked", "--json"))
    assert 0 == kramik("orders", "retry", "unknown-1", link, "--not-happened=purchase").exit_code
    steps = json.loads(kramik("orders", "show", "unknown-1", "--json").stdout)["steps"]
    assert [("invitation", "done"), ("purchase", "waiting")] == [
        (each["name"], each.get("state", "waiting")) for each in steps[:2]
    ]


def test_what_happened_at_the_academy_is_a_link(kramik: Kramik, shop: Path) -> None:
    """Anything else would be mailed to the buyer and open nothing."""
    insert(shop, unknown("invitation"))
    found = kramik("orders", "retry", "unknown-1", "--happened", "grant-28")
    assert (2, True) == (found.exit_code, "is its link" in found.output)


def test_a_payment_is_settled_by_discarding_its_poison(kramik: Kramik, shop: Path) -> None:
    """The reason is kept with the order, which waits for a person no more."""
    wrong = replace(paid("wrong-1"), money=Money(minor=1, currency="PLN"))
    insert(shop, an_order("wrong-1").apply(wrong, now=NOW))
    poison(shop, Message(order="wrong-1", event=wrong))
    assert "discard 1" in kramik("poison", "show", "1").output
    assert 0 == kramik("poison", "discard", "1", "--why", "sent back").exit_code
    assert ["wrong-1"] == ids(kramik("orders", "list", "--state", "placed", "--json"))
    assert "sent back" in kramik("orders", "show", "wrong-1").output


def test_there_is_nothing_to_retry_before_a_payment(kramik: Kramik, shop: Path) -> None:
    """And the command does not say that it did something."""
    insert(shop, an_order("placed-1"))
    assert 1 == kramik("orders", "retry", "placed-1").exit_code


def test_orders_are_listed_shown_and_found(kramik: Kramik, shop: Path) -> None:
    """As a table and as JSON; by state, address and product."""
    insert(shop, an_order("placed-1"), parked())
    assert ["placed-1"] == ids(kramik("orders", "list", "--state", "placed", "--json"))
    assert ["parked-1"] == ids(kramik("orders", "list", "--state", "parked", "--json"))
    assert 2 == len(ids(kramik("orders", "list", "--email", "anna@example.com", "--json")))
    assert [] == ids(kramik("orders", "list", "--product", "none", "--json"))
    assert "the academy refused" in kramik("orders", "list").output
    assert "no orders" in kramik("orders", "list", "--state", "refunded").output
    shown = kramik("orders", "show", "parked-1").output
    assert "mend the cause, then: kramik orders retry parked-1" in shown
    assert "invitation parked" in shown
    assert "parked" == json.loads(kramik("orders", "show", "parked-1", "--json").stdout)["state"]


def test_a_parked_order_goes_back_to_work(kramik: Kramik, shop: Path) -> None:
    """`retry` resumes the step and puts a message on the queue."""
    insert(shop, parked())
    assert "parked-1 is back at work" in kramik("orders", "retry", "parked-1").output
    assert ["parked-1"] == ids(kramik("orders", "list", "--state", "paid", "--json"))
    with wiring.open_store(shop / "data" / "kramik.sqlite") as store:
        assert 1 == store.queue.depth()


def test_no_access_no_mail(kramik: Kramik, shop: Path) -> None:
    """`resend` says what the order waits for."""
    insert(shop, an_order("placed-1"))
    found = kramik("orders", "resend", "placed-1")
    assert (1, True) == (found.exit_code, "has no access (yet, or any more)" in found.output)


def test_a_mistyped_address_is_put_right(kramik: Kramik, shop: Path) -> None:
    """The order is found by the new address, shows both, waits for a worker; the command says what is left to do."""
    order = an_order("opened-1").apply(paid("opened-1"), now=NOW).record("invitation", "https://c", now=NOW)
    insert(shop, order)
    found = kramik("orders", "resend", "opened-1", "--to", "Ania@Example.org")
    assert (0, True) == (found.exit_code, "no longer for anna@example.com" in found.output)
    assert "take anna@example.com out of the sequence by hand" in found.output
    assert ["opened-1"] == ids(kramik("orders", "list", "--email", "ania@example.org", "--json"))
    assert [] == ids(kramik("orders", "list", "--email", "anna@example.com", "--json"))
    shown = kramik("orders", "show", "opened-1").output
    assert re.search(r"^buyer .*<Ania@example\.org>", shown, re.MULTILINE)
    assert re.search(r"^typed +anna@example\.com$", shown, re.MULTILINE)
    assert "Ania@example.org" in kramik("orders", "export").output
    with wiring.open_store(shop / "data" / "kramik.sqlite") as store:
        assert 1 == store.queue.depth()


@pytest.mark.parametrize(
    ("address", "why"), [("ania@", "is no e-mail address"), ("ania@example.org", "the order is refunded")]
)
def test_an_address_that_can_not_be_put_right(kramik: Kramik, shop: Path, address: str, why: str) -> None:
    """No address, or an order that is for nobody any more: a sentence, and nothing is stored."""
    ended = an_order("ended-1").apply(paid("ended-1"), now=NOW).apply(refund("ended-1"), now=NOW)
    insert(shop, ended)
    found = kramik("orders", "resend", "ended-1", "--to", address)
    assert (1, True) == (found.exit_code, why in found.output)
    assert [] == ids(kramik("orders", "list", "--email", "ania@example.org", "--json"))


def test_who_mistyped_their_address_is_found_by_the_right_one(kramik: Kramik, shop: Path) -> None:
    """The buyer writes from the address that they meant; the order is under one that is nearly the same, or was."""
    insert(shop, an_order("placed-1"))
    asked = ("orders", "list", "--email")
    assert (
        "no orders\n  order placed-1 is for anna@example.com\n" == kramik(*asked, "anna@exmaple.com").output
    )
    assert "no orders\n" == kramik(*asked, "somebody@else.example").output
    assert [] == ids(kramik(*asked, "anna@exmaple.com", "--json"))
    kramik("orders", "resend", "placed-1", "--to", "ania@example.org")
    said = "no orders\n  order placed-1 was for anna@example.com, and is for ania@example.org\n"
    assert kramik(*asked, "anna@example.com").output.startswith(said)


def test_the_same_address_is_a_plain_resend(kramik: Kramik, shop: Path) -> None:
    """Nothing is made again for a mailbox that is the right one."""
    order = an_order("opened-1").apply(paid("opened-1"), now=NOW).record("invitation", "https://c", now=NOW)
    insert(shop, order)
    found = kramik("orders", "resend", "opened-1", "--to", "anna@example.com")
    assert (0, True) == (found.exit_code, "the access mail is on its way" in found.output)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("x")', "\uff1d1+1"])
def test_a_name_is_no_formula_in_a_spreadsheet(kramik: Kramik, shop: Path, name: str) -> None:
    """What a buyer typed is a text, whatever it begins with."""
    order = an_order("evil-1")
    invoice = Invoice(company=name, tax_id=name)
    buyer = replace(order.intent.buyer, name=name, invoice=invoice)
    insert(shop, replace(order, intent=replace(order.intent, buyer=buyer)))
    rows = list(csv.DictReader(io.StringIO(kramik("orders", "export").stdout)))
    cells = [rows[0][column] for column in ("name", "company", "tax_id")]
    assert [f"'{name}"] * 3 == cells


def test_export_is_csv_or_a_line_of_json_each(kramik: Kramik, shop: Path) -> None:
    """Every order, whatever stands in its fields."""
    order = an_order("odd-1")
    buyer = replace(order.intent.buyer, name='Anna "A", Nowak; Ż')
    insert(shop, replace(order, intent=replace(order.intent, buyer=buyer)), parked())
    rows = list(csv.DictReader(io.StringIO(kramik("orders", "export").stdout)))
    assert {'Anna "A", Nowak; Ż', "Anna Kowalska"} == {row["name"] for row in rows}
    lines = kramik("orders", "export", "--json").stdout.splitlines()
    assert {"odd-1", "parked-1"} == {json.loads(line)["id"] for line in lines}


def test_a_name_cannot_steer_the_terminal(kramik: Kramik, shop: Path) -> None:
    """Escape sequences and markup are shown, not obeyed."""
    order = an_order("esc-1")
    buyer = replace(order.intent.buyer, name="\x1b[2J[red]Anna[/red]\x9b")
    insert(shop, replace(order, intent=replace(order.intent, buyer=buyer)))
    for command in (("orders", "show", "esc-1"), ("orders", "list")):
        output = kramik(*command).output
        assert "\x1b" not in output
        assert "\x9b" not in output


# poison and sweep


def test_poison_is_listed_shown_and_discarded(kramik: Kramik, shop: Path) -> None:
    """As a table and as JSON; a reason is needed to discard."""
    assert "no poison" in kramik("poison", "list").output
    poison(shop, Message(order="nobody", event=paid("nobody")))
    name = json.loads(kramik("poison", "list", "--json").stdout)[0]["id"]
    assert "a person must look" in kramik("poison", "list").output
    assert "nobody" in kramik("poison", "show", name).output
    assert "nobody" == json.loads(kramik("poison", "show", name, "--json").stdout)["message"]["order"]
    assert 2 == kramik("poison", "discard", name).exit_code
    assert 0 == kramik("poison", "discard", name, "--why", "a test").exit_code
    assert 1 == kramik("poison", "discard", name, "--why", "again").exit_code


def test_replaying_twice_does_nothing(kramik: Kramik, shop: Path) -> None:
    """The second time the message is not there any more, and the queue holds it once."""
    insert(shop, an_order("late-1"))
    poison(shop, Message(order="late-1", event=paid("late-1")))
    name = json.loads(kramik("poison", "list", "--json").stdout)[0]["id"]
    first, second = (kramik("poison", "replay", name) for _ in range(2))
    assert (True, True) == ("back at work" in first.output, "not among the poison" in second.output)
    with wiring.open_store(shop / "data" / "kramik.sqlite") as store:
        assert 1 == store.queue.depth()


def test_all_poison_is_replayed_at_once(kramik: Kramik, shop: Path) -> None:
    """Every message, and a second call finds none."""
    insert(shop, an_order("a"), an_order("b"))
    poison(shop, Message(order="a", event=paid("a")), Message(order="b", event=paid("b")))
    assert 2 == kramik("poison", "replay", "--all").output.count("back at work")
    assert "no poison" in kramik("poison", "list").output
    assert 2 == kramik("poison", "replay", "--all", "1").exit_code


def test_sweep_puts_lost_orders_back_to_work(kramik: Kramik, shop: Path) -> None:
    """Paid and overdue; of a parked one the steps that wait for nobody, and nothing when all of them do."""
    waiting = parked("waiting-1")
    for step in ("purchase", "sequence"):
        waiting = waiting.park(step, "the tool refused", now=NOW)
    lost = an_order("lost-1").apply(paid("lost-1"), now=NOW)
    insert(shop, lost, parked("half-1"), waiting, an_order("placed-1"))
    assert {"half-1", "lost-1"} == {*json.loads(kramik("sweep", "--json").stdout)}
    assert "2 orders put back to work" in kramik("sweep").output


def ids(found: Result) -> list[str]:
    """Return the orders that a command printed as JSON."""
    return [each["id"] for each in json.loads(found.stdout)]


def test_what_editors_and_other_systems_leave(kramik: Kramik, shop: Path) -> None:
    """A lock of Emacs and the double of a Mac's file are neither courses nor pages."""
    (shop / "products" / ".#my-course.md").symlink_to("hanna@desk.4711")
    for folder in ("products", "pages"):
        (shop / folder / "._my-course.md").write_bytes(b"\x00\x05\x16\x07")
    assert 0 == kramik("check").exit_code


def test_a_box_has_words_in_every_language(kramik: Kramik, shop: Path) -> None:
    """A box of the shop's own without words, or with foreign ones, is no consent."""
    settings = shop / "shop.toml"
    table = '\n[consents.marketing]\nversion = "2"\npl = " "\n'
    settings.write_text(settings.read_text("utf-8") + table, "utf-8")
    said = kramik("check").output

    assert "[consents.marketing] has no text in 'pl', which the shop speaks" in said
    assert "[consents.marketing] has no text in 'en', which the shop speaks" in said


def test_an_address_is_kept_as_browsers_write_it(kramik: Kramik, shop: Path) -> None:
    """Other letters and a usual port would never be equal to what a browser says of itself."""
    settings = shop / "shop.toml"
    url = 'url = "https://Żółw.example:443/"\napi = "https://api.żółw.example"\n#'
    settings.write_text(settings.read_text("utf-8").replace("url =", url, 1), "utf-8")
    assert 0 == kramik("build").exit_code
    policy = (shop / "public" / "_headers").read_text("ascii")

    assert "form-action 'self' https://api.xn--w-uga1v8h.example" in policy
    assert 'href="https://xn--w-uga1v8h.example/"' in (shop / "public" / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--at", "2026-10-25T02:30"), "happens twice or never"),
        (("--at", "2027-03-28T02:30"), "happens twice or never"),
        (("--at", "soon"), "is no moment"),
        (("--out", "."), "is the folder of the shop"),
    ],
)
def test_a_build_that_nobody_can_mean(kramik: Kramik, shop: Path, options: tuple[str, str], why: str) -> None:
    """It is refused with what to write, and nothing is built."""
    before = sorted(shop.iterdir())
    name, text = options
    refused = kramik("build", name, str(shop / "pages" / "..") if text == "." else text)

    assert (2, True, before) == (refused.exit_code, why in refused.output, sorted(shop.iterdir()))


def test_a_preview_says_that_it_is_one(kramik: Kramik, shop: Path) -> None:
    """Whoever builds another moment is told before it is published."""
    out = str(shop / "preview")
    assert (
        "they are the shop of 2026-12-24 18:00 CET"
        in kramik("build", "--at", "2026-12-24T18:00", "--out", out).output
    )
    assert "they are the shop of" not in kramik("build", "--out", out).output


def test_a_sale_that_is_none_is_told(kramik: Kramik, shop: Path) -> None:
    """A price that was raised before the sale is no price to compare with; check says it before the sale begins."""
    product = shop / "products" / "kolejki-bez-strachu.md"
    sale = "---\nsales:\n- {price: 149.00 PLN, from: 2026-12-01 10:00, until: 2026-12-08 10:00}"
    product.write_text(product.read_text("utf-8").replace("---", sale, 1), "utf-8")
    lines = [
        "2026-01-01T00:00:00Z,kolejki-bez-strachu,149.00 PLN",
        "2026-11-20T00:00:00Z,kolejki-bez-strachu,199.00 PLN",
    ]
    (shop / "prices.csv").write_text("\n".join(["since,product,price", *lines, ""]), "utf-8")

    assert "costs 149.00 PLN from 2026-12-01 on, not below 149.00 PLN" in kramik("check").output
