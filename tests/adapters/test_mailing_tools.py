"""Every mailing tool that a person, a link and a trigger make up keeps the promises of a mailer, faults and all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, sleep

import msgspec
import pytest

from kramik.errors import KramikError, NotMailable, OutcomeUnknown, Transient
from kramik.ports import Delivery
from tests.adapters.tool import EFFECTS, Tool, bought, playing
from tests.contracts.effect import Peer
from tests.contracts.mailer import EFFECT_PROMISES, PROMISES, Office
from tests.sandbox.place import fresh_order

NAMES = ("mailchimp", "mailerlite", "brevo", "listmonk", "buttondown")
PATIENCE = 10.0
BY_MAIL = ("listmonk",)
"""Tools that send one mail for each order, however often somebody buys."""


@pytest.fixture(scope="module", params=NAMES)
def world(request: pytest.FixtureRequest) -> Iterator[Tool]:
    """A running world, one for each tool."""
    with playing(request.param) as made:
        yield made


@pytest.fixture
def tool(world: Tool) -> Iterator[Tool]:
    """The tool, without any fault that another test left."""
    yield world
    world.place.browser.delete("/faults")


@pytest.fixture(scope="module", params=[name for name in NAMES if name not in BY_MAIL])
def starting(request: pytest.FixtureRequest) -> Iterator[Tool]:
    """A running world, one for each tool whose mails something starts."""
    with playing(request.param) as made:
        yield made


@pytest.mark.parametrize("operation", EFFECTS)
@pytest.mark.parametrize("promise", EFFECT_PROMISES)
def test_effect(promise: Callable[[Peer], None], operation: str, tool: Tool) -> None:
    """A purchase and a sequence keep each promise of an effect."""
    promise(tool.peer(operation))


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Office], None], tool: Tool) -> None:
    """The tool keeps each promise of a mailing tool."""
    promise(tool.office())


@pytest.mark.parametrize("fault", ["refuse", "drop", "garbage"])
@pytest.mark.parametrize("step", ["find", "person"])
def test_trouble_before_the_mails(step: str, fault: str, tool: Tool) -> None:
    """Whatever breaks on the way to the mails, a later call starts them once, with the link."""
    delivery, mailer = bought(), tool.mailer()
    tool.place.fault(peer=tool.name, operation=step, fault=fault, status=500)
    try:
        mailer.sequence.do(delivery)
    except KramikError:
        mailer.sequence.do(delivery)
    assert 1 == len(tool.effects(delivery, "sequence"))
    assert [1] == [
        text.count(delivery.access_link) for _, text in tool.mails(delivery.order.intent.buyer.email)
    ]


def test_purchase_and_sequence_in_any_order(tool: Tool) -> None:
    """Whichever step comes first, both happen and the mail goes out."""
    for names in (("purchase", "sequence"), ("sequence", "purchase")):
        delivery, mailer = bought(), tool.mailer()
        for name in names:
            EFFECTS[name](mailer).do(delivery)
        assert [1, 1, 1] == [len(tool.effects(delivery, each)) for each in ("purchase", "sequence", "mail")]


def test_the_same_course_again(starting: Tool) -> None:
    """A second order of the same course by the same person starts nothing twice: its access goes by our own mail."""
    first, mailer = bought(), starting.mailer()
    mailer.sequence.do(first)
    second = _again(first)
    with pytest.raises(NotMailable):
        mailer.sequence.do(second)
    assert 1 == len(starting.effects(first, "sequence"))
    assert mailer.sequence.do(first)


def test_another_course(starting: Tool) -> None:
    """A second course of the same person starts its own mails, with its own link."""
    first, mailer = bought(), starting.mailer()
    mailer.sequence.do(first)
    second = _again(first, product="kolejki-bez-strachu", sequence="kolejki-start")
    mailer.sequence.do(second)
    texts = [text for _, text in starting.mails(first.order.intent.buyer.email)]
    assert [(1, 0), (0, 1)] == [
        (text.count(first.access_link), text.count(second.access_link)) for text in texts
    ]


def test_only_with_consent(starting: Tool) -> None:
    """Where the shop wants it so, a buyer who agreed to no news is left out of the tool's mails."""
    delivery = bought()
    with pytest.raises(NotMailable):
        starting.mailer(only_with_consent=True).sequence.do(delivery)
    assert [] == starting.effects(delivery, "sequence")


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_that_is_late(name: str) -> None:
    """Changes that show late only make it last longer: it is tried again until they show, and happens once."""
    with playing(name, lag=0.3) as late:
        delivery, mailer = bought(), late.mailer()
        for effect in ("purchase", "sequence"):
            assert _until_it_shows(EFFECTS[effect](mailer).do, delivery)
            assert 1 == len(late.effects(delivery, effect))
        assert 1 == len(late.mails(delivery.order.intent.buyer.email))


def _until_it_shows(do: Callable[[Delivery], str], delivery: Delivery) -> str:
    until = monotonic() + PATIENCE
    while True:
        try:
            return do(delivery)
        except (OutcomeUnknown, Transient):
            assert monotonic() < until
            sleep(0.05)


def _again(first: Delivery, **changes: object) -> Delivery:
    intent = first.order.intent
    order = fresh_order(**{"product": intent.product, "sequence": intent.sequence, **changes})
    intent = msgspec.structs.replace(order.intent, buyer=first.order.intent.buyer)
    order = msgspec.structs.replace(order, intent=intent)
    return Delivery(order=order, access_link=f"https://api.kurs.example/access/{order.id}.mac")
