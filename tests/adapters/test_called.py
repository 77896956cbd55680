"""Every gateway that is called at order time keeps the promises of one, in a running world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from kramik.hosts.cli import matrix
from tests.contracts.called import PANEL, PROMISES, Caller, called_gateway, order_of
from tests.sandbox.place import Place, opened
from tests.unit.raw_server import answering, reply, serving

FEATURES = matrix.features()
CALLED = tuple(name for name, each in FEATURES.items() if each.start == "call")


@pytest.fixture
def place() -> Iterator[Place]:
    """A world of its own, so that its ledger counts one test alone."""
    with opened() as place:
        yield place


def test_there_are_some() -> None:
    """The list that the other tests run over is not empty."""
    assert "przelewy24" in CALLED


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: Callable[[Caller], None], name: str, place: Place) -> None:
    """The gateway keeps each promise of a called gateway."""
    gateway = called_gateway(name, place)
    with closing(gateway), serving(answering(reply(200, b"OK"))) as shop:
        panel = {"vendor": name, "notify": f"{shop.url}{PANEL}", "shop": "https://kurs.example"}
        place.browser.post("/panel", json=panel).raise_for_status()
        order = order_of(name, gateway)
        promise(
            Caller(gateway=gateway, features=FEATURES[name], name=name, order=order, place=place, shop=shop)
        )
