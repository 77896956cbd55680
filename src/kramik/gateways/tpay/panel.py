"""The payment request and the notifications of Tpay's transaction panel.

A request is a GET whose `md5sum` covers id, amount and crc; all else in it is open, as the protocol has it.
A notification must bear the `md5sum` of our code and the JWS over its raw body: the first does not cover the status.
Złote only, because the panel knows no other currency. It sends no name and no e-mail address: Tpay asks the buyer.
Source: https://docs-api.tpay.com/webhooks ,
https://github.com/tpay-com/tpay-php (BasicPaymentOptions, BasicFieldsDictionary, FieldValueFilters),
https://support.tpay.com/en/developer/faq/jakie-statusy-moga-przyjac-powiadomienia-post-o-platnosciach
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import md5

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways import Features
from kramik.gateways.tpay.jws import Jws
from kramik.gateways.tpay.roots import ROOTS
from kramik.money import Money, parse_amount
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, decoded, encoded, same
from kramik.ports import Returns
from kramik.table import Secret

NAME = "tpay"
FEATURES = Features(
    title="Tpay",
    start="link",
    hash="RS256 and MD5",
    address="request",
    request="computed",
    notification="computed",
    methods=("blik", "card"),
    refunds=True,
    chargebacks=True,
    extra="crypto",
)
HEADER = "x-jws-signature"
CERTIFICATE = "/x509/notifications-jws.pem"

LONGEST_DESCRIPTION = 128
MOST_FIELDS = 200
LANGUAGES = ("pl", "en", "de", "it", "es", "fr", "ru")
GROUPS = {"blik": "150", "card": "103"}
"""Groups of channels by our names of methods; any other number that a shop writes is passed on as it is."""

KINDS: Mapping[str, Kind] = {"TRUE": "paid", "PAID": "pending", "FALSE": "failed", "CHARGEBACK": "refund"}

_FOREIGN = re.compile(r"[^\w .,#()/!-]")
_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_TEXT = re.compile(r"[!-~]{1,128}")
_OK = Acknowledgement(body=b"TRUE")

Fields = Mapping[str, str]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.tpay]`.

    `certificate_host` is where the address of the signer's certificate must point; `certificate` is that certificate
    (PEM) when it shall not be fetched, `root_certificate` (PEM) replaces the one that is pinned for the host.
    `test` lets payments count for which nobody paid.
    """

    merchant_id: str
    code: Secret
    base_url: str = "https://secure.tpay.com"
    certificate_host: str = "secure.tpay.com"
    certificate: str = ""
    root_certificate: str = ""
    test: bool = False


