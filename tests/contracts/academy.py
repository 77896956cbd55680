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


def another_address_is_another_invitation(room: Classroom) -> None:
    """An order whose address was corrected opens the course again, by a link that is not the old one's."""
    old = room.academy.invitation.do(room.delivery)
    new = room.academy.invitation.do(_corrected(room.delivery))
    assert old != new
    assert room.visit(new)[0] == 200


def the_former_address_is_closed(room: Classroom) -> None:
    """What a mistyped address was given is taken back, and the right one keeps its own."""
    academy: object = room.academy
    assert isinstance(academy, Revoking)
    old = room.academy.invitation.do(room.delivery)
    moved = _corrected(_granted(room.delivery, old))
    new = room.academy.invitation.do(moved)
    (former,) = moved.order.former
    assert academy.revocation.do(replace(moved, order=former))
    assert room.visit(old)[0] != 200
    assert room.visit(new)[0] == 200


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


def _corrected(delivery: Delivery) -> Delivery:
    """Return the delivery of an order whose address was put right after it was paid."""
    order = delivery.order
    moved = order.correct(f"right-{order.buyer.email}", now=order.updated_at)
    return Delivery(order=moved.addressed, access_link=delivery.access_link.replace(order.id, moved.key))


def _granted(delivery: Delivery, link: str) -> Delivery:
    """Return the delivery of an order that remembers its invitation and whose money went back."""
    order = delivery.order
    steps = tuple(
        replace(step, state="done", receipt=link) if step.name == "invitation" else step
        for step in order.steps
    )
    return replace(delivery, order=replace(order, steps=steps))


PROMISES = (link_opens_the_course, two_orders_two_invitations, another_address_is_another_invitation)
REVOKING = (taken_back_is_closed, the_former_address_is_closed, nothing_to_take_back_is_fine)
"""What an academy promises that can take access back; its links have to close with it."""
