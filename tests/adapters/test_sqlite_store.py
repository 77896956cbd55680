"""SQLite keeps what every store promises, and some things that only a file has to promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Semaphore

import apsw
import pytest

from kramik.errors import Conflict, NeedsOperator, Transient
from kramik.ports import Kept, Orders, Query, Queue, Vault
from kramik.stores.sqlite import SqliteStore
from kramik.stores.sqlite.writer import Writer
from tests.contracts import orders, queue, vault
from tests.contracts.race import PATIENCE
from tests.contracts.sales import NOON, after, message, placed


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Return an empty store in a file."""
    with SqliteStore(tmp_path / "shop.db") as opened:
        yield opened


class Jam:
    """A write that holds the writer until the test lets go, so that others pile up behind it."""

    def __init__(self, writer: Writer) -> None:
        self._reached, self._released = Event(), Event()
        self.future = writer.submit(self._hold)
        assert self._reached.wait(PATIENCE)

    def release(self) -> None:
        """Let the writer go on."""
        self._released.set()

    def _hold(self, connection: apsw.Connection) -> None:
        self._reached.set()
        self._released.wait(PATIENCE)


@pytest.mark.parametrize("promise", orders.PROMISES)
def test_orders(store: SqliteStore, promise: Callable[[Orders], None]) -> None:
    """Orders in SQLite keep each promise of an order store."""
    promise(store.orders)


@pytest.mark.parametrize("promise", queue.PROMISES)
def test_queue(store: SqliteStore, promise: Callable[[Queue], None]) -> None:
    """A queue in SQLite keeps each promise of a queue."""
    promise(store.queue)


@pytest.mark.parametrize("promise", vault.PROMISES)
def test_vault(store: SqliteStore, promise: Callable[[Vault], None]) -> None:
    """A vault in SQLite keeps each promise of a vault."""
    promise(store.vault)


def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    """Closing writes what was accepted, and the next process finds it."""
    with SqliteStore(tmp_path / "shop.db") as store:
        for number in range(300):
            store.orders.insert(placed(f"{number}"))
            store.queue.put(message(f"{number}"), now=NOON)
        store.vault.put("kit", "s3cret", version=0)
    with SqliteStore(tmp_path / "shop.db") as store:
        assert Kept(value="s3cret", version=1) == store.vault.get("kit")
        assert (len(store.orders.search(Query(limit=1000))), store.queue.depth()) == (300, 300)
    assert [file.name for file in tmp_path.iterdir()] == ["shop.db"]


def test_waiting_writes_share_one_commit(store: SqliteStore) -> None:
    """What waits together is stored together, conflicts apart, and each future hears its own answer."""
    store.orders.insert(placed("7")).result(PATIENCE)
    jam = Jam(store._writer)
    before = store._writer.commits
    stored = [store.orders.insert(placed(f"{number}")) for number in range(500)]
    puts = [store.queue.put(message(f"{number}"), now=NOON) for number in range(500)]
    jam.release()
    conflicts = [isinstance(future.exception(PATIENCE), Conflict) for future in stored]
    assert [number for number, conflict in enumerate(conflicts) if conflict] == [7]
    assert [future.exception(PATIENCE) for future in puts] == [None] * 500
    assert store._writer.commits - before == 2


def test_a_cancelled_wait_does_not_cancel_the_write(store: SqliteStore) -> None:
    """What was accepted is stored, even if whoever asked went away."""
    jam = Jam(store._writer)
    stored = store.orders.insert(placed("a"))
    assert stored.cancel() is False
    jam.release()
    stored.result(PATIENCE)
    assert store.orders.get("a") is not None


def test_too_many_waiting_writes_fail_at_once(tmp_path: Path) -> None:
    """When the disk does not keep up, the door hears of it at once, and what was accepted before is stored."""
    connection = apsw.Connection(str(tmp_path / "small.db"))
    writer = Writer(connection, lambda: connection, check=lambda: None, limit=3)
    jam = Jam(writer)
    accepted = [writer.submit(lambda _: None) for _ in range(3)]
    refused = writer.submit(lambda _: None)
    assert refused.done()
    assert isinstance(refused.exception(), Transient)
    jam.release()
    assert [future.exception(PATIENCE) for future in accepted] == [None] * 3
    writer.close()


