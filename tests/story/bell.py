"""A channel to the seller that keeps a ledger of what was heard, and whose calls meet faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal

from kramik.errors import NeedsOperator, OutcomeUnknown, Transient
from kramik.ports import News, Teller
from tests.story.frailty import Boundary

Kind = Literal["keyed", "unsafe"]
BellFault = Literal["none", "refused", "lost", "nothing", "account", "bug"]
"""refused: it says so. lost: heard, then silence. nothing: silence. account: never again. bug: heard, then nonsense."""


class Bell:
    """A channel to the seller, whose first call meets the fault unless it is told otherwise; `truly` tells a lie."""

    def __init__(
        self, repeat: Kind = "keyed", fault: BellFault = "none", *, truly: Kind | None = None
    ) -> None:
        self.repeat, self.truly = repeat, truly or repeat
        self.fault: Callable[[], BellFault] = lambda: fault if self.calls == 1 else "none"
        self.heard: list[News] = []
        self.calls = 0

    def tell(self, news: News) -> str:
        """Ring."""
        self.calls += 1
        fault = self.fault()
        if fault == "refused":
            raise Transient("nobody answers the bell")
        if fault == "account":
            raise NeedsOperator("the bell was cut off")
        if fault != "nothing":
            self.heard.append(news)
        if fault in ("lost", "nothing"):
            raise OutcomeUnknown("did it ring?")
        if fault == "bug":
            raise ZeroDivisionError
        return f"rung {self.calls}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Return what was heard: a repeat under the same id is dropped by whoever listens to a `keyed` channel."""
        heard: list[tuple[str, str]] = [(each.kind, each.id.partition("/")[2]) for each in self.heard]
        return list(dict.fromkeys(heard)) if self.truly == "keyed" else heard

    @property
    def doubled(self) -> list[str]:
        """Return what was heard twice by a channel that does not know a repeat."""
        times = Counter(news.id for news in self.heard if self.truly == "unsafe")
        return sorted(name for name, count in times.items() if count > 1)


class FrailBell:
    """A channel with a boundary before and after each call."""

    def __init__(self, bell: Teller, fuse: Boundary, *, before: bool = True) -> None:
        self._bell, self._fuse, self._before = bell, fuse, before

    @property
    def repeat(self) -> Kind:
        """Return what the channel is."""
        return self._bell.repeat

    def tell(self, news: News) -> str:
        """Ring, unless something terrible happens."""
        if self._before:
            self._fuse.spark()
        receipt = self._bell.tell(news)
        self._fuse.spark()
        return receipt
