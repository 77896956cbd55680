"""A withdrawal as a buyer without script makes it, and as the seller accepts it: real processes over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.hosts import served
from tests.hosts.asking import ask, post_form
from tests.hosts.served import Shop, eventually


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A served shop."""
    folder: Path = tmp_path_factory.mktemp("withdrawals") / "shop"
    with served.world() as running, served.shop(folder, running) as open_shop:
        yield open_shop


class Page(HTMLParser):
    """The last form of a page: its fields as they stand."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action, self.fields = "", dict[str, str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the form and its fields."""
        known = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action, self.fields = known.get("action", ""), {}
        elif tag in ("input", "button") and known.get("name"):
            self.fields[known["name"]] = known.get("value", "")


def bought(shop: Shop, email: str) -> tuple[str, str]:
    """Return an order that is complete, and where its status stands."""
    order, status = shop.bought(email=email)
    eventually(lambda: ask(status).json()["status"] == "completed")
    return order, status


def test_a_buyer_withdraws_and_the_seller_accepts(shop: Shop) -> None:
    """Two steps from the footer, a mail, the command: the access is gone, and the order says what is left to do."""
    order, status = bought(shop, "zosia@example.org")
    link = ask(status).json()["access"]
    assert "/withdraw/" in ask(f"{shop.url}/").text
    form = Page(ask(f"{shop.url}/withdraw/").text)
    typed = {
        "name": "Zosia <b>Żak</b>",
        "email": "Zosia@example.org",
        "order": order,
        "statement": "Nie dla mnie.",
    }
    check = post_form(form.action, form.fields | typed)
    assert (200, True) == (check.status, "&lt;b&gt;Żak&lt;/b&gt;" in check.text)
    assert [] == [each for each in shop.world.world.ledger.entries(order) if "odstąpienia" in str(each.facts)]
    confirm = Page(check.text)
    taken = post_form(confirm.action, confirm.fields)
    assert (202, True) == (taken.status, "Oświadczenie przyjęte" in taken.text)
    mails = eventually(lambda: _mails(shop, "zosia@example.org", "odstąpienia"))
    assert 1 == len(mails)
    assert all(part in mails[0]["text"] for part in (order, "Nie dla mnie.", "UTC"))
    shown = shop.command("orders", "show", order)
    assert "withdrawal stated" in shown.stdout
    assert "UTC: Nie dla mnie." in shown.stdout
    accepted = shop.command("orders", "withdrawal", order, "--accept")
    assert (0, True) == (accepted.returncode, "refund 299.00 PLN at sandbox" in accepted.stdout)
    assert "nobody is mailed by this: write to zosia@example.org" in accepted.stdout
    gone = eventually(lambda: [e for e in shop.world.world.ledger.entries(order) if e.effect == "revoke"])
    assert 1 == len(gone)
    assert 410 == ask(link).status
    assert ("withdrawn", None) == (ask(status).json()["status"], ask(status).json()["access"])
    assert 1 == shop.command("orders", "withdrawal", order, "--refuse", "--why", "x").returncode


def test_a_stranger_learns_nothing(shop: Shop) -> None:
    """Whether an address bought anything can not be told from the answers, and nobody is mailed."""
    order, _ = bought(shop, "ola@example.org")
    stated = {"name": "Eve", "email": "eve@example.org", "order": order, "confirm": "yes"}
    first = post_form(f"{shop.url}/api/withdrawals", stated)
    second = post_form(
        f"{shop.url}/api/withdrawals", stated | {"email": "ola@example.org", "order": "nonsense"}
    )
    assert [202, 202] == [first.status, second.status]
    eventually(lambda: len(json.loads(shop.command("poison", "list", "--json").stdout)) >= 2)
    assert [] == _mails(shop, "eve@example.org", "") + _mails(shop, "ola@example.org", "odstąpienia")


def test_what_is_missing_is_said_at_once(shop: Shop) -> None:
    """The page comes again with every problem and what was typed; the confirmation alone states nothing."""
    answer = post_form(f"{shop.url}/api/withdrawals", {"confirm": "yes", "email": "no address", "lang": "en"})
    assert 422 == answer.status
    assert "no address" in answer.text


def test_refusing_needs_a_reason(shop: Shop) -> None:
    """Wrong use is told before anything is opened."""
    assert [2, 2] == [
        shop.command("orders", "withdrawal", "x", *options).returncode for options in ((), ("--refuse",))
    ]


def _mails(shop: Shop, to: str, about: str) -> list[dict[str, str]]:
    found = json.loads(ask(f"{shop.world.url}/mail/messages.json").body)
    return (
        [each for each in found if each["to"] == to and about in each["subject"]]
        if about
        else [each for each in found if each["to"] == to]
    )
