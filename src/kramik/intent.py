"""What the buyer wanted, as it was when they ordered: the part of an order that never changes.

A `Draft` is the form as the buyer sent it, already parsed; an `Intent` is that draft joined with the
product, the price and the gateway of the moment, so that nobody has to ask today's catalogue about yesterday.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

import msgspec

from kramik.catalogue import LegalKind, Product
from kramik.money import Money
from kramik.offer import Offer

REQUIRED_CONSENTS = ("terms", "immediate")
"""Without `terms` there is no contract; without `immediate` access could only be given after 14 days (CRD art. 16m)."""

CONSENTS = (*REQUIRED_CONSENTS, "marketing")


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of which there are only so many (seats, uses of a coupon), and how many there were."""

    name: str
    limit: int


class Invoice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The company that the invoice names; `tax_id` is normalised (PL: ten digits of the NIP)."""

    company: str
    tax_id: str
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = "PL"


class Buyer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who buys: the address that receives the access, as typed, a name, and the country, where the shop asks for it."""

    email: str
    name: str
    invoice: Invoice | None = None
    country: str = ""

    @property
    def masked_email(self) -> str:
        """Return what reminds the buyer of the address and tells nobody else: `j***@example.org`."""
        local, _, domain = self.email.rpartition("@")
        return f"{local[:1]}***@{domain}"


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A box that the buyer ticked: which text, in which version and language, and when (UTC)."""

    id: str
    version: str
    sha256: str
    lang: str
    given_at: datetime


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The order form as sent; `key` is the idempotency key, empty when the sender gave none."""

    product: str
    buyer: Buyer
    lang: str = ""
    gateway: str = ""
    method: str = ""
    consents: tuple[str, ...] = ()
    button: str = ""
    price_shown: str = ""
    words_shown: str = ""
    catalogue: str = ""
    source: str = ""
    coupon: str = ""
    key: str = msgspec.field(default="", name="idempotency_key")

    @property
    def digest(self) -> str:
        """Return the hash of everything but the key: equal content, equal digest."""
        content = msgspec.structs.replace(self, key="")
        return sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


class Intent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that was agreed. `shop_id` is our id at the gateway, which an honest notification repeats."""

    product: str
    title: str
    price: Money
    course: str
    buyer: Buyer
    lang: str
    gateway: str
    shop_id: str
    digest: str
    sequence: str = ""
    access_days: int | None = None
    legal_kind: LegalKind = "content"
    method: str = ""
    consents: tuple[Consent, ...] = ()
    button: str = ""
    price_shown: str = ""
    catalogue: str = ""
    source: str = ""
    regular: Money | None = None
    lowest: Money | None = None
    coupon: str = ""
    terms: str = ""
    """Version and hash of the terms as they were shown, such as `2026-11-01 sha256:9f…`."""

    quotas: tuple[Quota, ...] = ()
    keyed: bool = False
    """The sender gave an idempotency key, so nobody else can have derived this order from what they know of it."""


class ConsentText(msgspec.Struct, frozen=True, kw_only=True):
    """A text beside a box, as the shop shows it today."""

    id: str
    version: str
    texts: Mapping[str, str]

    def in_language(self, lang: str) -> str:
        """Return the text in this language, or in the first one that it has."""
        return self.texts.get(lang) or next(iter(self.texts.values()))

    def given(self, lang: str, now: datetime) -> Consent:
        """Return the evidence that this text was accepted now."""
        digest = sha256(self.in_language(lang).encode()).hexdigest()
        return Consent(id=self.id, version=self.version, sha256=digest, lang=lang, given_at=now)


def asked(texts: Mapping[str, ConsentText], name: str, kind: LegalKind) -> ConsentText | None:
    """Return the text beside a box for a product of this kind: its own, such as `immediate_event`, or that of all."""
    return texts.get(f"{name}_{kind}") or texts.get(name)


def words_shown(texts: Mapping[str, ConsentText], product: Product, lang: str, terms: str) -> str:
    """Return the hash of what a buyer agrees to beside the price: boxes, terms, the kind of contract, the access.

    An order form sends it back, so that no order keeps words that its buyer did not see.
    """
    boxes = filter(None, (asked(texts, name, product.legal_kind) for name in CONSENTS))
    said = [(each.id, each.version, each.in_language(lang)) for each in boxes]
    content = (terms, product.legal_kind, product.access_days, said)
    return sha256(msgspec.json.encode(content)).hexdigest()[:32]


def intend(
    draft: Draft, product: Product, *, shop_id: str, consents: tuple[Consent, ...], offer: Offer | None = None
) -> Intent:
    """Join what was sent with what is sold now, for the price of the offer."""
    offer = offer or Offer(price=product.price)
    return Intent(
        product=product.slug,
        title=product.title(draft.lang),
        price=offer.price,
        regular=offer.regular,
        lowest=offer.lowest,
        coupon=offer.coupon,
        course=product.course,
        sequence=product.sequence,
        access_days=product.access_days,
        legal_kind=product.legal_kind,
        shop_id=shop_id,
        consents=consents,
        digest=draft.digest,
        buyer=draft.buyer,
        lang=draft.lang,
        gateway=draft.gateway,
        method=draft.method,
        button=draft.button,
        price_shown=draft.price_shown,
        catalogue=draft.catalogue,
        source=draft.source,
    )
