from __future__ import annotations

from datetime import timedelta

from kramik.journal import HISTORY_LIMIT, NEEDS, STEPS, Entry, written
from tests.story.example import NOON


def _failed(minute: int, why: str = "closed", step: str = "invitation") -> Entry:
    return Entry(at=NOON + timedelta(minutes=minute), what="failed", step=step, detail=why, attempt=minute)


def test_no_step_needs_one_that_comes_after_it() -> None:
    """The order of the steps is an order in which they can be made."""
    assert all(STEPS.index(need) < STEPS.index(step) for step in STEPS for need in NEEDS[step])


def test_a_repeated_failure_is_one_line() -> None:
    """Equal failures in a row are counted, with the first and the last time and the last attempt."""
    history = written(written((_failed(1),), _failed(2)), _failed(3))
    assert len(history) == 1
    assert (NOON + timedelta(minutes=1), NOON + timedelta(minutes=3), 3, 3) == (
        history[0].at,
        history[0].until,
        history[0].times,
        history[0].attempt,
    )


def test_another_failure_is_another_line() -> None:
    """Another reason or another step is told apart."""
    history = written(written((_failed(1),), _failed(2, "no answer")), _failed(3, "no answer", "purchase"))
    assert [(entry.detail, entry.step) for entry in history] == [
        ("closed", "invitation"),
        ("no answer", "invitation"),
        ("no answer", "purchase"),
    ]


def test_only_failures_are_folded() -> None:
    """Two equal lines of another kind both stay."""
    placed = Entry(at=NOON, what="placed")
    assert (placed, placed) == written((placed,), placed)


def test_a_very_long_history_loses_its_middle() -> None:
    """How it began and how it goes on are kept, and it never grows beyond its limit."""
    history: tuple[Entry, ...] = ()
    for minute in range(3 * HISTORY_LIMIT):
        history = written(history, _failed(minute, f"reason {minute}"))
    assert (HISTORY_LIMIT, "reason 0", f"reason {3 * HISTORY_LIMIT - 1}") == (
        len(history),
        history[0].detail,
        history[-1].detail,
    )
    assert f"reason {HISTORY_LIMIT // 2 - 1}" == history[HISTORY_LIMIT // 2 - 1].detail
