"""Switches that make a peer misbehave, for the next N calls or with a probability and a seed.

`refuse` and `too_many_requests` have no effect on the world; `slow` has it after a delay; `garbage`,
`time_out_after_effect` and `drop` have it and then spoil the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from threading import Lock

import msgspec

from kramik.sandbox import academies, mailers, vendors

KINDS = ("refuse", "time_out_after_effect", "garbage", "slow", "too_many_requests", "drop")
OPERATIONS = {
    "gateway": ("start", "act", "status"),
    **dict.fromkeys(vendors.NAMES, ("start", "act", "token", "begin", "confirm", "ask")),
    **dict.fromkeys(("academy", *academies.NAMES), academies.OPERATIONS),
    **dict.fromkeys(("mail", *mailers.NAMES), mailers.OPERATIONS),
}
"""What can go wrong, by peer; `gateway`, `academy` and `mail` are every vendor of their family.

`open` (a buyer at the course) only when it is named.
"""

FAMILIES = {"gateway": vendors.NAMES, "academy": academies.NAMES, "mail": mailers.NAMES}

SECONDS = {"time_out_after_effect": 60.0, "slow": 1.0}
MOST = 1000


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a field of a switch."""

    field: str
    message: str


class Fault(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One switch. Without `count` and `probability` it stays on; `seconds` is 60 for a time-out and 1 for slow."""

    peer: str
    fault: str
    operation: str = ""
    count: int | None = None
    probability: float | None = None
    seed: int = 0
    seconds: float | None = None
    retry_after: int | None = None
    status: int = 503
    fired: int = 0

    @property
    def delay(self) -> float:
        """Return the seconds that this fault takes."""
        return SECONDS.get(self.fault, 0.0) if self.seconds is None else self.seconds

    def concerns(self, peer: str, operation: str) -> bool:
        """Say whether this switch is about such a call."""
        if self.peer not in ("*", peer) and peer not in FAMILIES.get(self.peer, ()):
            return False
        return self.operation == operation or (not self.operation and operation != "open")


class Faults:
    """The switches that are on; of several that concern a call, the oldest that fires wins."""

    def __init__(self) -> None:
        self._faults: list[tuple[Fault, Random]] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Turn a switch on."""
        with self._lock:
            self._faults = [*self._faults[-MOST + 1 :], (fault, Random(fault.seed))]  # noqa: S311 - repeatable, not secret

    def clear(self) -> None:
        """Turn every switch off."""
        with self._lock:
            self._faults = []

    def list(self) -> list[Fault]:
        """Return the switches that are on, oldest first."""
        with self._lock:
            return [msgspec.structs.replace(fault) for fault, _ in self._faults]

    def draw(self, peer: str, operation: str) -> Fault | None:
        """Return the fault that befalls this call."""
        with self._lock:
            return next(
                (fault for fault, chance in self._faults if self._fires(fault, chance, peer, operation)), None
            )

    def _fires(self, fault: Fault, chance: Random, peer: str, operation: str) -> bool:
        if not fault.concerns(peer, operation) or fault.count == fault.fired:
            return False
        if fault.probability is not None and chance.random() >= fault.probability:
            return False
        fault.fired += 1
        return True


def read(body: bytes) -> Fault | list[Wrong]:
    """Read a switch from JSON, or return everything that is wrong with it."""
    try:
        raw = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return [Wrong(field="", message='send a JSON object such as {"peer": "academy", "fault": "refuse"}')]
    found = list(_problems(raw))
    return found or msgspec.convert(raw, Fault)


def _problems(raw: Mapping[str, object]) -> Iterator[Wrong]:
    for field in raw:
        if field not in _RULES:
            yield Wrong(field=field, message=f"is not known; known are {', '.join(_RULES)}")
    for field, (holds, message) in _RULES.items():
        if (field in raw or field in ("peer", "fault")) and not holds(raw.get(field)):
            yield Wrong(field=field, message=message)
    known = OPERATIONS.get(str(raw.get("peer")), [each for many in OPERATIONS.values() for each in many])
    if raw.get("operation", "") not in ("", *known):
        yield Wrong(field="operation", message=f"must be one of {', '.join(known)}")


def _number(low: float, high: float) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "peer": (lambda value: value in ("*", *OPERATIONS), f"must be {', '.join(OPERATIONS)} or *"),
    "fault": (lambda value: value in KINDS, f"must be one of {', '.join(KINDS)}"),
    "operation": (lambda value: isinstance(value, str), "must be a text"),
    "count": (_whole(1, 10**9), "must be a whole number from 1"),
    "probability": (_number(0, 1), "must be a number from 0 to 1"),
    "seed": (_whole(-(2**62), 2**62), "must be a whole number"),
    "seconds": (_number(0, 3600), "must be a number from 0 to 3600"),
    "retry_after": (_whole(0, 86_400), "must be a whole number of seconds up to a day"),
    "status": (_whole(400, 599), "must be a status from 400 to 599"),
}