class TpayGateway:
    """Our account at Tpay; `certificates` returns what stands at an address and never waits for long."""

    def __init__(self, settings: Settings, certificates: Callable[[str], bytes]) -> None:
        _hold(settings)
        self._settings, self._code = settings, settings.code.encode()
        root = settings.root_certificate or ROOTS[settings.certificate_host]
        given = settings.certificate.encode()
        self._jws = Jws(
            f"https://{settings.certificate_host}{CERTIFICATE}",
            certificates=(lambda _: given) if given else certificates,
            root=root.encode(),
        )

    def __repr__(self) -> str:
        return f"TpayGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our id at Tpay, the field `id`."""
        return self._settings.merchant_id

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed link.

        Raises:
            Rejected: the price is not in złote.
        """
        amount = _zlote(order.intent.price)
        fields = {
            "id": self.shop_id,
            "amount": amount,
            "description": fitted(order.intent.title) or order.id,
            "crc": order.id,
            "md5sum": self._sum(f"{self.shop_id}&{amount}&{order.id}&".encode()),
            "result_url": returns.notify,
            "return_url": returns.done,
            "return_error_url": returns.failed,
            **_chosen(order.intent.lang, order.intent.method),
        }
        return PaymentRequest(method="GET", url=f"{self._settings.base_url.rstrip('/')}/?{encoded(fields)}")

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None when it is about a token or an alias.

        Raises:
            NotAuthentic: Tpay did not sign this; nothing may be stored.
            NeedsOperator: Tpay did sign it, but it can not be read; it is kept for a person.
            Transient: there is no certificate yet to verify it with; Tpay sends it again.
        """
        pairs = _pairs(raw.body)
        fields = dict(pairs)
        about_payment = bool(fields.keys() & {"tr_id", "md5sum"})
        if about_payment:
            self._check_sum(fields)
        self._jws.check(raw.headers.get(HEADER, ""), raw.body)
        if not about_payment:
            _pass_over(raw.body, fields)
            return None
        if len(fields) != len(pairs):
            raise _unreadable("a field came twice")
        return self._event(fields)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return `TRUE`, never `FALSE`: that one means "give the money back" to an account in two steps."""
        return _OK

    def _check_sum(self, fields: Fields) -> None:
        given = fields.get("md5sum", "")
        signed = "".join(fields.get(name, "") for name in ("id", "tr_id", "tr_amount", "tr_crc"))
        if not same(self._sum(signed.encode("latin-1")).encode(), given.encode()):
            raise NotAuthentic("md5sum does not fit id, tr_id, tr_amount and tr_crc")

    def _sum(self, signed: bytes) -> str:
        return md5(signed + self._code).hexdigest()  # noqa: S324 - the protocol has nothing else; the JWS stands beside it

    def _event(self, fields: Fields) -> PaymentEvent | None:
        kind = KINDS.get(fields.get("tr_status", ""))
        if kind is None:
            return None
        if not self._settings.test and (
            fields.get("test_mode", "0") != "0" or "-TST" in fields.get("tr_id", "")
        ):
            raise _unreadable("it is a test payment, and `test` is not set")
        return PaymentEvent(
            order=_text(fields, "tr_crc"),
            gateway=NAME,
            reference=_text(fields, "tr_id"),
            kind=kind,
            shop_id=_text(fields, "id"),
            money=_paid(fields),
            of=_text(fields, "tr_id") if kind == "refund" else "",
        )


@lru_cache(maxsize=256)
def fitted(text: str) -> str:
    """Return the text in the letters and the length that a description may have."""
    known = "".join(each for each in unicodedata.normalize("NFC", text) if _latin(each))
    return " ".join(_FOREIGN.sub(" ", known).split())[:LONGEST_DESCRIPTION].strip()


def _latin(letter: str) -> bool:
    return letter.isascii() or (letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN"))


def _chosen(lang: str, method: str) -> dict[str, str]:
    group = GROUPS.get(method, method if method.isascii() and method.isdigit() else "")
    return {
        **({"language": lang.upper()} if lang in LANGUAGES else {}),
        **({"group": group} if group else {}),
    }


def _zlote(price: Money) -> str:
    if price.currency != "PLN":
        message = f"Tpay's panel takes PLN and not {price.currency}; sell this in another currency or gateway"
        raise Rejected(Problem(field="gateway", code="currency", message=message))
    return price.amount


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form, a character for each byte, and at most so many that a dictionary stays small."""
    parts = body.decode("latin-1").split("&", MOST_FIELDS)
    named = (part.partition("=") for part in parts if part)
    return [(decoded(name, "latin-1"), decoded(value, "latin-1")) for name, _, value in named]


def _pass_over(body: bytes, fields: Fields) -> None:
    """Pass over what is not about a payment: a token, an alias, a marketplace."""
    try:
        about = msgspec.json.decode(body, type=dict[str, object]) if body.startswith(b"{") else fields
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        about = {}
    if "type" not in about and "event" not in about:
        raise _unreadable("it is not about a payment, a token or an alias")


def _paid(fields: Fields) -> Money:
    """Return what was paid in fact: too much or too little is seen when it is compared with the price."""
    paid = _amount(fields, "tr_paid")
    asked = paid if fields.get("tr_amount") == fields["tr_paid"] else _amount(fields, "tr_amount")
    if (fields.get("tr_error") == "none") != (asked == paid) and fields["tr_status"] == "TRUE":
        raise _unreadable("tr_error, tr_amount and tr_paid contradict each other")
    return paid


def _amount(fields: Fields, name: str) -> Money:
    if not _AMOUNT.fullmatch(fields.get(name, "")) or fields.get("tr_currency", "PLN") != "PLN":
        raise _unreadable(f"{name} is no amount in PLN")
    try:
        return parse_amount(fields[name], "PLN")
    except Rejected:
        raise _unreadable(f"{name} is no amount in PLN") from None


def _text(fields: Fields, name: str) -> str:
    if not _TEXT.fullmatch(fields.get(name, "")):
        raise _unreadable(f"{name} is empty or odd")
    return fields[name]


def _unreadable(why: str) -> NeedsOperator:
    return NeedsOperator(f"an authentic notification of Tpay was not understood: {why}; look into its panel")


def _hold(settings: Settings) -> None:
    """Refuse settings with which nothing could be signed or verified."""
    problems = [
        Problem(field=field, code=code, message=message)
        for field, code, message, wrong in (
            ("code", "empty_key", "is empty; an empty key signs for everybody", not settings.code.strip()),
            (
                "merchant_id",
                "not_a_number",
                "is not the number of an account",
                not _number(settings.merchant_id),
            ),
            (
                "root_certificate",
                "no_root",
                f"is needed: none is known for {settings.certificate_host!r}",
                not settings.root_certificate and settings.certificate_host not in ROOTS,
            ),
        )
        if wrong
    ]
    if problems:
        raise ConfigurationError(*problems)


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit()
