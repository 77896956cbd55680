"""What search engines read: products, courses, the shop and where a page stands, as JSON-LD.

No rating is claimed: reviews on a page are the author's choice, and their average would be invented.
No return policy either: whether the right of withdrawal is lost depends on what the buyer agrees to.
Source: schema.org (Product, Course, Offer, ItemList, BreadcrumbList, Organization).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from kramik.catalogue import Product
from kramik.offer import Offer
from kramik.site.source import Source

Node = dict[str, object]


def script(*nodes: Mapping[str, object]) -> Markup:
    """Return nodes as a script element that no text inside can close."""
    text = json.dumps({"@context": "https://schema.org", "@graph": nodes}, ensure_ascii=False)
    safe = Markup(text.replace("<", "\\u003c"))  # noqa: S704 - JSON in which nothing can close the element
    return Markup('<script type="application/ld+json">{}</script>').format(safe)


def organization(source: Source) -> Node:
    """Return who sells."""
    seller = source.seller
    node: Node = {
        "@type": "Organization",
        "@id": f"{source.site}/#seller",
        "name": seller.get("name") or source.name,
    }
    node["url"] = f"{source.site}/"
    known = {"email": "email", "telephone": "phone", "taxID": "tax_id", "address": "address"}
    return node | {name: seller[key] for name, key in known.items() if seller.get(key)}


def listed(entries: Sequence[tuple[str, str]]) -> Node:
    """Return the courses of the front page: address and title of each."""
    items = [
        {"@type": "ListItem", "position": place, "url": url, "name": title}
        for place, (url, title) in enumerate(entries, start=1)
    ]
    return {"@type": "ItemList", "itemListElement": items}


def trail(entries: Sequence[tuple[str, str]]) -> Node:
    """Return the way from the front page to this one: address and title of each step."""
    items = [
        {"@type": "ListItem", "position": place, "item": url, "name": title}
        for place, (url, title) in enumerate(entries, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def course(source: Source, product: Product, lang: str, offer: Offer, *, address: str, picture: str) -> Node:
    """Return a product that is a course, with what it costs now."""
    words = product.in_language(lang)
    node: Node = {
        "@type": ["Product", "Course"],
        "@id": f"{address}#course",
        "name": words.title,
        "description": words.summary or words.title,
        "url": address,
        "inLanguage": lang if lang in product.words else product.lang,
        "provider": {"@id": f"{source.site}/#seller"},
        "offers": _offer(source, product, offer, address),
        "hasCourseInstance": _instance(words.blocks.minutes),
    }
    return node | ({"image": picture} if picture else {})


def _offer(source: Source, product: Product, offer: Offer, address: str) -> Node:
    sold = product.on_sale(source.now)
    node: Node = {
        "@type": "Offer",
        "url": address,
        "price": offer.price.amount,
        "priceCurrency": offer.price.currency,
        "availability": f"https://schema.org/{'InStock' if sold else 'OutOfStock'}",
        "category": "Free" if offer.free else "Paid",
        "seller": {"@id": f"{source.site}/#seller"},
    }
    moments = {
        "availabilityStarts": product.opens,
        "availabilityEnds": product.closes,
        "priceValidUntil": offer.until,
    }
    return node | {name: moment.isoformat() for name, moment in moments.items() if moment}


def _instance(minutes: int) -> Node:
    node: Node = {"@type": "CourseInstance", "courseMode": "Online"}
    hours, rest = divmod(minutes, 60)
    lasts = f"PT{f'{hours}H' if hours else ''}{f'{rest}M' if rest else ''}"
    return node | ({"courseWorkload": lasts} if minutes else {})
