"""Read a page the way these tests ask about it: a strict parser that refuses what is not well nested."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())


class Element:
    """One element: its tag, its attributes, its own and inner text, and its children."""

    def __init__(self, tag: str, attrs: dict[str, str]) -> None:
        self.tag, self.attrs = tag, attrs
        self.children: list[Element] = []
        self.pieces: list[str | Element] = []

    @property
    def text(self) -> str:
        """Return all text inside."""
        return "".join(each if isinstance(each, str) else each.text for each in self.pieces)

    def __iter__(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            yield from child

    def all(self, tag: str = "", **attrs: str) -> list[Element]:
        """Return every element inside with this tag and these attributes."""
        return [
            each for each in self if each.tag == (tag or each.tag) and attrs.items() <= each.attrs.items()
        ]

    def one(self, tag: str = "", **attrs: str) -> Element:
        """Return the only such element."""
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} of <{tag} {attrs}>"
        return found[0]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> names an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        self.open[-1].pieces.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> stands where <{self.open[-1].tag}> is open"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].pieces.append(data)


def parse(page: str) -> Element:
    """Return the root of a page."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.open == [parser.root], f"never closed: {[each.tag for each in parser.open]}"
    return parser.root
