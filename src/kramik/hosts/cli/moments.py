"""The option `--at`: another moment than this one."""

from __future__ import annotations

from datetime import UTC, datetime

import click


def read(text: str, timezone: str) -> datetime:
    """Read a moment; one without a zone is of the shop's clock, or in UTC where it has none.

    Raises:
        BadParameter: it is no moment, or two, as the clocks are changed.
    """
    from kramik import conditions

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no moment; write one such as 2026-12-01T09:00"
        raise click.BadParameter(message, param_hint="--at") from None
    if moment.tzinfo:
        return moment
    zone = conditions.zone(timezone) or UTC
    early, late = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        message = f"{text!r} happens twice or never, as the clocks are changed; write an offset behind it"
        raise click.BadParameter(message, param_hint="--at")
    return early
