"""The account: members, tags that start flows, products and orders of the store; checked as strictly as there."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import md5
from typing import TypeVar

import msgspec
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kramik.payment import same
from kramik.sandbox.door import answer, read
from kramik.sandbox.mailbox import welcome
from kramik.sandbox.mailers.mailchimp.bodies import (
    MemberBody,
    MergeFieldBody,
    OrderBody,
    ProductBody,
    StoreBody,
    TagsBody,
)
from kramik.sandbox.records import Snapshots
from kramik.sandbox.stage import Stage, order_in

API_KEY = "0123456789abcdef0123456789abcdef-us21"
AUDIENCE, STORE = "a1b2c3d4e5", "kramik"
DEMO: Mapping[str, object] = {"api_key": API_KEY, "audience": AUDIENCE, "store": STORE}

MERGE_FIELDS = ("FNAME", "LNAME", "L_AGREGATY", "L_KOLEJKI_")
"""The merge fields that the audience has from the beginning: names, and one for each product of the example shop."""

FLOWS = {"agregaty-start": "L_AGREGATY", "kolejki-start": "L_KOLEJKI_"}
"""The tags that start a flow, and the merge field that its first mail shows."""

Body = TypeVar("Body")
Handler = Callable[[Request], Awaitable[Response]]


class Member(msgspec.Struct, kw_only=True):
    """Somebody in the audience."""

    id: str
    email: str
    status: str
    language: str = ""
    fields: dict[str, str] = {}
    tags: list[str] = []

    def shown(self) -> dict[str, object]:
        """Return what Mailchimp answers."""
        tags = [{"id": number, "name": name} for number, name in enumerate(self.tags, 1)]
        return {
            "id": self.id,
            "email_address": self.email,
            "status": self.status,
            "merge_fields": self.fields,
            "language": self.language,
            "tags_count": len(tags),
            "tags": tags,
        }


class Refused(Exception):
    """Answer with a problem document."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        self.status, self.title, self.detail = status, title, detail
        super().__init__(title)


