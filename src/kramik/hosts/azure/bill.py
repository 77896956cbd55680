"""The bill of a month on Azure: what was measured, times the tariff, line by line.

Nothing here is tuned: a quantity is either measured, or a habit with its source in the tariff.
Payment fees, taxes and course files are outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from kramik.hosts.azure.measured import Measured
from kramik.hosts.azure.tariff import Tariff

PlanName = Literal["consumption", "flex"]
Group = Literal["standing", "awake", "orders"]

MONTH = 30 * 86_400.0
"""Seconds of a month."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a quantity, its price, and the cost after and before what Azure gives for free."""

    group: Group
    what: str
    quantity: float
    price: str
    cost: float
    ungranted: float


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A month; `idle` is the same shop without a single order."""

    plan: PlanName
    orders: int
    currency: str
    lines: list[Line]
    total: float
    idle: float
    ungranted: float


def bill(orders: int, plan: PlanName, *, measured: Measured, tariff: Tariff) -> Bill:
    """Return the bill for this many orders in one month."""
    lines = list(_Month(orders, plan, measured, tariff).lines())
    without = lines if orders == 0 else list(_Month(0, plan, measured, tariff).lines())
    return Bill(
        plan=plan,
        orders=orders,
        currency=tariff.currency,
        lines=lines,
        total=math.fsum(line.cost for line in lines),
        idle=math.fsum(line.cost for line in without),
        ungranted=math.fsum(line.ungranted for line in lines),
    )


class _Month:
    """The quantities of one month."""

    def __init__(self, orders: int, plan: PlanName, measured: Measured, tariff: Tariff) -> None:
        self._orders, self._plan, self._measured, self._tariff = orders, plan, measured, tariff
        habit = tariff.habit
        self._openings = orders * habit("openings") + habit("strays")
        wakes = self._openings + habit("timer_runs")
        linger = habit(f"{plan}_linger")
        self._awake = share(wakes, linger)
        self._starts = wakes * math.exp(-wakes * linger / MONTH)

    def lines(self) -> Iterator[Line]:
        """Yield every line; the quantity of one may be nothing."""
        yield from self._standing()
        yield from self._living()
        yield from self._executed()
        yield from self._kept()

    def _standing(self) -> Iterator[Line]:
        habit = self._tariff.habit
        looks = MONTH / habit("scale_seconds") * habit("scale_operations")
        yield self._line("standing", "the scale controller looks at the queue", "queue", looks)
        yield self._line("standing", "one alert on parked orders", "alert", 1)
        yield self._line("standing", "deployed packages", "blob_gb", habit("package_gb"))
        runs = habit("timer_runs")
        yield self._line("standing", "the timer writes its status", "blob_write", runs)
        yield self._line("standing", "the timer reads its status", "blob_other", runs)

    def _living(self) -> Iterator[Line]:
        habit, awake = self._tariff.habit, self._awake * MONTH
        polls = awake / habit("poll_seconds") + self._starts * habit("polls_at_start")
        yield self._line("awake", "an instance polls the queue", "queue", polls)
        yield self._line(
            "awake", "an instance renews the host's lease", "blob_other", awake / habit("lease_seconds")
        )
        yield self._line(
            "awake",
            "an instance renews the timer's lease",
            "blob_other",
            awake / habit("timer_lease_seconds"),
        )
        yield self._line("awake", "an instance starts", "blob_other", self._starts * habit("start_reads"))

    def _executed(self) -> Iterator[Line]:
        http = self._openings + self._sum("http")
        work = self._sum("work") + self._tariff.habit("timer_runs")
        yield self._line("orders", "executions", f"{self._plan}_executions", http + work)
        yield self._line(
            "orders", "memory times time", f"{self._plan}_gb_seconds", self._gb_seconds(http, work)
        )

    def _kept(self) -> Iterator[Line]:
        habit = self._tariff.habit
        for what, price in (
            ("queue operations", "queue"),
            ("table operations", "table"),
            ("blob reads", "blob_other"),
            ("blob writes", "blob_write"),
        ):
            yield self._line("orders", what, price, self._sum(price))
        yield self._line("orders", "a year of orders, kept", "table_gb", 12 * self._sum("stored_bytes") / 1e9)
        logged = self._sum("logged_bytes") * habit("log_overhead") / 1e9
        yield self._line("orders", "logs", "logs_gb", logged)

    def _sum(self, name: str) -> float:
        """Return how much of a thing all orders cause: themselves, looks at their status, clicks on their link."""
        measured, habit = self._measured, self._tariff.habit
        each = (
            getattr(measured.order, name)
            + habit("status_asks") * getattr(measured.status, name)
            + habit("access_clicks") * getattr(measured.access, name)
        )
        return self._orders * float(each)

    def _gb_seconds(self, http: float, work: float) -> float:
        """Return what is billed for memory and time.

        Consumption bills each execution; Flex bills an instance while at least one execution is under way, and
        scales requests and queue triggers apart.
        Source: MicrosoftDocs/azure-docs includes/functions-flex-consumption-billing-table.md.
        """
        habit = self._tariff.habit
        least, memory = habit(f"{self._plan}_minimum"), habit(f"{self._plan}_memory")
        seconds = (max(least, habit("http_seconds")), max(least, habit("work_seconds")))
        if self._plan == "flex":
            return memory * MONTH * (share(http, seconds[0]) + share(work, seconds[1]))
        return memory * (http * seconds[0] + work * seconds[1])

    def _line(self, group: Group, what: str, price: str, quantity: float) -> Line:
        each = self._tariff.prices[price]
        charged = max(0.0, quantity - each.free)
        return Line(
            group=group,
            what=what,
            quantity=quantity,
            price=price,
            cost=charged / each.per * each.price,
            ungranted=quantity / each.per * each.price,
        )


def share(events: float, seconds: float) -> float:
    """Return the part of a month that is covered by `events` at random moments, each of which lasts `seconds`."""
    return 1.0 - math.exp(-events * seconds / MONTH)
