"""Messages in a table, and those that a person must look at in another; a row is always in exactly one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from secrets import token_hex

import apsw
from msgspec.structs import replace

from kramik.errors import KramikError, NeedsOperator
from kramik.queue import Message, Poisoned, Received, decode, encode
from kramik.stores.sqlite.instant import micros, moment
from kramik.stores.sqlite.readers import Readers
from kramik.stores.sqlite.rows import Row, Value, chunks, insertion
from kramik.stores.sqlite.writer import Writer

_COLUMNS = ("visible", "order_id", "body")

_VISIBLE = "SELECT 1 FROM queue WHERE visible <= ? LIMIT 1"
_TAKE = """
    UPDATE queue SET visible = ?, receipt = ?, deliveries = deliveries + 1
    WHERE id = (SELECT id FROM queue WHERE visible <= ? ORDER BY visible, id LIMIT 1)
    RETURNING id, body, deliveries
"""
_DONE = "DELETE FROM queue WHERE id = ? AND receipt = ?"
_AGAIN = """
    UPDATE queue SET visible = ?, receipt = NULL, deliveries = 0, order_id = ?, body = ? WHERE id = ? AND receipt = ?
"""
_POISON = """
    INSERT INTO poison (id, at, why, deliveries, order_id, body)
    SELECT id, ?, ?, deliveries, order_id, body FROM queue WHERE id = ? AND receipt = ?
"""
_POISONED = (
    "SELECT id, body, why, at, deliveries, order_id FROM poison WHERE ? IN ('', order_id) ORDER BY at, id"
)
_REPLAY = "INSERT INTO queue (id, visible, order_id, body) SELECT id, ?, order_id, ? FROM poison WHERE id = ?"
_DISCARD = "DELETE FROM poison WHERE id = ?"


class SqliteQueue:
    """The messages of one file. `wake` is called for each message that can be taken at once."""

    def __init__(self, writer: Writer, readers: Readers, *, wake: Callable[[], None]) -> None:
        self._writer, self._readers, self.wake = writer, readers, wake

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        """Store a message."""
        visible = micros(now + timedelta(seconds=after))
        stored = self._writer.add(put_rows, (visible, message.order, encode(message)))
        if after <= 0:
            stored.add_done_callback(self._wake_if_stored)
        return stored

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        """Take the message that has been visible for longest; what can not be read is moved aside."""
        until = now + timedelta(seconds=visibility)
        while self._readers.rows(_VISIBLE, (micros(now),)):
            receipt = token_hex(8)
            taken = self._changed(_TAKE, (micros(until), receipt, micros(now)))
            if not taken:
                return None
            name, body, deliveries = str(taken[0][0]), _bytes(taken[0][1]), _number(taken[0][2])
            try:
                message = decode(body)
            except NeedsOperator as error:
                self._move_aside(name, receipt, str(error), now)
            else:
                return Received(id=name, message=message, receipt=receipt, deliveries=deliveries, until=until)
        return None

    def done(self, received: Received) -> None:
        """Remove a message if it is still ours."""
        self._changed(_DONE, (received.id, received.receipt))

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:
        """Replace our message; it counts its deliveries anew."""
        visible = micros(now + timedelta(seconds=after))
        self._changed(_AGAIN, (visible, message.order, encode(message), received.id, received.receipt))
        if after <= 0:
            self.wake()

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        """Move our message aside."""
        self._move_aside(received.id, received.receipt, why, now)

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        """Return what was moved aside; a message that can not be read shows its order only."""
        return [_poisoned(row) for row in self._readers.rows(_POISONED, (order,))]

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        """Put a poisoned message back to work."""

        def work(connection: apsw.Connection) -> bool:
            found = connection.execute("SELECT body FROM poison WHERE id = ?", (poison_id,)).fetchall()
            for (body,) in found:
                connection.execute(_REPLAY, (micros(now), _afresh(_bytes(body)), poison_id))
                connection.execute(_DISCARD, (poison_id,))
            return bool(found)

        replayed = self._writer.wait(work)
        if replayed:
            self.wake()
        return replayed

    def discard(self, poison_id: str) -> bool:
        """Remove a poisoned message."""
        return bool(self._changed(f"{_DISCARD} RETURNING id", (poison_id,)))

    def depth(self) -> int:
        """Return how many messages wait or are being worked on."""
        return _number(self._readers.rows("SELECT count(*) FROM queue")[0][0])

    def _move_aside(self, name: str, receipt: str, why: str, now: datetime) -> None:
        def work(connection: apsw.Connection) -> None:
            connection.execute(_POISON, (micros(now), why, name, receipt))
            connection.execute(_DONE, (name, receipt))

        self._writer.wait(work)

    def _changed(self, statement: str, bindings: Row) -> list[Row]:
        return self._writer.wait(lambda connection: connection.execute(statement, bindings).fetchall())

    def _wake_if_stored(self, stored: Future[None]) -> None:
        if stored.exception() is None:
            self.wake()


def put_rows(connection: apsw.Connection, rows: Sequence[Row]) -> Mapping[int, KramikError]:
    """Put many messages, in their order; none is ever refused."""
    for chunk in chunks(rows):
        connection.execute(
            insertion("queue", _COLUMNS, len(chunk)), [value for row in chunk for value in row]
        )
    return {}


def _poisoned(row: Row) -> Poisoned:
    name, body, why, at, deliveries, order = row
    try:
        message = decode(_bytes(body))
    except NeedsOperator:
        message = Message(order=str(order))
    moved = moment(_number(at))
    return Poisoned(id=str(name), message=message, why=str(why), at=moved, deliveries=_number(deliveries))


def _afresh(body: bytes) -> bytes:
    """Return the message with its attempts counted anew; one that can not be read stays as it is."""
    try:
        return encode(replace(decode(body), attempt=0))
    except NeedsOperator:
        return body


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0
