"""The tariff: dated prices with their sources, and the habits of visitors and platform that a bill supposes.

Everything stands in `tariff.toml`; a file of one's own is laid over it, key by key.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.table import nearest

FILE = "tariff.toml"


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `per` units cost, in the currency of the tariff, and how many units a month are free."""

    price: float
    unit: str
    source: str
    per: float = 1.0
    free: float = 0.0


class Habit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity that is supposed, and why."""

    value: float
    unit: str
    source: str


class Tariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a bill is computed with, beside what was measured."""

    as_of: dt.date
    currency: str
    prices: Mapping[str, Price]
    habits: Mapping[str, Habit]

    def habit(self, name: str) -> float:
        """Return a quantity that is supposed."""
        return self.habits[name].value


def read(over: Path | None = None) -> Tariff:
    """Return the tariff, with a file of one's own laid over it.

    Raises:
        ConfigurationError: every key of that file that is unknown or has a wrong value.
    """
    text = files("kramik.hosts.azure").joinpath(FILE).read_text("utf-8")
    tariff = tomllib.loads(text)
    if over is not None:
        tariff = _laid(tariff, _own(over), over.name)
    try:
        return msgspec.convert(tariff, Tariff)
    except msgspec.ValidationError as error:
        raise ConfigurationError(_problem(over.name if over else FILE, str(error))) from None


def _own(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(_problem(file.name, f"is not TOML: {error}")) from None


def _laid(under: Mapping[str, object], over: Mapping[str, object], name: str) -> dict[str, object]:
    """Return the tables of `under` with the values of `over` in their place."""
    unknown = [key for key in over if key not in under and key not in Price.__struct_fields__]
    if unknown:
        raise ConfigurationError(
            *(_problem(name, f"{key!r} is unknown; {nearest(key, under)}") for key in unknown)
        )
    laid = dict(under)
    for key, value in over.items():
        old = under.get(key)
        laid[key] = (
            _laid(old, value, name) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return laid


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code="tariff", message=message)
