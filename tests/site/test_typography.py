"""Shortcuts of typography and Markdown say what the long way says, whatever the text."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from kramik.site import markdown
from kramik.site.shown import NO_BREAK, typeset

LINES = st.text(
    st.sampled_from("ab iz5ż AŁ.,;:-–—'\"()/#>+=|~^%$@{}\t\u00a0\u2028\u200b\u0301*_`[]!<&\\\n"), max_size=24
)
WORDS = st.text(st.sampled_from("aiwzAIWkż 5 12,.-(\t\n\u00a0"), max_size=24)


@given(WORDS)
@example("5 w domu i 2 a z b")
def test_typeset(text: str) -> None:
    """Two rules, one after the other: a number and what it counts, then a Polish word of one letter and the next."""
    counted = re.sub(r"(?<=[0-9]) (?=\w)", NO_BREAK, text)
    orphans = re.sub(r"(?<!\w)([aiouwzAIOUWZ]) (?=\S)", rf"\1{NO_BREAK}", counted)

    assert (counted, orphans) == (typeset(text, "en"), typeset(text, "pl"))


@given(LINES)
@example("a\u00a0")
@example('a "b" c')
@example("a  \n")
def test_markdown_without_marks(text: str) -> None:
    """A line of plain words is what CommonMark makes of it, in a paragraph and without one."""
    parser = markdown._parser()
    for whole in (text, f"{text}\n"):
        assert str(markdown._rendered(parser.parse(whole), "pl")) == str(markdown.render(whole, "pl"))
    assert str(markdown._rendered(parser.parseInline(text), "pl")) == str(markdown.inline(text, "pl"))
