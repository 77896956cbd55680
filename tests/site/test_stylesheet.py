"""What a style sheet leaves open is told with its line; what is in order is left alone."""

from __future__ import annotations

import pytest

from kramik.site.stylesheet import faults
from kramik.site.theme import HERE


@pytest.mark.parametrize("sheet", sorted((HERE / "assets").glob("*.css")), ids=lambda file: file.name)
def test_what_we_ship_is_in_order(sheet: object) -> None:
    """Our own sheets, with all that they use of the language, have no fault."""
    assert [] == list(faults((HERE / "assets" / str(sheet)).read_text("utf-8")))


@pytest.mark.parametrize(
    ("sheet", "line", "why"),
    [
        (":root {\n  --hue: 150;\n", 1, "opens { and never closes it"),
        ("a { color: red }\n\nb {\n  c { color: red }\n", 3, "opens { and never closes it"),
        ("a { color: rgb(1 2 3; }\n", 1, "opens ( and never closes it"),
        ("a { color: red }\n}\n", 2, "closes with } what nothing opened"),
        ('a { content: "x;\n}\n', 1, "begins a text that its line does not end"),
        ("a { content: '\\';\n}\n", 1, "begins a text that its line does not end"),
        ("a { }\n/* never\n} {", 2, "begins a comment that nothing ends"),
        ("a[b { color: red }\n", 1, "opens [ and never closes it"),
    ],
)
def test_what_is_left_open(sheet: str, line: int, why: str) -> None:
    """The one fault names the line on which it begins, and what to write."""
    (fault,) = faults(sheet)

    assert (line, True) == (fault.line, why in fault.why)


@pytest.mark.parametrize(
    "sheet",
    [
        'a { content: "}" }',
        "a { content: '\\'}' }",
        "/* } */ a { }",
        "a { background: url(https://x.example/a'b{c) }",
        'a { content: "one\\\ntwo" }',
        "a\\{b { color: red }",
        "@media (width > 1px) { a { b { color: rgb(1 2 3) } } }",
    ],
)
def test_what_only_seems_to_be_open(sheet: str) -> None:
    """Signs in texts, comments, addresses and names open nothing."""
    assert [] == list(faults(sheet))
