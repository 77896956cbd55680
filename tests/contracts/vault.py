"""What every vault promises; each function takes an empty one."""

from __future__ import annotations

from functools import partial

import pytest

from kramik.errors import Conflict
from kramik.ports import Kept, Vault
from tests.contracts.race import race

RACERS = 8


def nothing_at_first(vault: Vault) -> None:
    """A secret that nobody stored is not there."""
    assert vault.get("kit") is None


def kept_as_it_was(vault: Vault) -> None:
    """What was stored comes back as it was, under its name alone, and each write counts."""
    long = "żółw \n" * 1000
    assert Kept(value=long, version=1) == vault.put("kit", long, version=0) == vault.get("kit")
    assert vault.get("other") is None
    vault.put("kit", "b", version=1)
    assert Kept(value="b", version=2) == vault.get("kit")


def loser_changes_nothing(vault: Vault) -> None:
    """Whoever comes with an old version, or takes the secret for a new one, changes nothing."""
    vault.put("kit", "a", version=0)
    vault.put("kit", "b", version=1)
    for version in (0, 1, 3):
        with pytest.raises(Conflict):
            vault.put("kit", "c", version=version)
    with pytest.raises(Conflict):
        vault.put("new", "c", version=1)
    assert (Kept(value="b", version=2), None) == (vault.get("kit"), vault.get("new"))


def one_of_many_wins(vault: Vault) -> None:
    """Of many who store at once over the same version, exactly one succeeds, and its secret is there."""
    vault.put("kit", "start", version=0)
    for version in range(1, 6):
        won = race([partial(_stored, vault, each, version) for each in range(RACERS)])
        (winner,) = [each for each in won if each is not None]
        assert Kept(value=winner, version=version + 1) == vault.get("kit")


def silent(vault: Vault) -> None:
    """A secret does not show itself."""
    assert "s3cret" not in repr(vault.put("kit", "s3cret", version=0))


def _stored(vault: Vault, racer: int, version: int) -> str | None:
    try:
        return vault.put("kit", f"racer {racer}", version=version).value
    except Conflict:
        return None


PROMISES = (nothing_at_first, kept_as_it_was, loser_changes_nothing, one_of_many_wins, silent)
