"""What a person says about steps of which nobody knows whether they happened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from kramik.journal import NAMES, StepName

if TYPE_CHECKING:
    from kramik.moves import Effects
    from kramik.order import Order


def unknown(order: Order) -> list[StepName]:
    """Return the parked steps of which nobody knows whether they happened."""
    return [step.name for step in order.steps if step.state == "parked" and step.unknown]


def found(order: Order, happened: Sequence[str]) -> dict[StepName, str]:
    """Read what a person saw or did by hand: a receipt for a parked step; its name may be left out if it is plain."""
    seen: dict[StepName, str] = {}
    parked = [step.name for step in order.steps if step.state == "parked"]
    asked = unknown(order) or parked
    for text in happened:
        named = next((name for name in NAMES if text.startswith(f"{name}=")), None)
        name = named or (asked[0] if len(asked) == 1 else None)
        if name not in parked:
            message = (
                f"name one of the parked steps ({', '.join(parked) or 'there is none'}), as in purchase=20"
            )
            raise click.BadParameter(message, param_hint="--happened")
        receipt = text.removeprefix(f"{name}=") if named else text
        if name == "invitation" and urlsplit(receipt).scheme not in ("http", "https"):
            raise click.BadParameter("the receipt of an invitation is its link", param_hint="--happened")
        seen[name] = receipt
    return seen


def refuse_silence(order: Order, effects: Effects, said: Collection[StepName]) -> None:
    """Refuse to repeat an unsafe call about which the person has said nothing.

    Raises:
        ClickException: which steps they are, and how to say it.
    """
    from kramik.moves import effect_of

    kinds = {name: effect_of(order.step(name), effects).repeat for name in unknown(order) if name not in said}
    silent = [name for name, kind in kinds.items() if kind == "unsafe"]
    if silent:
        question = f"nobody knows whether {' and '.join(silent)} happened; look there"
        message = f"{question}, then say --happened STEP=RECEIPT or --not-happened STEP for each"
        raise click.ClickException(message)
