"""Secrets in a table, each with a version; the keys and roles of the account decide who can read them."""

from __future__ import annotations

from kramik.errors import Conflict
from kramik.ports import Kept
from kramik.stores.azure.account import Account
from kramik.stores.azure.row import joined, keys, pieces
from kramik.stores.azure.rows import Found, Rows


class AzureVault:
    """The secrets of one storage account."""

    def __init__(self, account: Account) -> None:
        self._rows = Rows(account, "vault")

    def get(self, name: str) -> Kept | None:
        """Return the secret as it was last stored."""
        found = self._rows.get(keys(name))
        return None if found is None else _kept(found)

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store a secret if nobody stored one since."""
        kept, what = Kept(value=value, version=version + 1), f"the secret {name!r}"
        row = {**keys(name), "Version": kept.version, **pieces(value.encode(), what)}
        found = self._rows.get(keys(name)) if version else None
        if version and (found is None or found.columns["Version"] != version):
            raise Conflict(f"{what} was written by somebody else")
        if found is None:
            self._rows.insert(row)
        else:
            self._rows.replace(row, found.tag)
        return kept


def _kept(found: Found) -> Kept:
    return Kept(value=joined(found.columns).decode(), version=int(str(found.columns["Version"])))
