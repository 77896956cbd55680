"""A process that gets an access token of Kit through the store that it shares with others.

`token FILE URL SETTINGS` prints the token; `die FILE URL SETTINGS WRITE` is killed before its n-th write to the vault.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kramik.errors import Transient
from kramik.http import Client
from kramik.mailers.kit import Settings
from kramik.mailers.kit.grant import Grant
from kramik.ports import Kept, Vault
from kramik.stores.sqlite import SqliteStore

PATIENCE = 30.0


class Mortal:
    """A vault before whose n-th write the process is killed."""

    def __init__(self, vault: Vault, writes: int) -> None:
        self._vault, self._left = vault, writes

    def get(self, name: str) -> Kept | None:
        """Return what is stored."""
        return self._vault.get(name)

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store, or die."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._vault.put(name, value, version=version)


def main() -> None:
    """Get a token, waiting for others as the queue would."""
    doing, file, url, raw, *rest = sys.argv[1:]
    settings = msgspec.json.decode(raw, type=Settings)
    with SqliteStore(Path(file)) as store:
        vault: Vault = store.vault if doing == "token" else Mortal(store.vault, int(rest[0]))
        client = Client(url, name="Kit", call_seconds=5.0)
        grant = Grant(client, settings, vault, clock=lambda: datetime.now(UTC))
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                print(grant.token(), flush=True)  # noqa: T201 - the parent reads it
                break
            except Transient:
                time.sleep(0.05)
        client.close()


if __name__ == "__main__":
    main()
