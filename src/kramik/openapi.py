"""The OpenAPI 3.1 document of the routes; a test holds it against the handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Document = dict[str, object]

_TEXT: Final[Document] = {"type": "string"}
_BOX: Final[Document] = {"enum": ["yes", "on", "true", "1", "no", "off", "false", "0", "", True, False]}
_ABOUT: Final = (
    "A static shop's only live calls. "
    "Pages of the shop's site may read every answer; those of other sites the 422 of an order, and nothing else."
)
_READERS: Final = "Access-Control-Allow-Origin"
_KINDS: Final = {
    "json": "application/json",
    "problem": "application/problem+json",
    "page": "text/html",
    "text": "text/plain",
}


def document(api: str) -> Document:
    """Return the document for the functions at this address."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "kramik", "version": "1", "description": _ABOUT},
        "servers": [{"url": api}],
        "paths": {
            "/api/warm": {"get": _operation("Load everything a first order needs.", {"204": _told("Warm.")})},
            "/api/orders": {"post": _place()},
            "/api/payments/{gateway}": {"post": _notify()},
            "/api/orders/{id}": {"get": _status()},
            "/api/orders/{id}/payment": {"post": _pay()},
            "/access/{token}": {"get": _access()},
            "/access/{token}/{path}": {"get": _course()},
            "/api/access/resend": {"post": _resend()},
            "/api/withdrawals": {"post": _withdraw()},
            "/healthz": {"get": _health()},
            "/api/openapi.json": {"get": _describe()},
        },
        "components": {"schemas": _schemas()},
    }


def _operation(summary: str, answers: Mapping[str, Document], **more: object) -> Document:
    return {"summary": summary, "responses": answers, **more}


def _told(description: str, /, **contents: Document) -> Document:
    """Return an answer; `contents` are the schemas of its possible kinds of content."""
    kinds = {_KINDS[name]: {"schema": schema} for name, schema in contents.items()}
    return {"description": description} | ({"content": kinds} if kinds else {})


def _wrong(text: str) -> Document:
    """Return an answer that is a problem for programs and a page for people."""
    return _told(text, problem=_ref("Problems"), page=_TEXT)


def _read_by(*, site: Document | None = None, anybody: Document | None = None) -> Document:
    """Return an answer with the header that lets pages of other origins read it, or only those of the shop's site."""
    who = (
        "`*`: a page of any site may read it; its own origin for the shop's site."
        if anybody
        else "The origin of the shop's site, where the request comes from there; left out for every other site."
    )
    return {**(site or anybody or {}), "headers": {_READERS: {"description": who, "schema": _TEXT}}}


def _body(schema: Document) -> Document:
    kinds = ("application/x-www-form-urlencoded", "application/json")
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def _place() -> Document:
    answers = {
        "200": _told("Form: a page that submits the gateway's form.", page=_TEXT),
        "201": _read_by(site=_told("JSON: placed.", json=_ref("Placed"))),
        "303": _told("Form: to the gateway.", page=_TEXT),
        "409": _wrong("The key was used with other content."),
        "413": _wrong("Over 64 KiB."),
        "422": _read_by(anybody=_wrong("Every problem at once; form: the page again.")),
        "503": _wrong("Not stored, or stored and the gateway is down; try again."),
    }
    key = {"name": "Idempotency-Key", "in": "header", "schema": _TEXT | {"maxLength": 255}}
    summary = "Place an order and get a signed payment request."
    return _operation(summary, answers, parameters=[key], requestBody=_body(_ref("Order")))


def _notify() -> Document:
    answers: dict[str, Document] = {
        "200": {
            "description": "The gateway's own acknowledgement; the message is durable.",
            "content": {"*/*": {}},
        },
        "400": _told("Not authentic; nothing was stored.", text=_TEXT),
        "404": _told("No such gateway.", text=_TEXT),
        "413": _wrong("Over 64 KiB."),
        "503": _told("Not stored; send it again.", text=_TEXT),
    }
    body: Document = {"content": {"*/*": {"schema": {}}}}
    return _operation("A gateway's notification.", answers, parameters=[_path("gateway")], requestBody=body)


def _status() -> Document:
    key = {"name": "key", "in": "query", "required": True, "schema": _TEXT}
    answers = {
        "200": _told("Where it stands.", json=_ref("Status")),
        "404": _told("Unknown or foreign.", problem=_ref("Problems")),
        "503": _wrong("Try again."),
    }
    return _operation("The buyer's status of an order.", answers, parameters=[_path("id"), key])


