"""What every payment gateway promises; each function takes a `Till`, which an adapter's test sets up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from urllib.parse import parse_qsl

import msgspec
import pytest

from kramik.errors import ConfigurationError, NotAuthentic
from kramik.event import PaymentEvent
from kramik.intent import Buyer, Invoice
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.ports import Gateway, Returns

ODD_TITLES = (
    "A",
    "Zażółć gęślą jaźń & „kurs” — część 2/3, 50% taniej!",
    "x" * 300,
    "ż" * 300,
    "課程 🐢",
    "a;b|c&d=e<f>\"g'h\\i",
    "  spaces   and\ttabs  ",
    "🐢",
)
RETURNS = Returns(
    done="https://kurs.example/thanks/?order=1&key=a",
    failed="https://kurs.example/failed/",
    notify="https://api.kurs.example/api/payments/till",
)


@dataclass(frozen=True, kw_only=True)
class Till:
    """One gateway and its other side: `told` signs what it would notify, `resigned` replaces or drops the signature.

    What a vendor's protocol leaves open is declared: `changeable` are the fields of a payment request that it does not
    protect, `unseparated` neighbours that its hash can not tell apart, `unsigned` the bytes of a notification's body
    that its signature does not cover, `blank_end` that white space may follow, `learns` what of the buyer the vendor
    needs, `other_shop` an account that is not ours, and `read_as` what can be known of an event when a vendor names
    things its own way.
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
    unseparated: Collection[tuple[str, str]] = ()
    learns: Collection[str] = ()
    other_shop: str = "666"
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


def moved_value_is_refused(till: Till) -> None:
    """No letter of a payment request can move from one field into its neighbour, in whatever order they are signed."""
    request = till.gateway.request(till.order, RETURNS)
    fields = fields_of(request)
    moved = []
    for one, other in permutations(fields, 2):
        open_pair = {one, other} & {*till.changeable} or (one, other) in till.unseparated
        if len(fields[one]) > 1 and not open_pair:
            there = with_field(request, one, fields[one][:-1])
            moved.append(with_field(there, other, f"{fields[one][-1]}{fields[other]}"))
            moved.append(with_field(there, other, f"{fields[other]}{fields[one][-1]}"))
    assert [] == [each for each in moved if till.accepts(each)]


def spoiled_value_is_refused(till: Till) -> None:
    """No field of a payment request can be emptied, doubled, padded or given letters of another alphabet."""
    request = till.gateway.request(till.order, RETURNS)
    spoiled = [
        (name, other)
        for name, text in fields_of(request).items()
        if name not in till.changeable
        for other in (
            "",
            text * 2,
            f"{text} ",
            f" {text}",
            f"{text[:-1]}ł",
            f"{text}\r\n",
            "\uff11",
            text.swapcase(),
        )
        if other != text
    ]
    assert [] == [each for each in spoiled if till.accepts(with_field(request, *each))]


def any_text_is_accepted(till: Till) -> None:
    """Whatever stands in an order that we take fits the vendor's lengths and alphabets."""
    for title in ODD_TITLES:
        for email in (
            "anna+kurs@example.com",
            f"{'a' * 64}@{'b' * 60}.example.com",
            "o'neil.żak@example.com",
        ):
            request = till.gateway.request(
                renamed(till.order, title, Buyer(email=email, name="Zoë O'Żak-Łęcka 3.º")), RETURNS
            )
            assert till.accepts(request), (title[:20], email)


def only_what_is_needed(till: Till) -> None:
    """A payment request carries no more of the buyer than is declared, and never a word of the invoice."""
    invoice = Invoice(company="Firma Testowa", tax_id="5260001246", street="Tajna 7", city="Poznań")
    buyer = Buyer(email="secret.buyer@example.com", name="Hermenegilda Kociubińska", invoice=invoice)
    order = renamed(till.order, "Kurs", buyer)
    text = " ".join([*fields_of(till.gateway.request(order, RETURNS)).values()])
    told = {
        name
        for name, word in (
            ("email", "secret.buyer@example.com"),
            ("name", "Hermenegilda"),
            ("surname", "Kociubińska"),
            ("company", "Firma Testowa"),
            ("tax id", "5260001246"),
            ("street", "Tajna 7"),
            ("city", "Poznań"),
        )
        if word in text
    }
    assert {*till.learns} == told


def another_shop_is_told(till: Till) -> None:
    """A valid signature with another account in it is read as that account's, so that the worker refuses it."""
    told = _read(till, till.event(shop_id=till.other_shop)).shop_id
    assert till.other_shop in told
    assert till.gateway.shop_id != told


def framing_changes_no_meaning(till: Till) -> None:
    """A byte order mark, line ends, a page of blanks or of nothing: refused, or read as exactly what was signed."""
    raw, event = till.told(till.event()), _read(till, till.event())
    for body in (
        b"\xef\xbb\xbf" + raw.body,
        raw.body + b"\r\n",
        b"\r\n" + raw.body,
        raw.body.replace(b"\n", b"\r\n"),
        raw.body + b" " * 64_000,
        raw.body + b"&x=" + b"y" * 60_000,
        raw.body + raw.body,
        b"&" + raw.body,
        raw.body + b"&",
    ):
        try:
            found = till.gateway.verify(msgspec.structs.replace(raw, body=body))
        except NotAuthentic:
            continue
        assert event == found, body[:80]


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


def renamed(order: Order, title: str, buyer: Buyer) -> Order:
    """Return the order as another buyer's, of a course with another title."""
    return msgspec.structs.replace(
        order, intent=msgspec.structs.replace(order.intent, title=title, buyer=buyer)
    )


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
    moved_value_is_refused,
    spoiled_value_is_refused,
    any_text_is_accepted,
    only_what_is_needed,
)
"""What is promised of a request that is signed in memory."""

NOTIFICATIONS = (
    money_in_minor_units,
    whole_event,
    unknown_order_is_accepted,
    refund_names_the_payment,
    another_shop_is_told,
    framing_changes_no_meaning,
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