class Account:
    """The one account: members by the hash of their address, products and orders of the store."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._members: dict[str, Member] = {}
        self._products: dict[str, ProductBody] = {}
        self._orders: dict[str, OrderBody] = {}
        self._fields = list(MERGE_FIELDS)
        self._shown = Snapshots(stage.lag)
        self._stores = {STORE}

    def routes(self) -> list[Route]:
        """Return the routes below `/mailchimp`."""
        member, store = "/3.0/lists/{list}/members/{hash}", "/3.0/ecommerce/stores/{store}"
        return [
            self._route("GET", "/3.0/ping", "setup", self.ping),
            self._route("GET", "/3.0/lists/{list}", "setup", self.audience),
            self._route("GET", "/3.0/lists/{list}/merge-fields", "setup", self.merge_fields),
            self._route("POST", "/3.0/lists/{list}/merge-fields", "setup", self.add_merge_field),
            self._route("POST", "/3.0/ecommerce/stores", "setup", self.add_store),
            self._route("GET", store, "setup", self.store),
            self._route("GET", member, "find", self.member),
            self._route("PUT", member, "person", self.put_member),
            self._route("POST", f"{member}/tags", "sequence", self.tag),
            self._route("PUT", f"{store}/products/{{product}}", "setup", self.put_product),
            self._route("PUT", f"{store}/orders/{{order}}", "purchase", self.put_order),
        ]

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def checked(request: Request) -> Response:
            try:
                _authorised(request)
                self._known(request.path_params)
                return await handler(request)
            except Refused as refused:
                return _problem(refused)

        return Route(path, self._stage.guarded(operation, checked), methods=[method])

    def _known(self, ids: Mapping[str, str]) -> None:
        if ids.get("list", AUDIENCE) != AUDIENCE or ids.get("store", STORE) not in self._stores:
            raise Refused(404, "Resource Not Found", "The requested resource could not be found.")

    async def ping(self, _request: Request) -> Response:
        """Say that the key is good."""
        return answer({"health_status": "Everything's Chimpy!"})

    async def audience(self, _request: Request) -> Response:
        """Show the audience."""
        return answer({"id": AUDIENCE, "name": "Kursanci", "stats": {"member_count": len(self._members)}})

    async def merge_fields(self, _request: Request) -> Response:
        """List the merge fields."""
        found = [{"tag": tag, "type": "text"} for tag in self._fields]
        return answer({"merge_fields": found, "total_items": len(found)})

    async def add_merge_field(self, request: Request) -> Response:
        """Add a merge field."""
        body = await _body(request, MergeFieldBody)
        if body.tag in self._fields:
            raise Refused(
                400, "Bad Request", f"A Merge Field with the tag {body.tag} already exists for this list."
            )
        self._fields.append(body.tag)
        return answer({"merge_id": len(self._fields), "tag": body.tag, "name": body.name, "type": body.type})

    async def add_store(self, request: Request) -> Response:
        """Make a store, which belongs to its audience for good."""
        body = await _body(request, StoreBody)
        if body.list_id != AUDIENCE or body.id in self._stores:
            raise Refused(
                400, "Bad Request", "the audience is not known, or a store with this id exists already"
            )
        self._stores.add(body.id)
        return answer({"id": body.id, "list_id": body.list_id, "currency_code": body.currency_code})

    async def store(self, request: Request) -> Response:
        """Show a store."""
        return answer({"id": request.path_params["store"], "list_id": AUDIENCE, "currency_code": "PLN"})

    async def member(self, request: Request) -> Response:
        """Show somebody."""
        found = self._shown.show(request.path_params["hash"])
        if found is None:
            raise Refused(404, "Resource Not Found", "The requested resource could not be found.")
        return answer(found)

    async def put_member(self, request: Request) -> Response:
        """Add somebody, or update them; a status is only set when it is given."""
        body, key = await _body(request, MemberBody), request.path_params["hash"]
        if key != _hash(body.email_address):
            raise Refused(400, "Invalid Resource", "the hash of the address is not the one in the path")
        if body.email_address.startswith("forgotten"):
            raise Refused(400, "Forgotten Email Not Subscribed", "this contact was permanently deleted")
        known = self._members.get(key)
        if known is None:
            known = self._members[key] = Member(id=key, email=body.email_address, status=_born(body))
        elif body.status is not UNSET:
            if known.status in ("unsubscribed", "cleaned") and body.status == "subscribed":
                raise Refused(
                    400, "Member In Compliance State", "this contact has to subscribe again themselves"
                )
            known.status = body.status
        known.language = body.language or known.language
        kept = {tag: text for tag, text in body.merge_fields.items() if tag in self._fields}
        known.fields = {**known.fields, **kept}
        self._shown.take(key, known.shown())
        return answer(known.shown())

    async def tag(self, request: Request) -> Response:
        """Add tags and take tags away; a tag that is new to a subscribed member starts its flow."""
        body, member = await _body(request, TagsBody), self._member(request)
        for each in body.tags:
            has = each.name.casefold() in (tag.casefold() for tag in member.tags)
            if each.status == "active" and not has:
                member.tags = [*member.tags, each.name]
                if each.name in FLOWS and member.status == "subscribed" and not body.is_syncing:
                    self._start(member, each.name)
            elif each.status == "inactive":
                member.tags = [tag for tag in member.tags if tag.casefold() != each.name.casefold()]
        self._shown.take(member.id, member.shown())
        return Response(status_code=204)

    def _start(self, member: Member, flow: str) -> None:
        """Mail the link that stands in the merge field of the course."""
        link = member.fields.get(FLOWS[flow], "—")
        order = order_in(link)
        self._stage.write("sequence", order, sequence=flow, email=member.email)
        facts = {
            "sequence": flow,
            "order": order,
            "link": link,
            "lang": member.language,
            "name": member.fields.get("FNAME", ""),
        }
        subject, text = welcome(facts)
        self._stage.deliver(order=order, to=member.email, subject=subject, text=text)

    async def put_product(self, request: Request) -> Response:
        """Add a product, or update it."""
        body = await _body(request, ProductBody)
        if body.id != request.path_params["product"]:
            raise Refused(400, "Invalid Resource", "the id of the product is not the one in the path")
        self._products[body.id] = body
        return answer({"id": body.id, "title": body.title, "currency_code": "PLN"})

    async def put_order(self, request: Request) -> Response:
        """Add an order, or update it; who is new becomes a member, without news unless they agreed."""
        body = await _body(request, OrderBody)
        if body.id != request.path_params["order"]:
            raise Refused(400, "Invalid Resource", "the id of the order is not the one in the path")
        if missing := [line.product_id for line in body.lines if line.product_id not in self._products]:
            raise Refused(400, "Bad Request", f"a product with the provided ID does not exist: {missing[0]}")
        customer, new = body.customer, body.id not in self._orders
        key = _hash(customer.email_address)
        status = "subscribed" if customer.opt_in_status else "transactional"
        member = self._members.setdefault(key, Member(id=key, email=customer.email_address, status=status))
        self._shown.take(key, member.shown())
        self._orders[body.id] = body
        if new:
            self._stage.write(
                "purchase",
                body.id,
                email=customer.email_address,
                product=body.lines[0].product_id,
                amount=f"{body.order_total:g}",
                currency=body.currency_code,
            )
        return answer({**msgspec.to_builtins(body), "store_id": request.path_params["store"]})

    def _member(self, request: Request) -> Member:
        found = self._members.get(request.path_params["hash"])
        if found is None:
            raise Refused(404, "Resource Not Found", "The requested resource could not be found.")
        return found


def routes(stage: Stage) -> Sequence[Route]:
    """Return the routes below `/mailchimp`."""
    return Account(stage).routes()


def _authorised(request: Request) -> None:
    """Look at the key: any user name, and the key as password."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    user = b64encode(f"kramik:{API_KEY}".encode())
    if scheme.lower() != "basic" or not same(user, given.encode("utf-8", "replace")):
        raise Refused(
            401,
            "API Key Invalid",
            "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
        )


async def _body(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await read(request), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(400, "Invalid Resource", str(error)) from None


def _problem(refused: Refused) -> Response:
    document = {
        "type": "https://mailchimp.com/developer/marketing/docs/errors/",
        "title": refused.title,
        "status": refused.status,
        "detail": refused.detail,
        "instance": "00000000-0000-0000-0000-000000000000",
    }
    return Response(
        msgspec.json.encode(document), refused.status, media_type="application/problem+json; charset=utf-8"
    )


def _born(body: MemberBody) -> str:
    return body.status_if_new if body.status is UNSET else body.status


def _hash(email: str) -> str:
    return md5(email.lower().encode(), usedforsecurity=False).hexdigest()
