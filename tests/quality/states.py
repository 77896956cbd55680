"""Every state in which a buyer may see a page, by name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from kramik import catalogue
from kramik.catalogue import Catalogue
from kramik.errors import Problem
from kramik.offer import Conditions, offer
from kramik.payment import PaymentRequest
from kramik.ports import CourseFile
from kramik.site.pages import Pages
from kramik.site.source import PayWay
from tests.site.world import example, texts

SLUG = "agregaty-w-praktyce"
THANKS = ("waiting", "failed", "paid", "completed", "withdrawn", "refunded", "attention")
"""What the status of an order says; the page has a place for each."""

_NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
_TYPED = {"email": "ania@", "name": "", "tax_id": "526-000-12-47", "company": "Firma", "coupon": "LATO"}
_WRONG = (
    Problem(field="email", code="invalid_email", message="x"),
    Problem(field="name", code="missing_name", message="x"),
    Problem(field="tax_id", code="invalid_tax_id", message="x"),
    Problem(field="coupon", code="unknown_coupon", message="x"),
    Problem(field="consent_terms", code="consent_missing", message="x"),
    Problem(field="consent_immediate", code="consent_missing", message="x"),
)
_STATED = {"email": "ania@example.org", "name": "Ania Żółw", "order": "o7k2m9", "statement": "Odstępuję."}
_HOST = """<!DOCTYPE html>
<html lang="pl"><head><meta charset="utf-8"><title>Blog Hanny</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/course-order.css"></head>
<body><main><h1>Blog Hanny</h1>
%s
</main></body></html>
"""
_WAYS = (
    PayWay(gateway="sandbox", title="Sandbox"),
    PayWay(gateway="payu", title="PayU"),
    PayWay(gateway="payu", title="PayU", method="blik"),
)


def kinds(paths: Iterable[str]) -> dict[str, str]:
    """Return one page of each kind, by the name of the kind: a language and a slug make no other kind."""
    found: dict[str, str] = {}
    for path in sorted(path for path in paths if path.endswith(".html")):
        parts = [part for part in path.removesuffix("index.html").split("/") if part]
        parts = parts[1:] if parts[:1] == ["en"] else parts
        kind = "/".join("product" if part in _slugs() else part for part in parts) or "shop"
        found.setdefault(kind, "/" + path.removesuffix("index.html"))
    return found


def answered(url: str) -> dict[str, str]:
    """Return the pages that the API answers with, when it stands at this URL."""
    source = example(site=url, api=url, form_action_origins=())
    pages, many = Pages(source), Pages(msgspec.structs.replace(source, pay_ways=_WAYS))
    post = PaymentRequest(method="POST", url=f"{url}/pay", fields={"amount": "29900"})
    wrong = Problem(field="email", code="invalid_email", message="x")
    return {
        "order-wrong": pages.order_form(SLUG, "pl", _TYPED, _WRONG),
        "order-wrong-en": pages.order_form(SLUG, "en", _TYPED, _WRONG),
        "order-price-changed": pages.order_form(
            SLUG, "pl", {}, [Problem(field="price_shown", code="price_changed", message="x")]
        ),
        "order-ways": many.order_form(
            SLUG, "pl", {}, [Problem(field="gateway", code="unknown_gateway", message="x")]
        ),
        "order-free": _free(url),
        "payment": pages.payment_form(post, "pl").replace("data-payment", ""),
        "payment-link": pages.payment_form(PaymentRequest(method="GET", url=f"{url}/pay"), "pl"),
        "unpayable": pages.unpayable(f"{url}/pay", "pl"),
        "withdraw-wrong": pages.withdrawal({**_STATED, "email": "ania@"}, [wrong], "pl"),
        "withdraw-confirm": pages.withdrawal(_STATED, [], "pl"),
        "withdraw-taken": pages.withdrawal(_STATED, [], "pl", at=_NOON),
        "embedded": _HOST % Pages(source).embedded(source.catalogue.products[SLUG], "pl"),
        "files": pages.files(
            "Agregaty", "pl", [CourseFile(path="1/wideo.mp4", size=123_456_789, changed=_NOON)]
        ),
        "message": pages.message("gone", "pl"),
    }


def _free(url: str) -> str:
    """Return the order form of a course that costs nothing."""
    source = example(site=url, api=url, form_action_origins=())
    course = msgspec.structs.replace(
        source.catalogue.products[SLUG],
        price=msgspec.structs.replace(source.catalogue.products[SLUG].price, minor=0),
    )
    free = msgspec.structs.replace(source, catalogue=Catalogue(products={SLUG: course}, hash="free"))
    return Pages(free).order_form(SLUG, "pl", {}, [], offer=offer(course, Conditions(), now=free.now))


def _slugs() -> frozenset[str]:
    return frozenset(catalogue.read(texts("products"), lang="pl", currency="PLN").products)
