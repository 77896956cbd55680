"""What Tpay notifies of, for its panel and for its Open API alike: a form with two signatures.

It must bear the `md5sum` of our code and the JWS over its raw body: the first does not cover the status.
Source: https://docs-api.tpay.com/webhooks , https://github.com/tpay-com/tpay-openapi-php (Webhook),
https://support.tpay.com/en/developer/faq/jakie-statusy-moga-przyjac-powiadomienia-post-o-platnosciach
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import md5

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotAuthentic, Problem, Rejected
from kramik.event import Kind, PaymentEvent
from kramik.gateways.tpay.jws import Jws
from kramik.gateways.tpay.roots import ROOTS
from kramik.money import Money, parse_amount
from kramik.payment import Acknowledgement, RawNotification, decoded, same
from kramik.table import Secret

HEADER = "x-jws-signature"
CERTIFICATE = "/x509/notifications-jws.pem"
MOST_FIELDS = 200

KINDS: Mapping[str, Kind] = {"TRUE": "paid", "PAID": "pending", "FALSE": "failed", "CHARGEBACK": "refund"}

ACCEPTED = Acknowledgement(body=b"TRUE")
"""The answer to everything authentic; `FALSE` means "give the money back" to an account in two steps."""

_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_TEXT = re.compile(r"[!-~]{1,128}")

Fields = Mapping[str, str]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What both tables have: whose account it is, and what its notifications must be signed with.

    `certificate_host` is where the address of the signer's certificate must point; `certificate` is that certificate
    (PEM) when it shall not be fetched, `root_certificate` (PEM) replaces the one that is pinned for the host.
    `test` lets payments count for which nobody paid.
    """

    merchant_id: str
    code: Secret
    certificate_host: str = "secure.tpay.com"
    certificate: str = ""
    root_certificate: str = ""
    test: bool = False


class Told:
    """What one account is told, as facts of this gateway; `certificates` never waits for long."""

    def __init__(self, account: Account, certificates: Callable[[str], bytes], *, gateway: str) -> None:
        self._account, self._code, self._gateway = account, account.code.encode(), gateway
        root = account.root_certificate or ROOTS[account.certificate_host]
        given = account.certificate.encode()
        self.jws = Jws(
            f"https://{account.certificate_host}{CERTIFICATE}",
            certificates=(lambda _: given) if given else certificates,
            root=root.encode(),
        )

    def read(self, raw: RawNotification) -> PaymentEvent | None:
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
        self.jws.check(raw.headers.get(HEADER, ""), raw.body)
        if not about_payment:
            _pass_over(raw.body, fields)
            return None
        if len(fields) != len(pairs):
            raise _unreadable("a field came twice")
        return self._event(fields)

    def _check_sum(self, fields: Fields) -> None:
        given = fields.get("md5sum", "")
        signed = "".join(fields.get(name, "") for name in ("id", "tr_id", "tr_amount", "tr_crc"))
        if not same(summed(signed.encode("latin-1"), self._code).encode(), given.encode()):
            raise NotAuthentic("md5sum does not fit id, tr_id, tr_amount and tr_crc")

    def _event(self, fields: Fields) -> PaymentEvent | None:
        kind = KINDS.get(fields.get("tr_status", ""))
        if kind is None:
            return None
        if not self._account.test and (
            fields.get("test_mode", "0") != "0" or "-TST" in fields.get("tr_id", "")
        ):
            raise _unreadable("it is a test payment, and `test` is not set")
        return PaymentEvent(
            order=_text(fields, "tr_crc"),
            gateway=self._gateway,
            reference=_text(fields, "tr_id"),
            kind=kind,
            shop_id=_text(fields, "id"),
            money=_paid(fields),
            of=_text(fields, "tr_id") if kind == "refund" else "",
        )


def summed(signed: bytes, code: bytes) -> str:
    """Return the `md5sum` of these bytes under our code."""
    return md5(signed + code).hexdigest()  # noqa: S324 - the protocol has nothing else; the JWS stands beside it


def hold(account: Account) -> None:
    """Refuse settings with which nothing could be signed or verified.

    Raises:
        ConfigurationError: everything that is wrong.
    """
    problems = [
        Problem(field=field, code=code, message=message)
        for field, code, message, wrong in (
            ("code", "empty_key", "is empty; an empty key signs for everybody", not account.code.strip()),
            (
                "merchant_id",
                "not_a_number",
                "is not the number of an account",
                not _number(account.merchant_id),
            ),
            (
                "root_certificate",
                "no_root",
                f"is needed: none is known for {account.certificate_host!r}",
                not account.root_certificate and account.certificate_host not in ROOTS,
            ),
        )
        if wrong
    ]
    if problems:
        raise ConfigurationError(*problems)


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


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit()
