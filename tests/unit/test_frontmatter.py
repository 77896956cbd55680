from __future__ import annotations

import pytest

from kramik import frontmatter
from kramik.catalogue import Front
from kramik.errors import ConfigurationError

GOOD = "title: Kurs\nprice: 1.00 PLN\ncourse: c\n"


def told(front: str) -> list[str]:
    """Return every problem of front matter, as the author reads it."""
    with pytest.raises(ConfigurationError) as caught:
        frontmatter.read("products/a.md", front, Front)
    return [str(each) for each in caught.value.problems]


DEEP = {
    "programme:\n- title: A\n  lessons:\n  - B\n  - {title: C, minuts: 3}\n": (
        "9: programme[0].lessons[1].minuts is not known; did you mean 'minutes'?"
    ),
    "programme:\n- title: A\n  lessons:\n  - {title: Friday, 15:40}\n": (
        "8: programme[0].lessons[0] has a key that is no text; "
        "put quotes around a text with a comma or a colon in it"
    ),
    "questions:\n- {question: A, answer: B}\n- {question: C}\n": "7: questions[1] lacks answer; add it",
    "trust:\n- {number: 40, label: x}\n": (
        "6: trust[0].number must be text, not a number; put quotes around it"
    ),
    "author: Jan\n": "5: author must be a table of keys and values, not text",
    "facts: [a, '']\n": "5: facts[1] is empty; fill it, or leave it out",
    "outcomes:\n": "5: outcomes is left empty; it must be a list",
}


@pytest.mark.parametrize(("front", "said"), DEEP.items(), ids=range(len(DEEP)))
def test_a_mistake_deep_inside_names_its_line_and_what_to_do(front: str, said: str) -> None:
    """The line of the item, not of the block that it stands in; words of an author, not of a type checker."""
    assert [f"products/a.md:{said}"] == told(GOOD + front)


@pytest.mark.parametrize(
    ("front", "line", "hint"),
    [
        ("summary: Mind: a colon\n", 5, "put quotes around a text with a colon in it"),
        ("facts:\n\t- a\n", 6, "indent with spaces"),
        ("summary: @home\n", 5, "begins with @"),
        ("summary: 'never closed\n", 5, "close the quote"),
        ("facts: [a, b\nseats: 3\n", 6, "close the bracket"),
        ("opens: 2026-02-30\n", 5, "2026-02-30 is no moment that exists"),
        ("seats: 3\nsummary: x\nseats: 4\n", 7, "seats is written twice; keep one"),
    ],
)
def test_what_is_no_yaml_says_where_and_what_to_do(front: str, line: int, hint: str) -> None:
    """Whoever writes a course need not know the words of a parser."""
    said = told(GOOD + front)
    assert 1 == len(said)
    assert said[0].startswith(f"products/a.md:{line}: ")
    assert hint in said[0]


def test_a_key_that_a_text_repeats_is_no_key() -> None:
    """Lines of a long text may look like keys."""
    front = f"{GOOD}guarantee: |\n  seats: 3\n  seats: 4\nseats: 5\n"
    assert 5 == frontmatter.read("products/a.md", front, Front).seats


@pytest.mark.parametrize("front", ["- a\n- b\n", "just words\n"])
def test_a_list_or_a_sentence_is_no_front_matter(front: str) -> None:
    """It has no keys."""
    assert ["products/a.md:2: is no front matter: write keys and values, such as title: My course"] == told(
        front
    )
