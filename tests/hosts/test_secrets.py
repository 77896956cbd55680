"""Canaries: every secret, address and name is marked, and none turns up where an outsider or a log reader looks."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kramik.sandbox.faults import Fault
from tests.hosts import served
from tests.hosts.asking import Reply, ask, post_form, post_json, raw
from tests.hosts.served import SECRET, Shop, eventually, fields, pay, query
from tests.hosts.test_hostile import BODIES, HEADS, JSONS, TARGETS
from tests.hosts.test_payments import notification, tell
from tests.hosts.test_store_down import full_disk

EMAIL = "kanarek.żółty@canary-domain.example"
NAME = "Canary-Name Żółtowska"
COMPANY = "Canary-Company Sp. z o.o."


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop of its own."""
    worker = "[worker]\ncall = 0.5\nvisibility = 2"
    with served.world() as running, served.shop(tmp_path / "shop", running, more=worker) as open_shop:
        yield open_shop


def secrets(shop: Shop) -> list[str]:
    """Return what nobody may ever see."""
    keys = shop.world.world.settings
    return [SECRET, keys.gateway_key, keys.academy_token, keys.mail_token]


def personal() -> list[str]:
    """Return what only the buyer may see: parts that no masking leaves."""
    return ["kanarek", "żółty", "canary-domain", "xn--", "Canary-Name", "Żółtowska", "Canary-Company"]


def test_an_outsider_sees_no_secret_and_nobodys_address(shop: Shop) -> None:
    """Every kind of answer, good, bad and broken, that somebody without the buyer's keys can get."""
    placed = shop.place("canary-1", email=EMAIL, name=NAME, company=COMPANY, tax_id="5260001246").json()
    pay(placed["payment"]["url"])
    status = eventually(lambda: ask(placed["status_url"]).json(), lambda seen: seen["status"] == "completed")
    answers = outside(shop, placed["order"])
    own = [shown(ask(placed["status_url"])), shown(ask(status["access"]))]
    with full_disk(shop):
        answers += outside(shop, placed["order"])
    assert len(answers) > 150
    assert [] == hits([shown(each) for each in answers], [*secrets(shop), *personal()])
    assert [] == hits([shown(each) for each in answers], [query(placed["status_url"])["key"]])
    assert [] == hits(own, [*secrets(shop), "kanarek", "żółty", "Canary-Name", "Canary-Company"])


def outside(shop: Shop, order: str) -> list[Reply]:
    """Ask everything that a stranger can ask."""
    url = shop.url
    kinds = ({"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"})
    strange = [
        ask(f"{url}{path}", "POST", body=body, headers=kind)
        for path in ("/api/orders", "/api/access/resend", "/api/payments/sandbox")
        for kind, bodies in zip(kinds, (JSONS, BODIES), strict=True)
        for body in bodies.values()
    ]
    targets = [raw(url, f"GET {each} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1")) for each in TARGETS]
    heads = [raw(url, each) for each in HEADS.values()]
    pages = [
        ask(url + each)
        for each in ("/", "/agregaty-w-praktyce/order/", "/thanks/", "/healthz", "/api/openapi.json")
    ]
    told = [
        tell(shop, notification(order), key="forged"),
        tell(shop, b"{}"),
        post_form(f"{url}/api/access/resend", {"email": EMAIL}),
        post_json(f"{url}/api/orders", fields(email="somebody@else.example"), idempotency_key="canary-1"),
        ask(f"{url}/api/orders/{order}"),
        ask(f"{url}/api/orders/{order}?key=wrong"),
        ask(f"{url}/access/{order}.wrong"),
    ]
    return [*strange, *(each for each in (*targets, *heads) if each is not None), *pages, *told]


def shown(answer: Reply) -> str:
    """Return everything of an answer that can be read."""
    return "\n".join(
        [
            *(f"{name}: {value}" for name, value in answer.headers.items()),
            answer.body.decode("utf-8", "replace"),
        ]
    )


def hits(texts: list[str], marks: list[str]) -> list[str]:
    """Return where a mark was found."""
    return [f"{mark!r} in {text[:300]!r}" for mark in marks for text in texts if mark in text]


def test_the_log_of_a_bad_day_names_nobody(shop: Shop) -> None:
    """Refusals, lost answers, forged notifications, a full disk: the log tells of them, and of no one."""
    faults = shop.world.world.faults
    for peer, operation, kind in (
        ("academy", "grant", "refuse"),
        ("academy", "grant", "time_out_after_effect"),
        ("mail", "purchase", "garbage"),
        ("mail", "purchase", "too_many_requests"),
        ("mail", "sequence", "drop"),
    ):
        faults.add(Fault(peer=peer, operation=operation, fault=kind, count=1, retry_after=0))
    faults.add(Fault(peer="mail", operation="message", fault="refuse", status=422))
    placed = shop.place("log-1", email=EMAIL, name=NAME, company=COMPANY, tax_id="5260001246").json()
    pay(placed["payment"]["url"], "pay_twice")
    tell(shop, notification(placed["order"]), key="forged")
    tell(shop, b'{"email": "kanarek.\xc5\xbc\xc3\xb3\xc5\x82ty@canary-domain.example"}')
    with full_disk(shop):
        outside(shop, placed["order"])
    status = eventually(
        lambda: ask(placed["status_url"]).json(), lambda seen: seen["status"] == "completed", seconds=60
    )
    assert "completed" == status["status"]
    post_form(f"{shop.url}/api/access/resend", {"email": EMAIL})
    eventually(lambda: "message_failed" in shop.log.read_text("utf-8"))
    ask(status["access"])
    assert 0 == shop.end(signal.SIGINT)
    log = shop.log.read_text("utf-8")
    told = {line.split()[1] for line in log.splitlines() if line.startswith("20")}
    assert {
        "placed",
        "step",
        "notification_refused",
        "message_failed",
        "overheard",
        "unavailable",
        "stopped",
    } <= told
    keys = [query(placed["status_url"])["key"], status["access"].rpartition("/")[2]]
    assert [] == hits([log], [*secrets(shop), *personal(), *keys])
    assert "Traceback" not in log


def test_no_command_prints_a_secret(shop: Shop) -> None:
    """Neither what works nor what fails."""
    placed = shop.place("cli-1", email=EMAIL).json()
    (shop.folder / "products" / "broken.md").write_text("---\nprice: 1\n---\n", "utf-8")
    commands = [
        ("check",),
        ("build",),
        ("orders", "list"),
        ("orders", "show", placed["order"]),
        ("poison", "list"),
        ("sweep",),
    ]
    runs = [shop.command(*each) for each in commands]
    assert [1, 1] == [each.returncode for each in runs[:2]]
    assert [] == hits([each.stdout + each.stderr for each in runs], secrets(shop))
