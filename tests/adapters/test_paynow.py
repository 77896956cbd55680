"""paynow: the published vectors, the promises about notifications, and what a hostile or careless sender may send."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic
from kramik.event import PaymentEvent
from kramik.gateways.paynow import PaynowGateway, Settings, signature
from kramik.payment import Acknowledgement, RawNotification
from kramik.sandbox.dialect import Notification, Panel
from kramik.sandbox.vendors.paynow import DEMO, dialect
from tests.contracts.gateway import (
    NOTIFICATIONS,
    Till,
    another_shop_is_told,
    money_in_minor_units,
    refund_names_the_payment,
)
from tests.docs.test_gateways import ASKED
from tests.sandbox.place import fresh_order

VECTORS = json.loads(Path("tests/vectors/paynow.json").read_text("utf-8"))
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://127.0.0.1:9"}, Settings)
KEY = SETTINGS.signature_key
PAID = {
    "paymentId": "NOLV-8F9-08K-WGD",
    "externalId": "0a1b2c3d4e5f6g7h8j9kmnpqrs_0",
    "status": "CONFIRMED",
    "modifiedAt": "2026-11-02T12:24:52",
}
UNTOLD = (money_in_minor_units, refund_names_the_payment, another_shop_is_told)
"""Promises about what paynow never says: an amount, money that goes back, and which shop (its key alone says that)."""


@pytest.fixture
def gateway() -> Iterator[PaynowGateway]:
    """The gateway of the demo's shop, which calls nobody here."""
    made = PaynowGateway(SETTINGS, call_seconds=1)
    yield made
    made.close()


@pytest.fixture
def till(gateway: PaynowGateway) -> Till:
    """The gateway with its other side, which writes what paynow would send."""

    def told(event: PaymentEvent) -> RawNotification:
        side = dialect(Panel())
        asked = replace(ASKED, order=f"{event.order}_0", reference=event.reference)
        about = {"id": "t-1", "kind": event.kind, "order": asked.order, "shop_id": "x", "currency": "PLN"}
        [letter] = side.letters(msgspec.convert({**about, "amount": asked.money.minor}, Notification), asked)
        return RawNotification(headers=letter.headers, query="", body=letter.body)

    return Till(
        gateway=gateway,  # type: ignore[arg-type]  # only what every gateway does is asked of it here
        name="paynow",
        order=fresh_order(),
        secrets=(KEY, SETTINGS.api_key),
        acknowledgement=Acknowledgement(body=b""),
        without_key=lambda: PaynowGateway(replace(SETTINGS, signature_key=" "), call_seconds=1),
        told=told,
        signature=lambda raw: raw.headers["signature"],
        resigned=lambda raw, given: replace(raw, headers={} if given is None else {"signature": given}),
        read_as=lambda event: replace(event, money=None),
    )


@pytest.mark.parametrize("promise", [each for each in NOTIFICATIONS if each not in UNTOLD])
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise about notifications, but for what paynow never says."""
    promise(till)


def test_published_call() -> None:
    """A call without a body is signed as in paynow's documents (published vector)."""
    (vector,) = [each for each in VECTORS if each["kind"] == "request"]
    given = vector["inputs"]
    made = signature(
        given["api_key"], vector["secret"].encode(), given["idempotency_key"], given["body"].encode()
    )
    assert vector["expected"] == made


@pytest.mark.parametrize("number", [0, 1])
def test_published_notification(number: int) -> None:
    """The notifications of paynow's library and of its documents are authentic and paid (published vectors)."""
    vector = [each for each in VECTORS if each["kind"] == "notification"][number]
    gateway = PaynowGateway(replace(SETTINGS, signature_key=vector["secret"]), call_seconds=1)
    body = vector["inputs"]["raw_body"].encode()
    event = gateway.verify(RawNotification(headers={"signature": vector["expected"]}, query="", body=body))
    assert event is not None
    order = ("NOLV-8F9-08K-WGD", "9fea23c7-cd5c-4884-9842-6f8592be65df")[number]
    facts = (event.kind, event.order, event.reference, event.money)
    assert ("paid", order, "NOLV-8F9-08K-WGD", None) == facts
    gateway.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("NEW", None),
        ("PENDING", "pending"),
        ("WAITING_FOR_CONFIRMATION", "pending"),
        ("CONFIRMED", "paid"),
        ("REJECTED", "failed"),
        ("ERROR", "failed"),
        ("EXPIRED", "failed"),
        ("ABANDONED", "failed"),
        ("CANCELLED", "failed"),
        ("confirmed", None),
        ("SOMETHING_NEW", None),
        ("", None),
    ],
)
def test_what_a_status_means(gateway: PaynowGateway, status: str, kind: str | None) -> None:
    """Only `CONFIRMED` is paid, and what is new to us says nothing."""
    event = gateway.verify(raw({**PAID, "status": status}))
    assert kind == (event and event.kind)


