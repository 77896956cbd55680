from __future__ import annotations

import pytest

from kramik.errors import (
    ConfigurationError,
    Conflict,
    InvariantBroken,
    KramikError,
    NeedsOperator,
    NotAuthentic,
    NotMailable,
    OutcomeUnknown,
    Problem,
    Rejected,
    Transient,
)


@pytest.mark.parametrize(
    "kind",
    [
        Rejected,
        NotAuthentic,
        Transient,
        Conflict,
        OutcomeUnknown,
        NeedsOperator,
        NotMailable,
        InvariantBroken,
    ],
)
def test_every_decision_about_work_has_one_root(kind: type[Exception]) -> None:
    """Whoever handles work can name all decisions at once."""
    assert issubclass(kind, KramikError)


def test_a_configuration_error_stands_outside() -> None:
    """Nothing that handles work can swallow a shop that must not start."""
    assert not issubclass(ConfigurationError, KramikError)


def test_a_refusal_tells_every_problem() -> None:
    """All problems travel at once, for programs and for people."""
    problems = (
        Problem(field="email", code="bad", message="is no address"),
        Problem(field="", code="late", message="too late"),
    )
    assert (problems, "email: is no address; too late") == (
        Rejected(*problems).problems,
        str(Rejected(*problems)),
    )


def test_a_forgery_is_a_refusal_without_the_signature_that_was_expected() -> None:
    """The sentence says why, and the code is for programs."""
    assert [problem.code for problem in NotAuthentic("no signature").problems] == ["not_authentic"]


def test_a_transient_failure_repeats_the_wait_that_was_asked_for() -> None:
    """The other side knows best when it will be back."""
    assert (Transient("busy", after=30).after, Transient("busy").after) == (30, None)
