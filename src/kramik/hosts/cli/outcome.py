"""What a person says about steps of which nobody knows whether they happened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from kramik.journal import STEPS, StepName

if TYPE_CHECKING:
    from kramik.fulfilment import Effects
    from kramik.order import Order


def unknown(order: Order) -> list[StepName]:
    """Return the parked steps of which nobody knows whether they happened."""
    return [step.name for step in order.steps if step.state == "parked" and step.unknown]


def found(order: Order, happened: Sequence[str]) -> dict[StepName, str]:
    """Read what a person saw: a receipt for a step, whose name may be left out when only one is unknown."""
    seen: dict[StepName, str] = {}
    asked = unknown(order)
    for text in happened:
        named = next((name for name in STEPS if text.startswith(f"{name}=")), None)
        name = named or (asked[0] if len(asked) == 1 else None)
        if name not in asked:
            message = (
                f"name one of the unknown steps ({', '.join(asked) or 'there is none'}), as in purchase=20"
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
    from kramik.fulfilment import effect_of

    made = {name: effect_of(order.step(name), effects) for name in unknown(order) if name not in said}
    silent = [name for name, effect in made.items() if effect is not None and effect.repeat == "unsafe"]
    if silent:
        question = f"nobody knows whether {' and '.join(silent)} happened; look there"
        message = f"{question}, then say --happened STEP=RECEIPT or --not-happened STEP for each"
        raise click.ClickException(message)
