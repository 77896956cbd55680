"""The courses as an Atom feed: the newest first, by the day on which a price was first written down.

Source: RFC 4287. A course is dated by `prices.csv`; one that is not in it yet is dated by its build.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from kramik.catalogue import Product
from kramik.site.source import Source

FILE = "feed.xml"
_LONGEST = 50


def atom(source: Source, lang: str) -> str:
    """Return the text of the feed in a language."""
    home = f"{source.site}{source.prefix(lang)}/"
    dated = sorted(
        ((*_dates(source, product), product) for product in source.catalogue if _known(source, product)),
        key=lambda each: (each[0], each[2].slug),
        reverse=True,
    )[:_LONGEST]
    updated = max((changed for _, changed, _ in dated), default=source.now)
    entries = "".join(_entry(home, product, lang, (born, changed)) for born, changed, product in dated)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(lang)}>\n'
        f"<title>{escape(source.name)}</title>\n<id>{escape(home)}</id>\n"
        f'<link href={quoteattr(home)}/>\n<link rel="self" href={quoteattr(home + FILE)}/>\n'
        f"<author><name>{escape(source.seller.get('name') or source.name)}</name></author>\n"
        f"<updated>{_moment(updated)}</updated>\n{entries}</feed>\n"
    )


def _entry(home: str, product: Product, lang: str, dates: tuple[datetime, datetime]) -> str:
    born, changed = dates
    words, address = product.in_language(lang), f"{home}{product.slug}/"
    return (
        f"<entry>\n<title>{escape(words.title)}</title>\n<id>{escape(address)}</id>\n"
        f"<link href={quoteattr(address)}/>\n<published>{_moment(born)}</published>\n"
        f"<updated>{_moment(changed)}</updated>\n<summary>{escape(words.summary)}</summary>\n</entry>\n"
    )


def _known(source: Source, product: Product) -> bool:
    """Say whether a course has a date: one that is only announced has none, and would be news with each build."""
    announced = product.opens is not None and product.opens > source.now
    return not announced or product.slug in source.conditions.prices.changes


def _dates(source: Source, product: Product) -> tuple[datetime, datetime]:
    changes = source.conditions.prices.changes.get(product.slug, ())
    return (changes[0].since, changes[-1].since) if changes else (source.now, source.now)


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