def test_a_bug_in_one_write_fails_alone(store: SqliteStore) -> None:
    """A write that breaks by itself takes nothing else with it, and what it had changed is undone."""

    def buggy(connection: apsw.Connection) -> None:
        connection.execute("DELETE FROM orders")
        raise ZeroDivisionError

    store.orders.insert(placed("a")).result(PATIENCE)
    jam = Jam(store._writer)
    futures: list[Future[None]] = [
        store.orders.insert(placed("b")),
        store._writer.submit(buggy),
        store.orders.insert(placed("c")),
    ]
    jam.release()
    assert [type(future.exception(PATIENCE)) for future in futures] == [
        type(None),
        ZeroDivisionError,
        type(None),
    ]
    assert [order.id for order in store.orders.search(Query())] == ["c", "b", "a"]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """After closing, reading and writing fail with Transient, and closing again harms nothing."""
    store = SqliteStore(tmp_path / "shop.db")
    store.close()
    store.close()
    assert isinstance(store.orders.insert(placed("a")).exception(PATIENCE), Transient)
    with pytest.raises(Transient, match="closed"):
        store.orders.get("a")
    with pytest.raises(Transient, match="closed"):
        store.orders.ping()


def test_workers_are_woken(tmp_path: Path) -> None:
    """Each message that can be taken at once wakes somebody: put, replayed, or come again without delay."""
    woken = Semaphore(0)
    with SqliteStore(tmp_path / "shop.db", wake=woken.release) as store:
        store.queue.put(message("late"), now=NOON, after=60).result(PATIENCE)
        assert not woken.acquire(blocking=False)
        store.queue.put(message("a"), now=NOON).result(PATIENCE)
        assert woken.acquire(timeout=PATIENCE)
        received = store.queue.take(now=NOON, visibility=9)
        assert received is not None
        store.queue.again(received, message("a"), now=NOON, after=0)
        assert woken.acquire(timeout=PATIENCE)
        received = store.queue.take(now=NOON, visibility=9)
        assert received is not None
        store.queue.poison(received, "why", now=NOON)
        store.queue.replay(received.id, now=NOON)
        assert woken.acquire(timeout=PATIENCE)


def test_a_message_that_can_not_be_read_blocks_nobody(store: SqliteStore) -> None:
    """It is moved aside with its body as it was, shown with its order, and survives a replay; others go on."""
    body = b'{"order": "a", "task": "dance"}'
    put = "INSERT INTO queue (visible, order_id, body) VALUES (0, 'a', ?)"
    store._writer.wait(lambda connection: connection.execute(put, (body,)).fetchall())
    store.queue.put(message("b"), now=NOON).result(PATIENCE)
    for at in (1, 2):
        received = store.queue.take(now=after(at), visibility=9)
        assert (received and received.message) == (message("b") if at == 1 else None)
        (poisoned,) = store.queue.poisoned("a")
        assert (poisoned.message, "no message of version 1" in poisoned.why) == (message("a"), True)
        assert store._readers.rows("SELECT body FROM poison") == [(body,)]
        store.queue.replay(poisoned.id, now=after(at))


def test_an_order_that_can_not_be_read_is_named(store: SqliteStore) -> None:
    """Whoever asks for it is told which order it is and what to do."""
    store.orders.insert(placed("a")).result(PATIENCE)
    store._writer.wait(lambda connection: connection.execute("UPDATE orders SET body = x'7b7d'").fetchall())
    with pytest.raises(NeedsOperator, match=r"'a'.*install"):
        store.orders.get("a")


def test_a_stranger_can_not_keep_the_disk_busy(store: SqliteStore) -> None:
    """Many pings in one second are at most one write."""
    store.orders.insert(placed("a")).result(PATIENCE)
    before = store._writer.commits
    for _ in range(50):
        store.orders.ping()
    assert store._writer.commits - before <= 1
