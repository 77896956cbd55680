"""The look: templates and assets, the shop's own before the default ones.

A shop's `product.html` replaces ours, or extends `theme/product.html` and overrides one block of it.
A theme runs code: install only themes whose author you trust.
"""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from kramik.site.source import Source

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
ASSETS = ("kramik.css", "order.js", "thanks.js", "payment.js", "icon.svg")


class Asset:
    """A file whose name carries the hash of its content, so that it can be kept for ever."""

    def __init__(self, name: str, content: bytes) -> None:
        stem, _, end = name.rpartition(".")
        self.path = f"assets/{stem}.{sha256(content).hexdigest()[:10]}.{end}"
        self.content = content


class Theme:
    """Templates and assets of one shop; Jinja is imported when the first page is rendered."""

    def __init__(self, source: Source, templates: Path | None = None) -> None:
        self.source = source
        self._own = templates

    def render(self, template: str, values: dict[str, object]) -> str:
        """Return the page that a template makes of the values; an unknown name in it is an error."""
        return self._environment.get_template(template).render(values)

    @cached_property
    def assets(self) -> dict[str, Asset]:
        """Return every asset by its plain name; `user.css` of the shop ends the style sheet."""
        found = {name: Asset(name, self._content(name)) for name in ASSETS}
        user = self._own / "user.css" if self._own else None
        if user and user.is_file():
            found["kramik.css"] = Asset("kramik.css", found["kramik.css"].content + user.read_bytes())
        return found

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined  # noqa: PLC0415

        default = FileSystemLoader(HERE / "theme")
        own = [FileSystemLoader(self._own)] if self._own else []
        return Environment(
            loader=ChoiceLoader([*own, PrefixLoader({"theme": default}), default]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def _content(self, name: str) -> bytes:
        own = self._own / "assets" / name if self._own else None
        return (own if own and own.is_file() else HERE / "assets" / name).read_bytes()
