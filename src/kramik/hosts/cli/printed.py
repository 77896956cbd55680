"""How orders, timelines and poison are printed: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click
import msgspec

from kramik.journal import NEEDS

if TYPE_CHECKING:
    from kramik.journal import Entry, Step
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
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE)
    console.print(shown)


def printable(text: str) -> str:
    """Return the text without signs that could steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def moment(when: datetime | None) -> str:
    """Return a moment in UTC, to the second."""
    return "" if when is None else when.strftime("%Y-%m-%d %H:%M:%S")


def as_data(order: Order) -> dict[str, object]:
    """Return an order as JSON shows it: everything stored, and what follows from it."""
    stored: dict[str, object] = msgspec.to_builtins(order)
    return stored | {
        "state": order.state,
        "attention": order.attention,
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
        ("buyer", f"{intent.buyer.name} <{intent.buyer.email}>, in {intent.lang}"),
    ):
        click.echo(f"{label:8} {printable(text)}")
    click.echo()
    timeline(order)
    click.echo()
    for sentence in order.attention:
        click.echo(f"look     {printable(sentence)}")
    for sentence in comes_next(order):
        click.echo(f"next     {printable(sentence)}")


def timeline(order: Order) -> None:
    """Print what happened, when (UTC), and at which attempt."""
    table(("when (UTC)", "what", "attempt", "detail"), (_row(entry) for entry in order.history))


def comes_next(order: Order) -> list[str]:
    """Say what happens to this order next, or what a person has to do for it."""
    if order.status == "placed":
        settle = "send the money back and discard its poison: kramik poison list; or the buyer pays the right amount"
        return [settle if order.stuck else "the buyer pays; nothing happens before that"]
    if order.status in ("completed", "refunded"):
        return ["nothing; the story is over"]
    parked = any(step.state == "parked" for step in order.steps)
    said = "".join(
        f" --happened {step.name}=RECEIPT (or --not-happened {step.name})"
        for step in order.steps
        if step.unknown
    )
    retry = [f"mend the cause, then: kramik orders retry {order.id}{said}"] if parked else []
    return [*(filter(None, (_of_step(order, step) for step in order.steps))), *retry]


def _of_step(order: Order, step: Step) -> str:
    if step.state in ("done", "parked"):
        return ""
    missing = [need for need in NEEDS[step.name] if order.step(need).state != "done"]
    if missing:
        return f"{step.name} waits for {' and '.join(missing)}"
    if step.state == "started":
        return f"{step.name} is under way, or was cut off; it is settled by the rules of the step"
    when = (
        f" at {moment(step.due)} UTC"
        if step.due
        else " now, or when a message that died in hand is visible again"
    )
    return f"{step.name}, attempt {step.attempts + 1},{when}"


def _row(entry: Entry) -> tuple[str, str, str, str]:
    what = f"{entry.step} {entry.what}".strip()
    times = f" ({entry.times} times until {moment(entry.until)})" if entry.times > 1 else ""
    return moment(entry.at), what, str(entry.attempt or ""), entry.detail + times
