"""What every academy promises beyond the promises of any effect (`effect.py`); each takes a `Classroom`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from kramik.ports import Academy, Delivery, Revoking
from tests.contracts.effect import PROMISES as EFFECT_PROMISES

__all__ = ["EFFECT_PROMISES", "PROMISES", "REVOKING", "Classroom"]


@dataclass(frozen=True, kw_only=True)
class Classroom:
    """An academy, somebody who bought, and a browser: `visit` returns status and text behind a link."""

    academy: Academy
    delivery: Delivery
    another: Delivery
    visit: Callable[[str], tuple[int, str]]


def link_opens_the_course(room: Classroom) -> None:
    """The receipt of an invitation is a link that opens the course that was bought."""
    status, page = room.visit(room.academy.invitation.do(room.delivery))
    assert status == 200
    assert room.delivery.order.intent.title in page


def two_orders_two_invitations(room: Classroom) -> None:
    """Another buyer's order gets a link of its own."""
    links = {room.academy.invitation.do(each) for each in (room.delivery, room.another)}
    assert len(links) == 2


def taken_back_is_closed(room: Classroom) -> None:
    """What was taken back opens nothing any more, a repeat is harmless, and the other buyer keeps theirs."""
    academy: object = room.academy
    assert isinstance(academy, Revoking)
    link, other = (room.academy.invitation.do(each) for each in (room.delivery, room.another))
    taken = _granted(room.delivery, link)
    assert academy.revocation.do(taken)
    assert academy.revocation.do(taken)
    assert room.visit(link)[0] != 200
    assert room.visit(other)[0] == 200


def nothing_to_take_back_is_fine(room: Classroom) -> None:
    """Taking back what was never given is a success."""
    academy: object = room.academy
    assert isinstance(academy, Revoking)
    assert academy.revocation.do(room.delivery)


def _granted(delivery: Delivery, link: str) -> Delivery:
    """Return the delivery of an order that remembers its invitation and whose money went back."""
    order = delivery.order
    steps = tuple(
        replace(step, state="done", receipt=link) if step.name == "invitation" else step
        for step in order.steps
    )
    return replace(delivery, order=replace(order, steps=steps))


PROMISES = (link_opens_the_course, two_orders_two_invitations)
REVOKING = (taken_back_is_closed, nothing_to_take_back_is_fine)
"""What an academy promises that can take access back; its links have to close with it."""
