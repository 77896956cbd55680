"""Each preset keeps the promises of an academy against the simulator of its vendor, judged by the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from kramik.academies.http.presets import NAMES
from kramik.errors import OutcomeUnknown
from kramik.order import Order
from kramik.ports import Delivery, FreshLinks, Revoking
from tests.adapters.school import Class, taught
from tests.contracts.academy import EFFECT_PROMISES, Classroom, link_opens_the_course
from tests.contracts.effect import Peer
from tests.sandbox.place import Place, fresh_delivery, opened
from tests.story.example import NOON, paid


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
        assert school.visit(school.academy().invitation.do(each))
    assert [academy.revocation.do(each) for each in (given, given, never)]
    found = [len(school.granted(each, "revoke")) for each in (given, other, never)]
    assert [1, 0, 0] == found


@pytest.mark.parametrize("name", sorted({*NAMES} - {"circle", "heartbeat", "moodle", "discourse"}))
def test_asks_before_it_repeats(name: str, place: Place) -> None:
    """Where a second enrollment might be one too many, a lost answer is asked about, and what is there is kept."""
    with taught(place, name) as school:
        effect, delivery = school.academy().invitation, fresh_delivery()
        school.fault("grant", fault="drop")
        with pytest.raises(OutcomeUnknown):
            effect.do(delivery)
        assert "lookup" == effect.repeat
        assert effect.find is not None
        assert effect.find(delivery)
        assert effect.find(fresh_delivery()) is None
        effect.do(delivery)
        assert 1 == len(school.granted(delivery))


def test_a_part_of_an_address_is_not_the_address(place: Place) -> None:
    """Kajabi finds contacts by a part of their address; the buyer is the one whose whole address it is."""
    with taught(place, "kajabi") as school:
        long, short = addressed("joann@example.net"), addressed("Ann@example.net")
        for each in (long, short):
            school.academy().invitation.do(each)
        assert [1, 1] == [len(school.granted(long)), len(school.granted(addressed("ann@example.net")))]


def addressed(email: str) -> Delivery:
    """Return a delivery to this address."""
    delivery = fresh_delivery()
    buyer = msgspec.structs.replace(delivery.order.intent.buyer, email=email)
    intent = msgspec.structs.replace(delivery.order.intent, buyer=buyer)
    return msgspec.structs.replace(delivery, order=msgspec.structs.replace(delivery.order, intent=intent))


def invited(order: Order, recorded: str) -> Order:
    """Return the order, paid, with this link."""
    event = paid(order.id, gateway="sandbox", shop_id="shop-1")
    return order.apply(event, now=NOON).record("invitation", recorded, now=NOON)


def test_discourse_asks_who_is_there(place: Place) -> None:
    """An invitation works once, so the click of whoever has used it leads to the page itself."""
    with taught(place, "discourse") as school:
        academy, delivery = school.academy(), fresh_delivery()
        recorded = academy.invitation.do(delivery)
        order = invited(delivery.order, recorded)
        assert isinstance(academy, FreshLinks)
        assert recorded == academy.link(order)
        assert 200 == school.visit(recorded)[0]
        assert 404 == school.visit(recorded)[0]
        assert (200, True) == (school.visit(academy.link(order))[0], "?u=" in academy.link(order))


def test_discourse_second_course(place: Place) -> None:
    """Whoever has an account is put into the next group and needs no invitation."""
    with taught(place, "discourse") as school:
        academy, first = school.academy(), fresh_delivery()
        school.visit(academy.invitation.do(first))
        intent = msgspec.structs.replace(first.order.intent, course="kolejki-bez-strachu")
        second = msgspec.structs.replace(first, order=msgspec.structs.replace(first.order, intent=intent))
        for _ in range(2):
            assert "/kolejki-bez-strachu?u=" in academy.invitation.do(second)
        assert ["course-7", "kolejki-bez-strachu"] == [each["course"] for each in school.granted(first)]


def test_learnworlds_signs_in(place: Place) -> None:
    """Each click gets a sign-in of its own, which works once and leads to the course."""
    with taught(place, "learnworlds") as school:
        academy, delivery = school.academy(), fresh_delivery()
        recorded = academy.invitation.do(delivery)
        order = invited(delivery.order, recorded)
        assert isinstance(academy, FreshLinks)
        links = [academy.link(order) for _ in range(2)]
        assert [200, 403, 200] == [school.visit(link)[0] for link in (links[0], links[0], links[1])]
