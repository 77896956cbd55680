"""The OpenAPI 3.1 document of the routes; a test holds it against the handlers."""

from __future__ import annotations

from typing import Final

Document = dict[str, object]

_TEXT: Final = {"type": "string"}
_BOX: Final = {"enum": ["yes", "on", "true", "1", "", True, False]}


def document(api: str) -> Document:
    """Return the document for the functions at this address."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "kramik", "version": "1", "description": "A static shop's only live calls."},
        "servers": [{"url": api}],
        "paths": {
            "/api/warm": {"get": _get("Load everything a first order needs.", {"204": "Warm."})},
            "/api/orders": {"post": _place()},
            "/api/payments/{gateway}": {"post": _notify()},
            "/api/orders/{id}": {"get": _status()},
            "/access/{token}": {"get": _access()},
            "/api/access/resend": {"post": _resend()},
            "/healthz": {
                "get": _get("Say whether the store answers.", {"200": "It does.", "503": "It does not."})
            },
            "/api/openapi.json": {"get": _get("This document.", {"200": "The document."})},
        },
        "components": {"schemas": _schemas()},
    }


def _get(summary: str, answers: dict[str, str], *parameters: Document) -> Document:
    operation: Document = {
        "summary": summary,
        "responses": {code: {"description": text} for code, text in answers.items()},
    }
    return operation | ({"parameters": list(parameters)} if parameters else {})


def _place() -> Document:
    problems = {"application/problem+json": {"schema": _ref("Problems")}}
    return {
        "summary": "Place an order and get a signed payment request.",
        "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": _TEXT | {"maxLength": 255}}],
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": _ref("Order")}
                for kind in ("application/x-www-form-urlencoded", "application/json")
            },
        },
        "responses": {
            "200": {"description": "Form: a page that submits the gateway's form."},
            "201": {
                "description": "JSON: placed.",
                "content": {"application/json": {"schema": _ref("Placed")}},
            },
            "303": {"description": "Form: to the gateway."},
            "409": {"description": "The key was used with other content.", "content": problems},
            "413": {"description": "Over 64 KiB.", "content": problems},
            "422": {"description": "Every problem at once; form: the page again.", "content": problems},
            "503": {"description": "Not stored; try again.", "content": problems},
        },
    }


def _notify() -> Document:
    answers = {
        "200": "The gateway's own acknowledgement; the message is durable.",
        "400": "Not authentic; nothing was stored.",
        "404": "No such gateway.",
        "413": "Over 64 KiB.",
        "503": "Not stored; send it again.",
    }
    body: Document = {"requestBody": {"content": {"*/*": {"schema": {}}}}}
    return _get("A gateway's notification.", answers, _path("gateway")) | body


def _status() -> Document:
    key = {"name": "key", "in": "query", "required": True, "schema": _TEXT}
    operation = _get("The buyer's status of an order.", {"404": "Unknown or foreign."}, _path("id"), key)
    shown = {"description": "Where it stands.", "content": {"application/json": {"schema": _ref("Status")}}}
    return operation | {"responses": {"200": shown, "404": {"description": "Unknown or foreign."}}}


def _access() -> Document:
    answers = {
        "303": "To the course.",
        "404": "Unknown, or not ready yet.",
        "410": "Taken back.",
        "503": "Try again.",
    }
    return _get("Open the course.", answers, _path("token"))


def _resend() -> Document:
    fields = {"type": "object", "properties": {"email": _TEXT, "lang": _TEXT}, "required": ["email"]}
    kinds = ("application/x-www-form-urlencoded", "application/json")
    body = {"required": True, "content": {kind: {"schema": fields} for kind in kinds}}
    answers = {"202": "Always the same.", "422": "Not readable.", "503": "Try again."}
    return _get("Send the access mail again, if there is one.", answers) | {"requestBody": body}


def _schemas() -> Document:
    texts = ("lang", "gateway", "method", "company", "tax_id", "street", "postal_code", "city", "country")
    hidden = ("button", "price_shown", "catalogue", "source", "idempotency_key")
    order = dict.fromkeys(("product", "email", "name", *texts, *hidden), _TEXT)
    boxes = {f"consent_{name}": _BOX for name in ("terms", "immediate", "marketing")}
    payment = _object(
        method={"enum": ["GET", "POST"]}, url=_TEXT, fields={"type": "object", "additionalProperties": _TEXT}
    )
    problem = _object(field=_TEXT, code=_TEXT, message=_TEXT)
    states = ["waiting", "failed", "paid", "completed", "refunded", "attention"]
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
        ),
    }


def _object(**properties: object) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _path(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}
