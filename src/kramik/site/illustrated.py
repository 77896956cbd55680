"""Pictures in a page: those that front matter names, and those in the author's Markdown.

`![what it shows](board.jpg "a caption")` names a file of the shop's `pictures/`. So does `../pictures/board.jpg`, which
an editor's own preview finds from the folders `products/` and `pages/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from markupsafe import Markup

from kramik.site.pictures import FOLDER, Pictures

_IN_MARKDOWN = re.compile(r"!\[[^\]]*\]\(\s*(?:<([^>\n]+)>|([^\s)]+))")
_HERE = re.compile(rf"(?:(?:\.\./|\./|/)*{FOLDER}/)?(?P<file>[^/:?#][^:?#]*)")


def file_of(address: str) -> str | None:
    """Return the file of `pictures/` that an address in Markdown names; None for one that leads elsewhere."""
    found = _HERE.fullmatch(unquote(address))
    return found["file"] if found else None


def named(text: str) -> Iterator[str]:
    """Yield every file of `pictures/` that a Markdown text shows, or seems to show."""
    for pointed, plain in _IN_MARKDOWN.findall(text) if "![" in text else ():
        file = file_of(pointed or plain)
        if file is not None:
            yield file


def shown(pictures: Pictures, file: str, alt: str, kind: str) -> Markup:
    """Return a picture in the widths of its kind: hero, portrait, face or text.

    Raises:
        ConfigurationError: there is no such file, or it is no picture; show it to the author.
    """
    found = pictures.shown(file, kind)
    size = {"width": str(found.width), "height": str(found.height)} if found.width else {}
    when = {"fetchpriority": "high"} if kind == "hero" else {"loading": "lazy", "decoding": "async"}
    sources = {"srcset": found.jpeg, "sizes": found.sizes} if found.jpeg else {}
    best = (
        _tag("source", {"type": "image/avif", "srcset": found.avif, "sizes": found.sizes})
        if found.avif
        else ""
    )
    inside = _tag("img", {"src": found.source, **sources, "alt": alt, **size, **when})
    return Markup('<picture class="{}">{}{}</picture>').format(kind, best, inside)


def _tag(name: str, attributes: Mapping[str, str]) -> Markup:
    inside = Markup(" ").join(Markup('{}="{}"').format(*each) for each in attributes.items())
    return Markup("<{} {}>").format(name, inside)
