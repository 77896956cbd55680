"""Przelewy24: the published vectors, the promises about notifications, and what a hostile sender may send."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Rejected
from kramik.event import Begun, PaymentEvent
from kramik.gateways.przelewy24 import LONGEST_EMAIL, Przelewy24Gateway, Settings, signed
from kramik.money import Money
from kramik.payment import Acknowledgement, RawNotification
from kramik.sandbox.dialect import Panel
from kramik.sandbox.vendors.przelewy24 import DEMO, dialect
from tests.contracts.gateway import NOTIFICATIONS, RETURNS, Till
from tests.sandbox.place import fresh_order, opened
from tests.story.example import NOON
from tests.unit.raw_server import answering, reply, serving

VECTORS = {
    each["kind"]: each for each in json.loads(Path("tests/vectors/przelewy24.json").read_text("utf-8"))
}
SETTINGS = msgspec.convert({**DEMO, "base_url": "http://127.0.0.1:9"}, Settings)
CRC = SETTINGS.crc
PAID: dict[str, Any] = {
    "merchantId": 235_316,
    "posId": 235_316,
    "sessionId": "0a1b2c3d4e5f6g7h8j9kmnpqrs-1793620800",
    "amount": 29_900,
    "originAmount": 29_900,
    "currency": "PLN",
    "orderId": 4_295_430_336,
    "methodId": 154,
    "statement": "p24-ą/ć",
}


@pytest.fixture
def gateway() -> Iterator[Przelewy24Gateway]:
    """The gateway of the demo's account, which calls nobody here."""
    made = Przelewy24Gateway(SETTINGS, call_seconds=1)
    yield made
    made.close()


@pytest.fixture
def till(gateway: Przelewy24Gateway) -> Till:
    """The gateway with its other side, which writes what the vendor would send."""
    side = dialect(Panel())

    def told(event: PaymentEvent) -> RawNotification:
        number = {"paid": event.reference, "refund": event.of}[event.kind]
        fields = _refund(event, number) if event.kind == "refund" else _payment(event, number)
        return raw({**fields, "sign": signed(fields, CRC)})

    assert side.name == "przelewy24"
    return Till(
        gateway=gateway,  # type: ignore[arg-type]  # only what every gateway does is asked of it here
        name="przelewy24",
        order=fresh_order(),
        secrets=(CRC, SETTINGS.api_key),
        acknowledgement=Acknowledgement(body=b"OK"),
        without_key=lambda: Przelewy24Gateway(msgspec.structs.replace(SETTINGS, crc=" "), call_seconds=1),
        told=told,
        blank_end=True,
        signature=lambda raw: str(json.loads(raw.body)["sign"]),
        resigned=_resigned,
        read_as=lambda event: msgspec.structs.replace(
            event,
            reference=event.reference if event.kind == "refund" else _number(event.reference),
            of=_number(event.of) if event.of else "",
            begun=f"{event.order}-7" if event.kind == "paid" else "",
        ),
    )


@pytest.mark.parametrize("promise", NOTIFICATIONS)
def test_promise(promise: Callable[[Till], None], till: Till) -> None:
    """The gateway keeps each promise about notifications."""
    promise(till)


@pytest.mark.parametrize("kind", ["canonical-json", "notification", "register-request", "verify-request"])
def test_signature(kind: str) -> None:
    """The JSON that is hashed is the one of the public tests, letter by letter (published and computed vectors)."""
    vector = VECTORS[kind]
    fields = {name: value for name, value in vector["inputs"].items() if name != "crc"}
    if kind == "canonical-json":
        from hashlib import sha384  # noqa: PLC0415 - the one vector without a key

        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
        assert vector["expected"] == sha384(text.encode()).hexdigest()
    else:
        assert vector["expected"] == signed(fields, vector["secret"])


def test_published_notification() -> None:
    """The notification of the public tests is read as what it says (published vector)."""
    vector = VECTORS["notification"]
    fields = {name: value for name, value in vector["inputs"].items() if name != "crc"}
    event = _keyed(vector["secret"]).verify(raw({**fields, "sign": vector["expected"]}))
    expected = PaymentEvent(
        order="0beec7",
        gateway="przelewy24",
        reference="123456789",
        kind="paid",
        shop_id="12345/123",
        money=Money(minor=1500, currency="PLN"),
        begun="0beec7",
    )
    assert expected == event


def test_published_refund() -> None:
    """The refund of the public tests is read as what it says (published vector)."""
    vector = VECTORS["refund"]
    event = _keyed(vector["secret"]).verify(raw({**vector["inputs"], "sign": vector["expected"]}))
    assert event is not None
    facts = (event.kind, event.order, event.reference, event.of, event.money)
    money = Money(minor=500, currency="PLN")
    names = ("1e715675-a42b-4d0b-81bb", "97920952-1d9b-4c90-9238-2b74ae0f48bb", "4295430336")
    assert ("refund", *names, money) == facts


