"""Every page that a shop which is really served answers with, and those of the sandbox, read by the rules of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

from tests.hosts import served
from tests.hosts.asking import FORM, Reply, ask, post_form
from tests.hosts.served import Shop, eventually, fields
from tests.quality import tools

_STATED = {"email": "ania@example.org", "name": "Ania", "order": "", "statement": "", "lang": "pl"}
_LARGE = b"a=" + b"x" * 70_000


def test_what_is_really_sent_is_valid(tmp_path: Path) -> None:
    """Whatever a buyer may do to the shop, each answer that is a page passes html-validate and vnu."""
    folder = tmp_path / "pages"
    folder.mkdir()
    with served.world() as world, served.shop(tmp_path / "shop", world) as shop:
        for name, status, reply in (*_of_the_shop(shop), *_of_the_world(shop)):
            assert status == reply.status, name
            assert reply.headers["content-type"].startswith("text/html"), name
            (folder / f"{name}.html").write_bytes(reply.body)

    assert [] == tools.remarks(folder)
    assert [] == tools.messages(folder)


def _of_the_shop(shop: Shop) -> Iterator[tuple[str, int, Reply]]:
    api = f"{shop.url}/api"
    yield "no-page", 404, ask(f"{shop.url}/nothing/")
    yield "no-route", 404, ask(f"{api}/nothing")
    yield "no-access", 404, ask(f"{shop.url}/access/nothing")
    yield "no-order", 404, post_form(f"{api}/orders/nothing/payment", {})
    yield "no-course", 422, post_form(f"{api}/orders", fields(product="nothing"))
    yield "wrong", 422, post_form(f"{api}/orders", fields(email="ania@", name="", tax_id="1"))
    yield "changed", 422, post_form(f"{api}/orders", fields(price_shown="1.00 PLN"))
    yield "too-large", 413, ask(f"{api}/orders", "POST", body=_LARGE, headers=FORM)
    post_form(f"{api}/orders", fields(idempotency_key="one-key"))
    yield "conflict", 409, post_form(f"{api}/orders", fields(idempotency_key="one-key", name="Inna"))
    yield "resent", 202, post_form(f"{api}/access/resend", {"email": "ania@example.org", "lang": "en"})
    yield "withdraw-wrong", 422, post_form(f"{api}/withdrawals", _STATED | {"email": "ania@"})
    yield "withdraw-check", 200, post_form(f"{api}/withdrawals", _STATED)
    yield "withdraw-taken", 202, post_form(f"{api}/withdrawals", _STATED | {"confirm": "yes"})


def _of_the_world(shop: Shop) -> Iterator[tuple[str, int, Reply]]:
    world, placed = shop.world.url, shop.place(email="karta@example.org").json()
    entry = placed["payment"]["url"]
    session = urljoin(entry, ask(entry).headers["location"])
    yield "sandbox-pay", 200, ask(session)
    post_form(session, {"action": "pay"})
    yield "sandbox-paid", 200, ask(session)
    yield "sandbox-course", 200, ask(_opened(placed["status_url"]))
    yield "sandbox-mailbox", 200, ask(f"{world}/mail/")
    yield "sandbox-mail", 200, ask(f"{world}/mail/1")
    yield "sandbox", 200, ask(f"{world}/")


def _opened(status_url: str) -> str:
    """Return where the access link leads, as soon as there is one."""
    status = eventually(lambda: ask(status_url).json(), lambda told: bool(told["access"]))
    return ask(status["access"]).headers["location"]