@pytest.mark.parametrize(
    ("external", "order"),
    [
        ("0a1b_0", "0a1b"),
        ("0a1b_12", "0a1b"),
        ("0a1b", "0a1b"),
        ("0a1b_", "0a1b_"),
        ("0a_1_b", "0a_1_b"),
        ("żółw_1", "żółw"),
        ("", "NOLV-8F9-08K-WGD"),
    ],
)
def test_whose_payment_it_is(gateway: PaynowGateway, external: str, order: str) -> None:
    """Our name of a payment begins with the order's id; a payment without a name is kept under its own."""
    event = gateway.verify(raw({**PAID, "externalId": external}))
    assert event is not None
    assert order == event.order


@pytest.mark.parametrize(
    "change",
    [
        {"paymentId": ""},
        {"paymentId": None},
        {"paymentId": 7},
        {"paymentId": "../v3"},
        {"paymentId": "NOLV-8F9\n"},
        {"paymentId": "\uff11"},
        {"paymentId": "A" * 101},
        {"status": None},
        {"status": 1},
        {"externalId": ["a"]},
        {"externalId": "a" * 101},
    ],
    ids=str,
)
def test_odd_field_is_for_a_person(gateway: PaynowGateway, change: dict[str, Any]) -> None:
    """A signed notification with a field that can not be read is kept for a person."""
    with pytest.raises(NeedsOperator):
        gateway.verify(raw({**PAID, **change}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + json.dumps(PAID).encode(),
        json.dumps(PAID).replace("{", '{"status": "NEW", ', 1).encode(),
        b"[" * 60_000,
    ],
    ids=["empty", "null", "a list", "no fields", "not UTF-8", "a BOM", "doubled", "deep"],
)
def test_odd_body_is_for_a_person(gateway: PaynowGateway, body: bytes) -> None:
    """A signed body that is no notification is kept for a person."""
    with pytest.raises(NeedsOperator):
        gateway.verify(signed(body))


def test_later_fields_are_welcome(gateway: PaynowGateway) -> None:
    """Fractions, objects and CRLF that a later version adds change nothing."""
    text = json.dumps({**PAID, "rate": 1.5, "new": {"a": [1.5]}}, indent=2).replace("\n", "\r\n")
    assert gateway.verify(raw(PAID)) == gateway.verify(signed(text.encode()))


@pytest.mark.parametrize(
    "tail", [b"\r\n", b" ", b"\0", b"a" * 65_536], ids=["CRLF", "space", "zero", "64 KiB"]
)
def test_text_behind_the_body_is_not_authentic(gateway: PaynowGateway, tail: bytes) -> None:
    """The body is signed byte for byte, its line ends too."""
    told = raw(PAID)
    with pytest.raises(NotAuthentic):
        gateway.verify(replace(told, body=told.body + tail))


@pytest.mark.parametrize("key", ["", "another key", SETTINGS.api_key])
def test_another_key_is_not_authentic(gateway: PaynowGateway, key: str) -> None:
    """Only the key for signatures signs; the key for the API does not."""
    with pytest.raises(NotAuthentic):
        gateway.verify(signed(json.dumps(PAID).encode(), key=key))


def test_both_keys_are_needed() -> None:
    """All empty keys are reported together."""
    with pytest.raises(ConfigurationError) as caught:
        PaynowGateway(replace(SETTINGS, api_key="", signature_key=" "), call_seconds=1)
    assert ["api_key", "signature_key"] == [each.field for each in caught.value.problems]


def raw(fields: dict[str, Any]) -> RawNotification:
    """Return a notification with these fields, signed."""
    return signed(json.dumps(fields, separators=(",", ":")).encode())


def signed(body: bytes, *, key: str = KEY) -> RawNotification:
    """Return a notification with this body, signed."""
    mac = b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
    return RawNotification(headers={"signature": mac}, query="", body=body)
