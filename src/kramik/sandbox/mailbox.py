"""The mailbox: every mail that this world delivered, for a person and for a test to read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kramik.sandbox.door import answer
from kramik.sandbox.pages import page

LIMIT = 20_000
SHOWN = 200

_LINK = re.compile(r"https?://[^\s<>\"']+")
_WELCOME = {
    "pl": (
        "Witaj w kursie „{title}”",
        (
            "Cześć{name},\n\ndziękujemy za zakup kursu „{title}”. Twój dostęp jest już gotowy:\n\n{link}\n\n"
            "Link jest tylko dla Ciebie. Zachowaj tę wiadomość, żeby zawsze tu wrócić.\n\n"
            "Miłej nauki!\n\nNumer zamówienia: {order}\n"
        ),
    ),
    "en": (
        "Welcome to “{title}”",
        (
            "Hello{name},\n\nthank you for buying “{title}”. Your access is ready:\n\n{link}\n\n"
            "The link is for you alone. Keep this mail to find your way back.\n\n"
            "Enjoy the course!\n\nOrder number: {order}\n"
        ),
    ),
}


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One delivered mail, as text and as simple HTML."""

    id: str
    at: datetime
    order: str
    to: str
    subject: str
    text: str

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """Return the text in pieces; the flag marks the links."""
        pieces, end = [], 0
        for match in _LINK.finditer(self.text):
            pieces += [(self.text[end : match.start()], False), (match[0], True)]
            end = match.end()
        return [*pieces, (self.text[end:], False)]


class Mailbox:
    """The last 20,000 mails, whoever they are for."""

    def __init__(self) -> None:
        self._mails: dict[str, Mail] = {}
        self._number = 0

    def put(self, *, order: str, to: str, subject: str, text: str) -> Mail:
        """Deliver a mail."""
        self._number += 1
        mail = Mail(
            id=str(self._number), at=datetime.now(UTC), order=order, to=to, subject=subject, text=text
        )
        self._mails[mail.id] = mail
        if len(self._mails) > LIMIT:
            del self._mails[next(iter(self._mails))]
        return mail

    def routes(self) -> list[Route]:
        """Return the routes below `/mail`."""
        return [
            Route("/", self.index, methods=["GET"]),
            Route("/messages.json", self.json, methods=["GET"]),
            Route("/{mail:int}", self.show, methods=["GET"]),
        ]

    async def index(self, request: Request) -> Response:
        """Show the newest mails."""
        return page(
            "mailbox", mails=self._wanted(request)[::-1][:SHOWN], lang=request.query_params.get("lang", "")
        )

    async def json(self, request: Request) -> Response:
        """List the mails as JSON, the newest last; of one address or order if they are given."""
        return answer(self._wanted(request))

    async def show(self, request: Request) -> Response:
        """Show one mail with links that can be followed."""
        mail = self._mails.get(str(request.path_params["mail"]))
        if mail is None:
            return page("message", 404, title="404", text="no_mail")
        return page("mail", mail=mail)

    def _wanted(self, request: Request) -> list[Mail]:
        to, order = request.query_params.get("to", ""), request.query_params.get("order", "")
        return [mail for mail in self._mails.values() if to in ("", mail.to) and order in ("", mail.order)]


def welcome(facts: Mapping[str, str]) -> tuple[str, str]:
    """Write the first mail of a sequence: its subject and its text."""
    subject, text = _WELCOME.get(facts.get("lang", ""), _WELCOME["en"])
    title = facts.get("title") or facts["sequence"]
    name = f" {facts['name']}" if facts.get("name") else ""
    return subject.format(title=title), text.format(
        title=title, name=name, link=facts.get("link", "—"), order=facts["order"]
    )