def test_refused_refund_says_nothing(gateway: Przelewy24Gateway) -> None:
    """A refund that the vendor turned down is authentic and no fact of the order."""
    fields = {
        "orderId": 1,
        "sessionId": "a-1",
        "refundsUuid": "u",
        "merchantId": 1,
        "amount": 5,
        "currency": "PLN",
    }
    told = {**fields, "status": 1}
    assert gateway.verify(raw({**told, "sign": signed(told, CRC)})) is None


@pytest.mark.parametrize("name", PAID)
def test_every_signed_field_counts(gateway: Przelewy24Gateway, name: str) -> None:
    """A field that was changed, emptied, left out, given another type or replaced by other letters is not authentic."""
    sign = signed(PAID, CRC)
    assert gateway.verify(raw({**PAID, "sign": sign})) is not None
    left = {key: value for key, value in PAID.items() if key != name}
    others: list[object] = [f"{PAID[name]}0", "", None, [PAID[name]], True, "ż", 0, -1, f"{PAID[name]}"]
    bodies = [left, *({**PAID, name: each} for each in others if each != PAID[name])]
    assert [] == [body for body in bodies if not _refused(gateway, raw({**body, "sign": sign}))]


def test_values_can_not_move_to_a_neighbour(gateway: Przelewy24Gateway) -> None:
    """JSON keeps values apart: what moves from one into the next is another text."""
    sign = signed(PAID, CRC)
    moved = {**PAID, "currency": "PL", "sessionId": f"{PAID['sessionId']}N"}
    swapped = {**PAID, "merchantId": PAID["amount"], "amount": PAID["merchantId"]}
    assert all(_refused(gateway, raw({**each, "sign": sign})) for each in (moved, swapped))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"[" * 60_000,
        b'{"sign": 5}',
        b'{"amount": 1e3}',
        b"{" + b" " * 64_000 + b"}",
    ],
)
def test_nonsense(gateway: Przelewy24Gateway, body: bytes) -> None:
    """What is no notification is not authentic, and never a crash."""
    assert _refused(gateway, RawNotification(headers={}, query="", body=body))


@pytest.mark.parametrize(
    "amount", ["1e3", "1000.0", "29900.00", "\N{FULLWIDTH DIGIT ONE}", "-5", '"29900"', "null"]
)
def test_odd_amount(gateway: Przelewy24Gateway, amount: str) -> None:
    """An amount is a whole number; anything else is refused although somebody signed its text."""
    text = json.dumps({**PAID, "sign": signed(PAID, CRC)}).replace("29900", amount, 1)
    assert _refused(gateway, RawNotification(headers={}, query="", body=text.encode()))


def test_doubled_field(gateway: Przelewy24Gateway) -> None:
    """A name that comes twice is no notification: which of the two was signed?"""
    text = json.dumps({**PAID, "sign": signed(PAID, CRC)})
    assert _refused(
        gateway, RawNotification(headers={}, query="", body=f'{{"amount": 1, {text[1:]}'.encode())
    )


def test_unknown_fields_and_line_ends_change_nothing(gateway: Przelewy24Gateway) -> None:
    """Fields that are new to us, CRLF and indentation are not signed and not read."""
    whole = {**PAID, "sign": signed(PAID, CRC), "new": {"a": [1, "ż"]}}
    text = json.dumps(whole, indent=1).replace("\n", "\r\n")
    told = gateway.verify(RawNotification(headers={}, query="", body=text.encode()))
    assert told == gateway.verify(raw({**PAID, "sign": signed(PAID, CRC)}))


def test_another_account_under_a_valid_signature(gateway: Przelewy24Gateway) -> None:
    """The account that the vendor named is told as it is, and the worker compares it."""
    other = {**PAID, "posId": 99}
    event = gateway.verify(raw({**other, "sign": signed(other, CRC)}))
    assert event is not None
    assert ("235316/99", "235316") == (event.shop_id, gateway.shop_id)


@pytest.mark.parametrize(("field", "value"), [("originAmount", 1), ("currency", "zł"), ("amount", -5)])
def test_signed_contradiction_is_kept(gateway: Przelewy24Gateway, field: str, value: object) -> None:
    """Two amounts, or money that does not exist, is shown to a person."""
    told = {**PAID, field: value, **({"originAmount": value} if field == "amount" else {})}
    with pytest.raises(NeedsOperator):
        gateway.verify(raw({**told, "sign": signed(told, CRC)}))


def test_long_address(gateway: Przelewy24Gateway) -> None:
    """An address that the vendor does not take is refused before it is called, with the reason."""
    order = fresh_order()
    buyer = msgspec.structs.replace(order.intent.buyer, email=f"{'a' * LONGEST_EMAIL}@example.org")
    long = msgspec.structs.replace(order, intent=msgspec.structs.replace(order.intent, buyer=buyer))
    with pytest.raises(NeedsOperator, match="50 characters"):
        gateway.begin(long, RETURNS, now=NOON)


def test_token_that_leads_elsewhere() -> None:
    """A token is letters and digits: nothing that comes from outside can lead the buyer to another host."""
    body = b'{"data": {"token": "@evil.example/"}, "responseCode": 0}'
    with serving(answering(reply(200, body))) as server:
        made = Przelewy24Gateway(msgspec.structs.replace(SETTINGS, base_url=server.url), call_seconds=1)
        with pytest.raises(NeedsOperator, match="no token"):
            made.begin(fresh_order(), RETURNS, now=NOON)
        made.close()


