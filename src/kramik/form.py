"""The order form at the edge: fields that a stranger sent become a `Draft` and a list of problems.

Form and JSON carry the same flat fields. All problems are found at once; nothing is guessed or repaired
but white space at the ends. E-mail addresses are checked without asking the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl

import msgspec

from kramik.errors import Problem, Rejected
from kramik.intent import CONSENTS, Buyer, Draft, Invoice

LONGEST = {"email": 254, "name": 200, "idempotency_key": 255, "street": 300, "statement": 2000}
HONEYPOT = "bookmark"

_LONGEST_OTHER = 200
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN_LOCAL = re.compile(r"(?=.{1,64}\Z)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
"""Names before the @ about which the long look of `email_validator` finds nothing to change or refuse."""

_LETTERS = re.compile("[A-Z]{2}")
_MOST_FIELDS = 60
_YES = ("yes", "on", "true", "1")
_NO = ("", "no", "off", "false", "0")
_INVOICE = ("company", "tax_id", "street", "postal_code", "city")
_TEXTS = (
    "product",
    "lang",
    "gateway",
    "method",
    "payment",
    "button",
    "price_shown",
    "words_shown",
    "catalogue",
    "coupon",
    "idempotency_key",
)


def decode_form(body: bytes) -> dict[str, str]:
    """Read an urlencoded body.

    Raises:
        Rejected: not UTF-8, too many fields, or a field that comes twice.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Rejected(
            _problem("", "not_a_form", "send an urlencoded form in UTF-8 with few fields")
        ) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise Rejected(*(_problem(name[:100], "repeated", "send this field once") for name in twice))
    return fields


def decode_json(body: bytes) -> dict[str, str]:
    """Read a JSON object of texts and truth values.

    Raises:
        Rejected: not JSON, no object, or a value of another type.
    """
    try:
        raw = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Rejected(_problem("", "not_json", "send one JSON object with texts as values")) from None
    wrong = [name for name, value in raw.items() if not isinstance(value, str | bool)]
    if len(raw) > _MOST_FIELDS:
        raise Rejected(_problem("", "too_many", f"send at most {_MOST_FIELDS} fields"))
    if wrong:
        raise Rejected(
            *(_problem(name[:100], "wrong_type", "send a text or a truth value") for name in wrong)
        )
    return {name: value if isinstance(value, str) else "yes" if value else "" for name, value in raw.items()}


def read_draft(fields: Mapping[str, str], *, key: str = "") -> tuple[Draft, list[Problem]]:
    """Read the order form; `key` is the idempotency key of the header. The draft is usable only without problems."""
    problems: list[Problem] = []
    clean = {
        name: _clean(name, fields.get(name, ""), problems)
        for name in (*_TEXTS, *_INVOICE, "email", "name", "country")
    }
    if key and clean["idempotency_key"] not in ("", key):
        problems.append(
            _problem(
                "idempotency_key", "conflict", "differs from the header Idempotency-Key; send one of them"
            )
        )
    buyer = Buyer(
        email=_email(clean["email"], problems),
        name=_required("name", clean["name"], problems),
        invoice=_invoice(clean, problems),
        country=clean["country"].upper(),
    )
    clean["source"] = _note(fields.get("source", ""))
    gateway, method = _way(clean, problems)
    draft = Draft(
        buyer=buyer,
        consents=_consents(fields, problems),
        product=_required("product", clean["product"], problems),
        lang=clean["lang"],
        gateway=gateway,
        method=method,
        button=clean["button"],
        price_shown=clean["price_shown"],
        words_shown=clean["words_shown"],
        catalogue=clean["catalogue"],
        source=clean["source"],
        coupon=clean["coupon"],
        key=_clean("idempotency_key", key, problems) or clean["idempotency_key"],
    )
    return draft, problems


def read_email(text: str) -> str:
    """Return an e-mail address, or nothing when it is none."""
    return _email(text.strip(), [])


