"""Which files and libraries are opened, how older files become new ones, and what a file in a bad way does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from kramik.errors import ConfigurationError, Transient
from kramik.ports import Query
from kramik.stores.sqlite import SqliteStore, database, schema
from kramik.stores.sqlite.database import Database
from tests.contracts.race import PATIENCE, race
from tests.contracts.sales import NOON, message, paid, placed

VERSION_1 = Path(__file__).parent / "sqlite_version_1.sql"
NEXT_STEP = (
    "ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; CREATE INDEX notes ON orders (note);"
)


@contextmanager
def opened(path: Path) -> Iterator[apsw.Connection]:
    """Open a file as another program would."""
    connection = apsw.Connection(str(path))
    try:
        yield connection
    finally:
        connection.close()


def refusal(path: Path) -> str:
    """Return the sentence with which a store refuses this file."""
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(path)
    return str(caught.value)


@pytest.mark.parametrize("version", ["3.7.0", "3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.0", "3.51.2"])
def test_a_library_that_can_lose_commits_is_refused(version: str) -> None:
    """SQLite 3.7.0 to 3.51.2 is not used, and the sentence says what to install."""
    with pytest.raises(ConfigurationError, match="install the apsw"):
        database.refuse_library(version)


@pytest.mark.parametrize("version", ["3.6.23", "3.44.6", "3.50.7", "3.51.3", "3.54.1", "4.0.0"])
def test_a_mended_library_is_used(version: str) -> None:
    """Older than the bug, or with its mend."""
    database.refuse_library(version)


def test_commits_reach_the_disk(tmp_path: Path) -> None:
    """The file is in WAL mode and every commit is synchronised in full."""
    with SqliteStore(tmp_path / "shop.db") as store:
        modes = store._writer.wait(lambda each: (each.pragma("journal_mode"), each.pragma("synchronous")))
    assert modes == ("wal", 2)


def test_readers_can_not_write(tmp_path: Path) -> None:
    """A connection for questions refuses to change anything."""
    with SqliteStore(tmp_path / "shop.db") as store, pytest.raises(Transient, match="can not be written"):
        store._readers.rows("DELETE FROM orders")


def test_a_file_of_version_1_is_read(tmp_path: Path) -> None:
    """What the first release wrote is found by this one: an order, a message and a poisoned one."""
    with opened(tmp_path / "shop.db") as connection:
        connection.execute(VERSION_1.read_text())
    with SqliteStore(tmp_path / "shop.db") as store:
        (order,) = store.orders.search(Query(email="ola@example.pl", state="paid", due_before=NOON))
        same = store.orders.search(Query(payment="p-order-1"))
        received = store.queue.take(now=NOON, visibility=9)
        poisoned = [each.message for each in store.queue.poisoned()]
    assert (order.id, order.version, received and received.message) == ("order-1", 2, message("order-1"))
    assert poisoned == [message("order-2")]
    assert same == [order]


def test_a_file_is_brought_forward(tmp_path: Path) -> None:
    """The next step is applied once, keeps every row, and several processes may begin at once."""
    path = tmp_path / "shop.db"
    with SqliteStore(path) as store:
        store.orders.insert(placed("a")).result(PATIENCE)
    file, steps = Database(path=str(path)), (*schema.STEPS, NEXT_STEP)
    connections = race([lambda: database.prepare(file, steps)] * 4)
    for connection in connections:
        connection.close()
    with opened(path) as connection:
        assert connection.execute("SELECT id, note FROM orders").fetchall() == [("a", "none")]
        assert connection.pragma("user_version") == len(steps)


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A step is made as a whole or not at all."""
    path = tmp_path / "shop.db"
    SqliteStore(path).close()
    broken = f"{NEXT_STEP} DROP TABLE nothing;"
    with pytest.raises(Transient):
        database.prepare(Database(path=str(path)), (*schema.STEPS, broken))
    with opened(path) as connection:
        assert connection.pragma("user_version") == len(schema.STEPS)
        assert "note" not in str(
            connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'orders'").get
        )


