"""Orders in a table: the body is the order as JSON, the columns beside it are what one searches by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future

import apsw
import msgspec
from msgspec.structs import replace

from kramik.errors import Conflict, KramikError, NeedsOperator
from kramik.order import Order
from kramik.ports import Query
from kramik.stores.sqlite.instant import micros
from kramik.stores.sqlite.readers import Readers
from kramik.stores.sqlite.rows import Row, chunks, insertion
from kramik.stores.sqlite.writer import Writer

PULSE = 1.0
"""Seconds for which a write proves that the store can write; `ping` is asked by strangers and must stay cheap."""

_COLUMNS = ("id", "version", "state", "email", "product", "created", "due", "payment", "body")

# The intent and the moment of birth of an order never change, so their columns and indices are left alone; so is the
# address, unless it was corrected.
_SAVE = (
    "UPDATE orders SET version = ?, state = ?, due = ?, payment = ?, body = ? WHERE id = ? AND version = ?"
)
_ADDRESS = "UPDATE orders SET email = ? WHERE id = ? AND email <> ?"
_SELECT = "SELECT id, body FROM orders"
_AGE = "SELECT created, id FROM orders WHERE id = ?"
_KNOWN = "SELECT json_group_array(id) FROM orders WHERE id IN (SELECT value FROM json_each(?))"
_BEAT = "UPDATE pulse SET beats = beats + 1"

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Order)


class SqliteOrders:
    """The orders of one file."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    def insert(self, order: Order) -> Future[None]:
        """Store a new order."""
        return self._writer.add(insert_rows, _row(replace(order, version=order.version + 1)))

    def get(self, order_id: str) -> Order | None:
        """Return the order as it was last saved."""
        found = self._readers.rows(f"{_SELECT} WHERE id = ?", (order_id,))
        return _order(found[0]) if found else None

    def save(self, order: Order) -> Order:
        """Store a changed order if nobody saved one since."""
        saved = replace(order, version=order.version + 1)
        _, version, state, email, _, _, *changing = _row(saved)
        bindings = (version, state, *changing, order.id, order.version)

        def work(connection: apsw.Connection) -> None:
            connection.execute(_SAVE, bindings)
            if connection.changes() == 0:
                raise _conflict(order.id)
            if saved.corrections:
                connection.execute(_ADDRESS, (email, order.id, email))

        self._writer.wait(work)
        return saved

    def search(self, query: Query) -> Sequence[Order]:
        """Return the orders that fit, newest first."""
        clauses = dict(_clauses(query))
        behind = self._readers.rows(_AGE, (query.before,)) if query.before else []
        if behind:
            clauses["(created, id) < (?, ?)"] = behind[0]
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        question = " ".join((_SELECT, _hint(query), where, "ORDER BY created DESC, id DESC LIMIT ?"))
        bindings = (value for values in clauses.values() for value in values)
        return [_order(row) for row in self._readers.rows(question, (*bindings, query.limit))]

    def ping(self) -> None:
        """Return when the store can read, and has written within the last second or can do so now."""
        self._readers.rows("SELECT 1 FROM pulse")
        if self._writer.idle > PULSE:
            self._writer.wait(_beat)


def insert_rows(connection: apsw.Connection, rows: Sequence[Row]) -> Mapping[int, KramikError]:
    """Insert many orders; of equal ids the first one counts."""
    first = {row[0]: position for position, row in reversed(list(enumerate(rows)))}
    fresh = [rows[position] for position in sorted(first.values())]
    known = {order_id for chunk in chunks(fresh) for order_id in _insert_chunk(connection, chunk)}
    return {
        position: _conflict(str(row[0]))
        for position, row in enumerate(rows)
        if row[0] in known or first[row[0]] != position
    }


def _insert_chunk(connection: apsw.Connection, rows: Sequence[Row]) -> set[str]:
    """Insert what is new; return the ids that were there before, which is rare and may cost more."""
    try:
        _insert(connection, rows)
    except apsw.ConstraintError:
        wanted = msgspec.json.encode([row[0] for row in rows]).decode()
        known = set(msgspec.json.decode(connection.execute(_KNOWN, (wanted,)).get, type=list[str]))
        for chunk in chunks([row for row in rows if row[0] not in known]):
            _insert(connection, chunk)
        return known
    return set()


def _insert(connection: apsw.Connection, rows: Sequence[Row]) -> None:
    connection.execute(insertion("orders", _COLUMNS, len(rows)), [value for row in rows for value in row])


def _beat(connection: apsw.Connection) -> None:
    connection.execute(_BEAT)


def _row(order: Order) -> Row:
    due = None if order.due is None else micros(order.due)
    email, product, created = order.buyer.email.lower(), order.intent.product, micros(order.created_at)
    payment = None if order.payment is None else order.payment.event.reference
    return order.id, order.version, order.state, email, product, created, due, payment, _ENCODER.encode(order)


def _order(row: Row) -> Order:
    order_id, body = row
    try:
        return _DECODER.decode(body if isinstance(body, bytes) else b"")
    except msgspec.MsgspecError as error:
        msg = f"order {order_id!r} can not be read by this version of kramik, install the one that wrote it: {error}"
        raise NeedsOperator(msg) from None


def _clauses(query: Query) -> Iterator[tuple[str, Row]]:
    if query.email:
        yield "email = ?", (query.email.lower(),)
    if query.product:
        yield "product = ?", (query.product,)
    if query.payment:
        yield "payment = ?", (query.payment,)
    if query.state is not None:
        yield "state = ?", (query.state,)
    if query.since is not None:
        yield "created >= ?", (micros(query.since),)
    if query.until is not None:
        yield "created < ?", (micros(query.until),)
    if query.due_before is not None:
        yield "due <= ?", (micros(query.due_before),)


def _hint(query: Query) -> str:
    """Name the index that the planner can not know to be best: a buyer has few orders, and few orders are due."""
    if query.payment:
        return "INDEXED BY orders_payment"
    if query.email:
        return "INDEXED BY orders_email"
    return "" if query.due_before is None else "INDEXED BY orders_due"


def _conflict(order_id: str) -> Conflict:
    return Conflict(f"order {order_id} was written by somebody else")