def read_withdrawal(fields: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """Read a withdrawal: name, e-mail address, order number and words, the last two of which may be missing."""
    problems: list[Problem] = []
    clean = {
        name: _clean(name, fields.get(name, ""), problems) for name in ("email", "name", "order", "statement")
    }
    _required("name", clean["name"], problems)
    return {**clean, "email": _email(clean["email"], problems) or clean["email"]}, problems


def warm() -> None:
    """Load what the first draft will need."""
    read_draft({"email": "a@example.org", "tax_id": "5260001246", "company": "warm"})


def _way(clean: Mapping[str, str], problems: list[Problem]) -> tuple[str, str]:
    """Return gateway and method; the form's one choice `payment` says both, such as `imoje/blik`."""
    if not clean["payment"]:
        return clean["gateway"], clean["method"]
    if clean["gateway"] or clean["method"]:
        problems.append(_problem("payment", "conflict", "send payment, or gateway and method, not both"))
    gateway, _, method = clean["payment"].partition("/")
    return gateway, method


def _clean(name: str, text: str, problems: list[Problem]) -> str:
    text = text.strip()
    longest = LONGEST.get(name, _LONGEST_OTHER)
    if len(text) > longest:
        problems.append(_problem(name, "too_long", f"use at most {longest} characters"))
    elif text and _CONTROL.search(_one_line(text) if name in ("street", "statement") else text):
        problems.append(_problem(name, "bad_characters", "use letters, digits and signs on one line"))
    return text


def _note(text: str) -> str:
    """Return a note that a link left in the form: whatever it is, no buyer is kept from ordering by it."""
    return _CONTROL.sub("", text).strip()[:_LONGEST_OTHER]


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _required(name: str, text: str, problems: list[Problem]) -> str:
    if not text:
        problems.append(_problem(name, "missing", "fill in this field"))
    return text


def _email(text: str, problems: list[Problem]) -> str:
    from email_validator import EmailNotValidError  # noqa: PLC0415 - loaded by the warm-up, not at import

    if not _required("email", text, problems):
        return ""
    local, _, domain = text.rpartition("@")
    try:
        if text.isascii() and len(text) <= LONGEST["email"] and _PLAIN_LOCAL.fullmatch(local):
            return f"{local}@{_domain(domain)}"
        return _normal(text)
    except EmailNotValidError:
        problems.append(_problem("email", "invalid_email", "write an e-mail address such as jan@example.org"))
    return ""


@lru_cache(maxsize=1024)
def _domain(domain: str) -> str:
    """Return a domain as it is kept: there are few, and a look at one takes as long as the rest of a draft."""
    return _normal(f"a@{domain}").removeprefix("a@")


def _normal(address: str) -> str:
    from email_validator import validate_email  # noqa: PLC0415 - as above

    return str(validate_email(address, check_deliverability=False, test_environment=True).normalized)


def _invoice(fields: Mapping[str, str], problems: list[Problem]) -> Invoice | None:
    if not fields["tax_id"] and not fields["company"]:
        return None
    country = _country(fields["tax_id"]) or fields["country"].upper() or "PL"
    return Invoice(
        company=_required("company", fields["company"], problems),
        tax_id=_tax_id(_required("tax_id", fields["tax_id"], problems), country, problems),
        street=fields["street"],
        postal_code=fields["postal_code"],
        city=fields["city"],
        country=country,
    )


def _country(tax_id: str) -> str:
    """Return the country whose letters begin a VAT number, such as DE 123456789; without letters nothing."""
    letters = tax_id[:2].upper()
    return {"EL": "GR"}.get(letters, letters) if _LETTERS.fullmatch(letters) else ""


def _tax_id(text: str, country: str, problems: list[Problem]) -> str:
    if not text or country != "PL":
        return text
    from stdnum.exceptions import ValidationError  # noqa: PLC0415 - only who wants an invoice needs it
    from stdnum.pl import nip  # noqa: PLC0415 - as above

    check: Callable[[str], str] = nip.validate
    try:
        return check(text)
    except ValidationError:
        problems.append(
            _problem(
                "tax_id",
                "invalid_tax_id",
                "write the ten digits of the NIP; check them, the sum does not fit",
            )
        )
    return text


def _consents(fields: Mapping[str, str], problems: list[Problem]) -> tuple[str, ...]:
    given = []
    for name in CONSENTS:
        value = fields.get(f"consent_{name}", "").strip().lower()
        if value in _YES:
            given.append(name)
        elif value not in _NO:
            problems.append(_problem(f"consent_{name}", "wrong_type", "send yes or leave it out"))
    return tuple(given)


def _problem(field: str, code: str, message: str) -> Problem:
    return Problem(field=field, code=code, message=message)
