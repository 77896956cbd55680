"""What every payment gateway promises; each function takes a `Till`, which an adapter's test sets up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec
import pytest

from kramik.errors import ConfigurationError, NotAuthentic
from kramik.event import PaymentEvent
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.ports import Gateway, Returns

RETURNS = Returns(
    done="https://kurs.example/thanks/?order=1&key=a",
    failed="https://kurs.example/failed/",
    notify="https://api.kurs.example/api/payments/till",
)


@dataclass(frozen=True, kw_only=True)
class Till:
    """One gateway and its other side: `told` signs what it would notify, `resigned` replaces or drops the signature.

    What a vendor's protocol leaves open is declared: `changeable` are the fields of a payment request that it does not
    protect, `unsigned` the bytes of a notification's body that its signature does not cover, `blank_end` that white
    space may follow, and `read_as` what can be known of an event when a vendor names things its own way.
    """

    gateway: Gateway
    name: str
    order: Order
    secrets: tuple[str, ...]
    acknowledgement: Acknowledgement
    without_key: Callable[[], object]
    told: Callable[[PaymentEvent], RawNotification]
    signature: Callable[[RawNotification], str]
    resigned: Callable[[RawNotification, str | None], RawNotification]
    accepts: Callable[[PaymentRequest], bool] = lambda _: False
    changeable: Collection[str] = ()
    unsigned: Callable[[RawNotification], Collection[int]] = lambda _: ()
    blank_end: bool = False
    read_as: Callable[[PaymentEvent], PaymentEvent] = lambda event: event

    def event(self, **changes: object) -> PaymentEvent:
        """Return an honest payment of the order, but for the changes."""
        paid = PaymentEvent(
            order=self.order.id,
            gateway=self.name,
            reference="t-1",
            kind="paid",
            shop_id=self.gateway.shop_id,
            money=self.order.intent.price,
        )
        return msgspec.structs.replace(paid, **changes)


def same_request(till: Till) -> None:
    """The same order gives the same payment request, byte for byte."""
    requests = [msgspec.json.encode(till.gateway.request(till.order, RETURNS)) for _ in range(3)]
    assert [requests[0]] * 3 == requests


def request_is_accepted(till: Till) -> None:
    """The other side accepts a payment request as it was signed."""
    assert till.accepts(till.gateway.request(till.order, RETURNS))


def changed_request_is_refused(till: Till) -> None:
    """No field of a payment request can be changed on its way through the buyer's browser."""
    request = till.gateway.request(till.order, RETURNS)
    changed = [
        name
        for name, text in fields_of(request).items()
        if till.accepts(with_field(request, name, _other(text)))
    ]
    assert [name for name in changed if name not in till.changeable] == []


def missing_field_is_refused(till: Till) -> None:
    """No field of a payment request can be left out."""
    request = till.gateway.request(till.order, RETURNS)
    left_out = [name for name in fields_of(request) if till.accepts(with_field(request, name, None))]
    assert [name for name in left_out if name not in till.changeable] == []


def money_in_minor_units(till: Till) -> None:
    """The amount of a notification arrives in minor units, whatever it looks like on the wire."""
    amounts = [Money(minor=minor, currency="PLN") for minor in (1, 99, 100, 29_900, 999_999_999)]
    assert amounts == [_read(till, till.event(money=money)).money for money in amounts]


def whole_event(till: Till) -> None:
    """A notification says which order, which fact, which account and what kind it is."""
    assert till.read_as(till.event()) == _read(till, till.event())


def unknown_order_is_accepted(till: Till) -> None:
    """An authentic notification about an order that nobody knows is read like any other."""
    assert _read(till, till.event(order="nobody")).order == "nobody"


def refund_names_the_payment(till: Till) -> None:
    """A refund carries the reference of the payment that goes back."""
    event = till.event(kind="refund", reference="t-2", of="t-1")
    assert till.read_as(event) == _read(till, event)


def changed_byte_is_refused(till: Till) -> None:
    """A notification of which any byte was changed is not authentic."""
    raw = till.told(till.event())
    signed = sorted({*range(len(raw.body))} - {*till.unsigned(raw)})
    assert [at for at in signed if not refused(till, _flipped(raw, at))] == []


