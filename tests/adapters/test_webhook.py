"""The signed call to the seller, against the published vector and a real server on loopback."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from kramik.errors import ConfigurationError, KramikError, OutcomeUnknown, Rejected, Transient
from kramik.ports import News
from kramik.tellers.mail import MailTeller, written
from kramik.tellers.webhook import WebhookTeller, signed
from tests.adapters.ear import Ear, listening
from tests.story.example import NOON, a_paid_order
from tests.story.postman import Postman

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "standard_webhooks.json").read_text("utf-8"))
SECRET, OLDER = (f"whsec_{b64encode(bytes([sign]) * 32).decode()}" for sign in (1, 2))
NEWS = News(
    id="order-1/parked/invitation/1",
    kind="parked",
    text="invitation: the key was revoked; make a new one",
    at=NOON,
    order=a_paid_order().park("invitation", "the key was revoked; make a new one", now=NOON),
)


@pytest.fixture
def ear() -> Iterator[Ear]:
    """A server that listens."""
    with listening() as server:
        yield server


def a_teller(ear: Ear, *secrets: str) -> WebhookTeller:
    """Return our side."""
    return WebhookTeller(ear.url, secrets or (SECRET,), call_seconds=5, now=lambda: NOON)


def test_the_published_vector() -> None:
    """Our signature is the one that the scheme's own tests expect."""
    inputs = VECTOR["inputs"]
    moment = datetime.fromtimestamp(int(inputs["webhook-timestamp"]), UTC)
    key = b64decode(VECTOR["secret"].removeprefix("whsec_"))
    headers = signed(inputs["webhook-id"], inputs["raw_body"].encode(), [key], now=moment)
    assert {
        "webhook-id": inputs["webhook-id"],
        "webhook-timestamp": inputs["webhook-timestamp"],
        "webhook-signature": VECTOR["expected"],
    } == headers


def test_what_is_heard_can_be_verified(ear: Ear) -> None:
    """With nothing but the secret, the headers and the body as it came."""
    teller = a_teller(ear)
    receipt = teller.tell(NEWS)
    teller.close()
    [(path, headers, body)] = ear.heard
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = b64encode(hmac.digest(bytes([1]) * 32, content, sha256)).decode()
    assert (f"v1,{expected}", receipt) == (headers["webhook-signature"], headers["webhook-id"])
    assert ("/hooks/secret-path?token=secret-token", "application/json") == (path, headers["content-type"])
    assert {
        "type": "order.parked",
        "timestamp": "2026-11-02T12:00:00Z",
        "data": {
            "what": "invitation: the key was revoked; make a new one",
            "order": "order-1",
            "product": "agregaty",
            "title": "Agregaty w praktyce",
            "price": {"amount": 29900, "currency": "PLN"},
            "gateway": "till",
        },
    } == json.loads(body)


def test_nothing_about_the_buyer(ear: Ear) -> None:
    """A call goes over many desks; who bought stays in the order."""
    teller = a_teller(ear)
    teller.tell(NEWS)
    teller.close()
    assert not [word for word in (b"anna", b"Kowalska", b"example.com") if word in ear.heard[0][2]]


def test_a_repeat_has_the_same_id_and_body(ear: Ear) -> None:
    """Whoever listens can drop it; another fact has another id."""
    teller = a_teller(ear)
    ids = [teller.tell(NEWS), teller.tell(NEWS)]
    other = teller.tell(News(id="order-1/refund/till/1", kind="refund", text="x", at=NOON))
    teller.close()
    assert ids[0] == ids[1] != other
    assert ear.heard[0][2] == ear.heard[1][2]


def test_a_secret_is_rotated(ear: Ear) -> None:
    """While two are set there are two signatures, so either side may change first."""
    teller = a_teller(ear, SECRET, OLDER)
    teller.tell(NEWS)
    teller.close()
    assert 2 == len(ear.heard[0][1]["webhook-signature"].split(" "))


@pytest.mark.parametrize(
    ("status", "error"), [(503, OutcomeUnknown), (500, OutcomeUnknown), (429, Transient), (410, Rejected)]
)
def test_an_answer_that_is_no_yes(ear: Ear, status: int, error: type[KramikError]) -> None:
    """It is told again, or given up; neither the address nor the secret is in the sentence."""
    ear.status = status
    teller = a_teller(ear)
    with pytest.raises(error) as caught:
        teller.tell(NEWS)
    teller.close()
    for secret in ("secret-path", "secret-token", SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "secret", "word"),
    [
        ("http://hooks.example/x", SECRET, "https://"),
        ("hooks.example", SECRET, "https://"),
        ("https://", SECRET, "https://"),
        ("https://hooks.example/x", "whsec_short", "openssl rand"),
        ("https://hooks.example/x", "no base64 at all, but long enough for it", "openssl rand"),
        ("https://hooks.example/x", "", "openssl rand"),
    ],
)
def test_what_is_set_wrongly(url: str, secret: str, word: str) -> None:
    """Before the first call, by `kramik check`, without showing the secret."""
    with pytest.raises(ConfigurationError, match=word) as caught:
        WebhookTeller(url, [secret], call_seconds=1)
    assert not secret or secret not in str(caught.value)


def test_the_mail_says_what_happened_and_which_command_helps() -> None:
    """One mail a fact, with a key of its own, through the shop's own post."""
    post = Postman("unsafe")
    receipt = MailTeller(post, to="hanna@akademia.example", shop="Akademia").tell(NEWS)
    [mail] = post.arrived
    assert ("hanna@akademia.example", "Akademia: an order waits for you") == (mail.to, mail.subject)
    assert "<notice/order-1/parked/invitation/1@kurs.example>" == receipt
    for word in (
        "the key was revoked; make a new one.",
        "the buyer has paid and can not open the course.",
        "orders show order-1",
        "orders retry order-1",
        "299.00 PLN",
    ):
        assert word in mail.text


def test_the_mail_asks_for_a_word_where_nobody_knows() -> None:
    """Both commands stand in it, ready to be typed."""
    order = a_paid_order().park("purchase", "cut off", now=NOON, unknown=True)
    text = written(News(id="1", kind="parked", text="purchase: cut off", at=NOON, order=order))
    assert "look there for anna@example.com" in text
    assert "kramik orders retry order-1 --happened purchase=RECEIPT" in text
    assert "kramik orders retry order-1 --not-happened purchase" in text


@pytest.mark.parametrize(
    ("kind", "word"),
    [("second", "poison discard"), ("mismatch", "poison discard"), ("refund", "orders show")],
)
def test_each_kind_names_its_command(kind: str, word: str) -> None:
    """What to type next."""
    assert word in written(News(id="1", kind=kind, text="x", at=NOON, order=a_paid_order()))  # type: ignore[arg-type]  # a kind
