"""What is to be done next for a paid order: pure, and the only place that knows every rule.

Nothing that already has a receipt is made again; a call whose outcome is unknown is repeated, asked about or given to
a person, as the repeat-safety of its effect allows; a step that fails does not hold up one that does not need it.
Source of the rules: the once-only case table, `docs/decisions/0004-started-before-the-call.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from kramik.errors import NeedsOperator
from kramik.invariants import ENDED
from kramik.journal import Step, StepName
from kramik.order import Order
from kramik.ports import Academy, Delivery, Effect, Mailer
from kramik.queue import Again, Done, Park, Plan

Effects = Mapping[StepName, Effect]

_WORKED_ON = ("paid", "completed", *ENDED)


class Call(msgspec.Struct, frozen=True):
    """Make the effect of this step."""

    step: StepName


class Ask(msgspec.Struct, frozen=True):
    """Ask the peer whether the effect of this step happened."""

    step: StepName


class GiveUp(msgspec.Struct, frozen=True):
    """Park this step: nobody can tell whether its effect happened."""

    step: StepName


class TakeBack(msgspec.Struct, frozen=True):
    """The money went back: let the access be taken back."""


class Complete(msgspec.Struct, frozen=True):
    """Every receipt is there."""


class Rest(msgspec.Struct, frozen=True):
    """Nothing can be done now."""


Move = Call | Ask | GiveUp | TakeBack | Complete | Rest


def effects(
    academy: Academy,
    mailer: Mailer,
    revocation: Effect | None = None,
    *,
    by_post: Effect | None = None,
    confirmation: Effect | None = None,
    withdrawal: Effect | None = None,
    removal: Effect | None = None,
) -> Effects:
    """Return the effect of each step.

    Without `revocation` access is taken back by hand; `by_post` mails the access where the mailing tool will not;
    with `confirmation` new orders are confirmed by mail; `withdrawal` acknowledges that a buyer withdrew; `removal`
    takes back what was given to an address that was corrected.
    """
    made: dict[StepName, Effect] = {
        "invitation": academy.invitation,
        "purchase": mailer.purchase,
        "sequence": replace(mailer.sequence, instead=by_post),
    }
    if confirmation is not None:
        made["confirmation"] = confirmation
    if revocation is not None:
        made["revocation"] = revocation
    if withdrawal is not None:
        made["withdrawal"] = withdrawal
    if removal is not None:
        made["removal"] = removal
    return made


def effect_of(step: Step, effects: Effects) -> Effect:
    """Return the effect that makes this step, which may have fallen back to the shop's own post."""
    effect = effects.get(step.name, _NOT_MADE)
    return (effect.instead or _NO_POST) if step.by_post else effect


def _not_made(_: Delivery) -> str:
    raise NeedsOperator(
        "this shop makes this step no more; put back what was taken out of shop.toml, or do it by hand"
    )


def _no_post(_: Delivery) -> str:
    raise NeedsOperator("the mailing tool will not mail this person and the shop has no post; add [smtp]")


_NOT_MADE = Effect(repeat="unsafe", do=_not_made)
_NO_POST = Effect(repeat="unsafe", do=_no_post)


def next_move(
    order: Order, effects: Effects, *, now: datetime, settle: float, takes_back: bool = True
) -> Move:
    """Decide the next move; `settle` is how many seconds after its start no call can still be under way.

    `takes_back` says whether a refund alone takes the access back; an accepted withdrawal always does.
    """
    if order.status not in _WORKED_ON or order.payment is None:
        return Rest()
    ended = order.status in (ENDED if takes_back else ("withdrawn",))
    if ended and "revocation" in effects and not order.to_revoke:
        return TakeBack()
    if order.status == "paid" and order.granted:
        return Complete()
    moves = (_move(order, step, effect_of(step, effects), now=now, settle=settle) for step in order.steps)
    return next((move for move in moves if not isinstance(move, Rest)), Rest())


def _move(order: Order, step: Step, effect: Effect, *, now: datetime, settle: float) -> Move:
    if not order.open(step):
        return Rest()
    if step.due is not None and now < step.due:
        return Rest()
    if step.state == "waiting" or effect.repeat in ("keyed", "set"):
        return Call(step.name)
    if step.started_at is not None and now < settled(step.started_at, effect, settle):
        return Rest()
    return Ask(step.name) if effect.find is not None else GiveUp(step.name)


def settled(started_at: datetime, effect: Effect, settle: float) -> datetime:
    """Return when a call that began then is over, and the peer's list shows what it did."""
    return started_at + timedelta(seconds=settle + effect.lag)


def plan(order: Order, effects: Effects, *, now: datetime, settle: float) -> Plan:
    """Decide what becomes of the message when the work on this order rests."""
    if order.status not in _WORKED_ON:
        return Done()
    dues = [_due(order, step, effect_of(step, effects), now=now, settle=settle) for step in order.steps]
    waits = [due for due in dues if due is not None]
    if waits:
        return Again(max(0.0, (min(waits) - now).total_seconds()))
    parked = [
        f"{step.name}: {step.why}" for step in order.steps if step.state == "parked" and order.counts(step)
    ]
    return Park("; ".join(parked)) if parked or order.status == "paid" else Done()


def _due(order: Order, step: Step, effect: Effect, *, now: datetime, settle: float) -> datetime | None:
    if not order.open(step):
        return None
    if step.state == "started" and effect.repeat in ("lookup", "unsafe") and step.started_at is not None:
        return max(settled(step.started_at, effect, settle), step.due or now)
    return step.due or now
