"""`kramik serve --sandbox` shows what was saved at once, mistakes as a page, and leaves no trace in the site."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kramik.hosts.cli import new
from tests.hosts.asking import Reply, ask, post_form, post_json
from tests.hosts.served import PATIENCE, eventually, fields

COURSE = Path("products") / "kolejki-bez-strachu.md"
PAGE = "/kolejki-bez-strachu/"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A new shop."""
    new.make(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """The address of that shop, served with the sandbox."""
    command = [sys.executable, "-m", "kramik", "serve", "--shop", str(folder), "--sandbox", "--json"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--sandbox-port", "0"], stdout=subprocess.PIPE, env=dict(os.environ)
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


def change(folder: Path, old: str, new_text: str) -> None:
    """Save a change of the course's file."""
    text = (folder / COURSE).read_text("utf-8")
    assert old in text
    (folder / COURSE).write_text(text.replace(old, new_text, 1), "utf-8")


def seen(url: str, word: str) -> Reply:
    """Wait until a page has a word; return it."""
    return eventually(lambda: ask(url), lambda reply: word.encode() in reply.body)


def test_what_was_saved_is_seen_and_sold(folder: Path, served: str) -> None:
    """A new price is on the page, the page is told to load again, and the new price is what is sold."""
    before = ask(f"{served}/__preview").body
    change(folder, "199.00 PLN", "249.00 PLN")
    page = seen(served + PAGE, "249,00")
    order = fields(product="kolejki-bez-strachu", price_shown="249.00 PLN")
    placed = eventually(
        lambda: post_json(f"{served}/api/orders", order, idempotency_key="preview"),
        lambda reply: reply.status == 201,
    )
    version = eventually(lambda: ask(f"{served}/__preview").body, lambda seen_now: seen_now != before)

    assert b'<script src="/__preview.js" data-seen="' in page.body
    assert "no-cache" == page.headers["cache-control"]
    style = re.search(rb'/assets/kramik\.[^"]+\.css', page.body)
    assert style is not None
    assert "public, max-age=31536000, immutable" == ask(served + style[0].decode()).headers["cache-control"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert before != version
    assert b"location.reload" in ask(f"{served}/__preview.js").body
    assert 201 == placed.status


def test_mistakes_are_a_page(folder: Path, served: str) -> None:
    """A mistake is shown with file and line until it is mended; the API still sells what could be built last."""
    change(folder, "price:", "prise:")
    page = seen(served + PAGE, "products/kolejki-bez-strachu.md:")

    assert 500 == page.status
    assert b"did you mean" in page.body
    assert b'<link rel="stylesheet" href="/__preview.css">' in page.body
    assert "text/css" in ask(f"{served}/__preview.css").headers["content-type"]
    assert 204 == ask(f"{served}/api/warm").status
    change(folder, "prise:", "price:")
    assert 200 == seen(served + PAGE, "Kolejki bez strachu").status


def test_what_is_in_the_way_is_named_and_can_be_mended(folder: Path, served: str) -> None:
    """A file where a folder of the site should be is a page, too, and what is saved after it was moved is seen."""
    seen(served + PAGE, "Kolejki bez strachu")
    stone = folder / "data" / "site" / "nowy-kurs"
    stone.write_text("x", "utf-8")
    course = folder / "products" / "nowy-kurs.md"
    text = (folder / COURSE).read_text("utf-8")
    course.write_text(text, "utf-8")
    page = seen(served + PAGE, "can not be written or read")
    stone.unlink()
    course.write_text(text.replace("title: ", "title: Nowy kurs, czyli ", 1), "utf-8")

    assert 500 == page.status
    assert b"nowy-kurs" in page.body
    assert 200 == seen(f"{served}/nowy-kurs/", "Nowy kurs, czyli").status


def test_an_order_without_a_buyer_is_told_the_price_of_a_code(folder: Path, served: str) -> None:
    """What the script of the order form relies on: the page comes back with the price, its label and the remark."""
    (folder / "coupons.toml").write_text("[WIOSNA]\npercent = 50\n[RAZ]\npercent = 50\nlimit = 1\n", "utf-8")
    seen(f"{served}{PAGE}order/", 'name="coupon"')

    def asked(code: str) -> str:
        body = urlencode({"product": "kolejki-bez-strachu", "lang": "pl", "coupon": code}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
        reply = ask(f"{served}/api/orders", "POST", body=body, headers=kind)
        assert 422 == reply.status
        return reply.body.decode()

    right = eventually(lambda: asked("wiosna"), lambda page: "99.50" in page)
    wrong = asked("zima")
    assert 'name="price_shown" value="99.50 PLN"' in right
    assert 'id="coupon-wrong"' not in right
    assert 'id="coupon-wrong">Nie znamy takiego kodu.' in wrong
    assert 'name="price_shown" value="199.00 PLN"' in wrong
    once = fields(product="kolejki-bez-strachu", coupon="raz", price_shown="99.50 PLN")
    replies = [post_form(f"{served}/api/orders", once | {"email": f"{n}@example.org"}) for n in (1, 2)]
    assert [303, 422] == [reply.status for reply in replies]
    assert 'name="price_shown" value="199.00 PLN"' in replies[1].text
    assert all('name="button" value="Zamawiam z obowiązkiem zapłaty"' in page for page in (right, wrong))


def test_no_trace_in_the_site(folder: Path, served: str) -> None:
    """What is on the disk is the site as a build writes it."""
    ask(served + PAGE)

    assert [] == [
        str(file) for file in (folder / "data" / "site").rglob("*.html") if "__preview" in file.read_text()
    ]
