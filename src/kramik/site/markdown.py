"""The author's Markdown as HTML: CommonMark with tables; raw HTML stays text and unsafe links stay words.

A table stands in a box of its own, which scrolls on a narrow screen and can be reached with the keyboard.
"""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from kramik.site.shown import typeset


def render(text: str, lang: str) -> Markup:
    """Return the HTML of a text in this language."""
    return _rendered(_parser().parse(text), lang)


def inline(text: str, lang: str) -> Markup:
    """Return the HTML of one line, without a paragraph around it."""
    return _rendered(_parser().parseInline(text), lang)


def _rendered(tokens: list[Token], lang: str) -> Markup:
    parser = _parser()
    for token in tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = typeset(child.content, lang)
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - escaped by the renderer


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0">\n<table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    return parser
