"""What an order's state means and what comes next, for somebody who never saw the code.

Every sentence is made of the order alone, so it is as true a year later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kramik.journal import NEEDS, Step, StepName
from kramik.order import Order

_ASKED: dict[StepName, tuple[str, str]] = {
    "confirmation": ("the post", "mail the confirmation of the contract"),
    "invitation": ("the academy", "give the buyer access"),
    "purchase": ("the mailing tool", "register the purchase"),
    "sequence": ("the mailing tool", "start the mails with the access link"),
    "revocation": ("the academy", "take the access back"),
    "withdrawal": ("the post", "mail the acknowledgement of the withdrawal"),
    "removal": ("the academy", "take the access of the address before back"),
}
_CONSEQUENCES: dict[StepName, str] = {
    "confirmation": "the buyer has no copy of the contract, which the law wants them to have",
    "revocation": "the contract was undone, and the course may still be open at the academy",
    "withdrawal": "the law wants the buyer to have it without delay",
    "removal": "whoever has the mailbox of that address may still open the course there",
}
_BY_POST = ("the post", "mail the access link in place of the mailing tool")


def moment(when: datetime | None) -> str:
    """Return a moment in UTC, to the second."""
    return "" if when is None else when.strftime("%Y-%m-%d %H:%M:%S")


def means(order: Order) -> list[str]:
    """Say what it means that a person is asked: for whom, and what happened or did not."""
    money = (
        "the payment is not what was agreed, so it bought nothing; the money is with you"
        if payment.verdict == "mismatch"
        else "the buyer paid more than once; one payment was enough, and they have what it buys"
        for payment in order.payments
        if order.unwanted(payment.event)
    )
    parked = (_of_parked(order, step) for step in _parked(order))
    gone = [f"{notice.kind}: you were not told by {notice.channel}: {notice.why}" for notice in order.notices
            if notice.state == "given up"]  # fmt: skip
    return [*dict.fromkeys(money), *parked, *gone]


def comes_next(order: Order) -> list[str]:
    """Say what happens to this order next, or what a person has to do for it."""
    if order.status == "placed":
        settle = "send the money back and discard its poison: kramik poison list; or the buyer pays the right amount"
        return [settle if order.stuck else "the buyer pays; nothing happens before that", *_owed(order)]
    steps = filter(None, (_of_step(order, step) for step in order.steps))
    found = [*steps, *_retries(order), *_undecided(order), *_owed(order)]
    return found or ["nothing; the story is over"]


def _undecided(order: Order) -> Iterator[str]:
    stated = order.withdrawal
    if stated is not None and not stated.decision and order.status != "refunded":
        yield f"decide about the withdrawal: kramik orders withdrawal {order.id} --accept, or --refuse --why TEXT"


def _parked(order: Order) -> list[Step]:
    return [step for step in order.steps if order.payment and step.state == "parked" and order.counts(step)]


def _of_parked(order: Order, step: Step) -> str:
    who, what = _BY_POST if step.by_post else _ASKED[step.name]
    if step.unknown:
        former = dict.fromkeys(each.buyer.email for each in order.former)
        address = " and ".join(former) if step.name == "removal" else order.buyer.email
        return f"{who} was asked to {what}, and nobody knows whether it did: look there for {address}"
    return f"{who} did not {what}, and nothing happened there; {_consequence(order, step)}"


def _consequence(order: Order, step: Step) -> str:
    if step.name in _CONSEQUENCES:
        return _CONSEQUENCES[step.name]
    if not order.opened:
        return "the buyer has paid and can not open the course"
    if step.name == "sequence":
        return f"the buyer has access, but no mail with the link: kramik orders resend {order.id} sends it"
    return "the buyer has their course all the same"


def _retries(order: Order) -> Iterator[str]:
    """Yield the commands that let parked steps go on; an unknown one wants a word for it."""
    parked = _parked(order)
    unknown, command = [step.name for step in parked if step.unknown], f"kramik orders retry {order.id}"
    if len(unknown) == 1:
        receipt = "LINK" if unknown[0] == "invitation" else "RECEIPT"
        yield f"if it happened: {command} --happened {unknown[0]}={receipt}"
        yield f"if it did not: {command} --not-happened {unknown[0]}"
    elif unknown:
        said = "".join(f" --happened {name}=RECEIPT (or --not-happened {name})" for name in unknown)
        yield f"say it of each: {command}{said}"
    elif parked:
        yield f"mend the cause, then: {command}"


def _of_step(order: Order, step: Step) -> str:
    if step.state in ("done", "parked") or not order.counts(step):
        return ""
    missing = [need for need in NEEDS[step.name] if order.step(need).state != "done"]
    name = f"{step.name} by the shop's own post" if step.by_post else step.name
    if missing:
        return f"{name} waits for {' and '.join(missing)}"
    if step.state == "started":
        return f"{name} is under way, or was cut off; it is settled by the rules of the step"
    when = (
        f" at {moment(step.due)} UTC"
        if step.due
        else " now, or when a message that died in hand is visible again"
    )
    return f"{name}, attempt {step.attempts + 1},{when}"


def _owed(order: Order) -> Iterator[str]:
    for notice in order.notices:
        if notice.owed_at is not None:
            yield f"you are told of this ({notice.kind}) by {notice.channel} at {moment(notice.owed_at)} UTC"
