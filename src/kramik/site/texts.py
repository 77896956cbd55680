"""What the theme says, one TOML file a language in `texts/`; every language has the same keys.

A text is asked for by a dotted name such as `order.title`. A missing name is a mistake of ours and stops the page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from kramik.errors import ConfigurationError, Problem

FOLDER = Path(__file__).parent / "texts"


class Texts:
    """The texts of one language, by dotted name."""

    def __init__(self, lang: str) -> None:
        file = FOLDER / f"{lang}.toml"
        if not file.is_file():
            known = ", ".join(languages())
            why = f"the theme does not speak {lang!r}; choose from {known}"
            raise ConfigurationError(Problem(field="languages", code="unknown_language", message=why))
        self.lang = lang
        self.all = dict(_flat(tomllib.loads(file.read_text("utf-8")), ""))

    def __call__(self, name: str, **values: object) -> str:
        """Return a text with the values put in."""
        return self.all[name].format(**values)

    def under(self, prefix: str) -> list[str]:
        """Return the last part of every name below this one, in the order of the file."""
        return [name.removeprefix(f"{prefix}.") for name in self.all if name.startswith(f"{prefix}.")]

    def either(self, *names: str) -> str | None:
        """Return the first text that exists, or None."""
        return next((self.all[name] for name in names if name in self.all), None)


@cache
def of(lang: str) -> Texts:
    """Return the texts of a language, read once."""
    return Texts(lang)


def languages() -> list[str]:
    """Return the languages that the theme speaks."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def _flat(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
