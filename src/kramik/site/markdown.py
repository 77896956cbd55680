"""The author's Markdown as HTML: CommonMark with tables; raw HTML stays text and unsafe links stay words.

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

from kramik.site.shown import typeset

_PLAIN = re.compile(r"[^\n\r\0\\`*_\[\]<>&!]+")
"""A line in which CommonMark sees words only; most lines of a sales page are such, and need no parser."""


def render(text: str, lang: str) -> Markup:
    """Return the HTML of a text in this language."""
    line = text.removesuffix("\n")
    if line[:1].isalpha() and not line[-1].isspace() and _PLAIN.fullmatch(line):
        return Markup("<p>{}</p>\n").format(_words(line, lang))
    return _rendered(_parser().parse(text), lang)


def inline(text: str, lang: str) -> Markup:
    """Return the HTML of one line, without a paragraph around it."""
    if _PLAIN.fullmatch(text):
        return _words(text, lang)
    return _rendered(_parser().parseInline(text), lang)


def _words(line: str, lang: str) -> Markup:
    return Markup(typeset(line, lang).replace('"', "&quot;"))  # noqa: S704 - nothing else in such a line needs escaping


def _rendered(tokens: list[Token], lang: str) -> Markup:
    parser = _parser()
    for token in tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = typeset(child.content, lang)
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - escaped by the renderer


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Reachable).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0">\n<table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    return parser


class _Reachable(RendererHTML):
    def fence(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        return super().fence(tokens, idx, options, env).replace("<pre>", '<pre tabindex="0">', 1)

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        return super().code_block(tokens, idx, options, env).replace("<pre>", '<pre tabindex="0">', 1)
