"""How a moment lies in the file: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Return the moment as a number; the time must be aware."""
    return (at - _EPOCH) // _MICROSECOND


def moment(number: int) -> datetime:
    """Return the number as a moment in UTC."""
    return _EPOCH + number * _MICROSECOND
