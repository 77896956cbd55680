"""A mail server on loopback, real sockets and real TLS, that keeps what it received and can be told to go wrong."""

from __future__ import annotations

import base64
import datetime as dt
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOGIN = ("hanna", "a very long password")


@dataclass(kw_only=True)
class Received:
    """One mail, as it was told and as it came."""

    sender: str
    to: list[str]
    raw: bytes
    options: str
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """Return the mail as a mail program reads it."""
        return message_from_bytes(self.raw, policy=default)


@dataclass(kw_only=True)
class Behaviour:
    """What the server offers, and what it does instead of what it should, by the word it was told.

    `replies` are other answers; `BODY` stands for the end of the mail. `lost` closes the line after that word had its
    effect, `cut` before it; `drips` answers it one byte at a time for ever.
    """

    offers: tuple[str, ...] = ("AUTH PLAIN LOGIN", "SMTPUTF8", "8BITMIME")
    replies: dict[str, str] = field(default_factory=dict)
    lost: str = ""
    cut: str = ""
    drips: str = ""
    tls: str = "none"


class MailServer(socketserver.ThreadingTCPServer):
    """The server and its ledger."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, behaviour: Behaviour, context: ssl.SSLContext) -> None:
        self.behaviour, self.context = behaviour, context
        self.mails: list[Received] = []
        self.words: list[str] = []
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), _Conversation)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what this is about."""


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def setup(self) -> None:
        super().setup()
        self.encrypted = False
        if self.server.behaviour.tls == "tls":
            self._encrypt()

    def handle(self) -> None:
        with suppress(OSError, ssl.SSLError):
            self._talk()

    def _talk(self) -> None:
        self.sender, self.options = "", ""
        self.to: list[str] = []
        self._say("CONNECT", "220 mail.example ESMTP")
        while line := self.rfile.readline():
            text = line.decode().strip()
            word = text.split(" ")[0].upper()
            self.server.words.append(word)
            if word == self.server.behaviour.cut or not self._answer(word, text):
                return

    def _answer(self, word: str, text: str) -> bool:
        match word:
            case "EHLO":
                tls = ["STARTTLS"] if self.server.behaviour.tls == "starttls" and not self.encrypted else []
                lines = ["mail.example", *self.server.behaviour.offers, *tls]
                shown = [
                    f"250{' ' if number == len(lines) else '-'}{each}" for number, each in enumerate(lines, 1)
                ]
                self._say(word, "\r\n".join(shown))
            case "STARTTLS":
                self._say(word, "220 go")
                self._encrypt()
            case "AUTH":
                self._say(
                    word, "235 welcome" if _knows(text) else f"535 who is {text.rsplit(' ', maxsplit=1)[-1]}"
                )
            case "MAIL":
                self.sender, self.options = text.partition("<")[2].split(">")[0], text.partition("> ")[2]
                self._say(word, "250 ok")
            case "RCPT":
                self.to.append(text.partition("<")[2].split(">")[0])
                self._say(word, "250 ok")
            case "DATA":
                return self._say(word, "354 go on") and self._body()
            case "QUIT":
                self._say(word, "221 bye")
                return False
            case _:
                self._say(word, "250 ok")
        return self.server.behaviour.lost != word

    def _body(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        behaviour = self.server.behaviour
        if behaviour.cut == "BODY":
            return False
        if behaviour.replies.get("BODY", "2").startswith("2"):
            mail = Received(
                sender=self.sender,
                to=self.to,
                raw=b"".join(lines),
                options=self.options,
                encrypted=self.encrypted,
            )
            self.server.mails.append(mail)
        if behaviour.lost == "BODY":
            return False
        return self._say("BODY", "250 taken")

    def _say(self, word: str, reply: str) -> bool:
        behaviour = self.server.behaviour
        said = behaviour.replies.get(word, reply)
        if behaviour.drips == word:
            for _ in range(600):
                self.wfile.write(b"2")
                if self.server.closing.wait(0.05):
                    return False
        self.wfile.write(said.encode() + b"\r\n")
        return said[:1] in "23"

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()

    def _encrypt(self) -> None:
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = socketserver._SocketWriter(self.connection)  # type: ignore[attr-defined]
        self.encrypted = True


@contextmanager
def listening(certificate: Path, behaviour: Behaviour | None = None) -> Iterator[MailServer]:
    """Start a server and end it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = MailServer(behaviour or Behaviour(), context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def made_certificate(folder: Path) -> Path:
    """Write a certificate for this machine, signed by itself, with its key; good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def _knows(text: str) -> bool:
    told = base64.b64decode(text.rsplit(" ", maxsplit=1)[-1] + "==")
    return told == "\0".join(("", *LOGIN)).encode()
