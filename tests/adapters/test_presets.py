"""Each preset keeps the promises of an academy against the simulator of its vendor, judged by the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kramik.academies.http.presets import NAMES
from kramik.ports import Revoking
from tests.adapters.school import Class, taught
from tests.contracts.academy import EFFECT_PROMISES, Classroom, link_opens_the_course
from tests.contracts.effect import Peer
from tests.sandbox.place import Place, fresh_delivery, opened


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.fixture(params=NAMES)
def school(request: pytest.FixtureRequest, place: Place) -> Iterator[Class]:
    """The academy of each vendor."""
    with taught(place, request.param) as school:
        yield school


@pytest.mark.parametrize("promise", EFFECT_PROMISES)
def test_effect(promise: Callable[[Peer], None], school: Class) -> None:
    """An invitation keeps each promise of an effect."""
    promise(school.peer())


def test_link_opens_the_course(school: Class) -> None:
    """The receipt opens the course that was bought."""
    room: Classroom = school.room()
    link_opens_the_course(room)


def test_a_buyer_who_has_an_account(school: Class) -> None:
    """Whoever bought another course before gets the new one with the same account, once."""
    academy, first = school.academy(), fresh_delivery()
    academy.invitation.do(first)
    academy.invitation.do(first)
    assert 1 == len(school.granted(first))


def test_taken_back(school: Class) -> None:
    """What can be taken back is taken back once, from this buyer alone; nothing to take back is a success."""
    academy: object = school.academy()
    if not isinstance(academy, Revoking):
        assert not hasattr(academy, "revocation")
        return
    given, other, never = fresh_delivery(), fresh_delivery(), fresh_delivery()
    for each in (given, other):
        school.academy().invitation.do(each)
    assert [academy.revocation.do(each) for each in (given, given, never)]
    found = [len(school.granted(each, "revoke")) for each in (given, other, never)]
    assert [1, 0, 0] == found
