"""One conversation with an SMTP server, from the connection to the answer after the mail, under one deadline.

Until the mail itself is on the way nothing has happened; from its first byte to a readable answer nobody knows.
What the server says is shown to people without addresses and without our secrets.
Source: RFC 5321 sections 4.2 (replies) and 4.5.3.2 (time-outs, which are longer than a shop can wait).
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Literal

import msgspec

from kramik.errors import KramikError, NeedsOperator, OutcomeUnknown, Problem, Rejected, Transient
from kramik.mailers.smtp.letter import Letter

Tls = Literal["starttls", "tls", "none"]

READY, GO_ON, BUSY, REFUSED = 220, 354, 400, 500
SHOWN = 200
"""Characters of the server's own words that an error shows."""

LINES, LONGEST_LINE = 100, 8192
"""A server that talks more than this talks nonsense."""

_REPLY = re.compile(rb"(?P<code>[2-5][0-9]{2})(?:(?P<more>[ -])(?P<text>[^\r\n]*))?\r?\n")
_ADDRESS = re.compile(r"[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server is, and how we log in; without `user` we do not."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    password: str = ""
    ca_file: str = ""

    def __repr__(self) -> str:
        return f"Account({self.host}:{self.port})"


def deliver(letter: Letter, account: Account, *, seconds: float) -> None:
    """Hand a letter to the server within so many seconds; it ends when the server has taken it.

    Raises:
        Transient: it was not sent; the server is away or asks to come later.
        OutcomeUnknown: it was on its way when the connection ended.
        Rejected: the server refuses this mail or this address.
        NeedsOperator: the server refuses our account, or what we are set to.
    """
    until = time.monotonic() + seconds
    with _conversation(account, letter.sender, until) as server:
        _greet(server, account, until)
        _announce(server, letter, account)
        _hand_over(server, letter, account)
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def knock(account: Account, sender: str, *, seconds: float) -> None:
    """Greet the server and log in, and mail nobody.

    Raises:
        Transient: the server is away.
        NeedsOperator: it refuses our account, or what we are set to.
    """
    until = time.monotonic() + seconds
    with _conversation(account, sender, until) as server:
        _greet(server, account, until)
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


class _Server(smtplib.SMTP):
    """An SMTP client over a line that was opened within the deadline; TLS from the start where that is the setting."""

    def __init__(self, account: Account, sender: str, until: float) -> None:
        self._account, self._until = account, until
        # Without a name of our own smtplib would ask the resolver for one, for as long as that takes.
        super().__init__(local_hostname=sender.rpartition("@")[2], timeout=_left(until))
        self._host = account.host

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply; -1 when it is none. smtplib itself takes a line that was cut off for a whole one."""
        if self.file is None and self.sock is not None:
            self.file = self.sock.makefile("rb")
        said: list[bytes] = []
        while len(said) < LINES:
            line = b"" if self.file is None else self.file.readline(LONGEST_LINE)
            reply = _REPLY.fullmatch(line)
            if not line.endswith(b"\n"):
                self.close()
                raise smtplib.SMTPServerDisconnected("the reply was cut off")
            if reply is None:
                return -1, line
            said.append((reply["text"] or b"").strip())
            if reply["more"] != b"-":
                return int(reply["code"]), b"\n".join(said)
        return -1, b"too many lines"

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - as smtplib calls it
        line = _dialled(host, port, self._until)
        if self._account.tls != "tls":
            return line
        line.settimeout(_left(self._until))
        return _context(self._account).wrap_socket(line, server_hostname=host)


@contextmanager
def _conversation(account: Account, sender: str, until: float) -> Iterator[_Server]:
    """Open a line, and close it whatever happens; what fails in here has sent no mail."""
    server = _Server(account, sender, until)
    try:
        with _deadline(server, until):
            with _nothing_sent(account, "connecting"):
                code, said = server.connect(account.host, account.port)
                _expect(account, "connecting", code, said, wanted=READY)
            yield server
    finally:
        server.close()


def _greet(server: _Server, account: Account, until: float) -> None:
    with _nothing_sent(account, "greeting"):
        server.ehlo_or_helo_if_needed()
        if account.tls == "starttls":
            if server.sock is not None:
                server.sock.settimeout(_left(until))
            server.starttls(context=_context(account))
            server.ehlo_or_helo_if_needed()
        if account.user:
            _log_in(server, account)


def _log_in(server: _Server, account: Account) -> None:
    try:
        server.login(account.user, account.password)
    except smtplib.SMTPAuthenticationError as error:
        if BUSY <= error.smtp_code < REFUSED:
            raise
        said = _shown(account, error.smtp_error)
        why = f"{account.host} refuses the login ({error.smtp_code} {said}); check user and password in shop.toml"
        raise NeedsOperator(why) from None
    except UnicodeError:
        raise NeedsOperator(f"{account.host}: user and password must be ASCII; choose others") from None


def _announce(server: _Server, letter: Letter, account: Account) -> None:
    """Say from whom and to whom, up to the moment when the server waits for the mail."""
    if letter.utf8 and not server.has_extn("smtputf8"):
        message = "has letters beyond ASCII before the @, which this server can not mail to; ask for another address"
        raise Rejected(Problem(field="to", code="no_smtputf8", message=message))
    with _nothing_sent(account, "announcing a mail"):
        code, said = server.mail(letter.sender, ["SMTPUTF8", "BODY=8BITMIME"] if letter.utf8 else [])
        _expect(account, "announcing a mail from us", code, said)
        code, said = server.rcpt(letter.to)
        _expect(account, "announcing a mail to the buyer", code, said)
        code, said = server.docmd("DATA")
        _expect(account, "announcing a mail", code, said, wanted=GO_ON)


def _hand_over(server: _Server, letter: Letter, account: Account) -> None:
    """Send the mail; an answer that can be read decides, everything else leaves it unknown."""
    stuffed = re.sub(rb"(?m)^\.", b"..", letter.content)
    try:
        server.send(stuffed.removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, said = server.getreply()
    except (OSError, smtplib.SMTPException, ValueError):
        raise OutcomeUnknown(
            f"{account.host}: the connection was lost after the mail was on its way"
        ) from None
    if code < 0:
        raise OutcomeUnknown(f"{account.host}: answered nonsense after the mail was on its way")
    _expect(account, "taking the mail", code, said)


def _expect(account: Account, doing: str, code: int, said: bytes, *, wanted: int = 0) -> None:
    """Go on after the reply that is wanted, any 2xx without one.

    Raises:
        KramikError: what another reply means.
    """
    if code == wanted or (not wanted and 200 <= code < 300):  # noqa: PLR2004 - known by heart
        return
    raise _decision(account, doing, code, said)


def _decision(account: Account, doing: str, code: int, said: bytes) -> KramikError:
    what = f"{account.host}, {doing}: answered {code} {_shown(account, said)}".strip()
    if BUSY <= code < REFUSED:
        return Transient(what)
    if code >= REFUSED:
        return Rejected(
            Problem(field="", code="refused", message=f"{what}; mend the cause and retry the order")
        )
    return Transient(f"{what}, which is no answer of a mail server")


@contextmanager
def _nothing_sent(account: Account, doing: str) -> Iterator[None]:
    """Turn what smtplib raises before the mail is on its way into a decision."""
    try:
        yield
    except smtplib.SMTPNotSupportedError:
        why = f"{account.host} does not offer what shop.toml asks for while {doing}; check tls, user and port"
        raise NeedsOperator(why) from None
    except ssl.SSLCertVerificationError as error:
        why = f"{account.host}: its certificate can not be trusted ({error.verify_message}); check host and ca_file"
        raise NeedsOperator(why) from None
    except smtplib.SMTPResponseException as error:
        raise _decision(account, doing, error.smtp_code, _bytes(error.smtp_error)) from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise Transient(f"{account.host}, {doing}: {type(error).__name__}; nothing was sent") from None


@contextmanager
def _deadline(server: _Server, until: float) -> Iterator[None]:
    """End the conversation at its deadline, also with a server that sends one byte a second."""
    timer = Timer(_left(until), _shut, [server])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(server: _Server) -> None:
    line = server.sock  # as it is now: STARTTLS puts another one in its place
    if line is not None:
        with suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)  # below TLS, which would wait for the other side


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())


def _dialled(host: str, port: int, until: float) -> socket.socket:
    """Return a line to the first address that answers, all of them together within the deadline."""
    lost: OSError = TimeoutError("no address answered in time")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        left = until - time.monotonic()
        if left <= 0:
            break
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(left)
            line.connect(address)
        except OSError as error:
            line.close()
            lost = error
        else:
            return line
    raise lost


def trusted(ca_file: str) -> bool:
    """Say whether this is a file of certificates; none at all is good, too."""
    try:
        ssl.create_default_context(cafile=ca_file or None)
    except OSError:  # and ssl.SSLError, which is one
        return False
    return True


def _context(account: Account) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=account.ca_file or None)


def _shown(account: Account, said: bytes | str) -> str:
    """Return the server's own words on one short line, without what must not be shown."""
    text = _bytes(said).decode("utf-8", "replace")
    user, password = account.user, account.password
    whole = f"\0{user}\0{password}" if user else ""
    for secret in filter(None, (whole, password, user)):
        for form in (b64encode(secret.encode()).decode(), secret):
            text = text.replace(form, "***")
    printable = "".join(sign if sign.isprintable() else " " for sign in _ADDRESS.sub("…@…", text))
    return " ".join(printable.split())[:SHOWN]


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()
