"""Kit on the wire: bodies byte for byte, the published examples, and answers that Kit does not document."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Event

import jsonschema
import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, OutcomeUnknown, Rejected
from kramik.http import Budget, Client
from kramik.mailers.kit import KitMailer, Settings, people, purchases, sequences
from kramik.money import Money
from kramik.sandbox.mailers.kit.api import OPERATIONS
from kramik.sandbox.mailers.kit.rules import Rules
from kramik.stores.memory import MemoryVault
from tests.adapters.kit import FIELD, sold
from tests.story.example import a_paid_order
from tests.unit.raw_server import PATIENCE, RawServer, reply, serving

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "kit-v4.json").read_text("utf-8"))["operations"]
ANSWERS = [
    (key, status, example) for key, each in VECTORS.items() for status, example in each["answers"].items()
]
ABOUT = {"api_key": "key-of-the-test", "client_id": "app", "client_secret": "s3cret", "refresh_token": "r1"}
TOKENS = {"access_token": "a1", "refresh_token": "r2", "expires_in": 7200}


class Script:
    """Answers by path; what is asked more often than it is answered gets the last answer again."""

    def __init__(self, answers: Mapping[str, list[tuple[int, object]]]) -> None:
        self.answers = {path: list(each) for path, each in answers.items()}
        self.server: RawServer | None = None

    def __call__(self, connection: socket.socket, _over: Event) -> None:
        """Answer the last request."""
        assert self.server is not None
        path = self.server.asked[-1].split()[1].decode().partition("?")[0]
        left = self.answers[path]
        status, body = left.pop(0) if len(left) > 1 else left[0]
        connection.sendall(reply(status, msgspec.json.encode(body)))


def asked(
    answers: Mapping[str, list[tuple[int, object]]], *, failing: type[Exception] | None = None
) -> list[bytes]:
    """Register a purchase at a Kit that answers like this; return every request."""
    script, sale = Script(answers), sold()
    person = {"id": 7, "state": "active", "fields": {FIELD: sale.access_link}}
    script.answers.setdefault("/v4/subscribers", [(201, {"subscriber": person})])
    script.answers.setdefault("/v4/oauth/token", [(200, TOKENS)])
    with serving(script) as server:
        script.server = server
        settings = msgspec.convert({**ABOUT, "base_url": server.url}, Settings)
        made = KitMailer(settings, call_seconds=5.0, vault=MemoryVault())
        try:
            if failing is None:
                made.purchase.do(sale)
            else:
                with pytest.raises(failing) as caught:
                    made.purchase.do(sale)
                assert not any(secret in str(caught.value) for secret in ("s3cret", "r1", "a1 ", "key-of"))
        finally:
            made.close()
    return server.asked


def test_purchase_body() -> None:
    """A purchase says exactly what was sold, with an exact decimal amount and the time of the payment."""
    order = a_paid_order("order-1")
    body = msgspec.json.encode(purchases.body(order)).decode()
    assert (
        '{"purchase":{"email_address":"anna@example.com","transaction_id":"order-1","status":"paid",'
        '"currency":"PLN","transaction_time":"2026-11-02T12:00:00Z","subtotal":299.00,"total":299.00,'
        '"products":[{"name":"Agregaty w praktyce","pid":"agregaty","lid":"order-1","sku":"agregaty",'
        '"quantity":1,"unit_price":299.00}]}}'
    ) == body


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [(1, "PLN", "0.01"), (99999999999, "EUR", "999999999.99"), (1500, "JPY", "1500")],
)
def test_amounts_are_exact(minor: int, currency: str, amount: str) -> None:
    """An amount is written with the digits of its currency, never as a float."""
    order = a_paid_order("order-1")
    intent = msgspec.structs.replace(order.intent, price=Money(minor=minor, currency=currency))
    body = msgspec.json.encode(purchases.body(msgspec.structs.replace(order, intent=intent))).decode()
    assert f'"total":{amount},' in body


def test_purchase_fits_the_description() -> None:
    """The body of a purchase is one that Kit's own description allows."""
    body = json.loads(msgspec.json.encode(purchases.body(a_paid_order("order-1"))))
    assert [] == list(Rules().operations["POST /v4/purchases"].problems({}, body))


def test_requests_in_order() -> None:
    """Token, person, purchase, in this order; the API key never goes with the token, nor the token with the key."""
    made = {"purchase": {"id": 20, "transaction_id": "x"}}
    requests = asked({"/v4/purchases": [(201, made)]})
    heads = [each.partition(b"\r\n\r\n")[0].lower() for each in requests]
    assert [b"post /v4/oauth/token", b"post /v4/subscribers", b"post /v4/purchases"] == [
        head.partition(b" http")[0] for head in heads
    ]
    assert [(False, False), (True, False), (False, True)] == [
        (b"x-kit-api-key: key-of-the-test" in head, b"authorization: bearer a1" in head) for head in heads
    ]
    grant = {
        "client_id": "app",
        "grant_type": "refresh_token",
        "refresh_token": "r1",
        "client_secret": "s3cret",
    }
    assert grant == json.loads(requests[0].partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    "words", ["Transaction has already been taken", "Transaction id must be unique", "Duplicate transaction"]
)
def test_transaction_that_kit_seems_to_have(words: str) -> None:
    """A refusal that may mean a known transaction is an unknown outcome, which is looked up."""
    asked({"/v4/purchases": [(422, {"errors": [words]})]}, failing=OutcomeUnknown)


def test_refused_purchase() -> None:
    """Any other refusal parks, in Kit's own words."""
    asked({"/v4/purchases": [(422, {"errors": ["Currency is invalid"]})]}, failing=Rejected)


