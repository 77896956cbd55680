"""How orders, timelines and poison are printed: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from kramik.explained import comes_next, means, moment

if TYPE_CHECKING:
    from kramik.journal import Entry
    from kramik.order import Order
    from kramik.queue import Poisoned


PIPE = 10_000
"""Columns of a pipe: no program wants a line that was folded."""


def json(value: object) -> None:
    """Print a value as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def ready(name: str, facts: Mapping[str, str | None], *, as_json: bool) -> None:
    """Print that a shop is served, and where."""
    if as_json:
        click.echo(msgspec.json.encode({"name": name} | dict(facts)).decode())
        return
    click.echo(f"{name} is open")
    for label, text in facts.items():
        if text:
            click.echo(f"  {label:8} {text}")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; on a pipe it is as wide as it needs to be."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(highlight=False, soft_wrap=False)
    if console.is_terminal:
        console.print(shown)
        return
    console = Console(highlight=False, width=PIPE)
    with console.capture() as captured:
        console.print(shown)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())  # the last column is as wide as its longest cell


def printable(text: str) -> str:
    """Return the text without signs that could steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def as_data(order: Order) -> dict[str, object]:
    """Return an order as JSON shows it: everything stored, and what follows from it."""
    stored: dict[str, object] = msgspec.to_builtins(order)
    return stored | {
        "state": order.state,
        "attention": order.attention,
        "means": means(order),
        "due": order.due,
        "next": comes_next(order),
    }


def as_poison(poisoned: Poisoned) -> dict[str, object]:
    """Return a poisoned message as JSON shows it."""
    found: dict[str, object] = msgspec.to_builtins(poisoned)
    return found


def summary(order: Order) -> None:
    """Print the head of an order, what happened to it, and what comes next."""
    intent = order.intent
    for label, text in (
        ("order", order.id),
        ("state", order.state),
        ("product", f"{intent.title} ({intent.product})"),
        ("price", f"{intent.price} through {intent.gateway}"),
        ("buyer", f"{intent.buyer.name} <{order.buyer.email}>, in {intent.lang}"),
        *([("typed", intent.buyer.email)] if order.corrections else []),
        *([("country", intent.buyer.country)] if intent.buyer.country else []),
        *_stated(order),
    ):
        click.echo(f"{label:8} {printable(text)}")
    click.echo()
    timeline(order)
    click.echo()
    for sentence in order.attention:
        click.echo(f"look     {printable(sentence)}")
    for sentence in means(order):
        click.echo(f"means    {printable(sentence)}")
    for sentence in comes_next(order):
        click.echo(f"next     {printable(sentence)}")


def _stated(order: Order) -> Iterator[tuple[str, str]]:
    """Yield what the buyer said who withdrew."""
    stated = order.withdrawal
    if stated is not None:
        yield (
            "withdrew",
            f"{stated.name}, {moment(stated.at)} UTC: {stated.statement or 'without a word of their own'}",
        )


def timeline(order: Order) -> None:
    """Print what happened, when (UTC), and at which attempt."""
    table(("when (UTC)", "what", "attempt", "detail"), (_row(entry) for entry in order.history))


def _row(entry: Entry) -> tuple[str, str, str, str]:
    what = f"{entry.step} {entry.what}".strip()
    times = f" ({entry.times} times until {moment(entry.until)})" if entry.times > 1 else ""
    return moment(entry.at), what, str(entry.attempt or ""), entry.detail + times
