"""A mistyped address, put right by the seller: from then on an order is for another mailbox.

The intent stays what the buyer typed. What was made for the address before stands here, out of the way of what is made
for the new one.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from kramik.journal import Step, StepName

BOUND: tuple[StepName, ...] = ("confirmation", "invitation", "sequence")
"""The steps that reach a mailbox, and are made again for another one. Money is counted once, so a purchase stays."""


class Correction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When, the address before and from then on, and the steps that were made or begun for the one before."""

    at: datetime
    before: str
    email: str
    steps: tuple[Step, ...] = ()


def renewed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps of an order for another address: those that reach a mailbox begin again.

    How often one was parked is counted on, so that the seller is told of the next time, too.
    """
    kept = (step for step in steps if step.name != "removal")
    return tuple(Step(name=step.name, parks=step.parks) if step.name in BOUND else step for step in kept)


def touched(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return what was made or begun for the address that was."""
    bound = (*BOUND, "removal")
    return tuple(step for step in steps if step.name in bound and step != Step(name=step.name))


def laid(steps: tuple[Step, ...], over: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps with those of another address in the place of their namesakes."""
    old = {step.name: step for step in over}
    return tuple(old.get(step.name, step) for step in steps)
