"""The figures as Markdown: for the terminal and for `bench/RESULTS.md`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.figures import Chapter, Figure


def report(chapters: Sequence[Chapter], about: Sequence[str], limits: str) -> str:
    """Write the whole page."""
    lines = [
        "# What kramik reaches",
        "",
        "Written by `make bench`.",
        "Ratios within one run count; seconds belong to the machine.",
        "",
        *(f"- {line}" for line in about),
        "",
    ]
    for each in chapters:
        lines += [chapter(each), ""]
    return "\n".join([*lines, limits.strip(), ""])


def with_chapters(page: str, chapters: Sequence[Chapter], about: str, limits: str) -> str:
    """Put chapters that were measured alone into the page, each with what is to be said `about` its run.

    One that is there already is replaced, the others are as they were; a new one comes last, before the limits.
    """
    parts = {part.splitlines()[0]: part for part in re.split(r"(?m)^(?=## )", page)}
    end = limits.strip().splitlines()[0]
    parts.pop(end, None)
    for each in chapters:
        parts[f"## {each.title}"] = f"{chapter(each)}\n\n{about}\n\n"
    return "".join([*parts.values(), limits.strip(), "\n"])


def chapter(given: Chapter) -> str:
    """Write one table."""
    head = "| measured | figure | ratio | target | met |\n|---|---|---|---|---|"
    rows = [
        f"| {each.what} | {each.figure} | {_ratio(each)} | {_target(each)} | {_met(each)} |"
        for each in given.figures
    ]
    return "\n".join([f"## {given.title}", "", given.how, "", head, *rows])


def _ratio(figure: Figure) -> str:
    return "" if figure.ratio is None else f"{figure.ratio:.3g}"


def _target(figure: Figure) -> str:
    sign = {"more": "≥", "less": "≤"}[figure.better]
    return "" if figure.target is None else f"{sign} {figure.target:g}"


def _met(figure: Figure) -> str:
    return {None: "", True: "yes", False: "**no**"}[figure.met]
