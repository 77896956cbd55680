"""Turns: one after the other at one key, side by side at others, and nobody waits longer than they have."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic

import pytest

from kramik.errors import Transient
from kramik.turns import Turns
from tests.contracts.race import race

PATIENCE = 10.0


def test_one_after_the_other() -> None:
    """Of many who want the same key, no two are inside at once, and all get in."""
    turns, inside, most = Turns(), [], []

    def work() -> None:
        with turns.take("anna", seconds=PATIENCE):
            inside.append(1)
            most.append(len(inside))
            Event().wait(0.001)
            inside.pop()

    race([work] * 8)
    assert [1] * 8 == most
    assert 0 == len(turns)


def test_other_keys_do_not_wait() -> None:
    """Whoever works on something else is not held up."""
    turns = Turns()
    with turns.take("anna", seconds=0), turns.take("ola", seconds=0):
        assert 2 == len(turns)
    assert 0 == len(turns)


def test_nobody_waits_for_ever() -> None:
    """A turn that does not come in time is nothing that happened; the key is free again afterwards."""
    turns, over = Turns(), Event()

    def hold() -> None:
        with turns.take("anna", seconds=0):
            over.wait(PATIENCE)

    thread = Thread(target=hold)
    thread.start()
    try:
        begun = monotonic()
        with pytest.raises(Transient, match="nothing was sent"), turns.take("anna", seconds=0.05):
            pass
        assert monotonic() - begun < PATIENCE / 2
    finally:
        over.set()
        thread.join(PATIENCE)
    with turns.take("anna", seconds=0):
        assert 1 == len(turns)


def test_a_turn_ends_with_a_failure() -> None:
    """Who fails inside leaves the key to the next."""
    turns = Turns()
    with pytest.raises(ValueError, match="x"), turns.take("anna", seconds=0):
        raise ValueError("x")
    with turns.take("anna", seconds=0):
        assert 1 == len(turns)
