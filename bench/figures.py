"""What a measurement says: rows of a table, some of them with a target."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what was measured, the figure, and how it stands to its limit."""

    what: str
    figure: str
    ratio: float | None = None
    target: float | None = None
    better: Literal["more", "less"] = "more"

    @property
    def met(self) -> bool | None:
        """Say whether the target is met; None when there is none."""
        if self.ratio is None or self.target is None:
            return None
        return self.ratio >= self.target if self.better == "more" else self.ratio <= self.target


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: its name, how it was made, and its rows."""

    title: str
    how: str
    figures: list[Figure]


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return float(median(values))


def rates(values: Sequence[float]) -> str:
    """Write the median of rates and their range."""
    return f"{middle(values):,.0f}/s ({min(values):,.0f} to {max(values):,.0f})"
