"""Kit as the world plays it: strict about what it is sent, true to its own description in what it answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kramik.sandbox.mailers import kit
from kramik.sandbox.mailers.kit.gate import fresh
from kramik.sandbox.stage import order_in
from tests.adapters.kit import FIELD, Office, office
from tests.sandbox.place import opened

LINE = {"name": "a", "pid": "p", "lid": "l", "quantity": 1, "unit_price": 1.5}
PURCHASE = {"email_address": "a@b.pl", "transaction_id": "t", "currency": "PLN", "products": [LINE]}


@pytest.fixture(scope="module")
def account() -> Iterator[Office]:
    """An office before Kit."""
    with opened() as place, office(place) as found:
        yield found


@pytest.fixture(scope="module")
def bearer(account: Office) -> str:
    """An access token."""
    return f"Bearer {grant(account, fresh())['access_token']}"


def grant(account: Office, refresh_token: str, **changes: str) -> dict:
    """Use a refresh token."""
    about = {name: kit.DEMO[name] for name in ("client_id", "client_secret")}
    body = {**about, "grant_type": "refresh_token", "refresh_token": refresh_token, **changes}
    return account.place.browser.post("/kit/v4/oauth/token", json=body).json()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v4/subscribers", {}),
        ("POST", "/v4/subscribers", {"email_address": 7}),
        ("POST", "/v4/subscribers", {"email_address": "no address"}),
        ("POST", "/v4/subscribers", {"email_address": "a@b.pl", "colour": "red"}),
        ("POST", "/v4/subscribers", {"email_address": "a@b.pl", "fields": {"nothing": "x"}}),
        ("POST", "/v4/subscribers", {"email_address": "a@b.pl", "state": "happy"}),
        ("POST", "/v4/custom_fields", {"label": " "}),
        ("POST", "/v4/custom_fields", {"label": FIELD}),
        ("POST", "/v4/tags", {"name": ""}),
        ("GET", "/v4/sequences?page=2", None),
        ("GET", "/v4/sequences?per_page=1001", None),
        ("GET", "/v4/subscribers?after=odd", None),
    ],
)
def test_wrong_requests(account: Office, method: str, path: str, body: object) -> None:
    """What Kit's description does not allow is refused with its errors, and nothing comes of it."""
    before = account.place.ledger()
    answer = account.ask(method, path, body)
    assert (422, True) == (answer.status_code, bool(answer.json()["errors"]))
    assert before == account.place.ledger()


@pytest.mark.parametrize(
    "changes",
    [
        {"transaction_id": " "},
        {"status": "refunded"},
        {"products": []},
        {"products": [LINE, LINE]},
        {"total": "299.00"},
        {"vat": 1},
    ],
)
def test_wrong_purchases(account: Office, bearer: str, changes: dict[str, object]) -> None:
    """A purchase has an id, is paid, and names each product once, with numbers for amounts."""
    body = {"purchase": {**PURCHASE, **changes}}
    answer = account.place.browser.post("/kit/v4/purchases", json=body, headers={"authorization": bearer})
    assert (422, []) == (answer.status_code, account.place.ledger(effect="purchase"))


def test_keys(account: Office, bearer: str) -> None:
    """Purchases want OAuth, everything else takes either key, and nobody gets in without one."""
    browser = account.place.browser
    assert 401 == account.ask("POST", "/v4/purchases", {"purchase": PURCHASE}).status_code
    assert 200 == browser.get("/kit/v4/account", headers={"authorization": bearer}).status_code
    for headers in (
        {},
        {"x-kit-api-key": "k"},
        {"authorization": "Bearer x"},
        {"authorization": f"{bearer}0"},
    ):
        assert 401 == browser.get("/kit/v4/account", headers=headers).status_code


def test_refresh_token_works_once(account: Office) -> None:
    """Each refresh kills its token; nonsense and foreign clients get nothing."""
    first = fresh()
    second = grant(account, first)["refresh_token"]
    assert "invalid_grant" == grant(account, first)["error"]
    assert "access_token" in grant(account, second)
    assert "invalid_grant" == grant(account, f"{fresh()}x")["error"]
    assert "invalid_client" == grant(account, fresh(), client_secret="x")["error"]
    assert "unsupported_grant_type" == grant(account, fresh(), grant_type="password")["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/v4/subscribers/1",
        "/v4/sequences/1/subscribers",
        "/v4/sequences/x/subscribers",
        "/v4/tags/1/subscribers",
        "/v3/tags",
    ],
)
def test_nothing_there(account: Office, path: str) -> None:
    """What is not there is 404."""
    method = "POST" if path.startswith("/v4/tags") else "GET"
    assert (
        account.ask(method, path, {"email_address": "a@b.pl"} if method == "POST" else None).status_code
        == 404
    )


def test_pages(account: Office) -> None:
    """A list comes in pages, the newest first, and its cursors lead through all of it."""
    numbers = [account.known(f"page{each}@b.pl") for each in range(5)]
    seen: list[int] = []
    after = ""
    for _ in range(3):
        page = account.ask("GET", f"/v4/subscribers?per_page=2{after}").json()
        seen += [each["id"] for each in page["subscribers"]]
        after = f"&after={page['pagination']['end_cursor']}"
    assert sorted(numbers, reverse=True) == seen[:5]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("see https://api.kurs.example/access/abc123.mac now", "abc123"),
        ("https://api.kurs.example/orders/abc", ""),
        ("", ""),
    ],
)
def test_order_in_a_link(text: str, order: str) -> None:
    """Whoever reads a mail sees the order in its access link."""
    assert order == order_in(text)


@pytest.mark.parametrize("peer", ["mail", "kit", "*"])
def test_switches(account: Office, peer: str) -> None:
    """A switch for the mailing tools is about Kit, too; one for another tool is not."""
    account.place.fault(peer=peer, operation="setup", fault="refuse")
    assert [503, 200] == [account.ask("GET", "/v4/account").status_code for _ in range(2)]
    account.place.fault(peer="mailchimp", fault="refuse")
    assert 200 == account.ask("GET", "/v4/account").status_code
    account.place.browser.delete("/faults")
