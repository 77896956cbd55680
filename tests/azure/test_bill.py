"""What a month costs: the targets, the arithmetic, the tariff of one's own, and the picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from kramik.hosts.azure import chart, measured, tariff
from kramik.hosts.azure.bill import MONTH, Bill, PlanName, bill, share
from kramik.hosts.cli import main

REPOSITORY = Path(__file__).parents[2]
PLANS: Sequence[PlanName] = ("consumption", "flex")
MEASURED, TARIFF = measured.read(), tariff.read()


def month(orders: int, plan: PlanName) -> Bill:
    """Return the bill of what was measured."""
    return bill(orders, plan, measured=MEASURED, tariff=TARIFF)


def cost(*arguments: str) -> Result:
    """Run `kramik cost`."""
    return CliRunner().invoke(main, ["cost", *arguments], prog_name="kramik")


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(("orders", "most"), [(100, 0.35), (10_000, 0.60)])
def test_a_month_stays_within_its_target(orders: int, most: float, plan: PlanName) -> None:
    """With idle cost and the alert in it."""
    found = month(orders, plan).total
    assert found <= most, found


@pytest.mark.parametrize("plan", PLANS)
def test_a_second_queue_trigger_would_break_the_target(plan: PlanName) -> None:
    """The reason why all work has one queue."""
    looks = TARIFF.habits["scale_operations"]
    two = replace(TARIFF, habits={**TARIFF.habits, "scale_operations": replace(looks, value=2 * looks.value)})
    assert bill(100, plan, measured=MEASURED, tariff=two).total > 0.35


def test_the_scale_controller_looks_every_ten_seconds() -> None:
    """Two operations each: 518,400 a month, and 21 cents."""
    line = month(0, "flex").lines[0]
    assert 518_400 == line.quantity
    assert pytest.approx(0.20736) == line.cost


@pytest.mark.parametrize("plan", PLANS)
def test_a_month_without_orders_is_the_idle_cost(plan: PlanName) -> None:
    """And every other month is dearer than that."""
    empty, full = month(0, plan), month(10_000, plan)
    assert empty.total == empty.idle == full.idle
    assert full.total > full.idle


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_free_is_shown_apart(plan: PlanName) -> None:
    """A line without its grant is never cheaper; only executions, time and logs have one."""
    lines = month(1_000_000, plan).lines
    assert [] == [line.what for line in lines if line.cost > line.ungranted]
    assert {f"{plan}_executions", f"{plan}_gb_seconds", "logs_gb"} == {
        line.price for line in lines if line.cost < line.ungranted
    }


def test_a_line_is_measured_times_priced() -> None:
    """The table operations of 10,000 orders: themselves, four looks at the status, two clicks."""
    each = MEASURED.order.table + 4 * MEASURED.status.table + 2 * MEASURED.access.table
    (line,) = (line for line in month(10_000, "flex").lines if line.price == "table")
    assert 10_000 * each == line.quantity
    assert pytest.approx(each * 0.00036) == line.cost


def test_consumption_bills_each_execution_and_flex_each_busy_instance() -> None:
    """At a million orders requests overlap: an instance of Flex can not be busy for more than the month."""
    lines = {plan: {line.price: line for line in month(1_000_000, plan).lines} for plan in PLANS}
    executions = lines["consumption"]["consumption_executions"].quantity
    assert lines["consumption"]["consumption_gb_seconds"].quantity > executions * 0.25 * 0.1
    assert lines["flex"]["flex_gb_seconds"].quantity < 0.5 * 2 * MONTH


@pytest.mark.parametrize(
    ("events", "seconds", "expected"), [(0, 300, 0.0), (1e9, 300, 1.0), (10, 60, 600 / MONTH)]
)
def test_few_events_add_up_and_many_overlap(events: float, seconds: float, expected: float) -> None:
    """The share of a month can not be more than all of it."""
    assert pytest.approx(expected, rel=1e-3) == share(events, seconds)


def test_the_command_shows_four_months_of_both_plans() -> None:
    """Line by line, with the idle cost apart and the date of the prices."""
    found = cost()
    assert 0 == found.exit_code
    for text in ("flex: USD a month", "consumption: USD", "1,000,000 orders", "without any order", "2026-"):
        assert text in found.stdout


def test_one_month_shows_quantities_and_prices() -> None:
    """The arithmetic can be followed by hand."""
    found = cost("--orders", "100", "--plan", "flex").stdout
    assert "518,400" in found
    assert "0.004 per 10,000 operations" in found
    assert "consumption" not in found


def test_json_carries_everything_that_was_supposed() -> None:
    """Bills, tariff with its sources, and what was measured."""
    found = json.loads(cost("--json", "--orders", "7").stdout)
    assert [("consumption", 7), ("flex", 7)] == [(each["plan"], each["orders"]) for each in found["bills"]]
    assert [] == [name for name, price in found["tariff"]["prices"].items() if not price["source"]]
    assert [] == [name for name, habit in found["tariff"]["habits"].items() if not habit["source"]]
    assert found["measured"]["how"]


def test_a_price_of_ones_own_is_laid_over_the_tariff(tmp_path: Path) -> None:
    """Only that price changes."""
    own = tmp_path / "own.toml"
    own.write_text("[prices.queue]\nprice = 0.008\n", "utf-8")
    line = json.loads(cost("--json", "--orders", "0", "--prices", str(own)).stdout)["bills"][0]["lines"][0]
    assert pytest.approx(0.41472) == line["cost"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[prices.queu]\nprice = 1\n", "own.toml: 'queu' is unknown; did you mean 'queue'?"),
        ("[habits.linger]\nvalue = 1\n", "own.toml: 'linger' is unknown"),
        ("[prices.queue]\nprice = 'cheap'\n", "own.toml: Expected `float`, got `str`"),
        ("[prices.queue\n", "own.toml: is not TOML"),
    ],
)
def test_a_wrong_tariff_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """With the key, and the nearest that is known."""
    (tmp_path / "own.toml").write_text(text, "utf-8")
    found = cost("--prices", str(tmp_path / "own.toml"))
    assert (1, True) == (found.exit_code, problem in found.output), found.output


def test_an_unknown_plan_is_wrong_use() -> None:
    """Exit code 2."""
    assert 2 == cost("--plan", "premium").exit_code


def test_the_picture_is_current() -> None:
    """`python -m kramik.hosts.azure.chart > docs/azure-bill.svg` was run after the last change."""
    file = REPOSITORY / "docs" / "azure-bill.svg"
    assert file.read_text("utf-8") == chart.current()
    ET.fromstring(file.read_text("utf-8"))  # noqa: S314 - our own file


def test_the_page_shows_what_the_command_prints() -> None:
    """The tables of docs/azure-bill.md are its output."""
    page = (REPOSITORY / "docs" / "azure-bill.md").read_text("utf-8")
    printed = "\n".join(line.rstrip() for line in cost().stdout.splitlines())
    assert printed in page