def test_several_processes_may_make_the_file(tmp_path: Path) -> None:
    """Whoever begins at the same moment gets the same, complete file."""
    for number in range(10):
        stores = race([lambda path=tmp_path / f"{number}.db": SqliteStore(path)] * 4)  # type: ignore[misc]
        for at, store in enumerate(stores):
            store.orders.insert(placed(f"{at}")).result(PATIENCE)
        assert len(stores[0].orders.search(Query())) == 4
        for store in stores:
            store.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a newer kramik is left alone."""
    SqliteStore(tmp_path / "shop.db").close()
    with opened(tmp_path / "shop.db") as connection:
        connection.pragma("user_version", 99)
    assert "version 99" in refusal(tmp_path / "shop.db")
    assert "install a newer kramik" in refusal(tmp_path / "shop.db")


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """Nothing is written into a database that is not ours."""
    with opened(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE music (title)")
    assert "another program" in refusal(tmp_path / "other.db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A picture is not a store, and stays a picture."""
    (tmp_path / "shop.db").write_bytes(b"\x89PNG" * 1000)
    assert "no SQLite database" in refusal(tmp_path / "shop.db")
    assert (tmp_path / "shop.db").read_bytes() == b"\x89PNG" * 1000


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The sentence says which file and what to do."""
    sentence = refusal(tmp_path / "nowhere" / "shop.db")
    assert "nowhere/shop.db" in sentence
    assert "create its folder" in sentence


def test_a_damaged_file_never_acknowledges(tmp_path: Path) -> None:
    """Reading and writing fail with the reason and what to do; nothing is acknowledged."""
    path = tmp_path / "shop.db"
    with SqliteStore(path) as store:
        store.orders.insert(placed("a")).result(PATIENCE)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with SqliteStore(path) as store:
        with pytest.raises(Transient, match=r"damaged.*backup"):
            store.orders.get("a")
        assert "damaged" in str(store.orders.insert(placed("b")).exception(PATIENCE))
        with pytest.raises(Transient, match="damaged"):
            store.orders.ping()


def test_a_deleted_file_never_acknowledges(tmp_path: Path) -> None:
    """A write into a file that is gone fails; once the file is back, it works again, and readers see the new file."""
    path = tmp_path / "shop.db"
    with SqliteStore(path) as store, SqliteStore(tmp_path / "backup.db") as backup:
        store.orders.insert(placed("a")).result(PATIENCE)
        assert store.orders.get("a") is not None
        for file in tmp_path.glob("shop.db*"):
            file.unlink()
        for _ in range(2):
            assert isinstance(store.orders.insert(placed("b")).exception(PATIENCE), Transient)
        backup.orders.insert(placed("from the backup")).result(PATIENCE)
        backup.close()
        (tmp_path / "backup.db").rename(path)
        store.orders.insert(placed("c")).result(PATIENCE)
        assert {order.id for order in store.orders.search(Query())} == {"from the backup", "c"}


def test_a_locked_file_fails_and_recovers(tmp_path: Path) -> None:
    """While another process holds the file, writes fail after a wait and reads go on; then all is well again."""
    path = tmp_path / "shop.db"
    with SqliteStore(Database(path=str(path), busy=0.05)) as store, opened(path) as other:
        store.orders.insert(placed("a")).result(PATIENCE)
        other.execute("BEGIN IMMEDIATE")
        assert "another process" in str(store.orders.insert(placed("b")).exception(PATIENCE))
        with pytest.raises(Transient, match="another process"):
            store.orders.save(paid(placed("a")))
        assert store.orders.get("a") is not None
        other.execute("ROLLBACK")
        store.orders.insert(placed("c")).result(PATIENCE)
        assert [order.id for order in store.orders.search(Query())] == ["c", "a"]


def test_a_full_file_fails_and_recovers(tmp_path: Path) -> None:
    """Without room a write fails and says so, again and again; with room it works, and nothing is half there."""
    with SqliteStore(tmp_path / "shop.db") as store:
        pages = store._writer.wait(lambda each: int(each.pragma("page_count")))
        store._writer.wait(lambda each: each.pragma("max_page_count", pages + 4))
        stored = [store.orders.insert(placed(f"{number}")).exception(PATIENCE) for number in range(60)]
        kept = {order.id for order in store.orders.search(Query(limit=100))}
        assert kept == {f"{number}" for number, error in enumerate(stored) if error is None}
        assert "the disk is full" in str(stored[-1])
        store._writer.wait(lambda each: each.pragma("max_page_count", 10_000))
        store.orders.insert(placed("last")).result(PATIENCE)
