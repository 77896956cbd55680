"""The table `[academy]` of `kind = "http"`, and what it has in common with the tables of the presets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args
from urllib.parse import urlsplit

import msgspec

from kramik.academies import Features
from kramik.academies.http import auth
from kramik.academies.http.academy import Account, HttpAcademy, made
from kramik.academies.http.reading import Reading
from kramik.academies.http.recipe import RecipeText
from kramik.errors import Problem, Rejected
from kramik.ports import Repeat
from kramik.table import SecretTable

FEATURES = Features(
    title="any other, over HTTP", repeat=get_args(Repeat), link="for good", revokes=True, live=True
)
"""Whatever its recipe says."""

Courses = dict[str, dict[str, str]]


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What every academy over HTTP can be told; `courses` holds what the vendor calls a course, by the shop's id."""

    base_url: str
    link_hosts: list[str] = []
    private_network: bool = False
    courses: Courses = {}

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the address."""
        parts = urlsplit(self.base_url)
        schemes = ("https", "http") if self.private_network else ("https",)
        if parts.scheme not in schemes or not parts.hostname or parts.query or "@" in parts.netloc:
            message = (
                "must be an address such as https://academy.example; http only with private_network = true"
            )
            yield Problem(field="base_url", code="not_a_url", message=message)


class Settings(RecipeText, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table itself: an address, a recipe, and the secrets and values that the recipe's places name."""

    base_url: str
    title: str = "academy"
    link_hosts: list[str] = msgspec.field(default_factory=list)
    private_network: bool = False
    courses: Courses = msgspec.field(default_factory=dict)
    secrets: SecretTable = msgspec.field(default_factory=dict)
    values: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        reading = Reading(self.values, self.secrets)
        reading.recipe(self)
        auth.read(self.auth, reading)
        if found := [*common(self).problems(), *reading.problems]:
            raise Rejected(*found)


def common(settings: msgspec.Struct) -> Common:
    """Return what a table has in common with all others."""
    return msgspec.convert(msgspec.structs.asdict(settings), Common)


def academy(settings: Settings, *, call_seconds: float) -> HttpAcademy:
    """Make the academy of a table."""
    about = (settings.title, settings.values, settings.secrets)
    return opened(common(settings), settings, about, call_seconds=call_seconds)


def opened(
    where: Common,
    text: RecipeText,
    about: tuple[str, Mapping[str, str], Mapping[str, str]],
    *,
    call_seconds: float,
) -> HttpAcademy:
    """Make the academy of an address and a recipe; `about` is what people call it, its values and its secrets.

    Raises:
        Rejected: every problem of the recipe.
    """
    title, values, secrets = about
    reading = Reading(values, secrets)
    recipe, way = reading.recipe(text), auth.read(text.auth, reading)
    if reading.problems:
        raise Rejected(*reading.problems)
    account = Account(
        name=title,
        base_url=where.base_url,
        private_network=where.private_network,
        link_hosts=tuple(where.link_hosts),
        settings=values,
        secrets=secrets,
        courses=where.courses,
    )
    return made(account, recipe, way, call_seconds=call_seconds)
