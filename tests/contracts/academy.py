"""What every academy promises beyond the promises of any effect (`effect.py`); each takes a `Classroom`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kramik.ports import Academy, Delivery
from tests.contracts.effect import PROMISES as EFFECT_PROMISES

__all__ = ["EFFECT_PROMISES", "PROMISES", "Classroom"]


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


PROMISES = (link_opens_the_course, two_orders_two_invitations)
