"""What every queue promises; each function takes an empty one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from kramik.ports import Queue
from kramik.queue import Message, Received
from tests.contracts.race import PATIENCE, race
from tests.contracts.sales import after, message

HIDDEN = 30.0
TAKERS = 6
MESSAGES = 40


def put_then_take(queue: Queue) -> None:
    """A message comes back whole, with its first delivery."""
    queue.put(message("a"), now=after(0)).result(PATIENCE)
    received = _took(queue, 1)
    assert (received.message, received.deliveries, received.until) == (message("a"), 1, after(1 + HIDDEN))


def an_empty_queue_gives_nothing(queue: Queue) -> None:
    """None when there is no message, and when it is not its time."""
    assert _take(queue, 0) is None
    queue.put(message("a"), now=after(0), after=10).result(PATIENCE)
    assert _take(queue, 9.9) is None
    assert _took(queue, 10).message == message("a")


def what_is_taken_is_hidden(queue: Queue) -> None:
    """Nobody else sees a message while it is ours, but it still counts."""
    _put(queue, "a")
    _took(queue, 1)
    assert _take(queue, HIDDEN) is None
    assert queue.depth() == 1


def done_removes(queue: Queue) -> None:
    """A message that is done never comes back."""
    _put(queue, "a")
    queue.done(_took(queue, 1))
    assert _take(queue, 1000) is None
    assert queue.depth() == 0


def what_is_not_answered_comes_back(queue: Queue) -> None:
    """After its visibility has ended a message is given again, with one more delivery and another receipt."""
    _put(queue, "a")
    first, second = _took(queue, 1), _took(queue, 1 + HIDDEN)
    assert (second.id, second.message, second.deliveries) == (first.id, first.message, 2)
    assert first.receipt != second.receipt


def a_zombie_can_not_end_it(queue: Queue) -> None:
    """Whoever was too slow changes nothing about a message that another one has taken."""
    _put(queue, "a")
    zombie, owner = _took(queue, 1), _took(queue, 1 + HIDDEN)
    queue.done(zombie)
    queue.again(zombie, message("zombie"), now=after(40), after=0)
    queue.poison(zombie, "zombie", now=after(40))
    assert (_take(queue, 40), queue.depth(), list(queue.poisoned())) == (None, 1, [])
    queue.done(owner)
    assert queue.depth() == 0


def a_late_answer_counts_while_nobody_else_took_it(queue: Queue) -> None:
    """Past its visibility a message is ours until somebody else takes it."""
    _put(queue, "a")
    late = _took(queue, 1)
    queue.done(late)
    assert _take(queue, 1 + HIDDEN) is None


def again_is_a_fresh_message_later(queue: Queue) -> None:
    """The new content appears after its delay, with its deliveries counted anew; the old receipt is worth nothing."""
    _put(queue, "a")
    received = _took(queue, 1)
    queue.again(received, replace(message("a"), attempt=3), now=after(2), after=10)
    queue.done(received)
    assert _take(queue, 11.9) is None
    again = _took(queue, 12)
    assert (again.message.attempt, again.deliveries) == (3, 1)


def the_longest_visible_comes_first(queue: Queue) -> None:
    """Messages come in the order in which they became visible, and as they were put when that is the same."""
    queue.put(message("late"), now=after(0), after=5).result(PATIENCE)
    _put(queue, "a", "b", "c")
    assert [_took(queue, 5).message.order for _ in range(4)] == ["a", "b", "c", "late"]


def what_comes_again_stands_behind(queue: Queue) -> None:
    """A message that is tried again and again does not hold up the others."""
    _put(queue, "stubborn", "a", "b")
    seen = []
    for at in range(1, 6):
        received = _took(queue, at)
        seen.append(received.message.order)
        queue.again(received, received.message, now=after(at), after=0)
    assert seen == ["stubborn", "a", "b", "stubborn", "a"]


def takers_never_share(queue: Queue) -> None:
    """Of many who take at once, no two get the same message, and every message is given."""
    _put(queue, *(str(number) for number in range(MESSAGES)))

    def take_all() -> list[str]:
        taken = []
        while received := _take(queue, 1):
            taken.append(received.message.order)
        return taken

    taken = [name for each in race([take_all] * TAKERS) for name in each]
    assert Counter(taken) == Counter(str(number) for number in range(MESSAGES))


def poison_moves_aside(queue: Queue) -> None:
    """A poisoned message is worked on no more, and is shown with its reason and its deliveries."""
    _put(queue, "a")
    received = _took(queue, 1)
    queue.poison(received, "because", now=after(2))
    assert (_take(queue, 1000), queue.depth()) == (None, 0)
    (poisoned,) = queue.poisoned()
    expected = ("because", message("a"), after(2), 1)
    assert expected == (poisoned.why, poisoned.message, poisoned.at, poisoned.deliveries)


def poison_once(queue: Queue) -> None:
    """The same message poisoned twice is there once."""
    _put(queue, "a")
    received = _took(queue, 1)
    for _ in range(2):
        queue.poison(received, "because", now=after(2))
    assert len(queue.poisoned()) == 1


def poisoned_of_one_order_oldest_first(queue: Queue) -> None:
    """Poison can be asked for one order, and comes in the order in which it was moved."""
    for name in ("a", "b", "a"):
        _poison(queue, message(name), f"why {name}")
    assert [each.why for each in queue.poisoned("a")] == ["why a", "why a"]
    assert [each.message.order for each in queue.poisoned()] == ["a", "b", "a"]


def replay_puts_it_back_once(queue: Queue) -> None:
    """A replayed message can be taken as if it were new, and exactly once, however often it is replayed."""
    name = _poison(queue, replace(message("a"), attempt=9), "why")
    assert [queue.replay(name, now=after(5)), queue.replay(name, now=after(5))] == [True, False]
    received = _took(queue, 5)
    assert (received.message, received.deliveries) == (message("a"), 1)
    assert (_take(queue, 5), list(queue.poisoned())) == (None, [])


def replay_races(queue: Queue) -> None:
    """Of many who replay at once, exactly one succeeds."""
    name = _poison(queue, message("a"), "why")
    replayed = race([lambda: queue.replay(name, now=after(5))] * TAKERS)
    assert (sum(replayed), queue.depth()) == (1, 1)


def a_replayed_message_can_be_poisoned_again(queue: Queue) -> None:
    """What fails again comes to the same place."""
    queue.replay(_poison(queue, message("a"), "first"), now=after(5))
    queue.poison(_took(queue, 5), "second", now=after(6))
    assert [each.why for each in queue.poisoned()] == ["second"]


def discard_removes_once(queue: Queue) -> None:
    """A discarded message is gone; discarding or replaying it afterwards says so."""
    name = _poison(queue, message("a"), "why")
    assert [queue.discard(name), queue.discard(name), queue.replay(name, now=after(5))] == [
        True,
        False,
        False,
    ]
    assert (list(queue.poisoned()), queue.depth()) == ([], 0)


def unknown_poison_is_not_there(queue: Queue) -> None:
    """Ids that never were are answered with False, whatever they look like."""
    answers = [
        answer
        for name in ("1", "", "x'; --")
        for answer in (queue.replay(name, now=after(0)), queue.discard(name))
    ]
    assert answers == [False] * 6


PROMISES: tuple[Callable[[Queue], None], ...] = (
    put_then_take,
    an_empty_queue_gives_nothing,
    what_is_taken_is_hidden,
    done_removes,
    what_is_not_answered_comes_back,
    a_zombie_can_not_end_it,
    a_late_answer_counts_while_nobody_else_took_it,
    again_is_a_fresh_message_later,
    the_longest_visible_comes_first,
    what_comes_again_stands_behind,
    takers_never_share,
    poison_moves_aside,
    poison_once,
    poisoned_of_one_order_oldest_first,
    replay_puts_it_back_once,
    replay_races,
    a_replayed_message_can_be_poisoned_again,
    discard_removes_once,
    unknown_poison_is_not_there,
)


def _put(queue: Queue, *names: str) -> None:
    for future in [queue.put(message(name), now=after(0)) for name in names]:
        future.result(PATIENCE)


def _take(queue: Queue, at: float) -> Received | None:
    return queue.take(now=after(at), visibility=HIDDEN)


def _took(queue: Queue, at: float) -> Received:
    received = _take(queue, at)
    assert received is not None
    return received


def _poison(queue: Queue, poisonous: Message, why: str) -> str:
    queue.put(poisonous, now=after(0)).result(PATIENCE)
    received = _took(queue, 1)
    queue.poison(received, why, now=after(2))
    return received.id
