"""What a template of the shop asks of a browser that the site's own Content-Security-Policy stops, without a word.

A theme is code of the author, and a counter or a film that is pasted into it looks right in the file; in the page it is
dead. Markdown holds no HTML, so only a shop with templates of its own is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from kramik.site.source import Source, origin

_FRAMES = frozenset({"iframe", "object", "embed", "base"})
_LOADED = frozenset({"script", "source", "video", "audio"})
_LINKED = frozenset({"stylesheet", "preload", "modulepreload", "manifest", "icon"})
_DATA = frozenset({"application/ld+json", "application/json"})


def found(source: Source, pages: Mapping[str, bytes]) -> Iterator[tuple[str, str, str]]:
    """Yield page, tag and what is wrong with it, each tag once."""
    told: set[str] = set()
    for path, content in pages.items():
        page = _Tags(source, f"{source.site}/{path}")
        page.feed(content.decode("utf-8", "replace"))
        for tag, why in page.stopped:
            if tag not in told:
                told.add(tag)
                yield path, tag, why


class _Tags(HTMLParser):
    """The tags of a page that do nothing."""

    def __init__(self, source: Source, address: str) -> None:
        super().__init__()
        self.stopped: list[tuple[str, str]] = []
        self._address, self._site = address, origin(source.site)
        self._forms = {self._site, origin(source.api), *source.form_action_origins}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it if the policy stops it."""
        why = next(self._why(tag, {name: value or "" for name, value in attrs}), "")
        if why:
            self.stopped.append((self.get_starttag_text() or tag, why))

    def _why(self, tag: str, attrs: Mapping[str, str]) -> Iterator[str]:
        handlers = [name for name in attrs if name.startswith("on")]
        if handlers:
            yield f"has the attribute {handlers[0]}; put the script into a file of assets/"
        if "style" in attrs or tag == "style":
            yield "holds style; put it into templates/user.css"
        if tag == "script" and "src" not in attrs and attrs.get("type") not in _DATA:
            yield "holds a script; put it into a file of assets/"
        if tag in _FRAMES:
            yield f"is a tag {tag}; link to what it would show"
        link = attrs.get("href", "") if tag == "link" and attrs.get("rel") in _LINKED else ""
        loaded = attrs.get("src", "") if tag in _LOADED else link
        if loaded and self._origin(loaded) != self._site:
            yield f"loads {loaded} from somebody else; link to it, or keep it on your own host"
        action = attrs.get("action", "") if tag == "form" else ""
        if action and self._origin(action) not in self._forms:
            yield f"sends a form to {action}; link to a page with that form"

    def _origin(self, link: str) -> str:
        where = urljoin(self._address, link)
        return self._site if urlsplit(where).scheme == "data" else origin(where)
