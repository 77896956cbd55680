"""`kramik cost`: what a month costs on Azure, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from kramik.hosts.cli import options, printed

if TYPE_CHECKING:
    from kramik.hosts.azure.bill import Bill, Line, PlanName
    from kramik.hosts.azure.tariff import Tariff

ORDERS = (0, 100, 10_000, 1_000_000)
"""Orders a month that are shown when nobody asks for a number."""


@click.command("cost")
@click.option(
    "--orders",
    "numbers",
    type=click.IntRange(min=0, max=1_000_000_000),
    multiple=True,
    help="Orders a month; 0, 100, 10,000 and 1,000,000 if left out. May be given several times.",
)
@click.option("--plan", type=click.Choice(["flex", "consumption"]), help="One plan; both if left out.")
@click.option(
    "--prices",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="KRAMIK_PRICES",
    show_envvar=True,
    help="A TOML file that is laid over the tariff: your prices, your habits.",
)
@options.as_json
def command(numbers: Sequence[int], plan: PlanName | None, prices: Path | None, *, as_json: bool) -> None:
    """Show what a month costs on Azure, line by line.

    Quantities are measured (one order through the function app and its storage), or supposed; prices carry
    their date and source. Payment fees, taxes and course files are outside.

    \b
    Example:
      kramik cost
      kramik cost --orders 250 --plan flex
    """
    from kramik.hosts.azure import bill, measured, tariff

    rates, counted = tariff.read(prices), measured.read()
    plans: tuple[PlanName, ...] = (plan,) if plan else get_args(bill.PlanName)
    bills = {
        each: [bill.bill(number, each, measured=counted, tariff=rates) for number in numbers or ORDERS]
        for each in plans
    }
    if as_json:
        flat = [each for row in bills.values() for each in row]
        printed.json({"measured": counted, "tariff": rates, "bills": flat})
        return
    for row in bills.values():
        _one(row[0], rates) if len(row) == 1 else _several(row)
    click.echo(_remark(rates, counted.how))


def _several(bills: Sequence[Bill]) -> None:
    """Print the bills of one plan beside each other."""
    head = [f"{bills[0].plan}: {bills[0].currency} a month", *(f"{each.orders:,} orders" for each in bills)]
    rows = [
        [lines[0].what, *(_amount(line.cost) for line in lines)]
        for lines in zip(*(each.lines for each in bills), strict=True)
        if any(line.quantity for line in lines)
    ]
    sums = [
        ["total", *(_amount(each.total) for each in bills)],
        ["  of it without any order", *(_amount(each.idle) for each in bills)],
        ["  total if nothing were free", *(_amount(each.ungranted) for each in bills)],
    ]
    printed.table(head, [*rows, *sums])
    click.echo()


def _one(bill: Bill, tariff: Tariff) -> None:
    """Print one bill with its quantities and prices."""
    head = [
        f"{bill.plan}, {bill.orders:,} orders a month",
        "quantity",
        "price",
        bill.currency,
        "if nothing were free",
    ]
    rows = [_row(line, tariff) for line in bill.lines if line.quantity]
    sums = [
        ["total", "", "", _amount(bill.total), _amount(bill.ungranted)],
        ["  of it without any order", "", "", _amount(bill.idle), ""],
    ]
    printed.table(head, [*rows, *sums])
    click.echo()


def _row(line: Line, tariff: Tariff) -> list[str]:
    price = tariff.prices[line.price]
    per = "" if price.per == 1 else f"{price.per:,.0f} "
    free = f", {price.free:,.0f} free" if price.free else ""
    quantity = f"{line.quantity:,.0f}" if line.quantity >= 10 else f"{line.quantity:.3g}"  # noqa: PLR2004 - digits
    rate = f"{f'{price.price:.6f}'.rstrip('0')} per {per}{price.unit}{free}"
    return [line.what, quantity, rate, _amount(line.cost), _amount(line.ungranted)]


def _amount(value: float) -> str:
    return f"{value:,.3f}"


def _remark(tariff: Tariff, how: str) -> str:
    return (
        f"Prices as of {tariff.as_of}, quantities: {how}.\n"
        "Free grants belong to the whole subscription; sources and everything supposed: kramik cost --json."
    )
