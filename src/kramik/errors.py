"""Exceptions are decisions: each one says what its caller does next.

`Rejected`, `Transient`, `Conflict`, `OutcomeUnknown` and `NeedsOperator` decide about one piece of work.
`ConfigurationError` stands outside that tree, so that nothing which handles work can swallow it.
Problems of untrusted input travel as a tuple of `Problem`, all of them at once.
"""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: where, a code for programs and a sentence for people."""

    field: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class KramikError(Exception):
    """The root of every decision about a piece of work."""


class Rejected(KramikError):
    """The sender is wrong: tell them every problem, change nothing, never retry."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


class NotAuthentic(Rejected):
    """A notification that its gateway did not sign: answer 400, store nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(Problem(field="signature", code="not_authentic", message=why))


class Transient(KramikError):
    """It did not happen and may work later: try again, after `after` seconds when the other side said so."""

    def __init__(self, why: str, *, after: float | None = None) -> None:
        self.after = after
        super().__init__(why)


class GatewayDown(KramikError):
    """The order is stored and its gateway begins no payment now: show the buyer how to go on with this order."""


class Conflict(KramikError):
    """Somebody else wrote first: load again and plan again."""


class OutcomeUnknown(KramikError):
    """The call may have had its effect: decide by the repeat-safety of the step, never by hope."""


class NeedsOperator(KramikError):
    """A person must act: park the order and show them the sentence."""


class NotMailable(NeedsOperator):
    """The mailing tool did not mail this person and will not: send the access mail ourselves.

    Raised by the effect of a sequence when somebody unsubscribed, had this sequence before, or it is switched off.
    Whoever raises it knows that no mail of this order is under way: it is sent another way at once.
    """


class InvariantBroken(KramikError):
    """A change that must be impossible was attempted: write nothing, keep the order as it is, tell a person."""


class ConfigurationError(Exception):
    """The shop's own files are wrong: do not start; print every problem."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
