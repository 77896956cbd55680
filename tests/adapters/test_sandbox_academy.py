"""The sandbox academy keeps every promise of an academy, in each kind of repeat-safety."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from kramik.academies.sandbox import SandboxAcademy, Settings
from kramik.errors import NeedsOperator
from kramik.ports import Repeat
from tests.contracts.academy import EFFECT_PROMISES, PROMISES, REVOKING, Classroom
from tests.contracts.effect import Peer
from tests.sandbox.place import Place, fresh_delivery, opened
from tests.unit.raw_server import answering, reply, serving

CALL = 1.0
KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.fixture
def academy(place: Place) -> Iterator[Callable[..., SandboxAcademy]]:
    """How to open an academy; all of them are closed in the end."""
    with ExitStack() as stack:

        def make(repeat: Repeat = "keyed", *, base_url: str = place.url, lag: float = 0) -> SandboxAcademy:
            settings = Settings(base_url=base_url, token=place.settings.academy_token, repeat=repeat, lag=lag)
            made = SandboxAcademy(settings, call_seconds=CALL)
            stack.callback(made.close)
            return made

        yield make
        place.browser.delete("/faults")


@pytest.mark.parametrize("repeat", KINDS)
@pytest.mark.parametrize("promise", EFFECT_PROMISES)
def test_effect(
    promise: Callable[[Peer], None], repeat: Repeat, academy: Callable[..., SandboxAcademy], place: Place
) -> None:
    """An invitation keeps each promise of an effect."""
    delivery = fresh_delivery()
    promise(
        Peer(
            effect=academy(repeat).invitation,
            nobody=academy(repeat, base_url="http://127.0.0.1:1").invitation,
            delivery=delivery,
            call_seconds=CALL,
            secrets=(place.settings.academy_token,),
            happened=lambda: len(place.ledger(delivery.order.id, "grant")),
            fault=lambda **switch: place.fault(peer="academy", operation="grant", **switch),
        )
    )


@pytest.mark.parametrize("repeat", KINDS)
@pytest.mark.parametrize("promise", [*PROMISES, *REVOKING])
def test_promise(
    promise: Callable[[Classroom], None], repeat: Repeat, academy: Callable[..., SandboxAcademy], place: Place
) -> None:
    """The sandbox academy keeps each promise of an academy."""

    def visit(link: str) -> tuple[int, str]:
        page = place.browser.get(link)
        return page.status_code, page.text

    promise(
        Classroom(academy=academy(repeat), delivery=fresh_delivery(), another=fresh_delivery(), visit=visit)
    )


def test_look_up_lags() -> None:
    """A list that lags says None right after the grant, which is why the lag is a setting."""
    with opened(lag=3600) as late:
        settings = Settings(base_url=late.url, token=late.settings.academy_token, repeat="lookup", lag=3600)
        slow = SandboxAcademy(settings, call_seconds=CALL)
        delivery = fresh_delivery()
        slow.invitation.do(delivery)
        assert slow.invitation.find is not None
        assert slow.invitation.find(delivery) is None
        assert slow.invitation.lag == 3600
        slow.close()


def test_foreign_link_is_refused(academy: Callable[..., SandboxAcademy]) -> None:
    """A link that leads to another host than the academy's is never mailed to a buyer."""
    grant = b'{"id": "g", "order": "o", "link": "https://elsewhere.example/academy/open/g"}'
    with serving(answering(reply(201, grant))) as impostor, pytest.raises(NeedsOperator):
        academy(base_url=impostor.url).invitation.do(fresh_delivery())
