"""The author's Markdown as HTML: CommonMark with tables; raw HTML stays text and unsafe links stay words.

An image is a file of the shop's `pictures/`; one that stands alone is a figure, and its title the caption.
A table stands in a box of its own, which scrolls on a narrow screen and can be reached with the keyboard; so can code.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from kramik.site import illustrated
from kramik.site.pictures import Pictures
from kramik.site.shown import typeset

_PLAIN = re.compile(r"[^\n\r\0\\`*_\[\]<>&!]+")
"""A line in which CommonMark sees words only; most lines of a sales page are such, and need no parser."""


def render(text: str, lang: str, pictures: Pictures | None = None) -> Markup:
    """Return the HTML of a text in this language.

    Raises:
        ConfigurationError: it shows a picture that is none; show it to the author.
    """
    line = text.removesuffix("\n")
    if line[:1].isalpha() and not line[-1].isspace() and _PLAIN.fullmatch(line):
        return Markup(f"<p>{_words(line, lang)}</p>\n")  # noqa: S704 - as below
    return _rendered(_parser().parse(text), lang, pictures)


def inline(text: str, lang: str, pictures: Pictures | None = None) -> Markup:
    """Return the HTML of one line, without a paragraph around it.

    Raises:
        ConfigurationError: as `render`.
    """
    if _PLAIN.fullmatch(text):
        return _words(text, lang)
    return _rendered(_parser().parseInline(text), lang, pictures)


def _words(line: str, lang: str) -> Markup:
    return Markup(typeset(line, lang).replace('"', "&quot;"))  # noqa: S704 - nothing else in such a line needs escaping


def _rendered(tokens: list[Token], lang: str, pictures: Pictures | None = None) -> Markup:
    parser = _parser()
    _set_apart(tokens)
    for token in tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = typeset(child.content, lang)
    env = {"pictures": pictures, "lang": lang}
    return Markup(parser.renderer.render(tokens, parser.options, env))  # noqa: S704 - escaped by the renderer


def _set_apart(tokens: list[Token]) -> None:
    """Make a figure of each paragraph that is nothing but an image."""
    for opening, middle, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        children = middle.children or []
        if opening.type == "paragraph_open" and [each.type for each in children] == ["image"]:
            opening.tag = closing.tag = "figure"
            children[0].meta["alone"] = True


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Reachable).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0">\n<table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    return parser


class _Reachable(RendererHTML):
    def image(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        token, pictures = tokens[idx], env["pictures"]
        file = illustrated.file_of(str(token.attrGet("src") or ""))
        if pictures is None or file is None:
            return super().image(tokens, idx, options, env)
        alt = self.renderInlineAsText(token.children, options, env)
        caption = token.attrGet("title") if token.meta.get("alone") else None
        words = (
            Markup('<figcaption class="small">{}</figcaption>').format(typeset(str(caption), env["lang"]))
            if caption
            else ""
        )
        return f"{illustrated.shown(pictures, file, alt, 'text')}{words}"

    def fence(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        return super().fence(tokens, idx, options, env).replace("<pre>", '<pre tabindex="0">', 1)

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        return super().code_block(tokens, idx, options, env).replace("<pre>", '<pre tabindex="0">', 1)
