"""Plain mail through any SMTP server: the shop's own post beside a mailing tool, or in the place of one.

As `[mailer]` it keeps no purchases, and its sequence is the one mail that carries the access link.
SMTP has no keys and no look-up, so a mail whose fate is unknown is never sent again by itself (`unsafe`).
Source: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (TLS from the start), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from ipaddress import ip_address
from typing import Annotated, Literal

import msgspec

from kramik.catalogue import Product
from kramik.errors import ConfigurationError, NeedsOperator, Problem, Rejected
from kramik.mail import by_post
from kramik.mailers import Features
from kramik.mailers.smtp.letter import letter, read_sender
from kramik.mailers.smtp.talk import Account, Tls, deliver, knock, trusted
from kramik.ports import Delivery, Effect, Mail
from kramik.table import Secret

FEATURES = Features(
    title="SMTP",
    purchase="nothing",
    purchase_repeat=("set",),
    start="mail",
    sequence_repeat=("unsafe",),
    posts=True,
    live=True,
)

PORTS: dict[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}
NOTHING = "nothing to register: mail alone keeps no purchases"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[smtp]`, or `[mailer]` of the kind `smtp`; without a port the usual one of `tls`."""

    host: Annotated[str, msgspec.Meta(min_length=1)]
    sender: str = msgspec.field(name="from")
    tls: Tls = "starttls"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] | None = None
    user: str = ""
    password: Secret = ""
    ca_file: str = ""
    confirmation: bool = True


class SmtpPost:
    """Our account at an SMTP server; sending one mail lasts at most `call_seconds`."""

    def __init__(
        self,
        settings: Settings,
        *,
        call_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sender = _checked(settings)
        self._seconds, self._now = call_seconds, now
        self._account = Account(
            host=settings.host,
            port=settings.port or PORTS[settings.tls],
            tls=settings.tls,
            user=settings.user,
            password=settings.password,
            ca_file=settings.ca_file,
        )

    @property
    def purchase(self) -> Effect:
        """Register nothing, and say so."""
        return Effect(repeat="set", do=_nothing)

    @property
    def sequence(self) -> Effect:
        """Mail the access link; the receipt is the mail's Message-ID."""
        return by_post(self)

    @property
    def repeat(self) -> Literal["unsafe"]:
        """Return that a mail must not be sent again by itself."""
        return "unsafe"

    def send(self, mail: Mail) -> str:
        """Send one mail; return its Message-ID, which is the same for the same key."""
        written = letter(mail, self._sender, now=self._now())
        deliver(written, self._account, seconds=self._seconds)
        return written.id

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:  # noqa: ARG002 - the same for all products, and nothing to make
        """Greet the server and log in; nobody is mailed.

        Raises:
            Transient: the server is away.
        """
        try:
            knock(self._account, self._sender.addr_spec, seconds=self._seconds)
        except (NeedsOperator, Rejected) as error:
            return [Problem(field="", code="refused", message=str(error))]
        return []

    def close(self) -> None:
        """Close nothing: each mail has a connection of its own."""


def _checked(settings: Settings) -> Address:
    """Return who sends.

    Raises:
        ConfigurationError: every problem of the table that its shape alone can not show.
    """
    problems = []
    sender = read_sender(settings.sender)
    if sender is None:
        message = 'is no address; write it as in from = "Akademia <kurs@akademia.example>"'
        problems.append(_problem("from", message))
    if settings.tls == "none" and not _is_loopback(settings.host):
        message = (
            f'is "none", so {settings.host} would be told everything in the open; write "starttls" or "tls"'
        )
        problems.append(_problem("tls", message))
    if not trusted(settings.ca_file):
        message = f"is no file of certificates: {settings.ca_file}; write its whole path"
        problems.append(_problem("ca_file", message))
    if bool(settings.user) != bool(settings.password):
        problems.append(_problem("user", "and password go together; write both or none"))
    if sender is None or problems:
        raise ConfigurationError(*problems)
    return sender


def _problem(key: str, message: str) -> Problem:
    return Problem(field=key, code="wrong", message=message)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _nothing(_: Delivery) -> str:
    return NOTHING
