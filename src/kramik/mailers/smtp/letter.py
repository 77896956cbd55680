"""A mail as it goes over the wire: headers that nobody can break out of, text and HTML, seven bits throughout.

The Message-ID is made from the mail's key alone, so that mail programs can tell a repeat from a second mail.
Source: RFC 5322, RFC 2047 (words in headers), RFC 6532 (addresses beyond ASCII), RFC 3834 (Auto-Submitted).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from hashlib import sha256

import msgspec

from kramik.errors import Problem, Rejected
from kramik.ports import Mail

LONGEST = 200
"""Characters of a subject or a name: some servers refuse a header that goes on and on."""

_POLICY = SMTP.clone(cte_type="7bit")
_POLICY_UTF8 = _POLICY.clone(utf8=True)
_STEERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of what follows: a subject or name could make an address look like another."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is told to the server: from whom, to whom, the whole mail, and whether it needs SMTPUTF8."""

    id: str
    sender: str
    to: str
    content: bytes
    utf8: bool


def read_sender(text: str) -> Address | None:
    """Read `Name <address>` or an address alone; None when it is neither."""
    found = getaddresses([text])
    if len(found) != 1 or not text.isprintable():
        return None
    name, spec = found[0]
    try:
        return _address(spec, name)
    except Rejected:
        return None


def letter(mail: Mail, sender: Address, *, now: datetime) -> Letter:
    """Write the letter of a mail; `now` is its date.

    Raises:
        Rejected: this is no address that a mail can go to.
    """
    to = _address(mail.to)
    utf8 = not (to.addr_spec.isascii() and sender.addr_spec.isascii())
    policy = _POLICY_UTF8 if utf8 else _POLICY
    message_id = f"<{sha256(mail.key.encode()).hexdigest()[:40]}@{sender.domain}>"
    message = EmailMessage(policy=policy)
    message["From"], message["To"] = sender, to
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for each in mail.files:
        message.add_attachment(each.text, filename=one_line(each.name), cte="base64")
    content = message.as_bytes(policy=policy)
    return Letter(id=message_id, sender=sender.addr_spec, to=to.addr_spec, content=content, utf8=utf8)


def one_line(text: str) -> str:
    """Return a text as it may stand in a header: one line, no control signs, not too long."""
    plain = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)
    line = " ".join(_STEERING.sub("", plain).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _address(spec: str, name: str = "") -> Address:
    """Return an address whose domain is written in ASCII; international domains by their A-labels (IDNA 2008)."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - nobody loads it who mails nobody

    try:
        checked = validate_email(
            spec, check_deliverability=False, globally_deliverable=False, test_environment=True
        )
        return Address(one_line(name), checked.local_part, checked.ascii_domain)
    except (EmailNotValidError, HeaderParseError, MessageError, ValueError, IndexError):
        message = "is no address that a mail can go to; mend it and send the mail by hand"
        raise Rejected(Problem(field="to", code="no_address", message=message)) from None
