"""Courses for the site's chapter: every block of a sales page filled, and no text the same in two courses.

A course is a tree of front matter; each text in it has a number in one place, so that nothing can be made once for all.
"""

from __future__ import annotations

from collections.abc import Callable

import yaml

Tree = dict[str, object]
BODY = "body"
"""The key under which a course's Markdown stands in its tree."""

_COURSE: Tree = {
    "title": "Kolejki bez strachu, część {n}",
    "summary": "Komunikat {n} przyszedł dwa razy, a klient i tak dostał **swoje** zamówienie.",
    "eyebrow": "Kurs online {n}",
    "headline": "Kurs {n}: systemy, które *wytrzymują*",
    "facts": ["lekcje kursu {n}", "ćwiczenia kursu {n}", "dostęp do kursu {n} bez końca"],
    "trust": [
        {"number": "1 20{n}", "label": "osób ukończyło kurs {n}"},
        {"number": "4,9 z 5", "label": "średnia ocena kursu {n}"},
    ],
    "for_whom": ["piszesz **usługi** i czytasz wpis {n}", "utrzymujesz kolejkę numer {n}"],
    "not_for": ["szukasz certyfikatu {n}", "masz już klaster {n}"],
    "outcomes": ["odbiorcę {n}, któremu *duplikat* nie szkodzi", "skrzynkę nadawczą {n}", "plan awarii {n}"],
    "programme": [
        {
            "title": f"Moduł {part} kursu {{n}}: {'`await` i co dalej' if part == 1 else 'co dalej'}",
            "lessons": [
                {"title": f"Lekcja {part}.{lesson} kursu {{n}}, z ćwiczeniem", "minutes": 10 + lesson}
                for lesson in range(1, 6)
            ],
        }
        for part in range(1, 5)
    ],
    "sample": {"title": "Lekcja {n} na próbę", "text": "Oto początek lekcji {n}.\n\nI jej *koniec*.\n"},
    "author": {
        "name": "Hanna Wierzbicka",
        "about": "Prowadzę kurs {n}.\n\n> Nie pytaj, czy to się zepsuje. Zapytaj, **kto** się dowie.\n",
        "credentials": ["autorka książki {n}", "prelegentka konferencji {n}"],
    },
    "testimonials": [
        {"words": "Kurs {n} zmienił *wszystko* w naszym zespole.", "name": "Ola {n}", "role": "programistka"},
        {"words": "Po kursie {n} śpię spokojnie.", "name": "Jan {n}", "role": "architekt"},
    ],
    "testimonials_note": "Opinie o kursie {n} pochodzą od kupujących.",
    "included": ["lekcje i sklep {n}", "warsztat {n}: **liczymy zamówienia**", "poprawki {n}, bez końca"],
    "guarantee": "Jeśli kurs {n} nie pomoże, *napisz*; oddam pieniądze.",
    "questions": [
        {"question": f"Pytanie {each} o kurs {{n}}?", "answer": f"Odpowiedź {each} o kursie {{n}}: krótka."}
        for each in range(1, 6)
    ],
}
_SETTINGS: Tree = {"price": "199.00 PLN", "legal_kind": "content"}


def course(number: int, body: str) -> Tree:
    """Return the tree of one course; `body` is Markdown."""
    return filled({**_COURSE, BODY: body}, lambda text, _: text.replace("{n}", str(number)))


def written(tree: Tree, **more: object) -> str:
    """Return a course as a file: front matter, then Markdown."""
    front = {name: value for name, value in tree.items() if name != BODY} | more
    text = yaml.dump(front, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n{tree[BODY]}"


def sold(tree: Tree, slug: str) -> str:
    """Return a course as kramik reads it."""
    return written(tree, course=slug, **_SETTINGS)


def filled(tree: Tree, text: Callable[[str, str], str]) -> Tree:
    """Return the tree with each text replaced; the function is told the text and where it stands, as Liquid says it."""
    return {name: _filled(value, name, text) for name, value in tree.items()}


def _filled(value: object, place: str, text: Callable[[str, str], str]) -> object:
    if isinstance(value, str):
        return text(value, place)
    if isinstance(value, list):
        return [_filled(each, f"{place}[{number}]", text) for number, each in enumerate(value)]
    if isinstance(value, dict):
        return {name: _filled(each, f"{place}.{name}", text) for name, each in value.items()}
    return value