def test_token_is_not_repeated() -> None:
    """A refusal that repeats our token is shown without it."""
    tokens = {**TOKENS, "access_token": "token-of-today"}
    refusal = (422, {"errors": ["Bearer token-of-today may not do this"]})
    script, sale = Script({"/v4/oauth/token": [(200, tokens)], "/v4/purchases": [refusal]}), sold()
    person = {"id": 7, "state": "active", "fields": {FIELD: sale.access_link}}
    script.answers["/v4/subscribers"] = [(201, {"subscriber": person})]
    with serving(script) as server:
        script.server = server
        made = KitMailer(
            msgspec.convert({**ABOUT, "base_url": server.url}, Settings),
            call_seconds=5.0,
            vault=MemoryVault(),
        )
        with pytest.raises(Rejected, match="may not do this") as caught:
            made.purchase.do(sale)
        made.close()
    assert "of-today" not in str(caught.value)


def test_token_that_was_revoked() -> None:
    """An access token that Kit refuses is renewed once; when it refuses that one too, a person has to look."""
    made = {"purchase": {"id": 20, "transaction_id": "x"}}
    again = {**TOKENS, "access_token": "a2", "refresh_token": "r3"}
    tokens = [(200, TOKENS), (200, again)]
    refusal = (401, {"errors": ["The access token is invalid"]})
    requests = asked({"/v4/oauth/token": list(tokens), "/v4/purchases": [refusal, (201, made)]})
    assert [b"r1", b"r2"] == [
        each.partition(b'"refresh_token":"')[2][:2] for each in requests if b"oauth/token" in each
    ]
    asked({"/v4/oauth/token": list(tokens), "/v4/purchases": [refusal]}, failing=Rejected)


@pytest.mark.parametrize(
    ("sold_at", "sure"), [("2026-11-02T11:59:59Z", True), ("2026-11-02T12:00:01Z", False)]
)
def test_look_up_ends_somewhere(sold_at: str, sure: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Far back the look-up ends: with nothing when all there is older than the payment, else a person looks."""
    others = [{"id": 1, "transaction_id": "x", "transaction_time": sold_at}] * purchases.PAGE
    page = {"purchases": others, "pagination": {"has_next_page": True, "end_cursor": "a"}}
    script = Script({"/v4/purchases": [(200, page)]})
    with serving(script) as server:
        script.server = server
        client = Client(server.url, name="Kit", call_seconds=PATIENCE)
        looked = partial(purchases.find, client, a_paid_order("order-1"), {}, budget=Budget(PATIENCE))
        if sure:
            assert looked() is None
        else:
            with pytest.raises(NeedsOperator, match="by its number"):
                looked()
        client.close()
    assert purchases.PAGES == len(server.asked)


@pytest.mark.parametrize(("key", "status", "example"), ANSWERS)
def test_examples_fit_the_description(key: str, status: str, example: object) -> None:
    """Every published answer is one by the description that the simulator answers by."""
    assert [] == Rules().operations[key].broken(int(status), example)


def test_published_answers_are_read() -> None:
    """Our adapter reads what Kit published."""
    bought = msgspec.convert(VECTORS["POST /v4/purchases"]["answers"]["201"], purchases.Made)
    assert (19, "796-92-4892") == (bought.purchase.id, bought.purchase.transaction_id)
    page = msgspec.convert(VECTORS["GET /v4/purchases"]["answers"]["200"], purchases.Page)
    assert [3, 2, 1] == [each.id for each in page.purchases]
    for status in ("200", "201"):
        added = VECTORS["POST /v4/sequences/{sequence_id}/subscribers/{id}"]["answers"][status]
        assert "active" == msgspec.convert(added, people.One).subscriber.state
        person = VECTORS["POST /v4/subscribers"]["answers"][status]
        assert "alice@convertkit.dev" == msgspec.convert(person, people.One).subscriber.email_address
    listed = VECTORS["GET /v4/sequences/{sequence_id}/subscribers"]["answers"]["200"]
    assert 3 == len(msgspec.convert(listed, sequences.Page).subscribers)


def test_simulator_knows_the_whole_description() -> None:
    """Each described operation is played, and each that is played is described by a sound schema."""
    operations = Rules().operations
    assert {*operations} == {*OPERATIONS}
    for each in operations.values():
        for schema in (*each.answers.values(), *([each.body] if each.body else [])):
            jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"api_key": ""}, "api_key"),
        ({"client_id": ""}, "refresh_token"),
        ({"field": "link"}, "field"),
        ({"token_path": "oauth"}, "token_path"),
    ],
)
def test_settings_that_make_no_sense(changes: dict[str, str], field: str) -> None:
    """A half connection, one field for all courses and an empty key are refused before the shop starts."""
    settings = msgspec.convert({**ABOUT, **changes}, Settings)
    with pytest.raises(ConfigurationError) as caught:
        KitMailer(settings, call_seconds=1.0, vault=MemoryVault())
    assert [field] == [each.field for each in caught.value.problems]


def test_purchases_need_a_vault() -> None:
    """A host that can not keep the tokens refuses purchases; tags work there."""
    settings = msgspec.convert(ABOUT, Settings)
    with pytest.raises(ConfigurationError, match="keeps tokens"):
        KitMailer(settings, call_seconds=1.0)
    tags = msgspec.structs.replace(settings, client_id="", refresh_token="")
    assert "set" == KitMailer(tags, call_seconds=1.0).purchase.repeat


def test_settings_show_no_secret() -> None:
    """Settings do not print their secrets."""
    assert not any(secret in repr(msgspec.convert(ABOUT, Settings)) for secret in ("s3cret", "r1", "key-of"))
