"""A mailing tool with one mailbox that a person can read.

`POST /purchases`, `POST /starts` and `POST /messages` take an `Idempotency-Key`; without one each call counts anew
(a message must have one). `PUT /purchases/{order}` and `PUT /sequences/{sequence}/members/{email}` set.
`GET /purchases?order=` and `GET /starts?order=` list. Bearer token; the mailbox is open to everybody.
Starting a sequence delivers its first mail, which carries the `link` of the request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kramik.sandbox.door import Door, Refusal, answer, facts
from kramik.sandbox.ledger import Ledger
from kramik.sandbox.mailbox import Mailbox, welcome
from kramik.sandbox.records import KeyReused, Record, Records

Facts = Mapping[str, str]
Telling = Callable[[Record, Facts], None]

PURCHASE = ("order", "email", "product", "amount", "currency")
START = ("order", "email", "sequence")


class MailingTool:
    """The purchases, the running sequences and the mailbox of one world."""

    def __init__(self, ledger: Ledger, *, lag: float) -> None:
        self._ledger, self.mailbox = ledger, Mailbox()
        self._purchases, self._starts, self._messages = (
            Records(each, lag) for each in ("purchase", "start", "message")
        )

    def routes(self, door: Door, token: str) -> list[Route]:
        """Return the routes below `/mail`."""
        bought, started = (
            self._post(self._purchases, PURCHASE, self._bought),
            self._post(self._starts, START, self._started),
        )
        member = "/sequences/{sequence}/members/{email}"
        return [
            Route("/purchases", door("mail", "purchase", bought, token=token), methods=["POST"]),
            Route("/purchases", door("mail", "find", _list(self._purchases), token=token), methods=["GET"]),
            Route(
                "/purchases/{order}",
                door("mail", "purchase", self.set_purchase, token=token),
                methods=["PUT"],
            ),
            Route("/starts", door("mail", "sequence", started, token=token), methods=["POST"]),
            Route("/starts", door("mail", "find", _list(self._starts), token=token), methods=["GET"]),
            Route(member, door("mail", "sequence", self.set_member, token=token), methods=["PUT"]),
            Route("/messages", door("mail", "message", self.send, token=token), methods=["POST"]),
            *self.mailbox.routes(),
        ]

    async def set_purchase(self, request: Request) -> Response:
        """Register the purchase of this order; a repeat changes nothing."""
        order = request.path_params["order"]
        wanted = {**await facts(request, *PURCHASE[1:]), "order": order}
        record, new = self._purchases.set((order,), order, wanted)
        return _made(record, wanted, self._bought, new=new)

    async def set_member(self, request: Request) -> Response:
        """Put somebody into a sequence; a repeat changes nothing."""
        sequence, email = request.path_params["sequence"], request.path_params["email"]
        wanted = {**await facts(request, "order"), "sequence": sequence, "email": email}
        record, new = self._starts.set((sequence, email), wanted["order"], wanted)
        return _made(record, wanted, self._started, new=new)

    async def send(self, request: Request) -> Response:
        """Send one mail; equal keys are one mail."""
        wanted, key = (
            await facts(request, "to", "subject", "text"),
            request.headers.get("idempotency-key", ""),
        )
        if not key:
            raise Refusal(400, "send an Idempotency-Key: equal keys are one mail")
        try:
            record, new = self._messages.make(wanted.get("order", ""), wanted, key)
        except KeyReused:
            raise Refusal(409, "this key was used for another mail") from None
        if new:
            self._deliver(record.order, to=wanted["to"], subject=wanted["subject"], text=wanted["text"])
        return answer({"id": record.id}, 201 if new else 200)

    def _post(
        self, records: Records, needed: tuple[str, ...], tell: Telling
    ) -> Callable[[Request], Awaitable[Response]]:
        async def post(request: Request) -> Response:
            wanted = await facts(request, *needed)
            try:
                record, new = records.make(
                    wanted["order"], wanted, request.headers.get("idempotency-key", "")
                )
            except KeyReused:
                raise Refusal(409, "this key was used for something else") from None
            return _made(record, wanted, tell, new=new)

        return post

    def _bought(self, record: Record, wanted: Facts) -> None:
        shown = {name: wanted[name] for name in PURCHASE[1:]}
        self._ledger.write("mail", "purchase", wanted["order"], purchase=record.id, **shown)

    def _started(self, record: Record, wanted: Facts) -> None:
        order, sequence, email = wanted["order"], wanted["sequence"], wanted["email"]
        self._ledger.write("mail", "sequence", order, start=record.id, sequence=sequence, email=email)
        subject, text = welcome(wanted)
        self._deliver(order, to=email, subject=subject, text=text)

    def _deliver(self, order: str, *, to: str, subject: str, text: str) -> None:
        mail = self.mailbox.put(order=order, to=to, subject=subject, text=text)
        self._ledger.write("mail", "mail", order, mail=mail.id, to=to, subject=subject)


def _made(record: Record, wanted: Facts, tell: Telling, *, new: bool) -> Response:
    if new:
        tell(record, wanted)
    return answer({"id": record.id, "order": wanted["order"]}, 201 if new else 200)


def _list(records: Records) -> Callable[[Request], Awaitable[Response]]:
    async def listed(request: Request) -> Response:
        found = records.find(request.query_params.get("order", ""))
        return answer({"found": [{"id": record.id, "order": record.order} for record in found]})

    return listed
