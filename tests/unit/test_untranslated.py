"""What one language of a course says and another does not is advice, with the names of its keys."""

from __future__ import annotations

from kramik import catalogue, untranslated

FRONT = """---
title: Kurs
summary: s
price: 1.00 PLN
course: k
outcomes: [czytać]
requirements: przeglądarka
---
Tekst.
"""


def said(*languages: str, **files: str) -> list[str]:
    """Return the advice for a shop of these languages with these translations of one course."""
    texts = {"kurs.md": FRONT, **{f"kurs.{lang}.md": text for lang, text in files.items()}}
    return list(untranslated.courses(tuple(catalogue.read(texts, lang="pl")), languages))


def test_a_course_without_a_translation() -> None:
    """Its pages are shown in its own language; the author may not know it."""
    (sentence,) = said("pl", "en")
    assert sentence.startswith("products/kurs.en.md is not there")


def test_a_translation_that_says_less() -> None:
    """Each key that is missing is named, also what the law wants to be known."""
    (sentence,) = said("pl", "en", en="---\ntitle: Course\nsummary: s\n---\n")
    assert "lacks its Markdown, outcomes, requirements, which products/kurs.md has" in sentence


def test_a_translation_that_says_all_or_more() -> None:
    """Nothing is said of it, nor in a shop of one language."""
    whole = FRONT.replace("price: 1.00 PLN\ncourse: k\n", "eyebrow: Online\n")
    assert [] == said("pl", "en", en=whole)
    assert [] == said("pl")
