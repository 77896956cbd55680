"""Every state in which a buyer may see a page, by name; what a script makes of a page stands in `scenes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kramik.catalogue import Catalogue
from kramik.errors import Problem
from kramik.hosts import preview
from kramik.offer import Offer, offer
from kramik.payment import PaymentRequest
from kramik.ports import CourseFile
from kramik.site.build import site
from kramik.site.exports.data import Export
from kramik.site.pages import MESSAGES, Pages
from kramik.site.source import Source
from tests.quality import odd
from tests.site.world import example

SLUG = "agregaty-w-praktyce"
COLOURFUL = ("/", f"/{SLUG}/", f"/{SLUG}/order/", f"/{odd.FULL}/", "/thanks/", "/answered/order-wrong-odd")
"""Pages that together show every colour of a theme on every ground of it."""

_NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
_WRONG = {
    "email": "invalid_email",
    "name": "missing_name",
    "country": "unknown_country",
    "tax_id": "invalid_tax_id",
    "street": "too_long",
    "city": "bad_characters",
    "coupon": "unknown_coupon",
    "method": "unknown_method",
    "consent_terms": "consent_missing",
    "consent_immediate": "consent_missing",
    "consent_marketing": "consent_missing",
}
_ELSE = (
    ("product", "unknown_product"),
    ("product", "not_on_sale"),
    ("product", "sold_out"),
    ("gateway", "unknown_gateway"),
    ("lang", "unknown_language"),
    ("price_shown", "price_changed"),
    ("price_shown", "price_with_code"),
    ("words_shown", "words_changed"),
    ("idempotency_key", "conflict"),
    ("email", "missing_email"),
    ("country", "missing_country"),
    ("tax_id", "missing_tax_id"),
    ("city", "missing"),
    ("coupon", "coupon_over"),
    ("coupon", "coupon_elsewhere"),
    ("coupon", "coupon_used_up"),
)
_TYPED = {"email": "ania@", "tax_id": "526-000-12-47", "company": "Firma", "coupon": "ZIMA"}
_STATED = {"email": "ania@example.org", "name": "Ania Żółw", "order": "o7k2m9", "statement": "Odstępuję."}
_GUEST = """<!DOCTYPE html>
<html lang="pl"><head><meta charset="utf-8"><title>Blog Hanny</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/{style}"></head>
<body><main><h1>Blog Hanny</h1>
{forms}
</main><script src="/{script}" defer></script></body></html>
"""


def kinds(paths: Iterable[str]) -> dict[str, str]:
    """Return one page of each kind, by the name of the kind: a language and a course of the example make no other."""
    found: dict[str, str] = {}
    for path in sorted(path for path in paths if path.endswith(".html")):
        parts = [part for part in path.removesuffix("index.html").split("/") if part]
        parts = parts[1:] if parts[:1] == ["en"] else parts
        kind = "/".join("product" if part in example().catalogue.products else part for part in parts)
        found.setdefault(kind or "shop", "/" + path.removesuffix("index.html"))
    return found


def files(url: str, folder: Path, theme: str = "zeszyt") -> dict[str, bytes]:
    """Return every file of a site that holds the example shop, the odd one, and what both give to other sites."""
    own = example(site=url, api=url, form_action_origins=(), theme=theme)
    others = site(odd.shop(url, folder, theme=theme))
    empty = site(
        msgspec.structs.replace(
            own, langs=("en",), seller={}, catalogue=Catalogue(products={}, hash=""), pages={}
        )
    )
    fronts = {"odd/index.html": others["index.html"], "empty/index.html": empty["index.html"]}
    assets = (*Export(own).assets.values(), *Pages(_over(own)).theme.assets.values())
    given = {asset.path: asset.content for asset in assets}
    style = {preview.STYLE.lstrip("/"): preview.CSS.encode()}
    return {**others, **fronts, **given, **style, **site(own)}


def answered(url: str, folder: Path, theme: str = "zeszyt") -> dict[str, str]:
    """Return the pages that the API answers with, when it stands at this URL."""
    own = example(site=url, api=url, form_action_origins=(), theme=theme)
    others = odd.shop(url, folder, theme=theme)
    return {
        **_orders(own, others),
        **_answers(Pages(own), url),
        **_withdrawals(Pages(own)),
        **_ended(own),
        "guest": _guest(own),
        "guest-odd": _guest(others),
        "mistakes": preview.mistakes([_problem("shop.toml:3", "wrong", "names <no> zone")]),
    }


def messages(url: str) -> dict[str, str]:
    """Return the pages that say one thing; they differ in nothing but their words, in each language."""
    pages = Pages(example(site=url, api=url))
    return {f"{name}-{lang}": pages.message(name, lang) for name in sorted(MESSAGES) for lang in ("pl", "en")}


def _orders(own: Source, others: Source) -> dict[str, str]:
    """Return order forms: refused for whatever can be wrong, and with coupons that count."""
    pages, wrong = Pages(others), [_problem(field, code) for field, code in _WRONG.items()]
    found = {
        "order-wrong": Pages(own).order_form(SLUG, "pl", _TYPED, wrong),
        "order-wrong-en": Pages(own).order_form(SLUG, "en", _TYPED, wrong),
        "order-wrong-odd": pages.order_form(odd.FULL, "pl", _TYPED, wrong),
        "order-wrong-else": pages.order_form(
            odd.FULL, "pl", {"coupon": "LATO"}, [_problem(*each) for each in _ELSE]
        ),
        "order-of-nobody": Pages(msgspec.structs.replace(own, seller={})).order_form(SLUG, "pl", {}, []),
        "order-sold-out": pages.order_form(odd.FREE, "pl", {}, [_problem("product", "sold_out")]),
    }
    for code in ("LATO", "GOSC"):
        costs = offer(others.catalogue.products[odd.FULL], others.conditions, now=others.now, coupon=code)
        assert costs.coupon == code
        found[f"order-with-{code}"] = pages.order_form(odd.FULL, "pl", {"coupon": code}, wrong, offer=costs)
    full = others.catalogue.products[odd.FULL]
    first = Offer(price=full.price, regular=full.price, later=full.price, until=full.closes)
    return found | {"order-introduced": pages.order_form(odd.FULL, "pl", {}, [], offer=first)}


def _answers(pages: Pages, url: str) -> dict[str, str]:
    post = PaymentRequest(method="POST", url=f"{url}/pay", fields={"amount": "29900"})
    sizes = (0, 900, 4_200, 78_000_000, 12_345_678_901)
    shelf = [CourseFile(path=f"1/film {size}.mp4", size=size, changed=_NOON) for size in sizes]
    return {
        "payment": pages.payment_form(post, "pl").replace("data-payment", ""),
        "payment-link": pages.payment_form(PaymentRequest(method="GET", url=f"{url}/pay"), "pl"),
        "unpayable": pages.unpayable(f"{url}/pay", "pl"),
        "message": pages.message("resent", "pl"),
        "files": pages.files("Agregaty", "pl", shelf),
        "files-none": pages.files("Agregaty", "en", []),
    }


def _withdrawals(pages: Pages) -> dict[str, str]:
    wrong = [_problem("email", "invalid_email"), _problem("name", "missing_name")]
    short = {name: _STATED[name] for name in ("email", "name")}
    return {
        "withdraw-wrong": pages.withdrawal({**_STATED, "email": "ania@", "name": ""}, wrong, "pl"),
        "withdraw-confirm": pages.withdrawal(_STATED, [], "pl"),
        "withdraw-confirm-short": pages.withdrawal(short, [], "pl"),
        "withdraw-taken": pages.withdrawal(_STATED, [], "en", at=_NOON),
    }


def _ended(own: Source) -> dict[str, str]:
    """Return the pages of a course whose sale is over, which sell nothing."""
    source = _over(own)
    pages, over = Pages(source), source.catalogue.products[SLUG]
    return {"ended": pages.sales(over, "pl"), "ended-order": pages.order_form(SLUG, "en", {}, ())}


def _over(own: Source) -> Source:
    """Return the example shop with one course whose sale is over; a window gives its order page another script."""
    over = msgspec.structs.replace(own.catalogue.products[SLUG], closes=own.now)
    return msgspec.structs.replace(own, catalogue=Catalogue(products={SLUG: over}, hash=""))


def _guest(source: Source) -> str:
    """Return a page of somebody else that holds the order form of every course."""
    export = Export(source)
    assets = {name: asset.path for name, asset in export.assets.items()}
    return _GUEST.format(forms="".join(_forms(export.data().orders)), **assets)


def _forms(orders: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    return (course["pl"] for course in orders.values())


def _problem(field: str, code: str, message: str = "x") -> Problem:
    return Problem(field=field, code=code, message=message)
