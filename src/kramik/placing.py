"""What can be wrong with a draft that was read without a problem, and which order it is: pure.

The id of an order is derived from the idempotency key, so the same key is the same order with one write.
Without a key it is derived from the whole content and a window of ten minutes: two clicks are one order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from kramik import coupons
from kramik.catalogue import Product
from kramik.errors import Problem
from kramik.event import PaymentEvent
from kramik.intent import REQUIRED_CONSENTS, Consent, ConsentText, Draft, Quota, asked, words_shown
from kramik.offer import Conditions, Offer
from kramik.order import Order

WINDOW = 600
"""Seconds."""

FREE = "free"
"""The gateway and the account of an order for which nothing is to be paid; no real one can have this name."""


def idempotency(draft: Draft, now: datetime) -> str:
    """Return the text that an order's id is derived from."""
    if draft.key:
        return f"key/{draft.key}"
    return f"window/{int(now.timestamp()) // WINDOW}/{draft.digest}"


def given(
    draft: Draft, product: Product, texts: Mapping[str, ConsentText], now: datetime
) -> tuple[Consent, ...]:
    """Return the evidence of every box that was ticked, in the words that stand beside it for this product."""
    shown = (asked(texts, name, product.legal_kind) for name in draft.consents)
    return tuple(text.given(draft.lang, now) for text in shown if text is not None)


def problems(
    draft: Draft,
    product: Product | None,
    offer: Offer | None,
    *,
    now: datetime,
    conditions: Conditions,
    gateways: Mapping[str, Collection[str]],
    langs: Collection[str],
    consents: Mapping[str, ConsentText],
) -> Iterator[Problem]:
    """Yield everything that keeps this draft from becoming an order; `gateways` with the methods that are offered."""
    if product is None or offer is None:
        yield problem("product", "unknown_product", "choose a product of this shop")
    else:
        yield from _of_product(draft, product, offer, now=now, conditions=conditions)
        yield from _of_words(
            draft, words_shown(consents, product, draft.lang, conditions.terms.get(draft.lang, ""))
        )
    if offer is None or not offer.free:
        yield from _of_gateway(draft, gateways)
    if draft.lang not in langs:
        yield problem("lang", "unknown_language", f"choose one of {', '.join(langs)}")
    yield from _of_country(draft, conditions.countries)
    for name in REQUIRED_CONSENTS:
        if name in consents and name not in draft.consents:
            message = "tick this box; without it the order can not be taken"
            yield problem(f"consent_{name}", "consent_missing", message)


def _of_gateway(draft: Draft, gateways: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    if draft.gateway not in gateways:
        yield problem("gateway", "unknown_gateway", "choose one of the payment methods shown")
    elif draft.method and draft.method not in gateways[draft.gateway]:
        yield problem("method", "unknown_method", "choose one of the payment methods shown")


def _of_country(draft: Draft, countries: Collection[str]) -> Iterator[Problem]:
    if countries and not draft.buyer.country:
        yield problem("country", "missing", "choose the country in which you live")
    elif countries and draft.buyer.country not in countries:
        yield problem("country", "unknown_country", f"choose one of {', '.join(countries)}")


def _of_product(
    draft: Draft, product: Product, offer: Offer, *, now: datetime, conditions: Conditions
) -> Iterator[Problem]:
    if not product.on_sale(now):
        yield problem("product", "not_on_sale", "this product is not on sale now")
    if draft.coupon:
        currency = product.price.currency
        why = coupons.problem(draft.coupon, conditions.coupons, product.slug, now=now, currency=currency)
        yield from filter(None, [why])
    if draft.price_shown and draft.price_shown != str(offer.price):
        message = f"the price changed to {offer.price}; please confirm it by ordering again"
        yield problem("price_shown", "price_changed", message)


def _of_words(draft: Draft, now: str) -> Iterator[Problem]:
    """Yield that an old page showed other words: the boxes that were ticked there say nothing about those of now."""
    if draft.words_shown and draft.words_shown != now:
        message = "the boxes, the terms or the access changed; read them and tick the boxes again"
        yield problem("words_shown", "words_changed", message)


def quotas(product: Product, offer: Offer, conditions: Conditions) -> tuple[Quota, ...]:
    """Return what this order takes one of: a seat, a use of its coupon."""
    found = [] if product.seats is None else [Quota(name=f"seats/{product.slug}", limit=product.seats)]
    coupon = conditions.coupons.get(offer.coupon)
    if coupon is not None and coupon.limit is not None:
        found.append(Quota(name=f"coupon/{coupon.code}", limit=coupon.limit))
    return tuple(found)


def gone(quota: Quota) -> Problem:
    """Return the problem that nothing is left of this."""
    if quota.name.startswith("coupon/"):
        return problem("coupon", "coupon_used_up", "this code was used as often as it could be; leave it out")
    return problem("product", "sold_out", "every place in this course is taken at this moment")


def paid_with_nothing(order: Order, now: datetime) -> Order:
    """Return a free order as it is born: paid, with a payment of nothing."""
    event = PaymentEvent(
        order=order.id, gateway=FREE, reference=FREE, kind="paid", shop_id=FREE, money=order.intent.price
    )
    return order.apply(event, now=now)


def problem(field: str, code: str, message: str) -> Problem:
    """Return one problem of an order form."""
    return Problem(field=field, code=code, message=message)
