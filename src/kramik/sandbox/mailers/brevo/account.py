"""The account: contacts, lists that start mails, orders, keys of single mails; checked as strictly as there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from time import monotonic
from typing import TypeVar
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kramik.payment import same
from kramik.sandbox.door import answer, read
from kramik.sandbox.mailbox import welcome
from kramik.sandbox.mailers.brevo.bodies import AttributeBody, ContactBody, EmailsBody, MailBody, OrderBody
from kramik.sandbox.records import Snapshots
from kramik.sandbox.stage import Stage, order_in

API_KEY = "xkeysib-0123456789abcdef0123456789abcdef-sandbox"
SENDER = "kurs@sklep.example"
COURSES = {"agregaty-start": 12, "kolejki-start": 13}
DEMO: Mapping[str, object] = {"api_key": API_KEY, "sender": SENDER, "lists": COURSES}

SHOWN = {12: "LINK_AGREGATY_W_PRAKTYCE", 13: "LINK_KOLEJKI_BEZ_STRACHU"}
"""The attribute that the first mail of each list shows."""

ATTRIBUTES = ("FIRSTNAME", "LASTNAME", "LINK_AGREGATY_W_PRAKTYCE", "LINK_KOLEJKI_BEZ_STRACHU")
"""The attributes that the account has from the beginning: names, and one for each product of the example shop."""

KEY_LASTS = 15 * 60.0
"""Seconds for which a key of a mail is remembered; the two pages of Brevo that say so say 15 and 30 minutes."""

Body = TypeVar("Body")
Handler = Callable[[Request], Awaitable[Response]]


class Contact(msgspec.Struct, kw_only=True, rename="camel"):
    """Somebody in the account."""

    id: int
    email: str
    email_blacklisted: bool = False
    list_ids: list[int] = []
    list_unsubscribed: list[int] = []
    attributes: dict[str, str | float | bool] = {}


class Refused(Exception):
    """Answer with a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