def test_answer_about_another_payment() -> None:
    """What is known of another session grants nothing."""
    known = {"status": 2, "sessionId": "other-1", "orderId": 7, "amount": 29_900, "currency": "PLN"}
    with serving(answering(reply(200, json.dumps({"data": known}).encode()))) as server:
        made = Przelewy24Gateway(msgspec.structs.replace(SETTINGS, base_url=server.url), call_seconds=1)
        order = fresh_order()
        asked = order.begin_payment(msgspec.convert({"reference": "mine-1", "url": "u", "at": NOON}, Begun))
        with pytest.raises(NeedsOperator, match="another payment"):
            made.ask(asked)
        made.close()


@pytest.mark.parametrize(
    ("status", "number", "believed"),
    [(2, 5, True), (1, 5, False), (2, 6, False), (0, 5, False), (3, 5, False)],
)
def test_a_refused_verification_is_looked_into(status: int, number: int, *, believed: bool) -> None:
    """Only what the vendor knows as verified, with this very payment, was verified before."""
    order = fresh_order()
    shop = {"gateway": "przelewy24", "shop_id": "235316"}
    order = msgspec.structs.replace(order, intent=msgspec.structs.replace(order.intent, **shop))
    known = {"status": status, "sessionId": "s-1", "orderId": number, "amount": 29_900, "currency": "PLN"}
    event = PaymentEvent(
        order=order.id, reference="5", kind="paid", money=order.intent.price, begun="s-1", **shop
    )

    def script(connection: socket.socket, over: Event) -> None:
        asked = server.asked[-1].startswith(b"GET")
        said = reply(200, json.dumps({"data": known}).encode()) if asked else reply(400, b'{"error": "no"}')
        answering(said)(connection, over)

    with serving(script) as server:
        made = Przelewy24Gateway(msgspec.structs.replace(SETTINGS, base_url=server.url), call_seconds=1)
        if believed:
            assert event == made.confirm(order, event)
        else:
            with pytest.raises(Rejected):
                made.confirm(order, event)
        made.close()


def test_verification_that_is_refused_and_was_not_made_before() -> None:
    """A payment that the vendor does not confirm is not believed."""
    with opened() as place:
        settings = msgspec.structs.replace(SETTINGS, base_url=f"{place.url}/przelewy24")
        made = Przelewy24Gateway(settings, call_seconds=2)
        order = fresh_order()
        intent = msgspec.structs.replace(order.intent, gateway="przelewy24", shop_id=made.shop_id)
        order = msgspec.structs.replace(order, intent=intent)
        event = PaymentEvent(
            order=order.id,
            gateway="przelewy24",
            reference="5",
            kind="paid",
            shop_id=made.shop_id,
            money=intent.price,
            begun=f"{order.id}-1",
        )
        with pytest.raises(Rejected):
            made.confirm(order, event)
        assert [] == place.ledger("", "confirm")
        made.close()


def test_both_keys_are_needed() -> None:
    """All empty keys are reported together."""
    with pytest.raises(ConfigurationError) as caught:
        Przelewy24Gateway(msgspec.structs.replace(SETTINGS, crc="", api_key=" "), call_seconds=1)
    assert ["crc", "api_key"] == [each.field for each in caught.value.problems]


def raw(fields: dict[str, Any]) -> RawNotification:
    """Return a notification with these fields."""
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    return RawNotification(headers={"content-type": "application/json"}, query="", body=body)


def _keyed(crc: str) -> Przelewy24Gateway:
    made = Przelewy24Gateway(msgspec.structs.replace(SETTINGS, crc=crc), call_seconds=1)
    made.close()
    return made


def _refused(gateway: Przelewy24Gateway, told: RawNotification) -> bool:
    try:
        gateway.verify(told)
    except NotAuthentic:
        return True
    return False


def _number(text: str) -> str:
    return str(1000 + sum(text.encode()))


def _payment(event: PaymentEvent, number: str) -> dict[str, Any]:
    money = event.money or Money(minor=0, currency="PLN")
    amounts = {"amount": money.minor, "originAmount": money.minor, "currency": money.currency}
    shop = int(event.shop_id)
    facts = {"merchantId": shop, "posId": shop, "sessionId": f"{event.order}-7", **amounts}
    return {**facts, "orderId": int(_number(number)), "methodId": 154, "statement": "p24-ą/ć"}


def _refund(event: PaymentEvent, number: str) -> dict[str, Any]:
    money = event.money or Money(minor=0, currency="PLN")
    return {
        "orderId": int(_number(number)),
        "sessionId": f"{event.order}-7",
        "refundsUuid": event.reference,
        "merchantId": 235_316,
        "amount": money.minor,
        "currency": money.currency,
        "status": 0,
    }


def _resigned(told: RawNotification, sign: str | None) -> RawNotification:
    fields = json.loads(told.body)
    fields.pop("sign")
    body = json.dumps(fields if sign is None else {**fields, "sign": sign}).encode()
    return msgspec.structs.replace(told, body=body)
