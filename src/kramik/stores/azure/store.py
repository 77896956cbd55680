"""The store that a shop opens: orders, queue and vault of one storage account. Opening it asks nobody anything."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from kramik.stores.azure.account import Account
from kramik.stores.azure.orders import ORDERS, AzureOrders
from kramik.stores.azure.queue import AzureQueue
from kramik.stores.azure.vault import AzureVault

QUEUE = "kramik-work"


class AzureStore:
    """One shop in one storage account; tables and queue are made when they are first needed.

    `poison_queue` is where the Functions host moves a message on which a function failed too often.
    """

    def __init__(self, account: Account, *, queue: str = QUEUE) -> None:
        self._account = account
        self.orders = AzureOrders(account)
        self.vault = AzureVault(account)
        self.queue = AzureQueue(account, queue)
        self.poison_queue = AzureQueue(account, f"{queue}-poison")

    def load(self) -> None:
        """Load what an order needs to be stored, and ask nobody anything."""
        self._account.table(ORDERS)

    def close(self) -> None:
        """Close the connections; a repeat is harmless."""
        self._account.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()