class Account:
    """The one account: contacts by their address in small letters, orders by their id, keys of mails."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._contacts: dict[str, Contact] = {}
        self._orders: dict[str, OrderBody] = {}
        self._keys: dict[UUID, float] = {}
        self._numbers = count(1)
        self._attributes = list(ATTRIBUTES)
        self._shown = Snapshots(stage.lag)

    def routes(self) -> list[Route]:
        """Return the routes below `/brevo`."""
        return [
            self._route("GET", "/v3/account", "setup", self.account),
            self._route("GET", "/v3/contacts/attributes", "setup", self.attributes),
            self._route("POST", "/v3/contacts/attributes/normal/{name}", "setup", self.add_attribute),
            self._route("GET", "/v3/contacts/lists/{list:int}", "setup", self.list),
            self._route("POST", "/v3/contacts", "person", self.put),
            self._route("GET", "/v3/contacts/{email}", "find", self.show),
            self._route("POST", "/v3/contacts/lists/{list:int}/contacts/add", "sequence", self.join),
            self._route("POST", "/v3/orders/status", "purchase", self.order),
            self._route("POST", "/v3/smtp/email", "message", self.mail),
        ]

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def checked(request: Request) -> Response:
            try:
                _authorised(request)
                return await handler(request)
            except Refused as refused:
                return answer({"code": refused.code, "message": refused.message}, refused.status)

        return Route(path, self._stage.guarded(operation, checked), methods=[method])

    async def account(self, _request: Request) -> Response:
        """Show the account."""
        return answer({"email": SENDER, "companyName": "Sklep", "plan": [{"type": "free", "credits": 300}]})

    async def attributes(self, _request: Request) -> Response:
        """List the attributes."""
        found = [{"name": name, "category": "normal", "type": "text"} for name in self._attributes]
        return answer({"attributes": found})

    async def add_attribute(self, request: Request) -> Response:
        """Add an attribute; names are in capitals."""
        await _body(request, AttributeBody)
        name = request.path_params["name"].upper()
        if name in self._attributes:
            raise Refused(400, "invalid_parameter", "Attribute name must be unique")
        self._attributes.append(name)
        return Response(status_code=201)

    async def list(self, request: Request) -> Response:
        """Show a list."""
        number = request.path_params["list"]
        if number not in COURSES.values():
            raise Refused(404, "document_not_found", "List ID does not exist")
        return answer({"id": number, "name": str(number), "uniqueSubscribers": 0})

    async def put(self, request: Request) -> Response:
        """Create somebody, or update them when that is allowed."""
        body = await _body(request, ContactBody)
        key = body.email.lower()
        contact = self._contacts.get(key)
        if contact is not None and not body.update_enabled:
            raise Refused(400, "duplicate_parameter", "Contact already exist")
        new = contact is None
        contact = contact or Contact(id=next(self._numbers), email=key)
        if body.email_blacklisted is not None:
            contact.email_blacklisted = body.email_blacklisted
        kept = {name: value for name, value in body.attributes.items() if name in self._attributes}
        contact.attributes = {**contact.attributes, **kept}
        self._contacts[key] = contact
        for number in body.list_ids:
            self._joined(contact, number)
        self._shown.take(key, contact)
        return answer({"id": contact.id}, 201) if new else Response(status_code=204)

    async def show(self, request: Request) -> Response:
        """Show somebody by their address."""
        if request.query_params.get("identifierType", "") not in ("", "email_id"):
            raise Refused(400, "invalid_parameter", "Invalid identifier type")
        found = self._shown.show(request.path_params["email"].lower())
        if found is None:
            raise Refused(404, "document_not_found", "Contact does not exist")
        return answer(found)

    async def join(self, request: Request) -> Response:
        """Put people into a list; it is an error when none of them is new there."""
        number = request.path_params["list"]
        if number not in COURSES.values():
            raise Refused(404, "document_not_found", "List ID does not exist")
        done = []
        for email in (await _body(request, EmailsBody)).emails:
            contact = self._contacts.get(email.lower())
            if contact is not None and self._joined(contact, number):
                done.append(email)
                self._shown.take(contact.email, contact)
        if not done:
            raise Refused(400, "invalid_parameter", "Contact already in list and/or does not exist")
        return answer({"contacts": {"success": done, "failure": []}}, 201)

    def _joined(self, contact: Contact, number: int) -> bool:
        if number in contact.list_ids:
            return False
        contact.list_ids = [*contact.list_ids, number]
        if not contact.email_blacklisted and number not in contact.list_unsubscribed:
            self._start(contact, number)
        return True

    def _start(self, contact: Contact, number: int) -> None:
        link = str(contact.attributes.get(SHOWN[number], "—"))
        order, name = order_in(link), str(contact.attributes.get("FIRSTNAME", ""))
        self._stage.write("sequence", order, sequence=number, email=contact.email)
        subject, text = welcome(
            {"sequence": str(number), "order": order, "link": link, "lang": "pl", "name": name}
        )
        self._stage.deliver(order=order, to=contact.email, subject=subject, text=text)

    async def order(self, request: Request) -> Response:
        """Create an order, or update it."""
        body = await _body(request, OrderBody)
        new = body.id not in self._orders
        self._orders[body.id] = body
        if new:
            facts = {"email": body.identifiers.email_id, "product": body.products[0].product_id}
            self._stage.write("purchase", body.id, amount=f"{body.amount:g}", **facts)
        return Response(status_code=204)

    async def mail(self, request: Request) -> Response:
        """Send one mail; a key that is remembered is refused."""
        body = await _body(request, MailBody)
        if body.sender.email != SENDER:
            raise Refused(
                400, "invalid_parameter", "Sending has been rejected because the sender is not valid"
            )
        key, now = body.headers.idempotency_key, monotonic()
        if self._keys.get(key, -KEY_LASTS) + KEY_LASTS > now:
            raise Refused(400, "duplicate_parameter", "this idempotency key was used before")
        self._keys[key] = now
        order = order_in(body.text_content)
        for to in body.to:
            self._stage.deliver(order=order, to=to.email, subject=body.subject, text=body.text_content)
        return answer({"messageId": f"<{key}@smtp-relay.sandbox.example>"}, 201)


def routes(stage: Stage) -> Sequence[Route]:
    """Return the routes below `/brevo`."""
    return Account(stage).routes()


def _authorised(request: Request) -> None:
    given = request.headers.get("api-key", "")
    if not same(API_KEY.encode(), given.encode("utf-8", "replace")):
        raise Refused(401, "unauthorized", "Key not found")


async def _body(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await read(request), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(400, "invalid_parameter", str(error)) from None
