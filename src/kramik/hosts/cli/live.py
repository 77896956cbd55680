"""What `kramik check --live` adds: each vendor that can be asked is asked whether the settings fit its account."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from kramik.errors import KramikError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kramik.ports import Checkable, Vault
    from kramik.settings import Settings


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked, who can not be, and everything that does not fit."""

    asked: tuple[str, ...]
    silent: tuple[str, ...]
    problems: tuple[Problem, ...]


def ask(settings: Settings, vault: Vault, *, create: bool) -> Asked:
    """Ask every vendor; tokens that change meanwhile are kept in the vault."""
    from kramik import wiring

    found = wiring.vendors(settings, vault)
    problems = tuple(
        each for name, vendor in found.items() if vendor for each in _problems(name, vendor, settings, create)
    )
    return Asked(
        asked=tuple(name for name, vendor in found.items() if vendor),
        silent=tuple(name for name, vendor in found.items() if not vendor),
        problems=problems,
    )


def _problems(name: str, vendor: Checkable, settings: Settings, create: bool) -> Sequence[Problem]:  # noqa: FBT001 - as it was given
    try:
        with closing(vendor):
            found = vendor.problems(tuple(settings.catalogue), create=create)
    except KramikError as error:
        found = [Problem(field="", code="not_asked", message=f"could not be asked: {error}")]
    return [_placed(name, each, settings) for each in found]


def _placed(name: str, problem: Problem, settings: Settings) -> Problem:
    """Say where it stands: in the file of a product, or in the vendor's table."""
    field = problem.field
    place = f"products/{field}.md" if field in settings.catalogue.products else f"[{name}] {field}".strip()
    return Problem(field=place, code=problem.code, message=problem.message)
