"""Orders, queue and vault in one Azure storage account: two tables for what lasts, one storage queue for messages.

An order is one row in one of 16 partitions, chosen by a hash of its id: any server of Azure may hold any of them, and a
change is one write of one row. There is no index, so nothing can disagree with the orders: a search asks the table to
filter by columns beside the body. Transactions of a search at 10,000 orders, pages of 1,000 rows:

    due, state, e-mail, product, payment, time    1 for each 1,000 that fit (at least 1), and 1 for each order returned
    everything, newest first                      10, and 1 for each order returned

Azure may cut a page where another server begins or after five seconds; each cut is one transaction more.
Source: learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination.
"""

from kramik.stores.azure.account import Account
from kramik.stores.azure.store import AzureStore

__all__ = ["Account", "AzureStore"]
