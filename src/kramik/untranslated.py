"""What a shop of several languages says in one and not in another: its author sees only the pages that they read."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from kramik.catalogue import Product, Words


def courses(products: Collection[Product], languages: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each course that lacks a language, or says less in it."""
    for product in products:
        for lang in languages:
            if lang != product.lang:
                yield from _course(product, lang)


def _course(product: Product, lang: str) -> Iterator[str]:
    own, file = product.words[product.lang], f"products/{product.slug}.{lang}.md"
    if lang not in product.words:
        yield f"{file} is not there: the pages of this course are written in {product.lang!r} in every language"
        return
    missing = sorted(_said(own) - _said(product.words[lang]))
    if missing:
        named = ", ".join("its Markdown" if name == "body" else name for name in missing)
        yield f"{file} lacks {named}, which products/{product.slug}.md has; translate it, or leave it on purpose"


def _said(words: Words) -> set[str]:
    """Return the names of everything that is said."""
    blocks = {
        field.name for field in msgspec.structs.fields(words.blocks) if getattr(words.blocks, field.name)
    }
    return blocks | {name for name in ("summary", "body") if getattr(words, name).strip()}