def _pay() -> Document:
    key = {"name": "key", "in": "query", "required": True, "schema": _TEXT}
    answers = {
        "200": _told(
            "JSON: the payment request; form: a page that submits it.", json=_ref("Placed"), page=_TEXT
        ),
        "303": _told("Form: to the gateway, or to the thank-you page of an order that is paid.", page=_TEXT),
        "404": _wrong("Unknown or foreign."),
        "409": _wrong("JSON: paid before."),
        "503": _wrong("The gateway or the store is down; the order waits."),
    }
    return _operation("Pay an order after all.", answers, parameters=[_path("id"), key])


def _access() -> Document:
    answers = {
        "303": _told("To the course.", page=_TEXT),
        "404": _wrong("Unknown, or not ready yet."),
        "410": _wrong("Taken back, or replaced by a link that went to the corrected address."),
        "503": _wrong("Try again."),
    }
    return _operation("Open the course.", answers, parameters=[_path("token")])


def _course() -> Document:
    answers = {
        "200": _told("The file, or the list of the files for an empty path.", page=_TEXT),
        "206": _told("A part of the file.", page=_TEXT),
        "303": _told("To a short-lived link to the file.", page=_TEXT),
        "304": _told("Not changed."),
        "404": _wrong("Unknown, not ready yet, or no such file."),
        "410": _wrong("Taken back, over, or replaced by a link that went to the corrected address."),
        "416": _told("No such part."),
        "503": _wrong("Try again."),
    }
    summary = "Open a file of the course, where the academy is a folder of files."
    return _operation(summary, answers, parameters=[_path("token"), _path("path")])


def _resend() -> Document:
    fields: Document = {
        "type": "object",
        "properties": {"email": _TEXT, "lang": _TEXT},
        "required": ["email"],
    }
    accepted = _object(status={"const": "accepted"})
    answers = {
        "202": _told("Always the same.", json=accepted, page=_TEXT),
        "413": _wrong("Over 64 KiB."),
        "422": _told("Not readable.", problem=_ref("Problems")),
        "503": _wrong("Try again."),
    }
    summary = "Send the access mail again, if there is one."
    return _operation(summary, answers, requestBody=_body(fields))


def _withdraw() -> Document:
    names = ("email", "name", "order", "statement", "lang", "confirm")
    fields: Document = {
        "type": "object",
        "properties": dict.fromkeys(names, _TEXT),
        "required": ["email", "name"],
    }
    said = dict.fromkeys(("email", "name", "order", "statement"), _TEXT)
    answers = {
        "200": _told("To be confirmed.", json=_object(status={"const": "to_confirm"}, **said), page=_TEXT),
        "202": _told("Taken.", json=_object(status={"const": "accepted"}, at=_TEXT, **said), page=_TEXT),
        "413": _wrong("Over 64 KiB."),
        "422": _wrong("Every problem at once."),
        "503": _wrong("Try again."),
    }
    return _operation("Withdraw from a contract, in two steps.", answers, requestBody=_body(fields))


def _health() -> Document:
    answers = {"200": _told("It does.", json=_object(status={"const": "ok"})), "503": _wrong("It does not.")}
    return _operation("Say whether the store answers.", answers)


def _describe() -> Document:
    return _operation("This document.", {"200": _told("The document.", json={"type": "object"})})


def _schemas() -> Document:
    texts = "lang coupon payment gateway method company tax_id street postal_code city country".split()
    hidden = ("button", "price_shown", "words_shown", "catalogue", "source", "idempotency_key")
    order = dict.fromkeys(("product", "email", "name", *texts, *hidden), _TEXT)
    boxes = {f"consent_{name}": _BOX for name in ("terms", "immediate", "marketing")}
    payment = _object(
        method={"enum": ["GET", "POST"]}, url=_TEXT, fields={"type": "object", "additionalProperties": _TEXT}
    )
    problem = _object(field=_TEXT, code=_TEXT, message=_TEXT)
    states = ["waiting", "failed", "paid", "completed", "withdrawn", "refunded", "attention"]
    return {
        "Order": {
            "type": "object",
            "properties": order | boxes,
            "required": ["product", "email", "name", "consent_terms", "consent_immediate"],
        },
        "Placed": _object(order=_TEXT, payment=payment, status_url=_TEXT),
        "Problems": _object(
            type=_TEXT, title=_TEXT, status={"type": "integer"}, errors={"type": "array", "items": problem}
        ),
        "Status": _object(
            order=_TEXT,
            status={"enum": states},
            product=_TEXT,
            title=_TEXT,
            price=_TEXT,
            email=_TEXT,
            access={"type": ["string", "null"]},
            pay={"type": ["string", "null"]},
        ),
    }


def _object(**properties: object) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _path(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}
