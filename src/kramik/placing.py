"""What can be wrong with a draft that was read without a problem, and which order it is: pure.

The id of an order is derived from the idempotency key, so the same key is the same order with one write.
Without a key it is derived from the whole content and a window of ten minutes: two clicks are one order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from kramik.catalogue import Product
from kramik.errors import Problem
from kramik.intent import REQUIRED_CONSENTS, Consent, ConsentText, Draft

WINDOW = 600
"""Seconds."""


def idempotency(draft: Draft, now: datetime) -> str:
    """Return the text that an order's id is derived from."""
    if draft.key:
        return f"key/{draft.key}"
    return f"window/{int(now.timestamp()) // WINDOW}/{draft.digest}"


def given(draft: Draft, texts: Mapping[str, ConsentText], now: datetime) -> tuple[Consent, ...]:
    """Return the evidence of every box that was ticked."""
    return tuple(texts[name].given(draft.lang, now) for name in draft.consents if name in texts)


def problems(
    draft: Draft,
    product: Product | None,
    *,
    now: datetime,
    gateways: Mapping[str, Collection[str]],
    langs: Collection[str],
    consents: Collection[str],
) -> Iterator[Problem]:
    """Yield everything that keeps this draft from becoming an order; `gateways` with the methods that are offered."""
    yield from _of_product(draft, product, now)
    if draft.gateway not in gateways:
        yield problem("gateway", "unknown_gateway", "choose one of the payment methods shown")
    elif draft.method and draft.method not in gateways[draft.gateway]:
        yield problem("method", "unknown_method", "choose one of the payment methods shown")
    if draft.lang not in langs:
        yield problem("lang", "unknown_language", f"choose one of {', '.join(langs)}")
    for name in REQUIRED_CONSENTS:
        if name in consents and name not in draft.consents:
            message = "tick this box; without it the order can not be taken"
            yield problem(f"consent_{name}", "consent_missing", message)


def _of_product(draft: Draft, product: Product | None, now: datetime) -> Iterator[Problem]:
    if product is None:
        yield problem("product", "unknown_product", "choose a product of this shop")
        return
    if not product.on_sale(now):
        yield problem("product", "not_on_sale", "this product is not on sale now")
    if draft.price_shown and draft.price_shown != str(product.price):
        message = f"the price changed to {product.price}; please confirm it by ordering again"
        yield problem("price_shown", "price_changed", message)


def problem(field: str, code: str, message: str) -> Problem:
    """Return one problem of an order form."""
    return Problem(field=field, code=code, message=message)
