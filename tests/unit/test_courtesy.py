from __future__ import annotations

import time

from kramik.hosts.courtesy import CROWD, LONGEST, Courtesy


def waits(inside: int, leaves: int = 10**9) -> int:
    """Return how often a worker waited, with so many requests inside that leave after so many waits."""
    courtesy, waited = Courtesy(), []
    courtesy.inside = inside

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) >= leaves:
            courtesy.inside = 0
        time.sleep(seconds)

    courtesy.give_way(wait)
    return len(waited)


def test_nobody_waits_at_an_empty_door() -> None:
    """One request alone holds up no work."""
    assert (0, 0) == (waits(0), waits(CROWD - 1))


def test_a_worker_gives_way_until_the_door_is_free() -> None:
    """It goes on as soon as the crowd is gone."""
    assert 3 == waits(CROWD, leaves=3)


def test_a_crowd_that_stays_does_not_stop_the_work() -> None:
    """The worker waits for a twentieth of a second at most, however long the crowd stays."""
    begun = time.monotonic()
    assert waits(CROWD) > 0
    assert time.monotonic() - begun < LONGEST + 2
