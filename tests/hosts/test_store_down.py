"""The disk is full: nothing is acknowledged, everybody is told to come again, and it mends by itself.

The limit on file sizes of the running process (`prlimit`) makes every write fail, as a full disk does.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hosts import served
from tests.hosts.asking import JSON, ask, post_form
from tests.hosts.served import Shop, eventually, fields, pay
from tests.hosts.test_payments import notification, tell


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop of its own."""
    with served.world() as running, served.shop(tmp_path / "shop", running) as open_shop:
        yield open_shop


@contextmanager
def full_disk(shop: Shop) -> Iterator[None]:
    """Let no file of the serving process grow."""
    assert shop.process is not None
    _, hard = resource.prlimit(shop.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(shop.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(shop.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_nothing_is_acknowledged_that_is_not_stored(shop: Shop) -> None:
    """503 for an order, as page and as problem, and for a notification; nothing of it is there afterwards."""
    placed = shop.place(email="before@example.org").json()
    with full_disk(shop):
        program = shop.place("full-1", email="full@example.org")
        person = post_form(f"{shop.url}/api/orders", fields(email="full-2@example.org"))
        told = tell(shop, notification(placed["order"]))
        resend = post_form(f"{shop.url}/api/access/resend", {"email": "before@example.org"})
        health = ask(f"{shop.url}/healthz", headers=JSON)
    status = ask(placed["status_url"])
    assert [503] * 5 == [each.status for each in (program, person, told, resend, health)]
    assert ("5", "application/problem+json") == (
        program.headers["retry-after"],
        program.headers["content-type"],
    )
    assert "text/html; charset=utf-8" == person.headers["content-type"]
    assert b"OK" != told.body
    assert (200, "waiting") == (status.status, status.json()["status"])
    listed = shop.command("orders", "list", "--email", "full@example.org").stdout
    assert "no orders" in listed


def test_it_mends_by_itself(shop: Shop) -> None:
    """The same process sells again as soon as there is space; the gateway's repeat is acknowledged and fulfilled."""
    placed = shop.place("mend-1", email="mend@example.org").json()
    with full_disk(shop):
        pay(placed["payment"]["url"])
        refused = shop.place("mend-2", email="mend-2@example.org")
        waits = eventually(
            shop.world.world.gateway.notifier.undelivered, lambda found: bool(found and found[0].last)
        )
    assert (503, "answered 503, but not OK") == (refused.status, waits[0].last)
    assert 200 == ask(f"{shop.url}/healthz").status
    assert 201 == shop.place("mend-2", email="mend-2@example.org").status
    status = eventually(lambda: ask(placed["status_url"]).json()["status"], lambda seen: seen == "completed")
    assert "completed" == status
    assert {"grant": 1, "purchase": 1, "sequence": 1, "mail": 1} == shop.effects(placed["order"])
    assert 0 == shop.end()