def shortened_or_lengthened_is_refused(till: Till) -> None:
    """A notification that was cut, emptied or added to is not authentic."""
    raw = till.told(till.event())
    bodies = [
        b"",
        raw.body[:-1],
        *([] if till.blank_end else [raw.body + b" "]),
        raw.body + b"\0",
        raw.body * 2,
    ]
    bodies += [] if 0 in till.unsigned(raw) else [raw.body[1:]]
    assert [body for body in bodies if not refused(till, msgspec.structs.replace(raw, body=body))] == []


def forged_signature_is_refused(till: Till) -> None:
    """A signature that is missing, empty, doubled, cut, padded, spelled otherwise or not ASCII is not authentic."""
    raw = till.told(till.event())
    accepted = [
        given for given in _forgeries(till.signature(raw)) if not refused(till, till.resigned(raw, given))
    ]
    assert accepted == []


def foreign_signature_is_refused(till: Till) -> None:
    """The signature of another notification of the same gateway fits no other."""
    other = till.signature(till.told(till.event(reference="t-9")))
    assert refused(till, till.resigned(till.told(till.event()), other))


def silent_about_secrets(till: Till) -> None:
    """A refusal shows neither a key nor the signature that was expected."""
    raw = till.told(till.event())
    with pytest.raises(NotAuthentic) as caught:
        till.gateway.verify(till.resigned(raw, "0" * 64))
    shown = f"{caught.value} {caught.value!r} {till.gateway!r}"
    assert [secret for secret in (*till.secrets, till.signature(raw)) if secret in shown] == []


def exact_acknowledgement(till: Till) -> None:
    """The acknowledgement is the text that the gateway demands, byte for byte."""
    assert till.acknowledgement == till.gateway.acknowledge(till.told(till.event()))


def empty_key_is_refused(till: Till) -> None:
    """A gateway without a key is never built: an empty key signs for everybody."""
    with pytest.raises(ConfigurationError):
        till.without_key()


def fields_of(request: PaymentRequest) -> Mapping[str, str]:
    """Return what the browser sends, wherever it stands."""
    return request.fields or dict(parse_qsl(request.url.partition("?")[2], keep_blank_values=True))


def with_field(request: PaymentRequest, name: str, value: str | None) -> PaymentRequest:
    """Return the request with one field changed or left out: a POST, or a GET when all stands in its URL."""
    fields = {**fields_of(request), name: value}
    left = {key: text for key, text in fields.items() if text is not None}
    url = request.url.partition("?")[0]
    if request.fields:
        return PaymentRequest(method="POST", url=url, fields=left)
    return PaymentRequest(method="GET", url=f"{url}?{encoded(left)}")


def refused(till: Till, raw: RawNotification) -> bool:
    """Say whether this notification is not authentic."""
    try:
        till.gateway.verify(raw)
    except NotAuthentic:
        return True
    return False


def _read(till: Till, event: PaymentEvent) -> PaymentEvent:
    found = till.gateway.verify(till.told(event))
    assert found is not None
    return found


def _other(text: str) -> str:
    return f"{text[:-1]}{chr(ord(text[-1]) ^ 1)}" if text else "x"


def _flipped(raw: RawNotification, at: int) -> RawNotification:
    body = bytearray(raw.body)
    body[at] ^= 1
    return msgspec.structs.replace(raw, body=bytes(body))


def _forgeries(signature: str) -> Iterator[str | None]:
    yield from (None, "", " ", signature * 2, f"{signature}, {signature}", f" {signature}", f"{signature} ")
    yield from (
        signature[:-1],
        signature[:-2],
        signature[1:],
        f"{signature}0",
        signature.upper(),
        "0" * len(signature),
    )
    yield from (
        f"{signature[:-1]}ł",
        f"{signature[:-1]}\udcff",
        f"{signature}\n",
        "ś" * len(signature),
        f"0x{signature}",
    )
    yield signature.translate({ord(digit): 0xFF10 + at for at, digit in enumerate("0123456789")})


REQUESTS = (
    same_request,
    request_is_accepted,
    changed_request_is_refused,
    missing_field_is_refused,
)
"""What is promised of a request that is signed in memory."""

NOTIFICATIONS = (
    money_in_minor_units,
    whole_event,
    unknown_order_is_accepted,
    refund_names_the_payment,
    changed_byte_is_refused,
    shortened_or_lengthened_is_refused,
    forged_signature_is_refused,
    foreign_signature_is_refused,
    silent_about_secrets,
    exact_acknowledgement,
    empty_key_is_refused,
)
"""What is promised of notifications, by every gateway."""

PROMISES = (*REQUESTS, *NOTIFICATIONS)
