"""The world as a whole: its ledger, its switches, its pages and its manners."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx2
import msgspec
import pytest

from kramik import sandbox
from tests.sandbox.place import Place, fresh_order, opened


@pytest.fixture
def place() -> Iterator[Place]:
    """A running world of its own."""
    with opened() as place:
        yield place


def grant(place: Place, order: str = "", key: str = "", **changes: str) -> httpx2.Response:
    """Ask the academy for a grant."""
    headers = {"authorization": f"Bearer {place.settings.academy_token}"} | (
        {"idempotency-key": key} if key else {}
    )
    about = {"order": order or fresh_order().id, "course": "c", "email": "anna@example.com", **changes}
    return place.browser.post("/academy/grants", json=about, headers=headers)


def test_ledger_tells_everything_in_order(place: Place) -> None:
    """The ledger lists every effect, oldest first, and can be asked for one order."""
    first, second = grant(place, "o-1").json(), grant(place, "o-2").json()
    place.browser.get(second["link"])
    assert [(each["order"], each["effect"]) for each in place.ledger()] == [
        ("o-1", "grant"),
        ("o-2", "grant"),
        ("o-2", "open"),
    ]
    assert [first["id"]] == [each["facts"]["grant"] for each in place.ledger("o-1")]
    assert place.browser.get("/ledger").json()["counts"] == {"grant": 2, "open": 1}


def test_ledger_outlives_the_world(tmp_path: Path) -> None:
    """With a file, the ledger is there line by line as soon as an effect was answered."""
    file = tmp_path / "ledger.jsonl"
    with opened(ledger=file) as place:
        grant(place, "o-1")
        assert [msgspec.json.decode(line)["order"] for line in file.read_bytes().splitlines()] == ["o-1"]


def test_every_wrong_field_of_a_fault_is_named(place: Place) -> None:
    """A switch that makes no sense is refused with every problem at once."""
    odd = {"peer": "bank", "fault": "explode", "count": 0, "probability": 2, "seconds": "1", "colour": "red"}
    answer = place.browser.post("/faults", json=odd)
    assert answer.status_code == 422
    assert sorted(odd) == sorted(problem["field"] for problem in answer.json()["problems"])
    assert place.browser.get("/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"peer": "academy"}', b'{"peer": "mail", "fault": "drop", "operation": "grant"}'],
)
def test_odd_fault_bodies(place: Place, body: bytes) -> None:
    """A body that is no switch is refused."""
    assert place.browser.post("/faults", content=body).status_code == 422


def test_count(place: Place) -> None:
    """A switch for two calls befalls two calls."""
    place.fault(peer="academy", fault="refuse", count=2)
    assert [grant(place).status_code for _ in range(4)] == [503, 503, 201, 201]


def test_probability_repeats_with_its_seed(place: Place) -> None:
    """The same seed gives the same faults, and about as many as its probability says."""
    rounds = []
    for _ in range(2):
        place.browser.post("/faults", json={"peer": "*", "fault": "refuse", "probability": 0.3, "seed": 7})
        rounds.append([grant(place).status_code for _ in range(100)])
        place.browser.delete("/faults")
    assert rounds[0] == rounds[1]
    assert 15 < rounds[0].count(503) < 45


def test_operation_and_peer(place: Place) -> None:
    """A switch for one operation of one peer leaves everything else alone."""
    place.fault(peer="academy", operation="revoke", fault="refuse", count=9)
    place.fault(peer="mail", fault="refuse", count=9)
    assert grant(place).status_code == 201


def test_slow_answers_do_not_wait_for_each_other(place: Place) -> None:
    """Twenty slow answers take as long as one."""
    place.fault(peer="academy", fault="slow", seconds=0.5, count=20)
    begun = monotonic()
    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(lambda _: grant(place).status_code, range(20))) == [201] * 20
    assert monotonic() - begun < 3


def test_stops_while_somebody_waits() -> None:
    """A world stops at once, also in the middle of an answer that would take an hour."""
    with (
        sandbox.start() as running,
        ThreadPoolExecutor(1) as thread,
        httpx2.Client(trust_env=False, timeout=30) as browser,
    ):
        browser.post(f"{running.url}/faults", json={"peer": "academy", "fault": "slow", "seconds": 3600})
        headers = {"authorization": f"Bearer {running.world.settings.academy_token}"}
        waiting = thread.submit(browser.get, f"{running.url}/academy/grants", headers=headers)
        faults = (browser.get(f"{running.url}/faults").json()["faults"][0] for _ in range(2000))
        assert any(fault.get("fired") for fault in faults)
        begun = monotonic()
        running.stop()
        assert monotonic() - begun < 5
        waiting.exception(10)


def test_key_with_other_content(place: Place) -> None:
    """A key that was used for something else is refused, and nothing happens."""
    assert [grant(place, "o-1", "k").status_code, grant(place, "o-2", "k").status_code] == [201, 409]
    assert place.ledger("o-2") == []


def test_wrong_token(place: Place) -> None:
    """Without the token nothing is granted."""
    for path in ("/academy/grants", "/mail/purchases", "/mail/starts", "/mail/messages"):
        for given in (b"", b"Bearer x", "Bearer ż".encode()):
            assert place.browser.post(path, json={}, headers={b"authorization": given}).status_code == 401


def test_missing_fields_and_large_bodies(place: Place) -> None:
    """A request says everything that is missing, and a body that is too large is refused."""
    headers = {"authorization": f"Bearer {place.settings.academy_token}"}
    answer = place.browser.post("/academy/grants", json={"course": "c"}, headers=headers)
    assert (answer.status_code, answer.json()) == (422, {"message": "missing: order, email"})
    assert place.browser.post("/academy/grants", content=b" " * 70_000, headers=headers).status_code == 413


def test_revoked_link_is_gone(place: Place) -> None:
    """A link opens the course until it is revoked; revoking twice happens once."""
    made = grant(place, "o-1", title="Kurs", lang="pl").json()
    headers = {"authorization": f"Bearer {place.settings.academy_token}"}
    assert "Kurs" in place.browser.get(made["link"]).text
    for _ in range(2):
        assert place.browser.delete(f"/academy/grants/{made['id']}", headers=headers).status_code == 204
    assert place.browser.get(made["link"]).status_code == 410
    assert len(place.ledger("o-1", "revoke")) == 1


@pytest.mark.parametrize(
    ("lang", "subject"), [("pl", "Witaj w kursie „Kurs {0}”"), ("en", "Welcome to “Kurs {0}”")]
)
def test_welcome_mail(place: Place, lang: str, subject: str) -> None:
    """The first mail of a sequence speaks the buyer's language and its link can be followed."""
    link = "https://api.kurs.example/access/o-1.mac"
    about = {
        "order": "o-1",
        "email": "a@b.pl",
        "sequence": "s",
        "lang": lang,
        "title": "Kurs {0}",
        "name": "<i>",
        "link": link,
    }
    headers = {"authorization": f"Bearer {place.settings.mail_token}"}
    assert place.browser.post("/mail/starts", json=about, headers=headers).status_code == 201
    (mail,) = place.browser.get("/mail/messages.json?to=a@b.pl").json()
    page = place.browser.get(f"/mail/{mail['id']}").text
    assert mail["subject"] == subject
    assert f'<a href="{link}"' in page
    assert "&lt;i&gt;" in page
    assert subject in place.browser.get("/mail/").text


@pytest.mark.parametrize(
    "path", ["/", "/?lang=pl", "/mail/", "/mail/99", "/academy/open/none", "/gateway/pay/none"]
)
def test_pages_stand_alone(place: Place, path: str) -> None:
    """Every page is HTML without scripts that asks nobody else for anything."""
    grant(place)
    page = place.browser.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert [
        word for word in ("<script", "//cdn", "http://", "https://", "onclick") if word in page.text
    ] == []
