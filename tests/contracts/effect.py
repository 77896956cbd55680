"""What every effect on the outside world promises, whichever peer it is made at.

Each function takes a `Peer`: the effect, the peer's own count of what happened, and switches for its faults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import pytest

from kramik.errors import KramikError, OutcomeUnknown, Rejected, Transient
from kramik.ports import Delivery, Effect
from tests.contracts.race import race

RACERS = 6
AFTER = 7


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One effect and its other side; `call_seconds` is the time-out that the adapter was built with."""

    effect: Effect
    nobody: Effect
    delivery: Delivery
    call_seconds: float
    secrets: tuple[str, ...]
    happened: Callable[[], int]
    fault: Callable[..., None]

    def failure(self) -> Exception:
        """Make the effect and return what it raised."""
        with pytest.raises(KramikError) as caught:
            self.effect.do(self.delivery)
        return caught.value


def happens_once(peer: Peer) -> None:
    """One call has one effect and returns a receipt."""
    assert peer.effect.do(peer.delivery)
    assert peer.happened() == 1


def repeat_is_harmless(peer: Peer) -> None:
    """A repeat of a keyed or set effect returns the first receipt; a look-up finds it, and needs no repeat."""
    first = peer.effect.do(peer.delivery)
    if peer.effect.repeat in ("keyed", "set"):
        assert first == peer.effect.do(peer.delivery)
    if peer.effect.find is not None:
        assert first == peer.effect.find(peer.delivery)
    assert peer.happened() == 1


def race_is_harmless(peer: Peer) -> None:
    """Of many who make a keyed or set effect at once, all get the same receipt of one effect."""
    if peer.effect.repeat in ("keyed", "set"):
        assert len(set(race([lambda: peer.effect.do(peer.delivery)] * RACERS))) == 1
        assert peer.happened() == 1


def look_up_is_for_lookups(peer: Peer) -> None:
    """Exactly an effect of the kind `lookup` can be asked for, and it says None before anything happened."""
    assert (peer.effect.find is not None) == (peer.effect.repeat == "lookup")
    assert peer.effect.find is None or peer.effect.find(peer.delivery) is None


def refused_for_a_while(peer: Peer) -> None:
    """503 with Retry-After did not happen, and says when to come back."""
    peer.fault(fault="refuse", retry_after=AFTER)
    error = peer.failure()
    assert isinstance(error, Transient)
    assert (error.after, peer.happened()) == (AFTER, 0)


def too_many_requests(peer: Peer) -> None:
    """429 did not happen, and says when to come back."""
    peer.fault(fault="too_many_requests", retry_after=AFTER)
    error = peer.failure()
    assert isinstance(error, Transient)
    assert (error.after, peer.happened()) == (AFTER, 0)


def refused_for_good(peer: Peer) -> None:
    """403 is a refusal that no repeat mends."""
    peer.fault(fault="refuse", status=403)
    assert isinstance(peer.failure(), Rejected)
    assert peer.happened() == 0


def broken_server(peer: Peer) -> None:
    """500 may have happened or not."""
    peer.fault(fault="refuse", status=500)
    assert isinstance(peer.failure(), OutcomeUnknown)


def garbage(peer: Peer) -> None:
    """A 200 that nobody can read is an unknown outcome: here it did happen."""
    peer.fault(fault="garbage")
    assert isinstance(peer.failure(), OutcomeUnknown)
    assert peer.happened() == 1


def lost_answer(peer: Peer) -> None:
    """A connection that is reset after the request is an unknown outcome: here it did happen."""
    peer.fault(fault="drop")
    assert isinstance(peer.failure(), OutcomeUnknown)
    assert peer.happened() == 1


def no_answer_in_time(peer: Peer) -> None:
    """An answer that does not come is an unknown outcome, and the call ends when its time is up."""
    peer.fault(fault="time_out_after_effect")
    begun = monotonic()
    assert isinstance(peer.failure(), OutcomeUnknown)
    assert monotonic() - begun < peer.call_seconds + 5
    assert peer.happened() == 1


def slow_but_in_time(peer: Peer) -> None:
    """A slow answer within the time is as good as a quick one."""
    peer.fault(fault="slow", seconds=0.05)
    assert peer.effect.do(peer.delivery)


def nobody_there(peer: Peer) -> None:
    """A peer that takes no connections did nothing."""
    with pytest.raises(Transient):
        peer.nobody.do(peer.delivery)


def silent_about_secrets(peer: Peer) -> None:
    """No error shows a secret or the buyer's address."""
    shown = ""
    for status in (401, 403, 422, 500):
        peer.fault(fault="refuse", status=status)
        shown += str(peer.failure())
    peer.fault(fault="garbage")
    shown += str(peer.failure())
    buyer = peer.delivery.order.intent.buyer.email
    assert [secret for secret in (*peer.secrets, buyer, peer.delivery.access_link) if secret in shown] == []


PROMISES = (
    happens_once,
    repeat_is_harmless,
    race_is_harmless,
    look_up_is_for_lookups,
    refused_for_a_while,
    too_many_requests,
    refused_for_good,
    broken_server,
    garbage,
    lost_answer,
    no_answer_in_time,
    slow_but_in_time,
    nobody_there,
    silent_about_secrets,
)
