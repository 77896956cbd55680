"""The look: templates and assets, the shop's own before the default ones.

A shop's `product.html` replaces ours, or extends `theme/product.html` and overrides one block of it.
A theme runs code: install only themes whose author you trust.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kramik.errors import ConfigurationError, Problem
from kramik.site import switches
from kramik.site.pictures import Pictures
from kramik.site.source import Source
from kramik.site.texts import Texts

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
VARIANTS = ("warsztat",)
"""Sets of tokens laid over those of the default theme, `zeszyt`."""
_SMALL = HERE / "assets" / "small"
"""Our scripts as they are sent, made of those in `assets` by `tests/quality/test_scripts.py`; a shop's own is not."""
ASSETS = (
    "kramik.css",
    "course-order.js",
    "coupon.js",
    "switch.js",
    "thanks.js",
    "payment.js",
    "icon.svg",
)


def _problem(template: str, error: Exception) -> Problem:
    """Say where a template is wrong: Jinja puts its lines into the stack trace."""
    names = [(Path(frame.filename).name, frame.lineno or 1) for frame in extract_tb(error.__traceback__)]
    name, line = next((each for each in reversed(names) if each[0].endswith(".html")), (template, 1))
    if hasattr(error, "lineno"):
        name, line = Path(getattr(error, "name", None) or name).name, error.lineno
    why = f"there is no template {error}" if isinstance(error, LookupError) else str(error)
    return Problem(field=f"templates/{name}:{line}", code="template", message=f"can not be rendered: {why}")


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
        self._titles: dict[str, list[tuple[str, str]]] = {}

    def render(self, template: str, texts: Texts, values: dict[str, object]) -> str:
        """Return the page that a template makes of the texts of a language and the values.

        Raises:
            ConfigurationError: the template is wrong, or names what does not exist; show file and line to the author.
        """
        from jinja2 import TemplateError  # noqa: PLC0415 - as Jinja itself

        try:
            return _environment(self._own, texts).get_template(template).render(values, t=texts)
        except ConfigurationError:
            raise
        except Exception as error:  # a template of a shop is code, and may raise whatever it likes
            if self._own is None and not isinstance(error, TemplateError):
                raise
            raise ConfigurationError(_problem(template, error)) from error

    def titles(self, lang: str) -> list[tuple[str, str]]:
        """Return name and title of every page that the author wrote, in this language where it is there."""
        if lang not in self._titles:
            pages = ((name, self.source.page(name, lang)) for name in self.source.page_names())
            self._titles[lang] = [(name, page.title) for name, page in pages if page]
        return self._titles[lang]

    @cached_property
    def pictures(self) -> Pictures:
        """Return the author's pictures."""
        return Pictures(self.source.pictures, urlsplit(self.source.site).path.rstrip("/"))

    @cached_property
    def assets(self) -> dict[str, Asset]:
        """Return every asset by its plain name.

        `user.css` of the shop ends the style; what only some shops need begins the script of the order page.
        """
        contents = {name: self._content(name) for name in ASSETS}
        coupon, style = contents.pop("coupon.js"), contents["kramik.css"]
        if self.source.conditions.coupons:
            contents["course-order.js"] = coupon + contents["course-order.js"]
        if switches.moments(
            self.source.catalogue
        ):  # whatever time it is: the API names the same files as the site
            contents["course-order.js"] = contents["switch.js"] + contents["course-order.js"]
        else:
            del contents["switch.js"]
        if self.source.theme in VARIANTS:
            style += (HERE / "assets" / f"{self.source.theme}.css").read_bytes()
        user = self._own / "user.css" if self._own else None
        if user and user.is_file():
            style += user.read_bytes()
        contents["kramik.css"] = style
        return {name: Asset(name, content) for name, content in contents.items()}

    def _content(self, name: str) -> bytes:
        own = self._own / "assets" / name if self._own else None
        ours = (HERE / "assets" / name).read_bytes()
        content = own.read_bytes() if own and own.is_file() else ours
        return (_SMALL / name).read_bytes() if name.endswith(".js") and content == ours else content


@lru_cache(16)
def _environment(own: Path | None, texts: Texts) -> Environment:
    """Return a folder's templates over the default ones; those are read once, its own anew when they changed."""
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined  # noqa: PLC0415

    from kramik.site.folded import FoldedEnvironment  # noqa: PLC0415 - as Jinja itself

    default = FileSystemLoader(HERE / "theme")
    loaders = [FileSystemLoader(own)] if own else []
    return FoldedEnvironment(
        texts,
        loader=ChoiceLoader([*loaders, PrefixLoader({"theme": default}), default]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=own is not None,
    )
