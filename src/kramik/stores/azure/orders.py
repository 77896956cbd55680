"""Orders in a table: one row an order, written once for each change.

The columns beside the body are what one searches by; they are written together with it, in the same row.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from heapq import nlargest
from threading import Lock

import msgspec
from msgspec.structs import replace

from kramik.errors import Conflict, KramikError, NeedsOperator
from kramik.order import Order
from kramik.ports import Query
from kramik.stores.azure.account import Account
from kramik.stores.azure.row import Row, instant, joined, keys, pieces
from kramik.stores.azure.rows import Found, Rows

ORDERS = "orders"

KNOWN = 256
"""Orders whose ETag is remembered between a read and the save that follows; without it a save reads once more."""

PULSE = 1.0
"""Seconds for which a write proves that the store can write; `ping` is asked by strangers and must stay cheap."""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Order)


class AzureOrders:
    """The orders of one storage account."""

    def __init__(self, account: Account) -> None:
        self._rows = Rows(account, ORDERS)
        self._tags: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._lock = Lock()
        self._beat = float("-inf")

    def insert(self, order: Order) -> Future[None]:
        """Store a new order."""
        future: Future[None] = Future()
        stored = replace(order, version=order.version + 1)
        try:
            self._remember(stored, self._rows.insert(_row(stored)))
        except Conflict:
            future.set_exception(_conflict(order.id))
        except KramikError as error:
            future.set_exception(error)
        else:
            future.set_result(None)
        return future

    def get(self, order_id: str) -> Order | None:
        """Return the order as it was last saved."""
        found = self._rows.get(keys(order_id))
        return None if found is None else self._order(found)

    def save(self, order: Order) -> Order:
        """Store a changed order if nobody saved one since."""
        saved = replace(order, version=order.version + 1)
        try:
            self._remember(saved, self._rows.replace(_row(saved), self._tag(order)))
        except Conflict:
            raise _conflict(order.id) from None
        return saved

    def search(self, query: Query) -> Sequence[Order]:
        """Return the orders that fit, newest first: find where all of them lie, then read the newest."""
        behind = self._rows.get(keys(query.before)) if query.before else None
        conditions = dict(_conditions(query))
        limit = None
        if behind is not None:
            limit = str(behind.columns["Created"]), query.before
            conditions["Created le @before"] = ("before", limit[0])
        question = " and ".join(["Kind eq 'order'", *conditions])
        found = self._rows.find(question, dict(conditions.values()), ("Created", "Id"))
        ages = ((str(row["Created"]), str(row["Id"])) for row in found)
        newest = nlargest(query.limit, (age for age in ages if limit is None or age < limit))
        orders = (self.get(order_id) for _, order_id in newest)
        return [order for order in orders if order is not None]

    def ping(self) -> None:
        """Return when the store can read and write."""
        if time.monotonic() - self._beat >= PULSE:
            self._rows.put({"PartitionKey": "pulse", "RowKey": "pulse", "Kind": "pulse"})
            self._beat = time.monotonic()

    def _tag(self, order: Order) -> str:
        """Return the ETag of the row that holds this version.

        Raises:
            Conflict: it holds another one, or there is none.
        """
        with self._lock:
            known = self._tags.get((order.id, order.version))
        if known is not None:
            return known
        found = self._rows.get(keys(order.id))
        if found is None or found.columns["Version"] != order.version:
            raise _conflict(order.id)
        return found.tag

    def _remember(self, order: Order, tag: str) -> None:
        with self._lock:
            self._tags[order.id, order.version] = tag
            while len(self._tags) > KNOWN:
                self._tags.popitem(last=False)

    def _order(self, found: Found) -> Order:
        order = _read(found.columns)
        self._remember(order, found.tag)
        return order


def _row(order: Order) -> Row:
    columns: Row = {
        **keys(order.id),
        "Kind": "order",
        "Id": order.id,
        "Version": order.version,
        "State": order.state,
        "Email": order.buyer.email.lower(),
        "Product": order.intent.product,
        "Created": instant(order.created_at),
        "Due": instant(order.due) if order.due else "",
        "Payment": order.payment.event.reference if order.payment else "",
    }
    return columns | pieces(_ENCODER.encode(order), f"order {order.id}")


def _conditions(query: Query) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each condition with the name and the value of its parameter."""
    equal = {
        "State": query.state or "",
        "Email": query.email.lower(),
        "Product": query.product,
        "Payment": query.payment,
    }
    for column, value in equal.items():
        if value:
            yield f"{column} eq @{column}", (column, value)
    if query.since:
        yield "Created ge @since", ("since", instant(query.since))
    if query.until:
        yield "Created lt @until", ("until", instant(query.until))
    if query.due_before:
        yield "Due gt '' and Due le @due", ("due", instant(query.due_before))


def _read(row: Mapping[str, object]) -> Order:
    try:
        return _DECODER.decode(joined(row))
    except (msgspec.MsgspecError, KramikError) as error:
        message = (
            f"order {row.get('Id')!r} can not be read: {error}; install the version of kramik that wrote it"
        )
        raise NeedsOperator(message) from None


def _conflict(order_id: str) -> Conflict:
    return Conflict(f"order {order_id} was written by somebody else")
