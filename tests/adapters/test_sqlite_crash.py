"""Real processes on one file: killed at their writes, refused by the disk, and several at once.

Whatever was promised on their output must be in the file afterwards.
Source of the method: `docs/decisions/0003-group-commit-one-writer.md`, "Held by".
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from kramik.ports import Query
from kramik.stores.sqlite import SqliteStore, database, schema
from kramik.stores.sqlite.database import Database
from tests.contracts.race import PATIENCE
from tests.contracts.sales import placed

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).parent / "sqlite_child.py"
NEXT_STEP = (
    "ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; CREATE INDEX notes ON orders (note);"
)
SALES = 5
KILLS = 24
"""How many of the writes of a run are killed, spread evenly over it."""

Promises = list[tuple[str, str]]


def begun(*args: str, inject: str = "") -> subprocess.Popen[str]:
    """Start a child, under strace when something shall be injected."""
    call = inject.partition(":")[0]
    strace = (
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}"]
        if inject
        else []
    )
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [*strace, sys.executable, str(CHILD), *args]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(child: subprocess.Popen[str]) -> Promises:
    """Wait for a child and return what it promised."""
    with child:
        try:
            said, complaints = child.communicate(timeout=PATIENCE)
        finally:
            child.kill()
    assert "Traceback" not in complaints, complaints
    return [
        (word, name) for word, _, name in (line.partition(" ") for line in said.splitlines(keepends=False))
    ]


def writes(tmp_path: Path, *args: str) -> int:
    """Return after how many writes of one thread this work is done."""
    counted = tmp_path / "counted"
    strace = ["strace", "-f", "-qq", "-o", str(counted), "-e", "trace=pwrite64"]
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run(
        [*strace, sys.executable, str(CHILD), *args],
        env=environ,
        check=True,
        timeout=PATIENCE,
        capture_output=True,
    )
    threads = Counter(line.split()[0] for line in counted.read_text().splitlines() if "pwrite64" in line)
    return max(threads.values())


def spread(last: int) -> Sequence[int]:
    """Return the numbers of the writes at which to kill."""
    return sorted({1 + at * (last - 1) // (KILLS - 1) for at in range(KILLS)})


def check(path: Path, promises: Promises) -> None:
    """Assert that the file is whole, that it works, and that it keeps what was promised."""
    with SqliteStore(path) as store:
        assert store._readers.rows("PRAGMA integrity_check") == [("ok",)]
        orders = {order.id: order for order in store.orders.search(Query(limit=10_000))}
        bodies = store._readers.rows(
            "SELECT id, order_id FROM queue UNION ALL SELECT id, order_id FROM poison"
        )
        store.orders.insert(placed("one more")).result(PATIENCE)
    said = {
        word: {name for each, name in promises if each == word}
        for word in ("placed", "put", "paid", "ending")
    }
    messages = Counter(str(order) for _, order in bodies)
    assert said["placed"] - orders.keys() == set()
    assert {name for name in said["paid"] if orders[name].status != "paid"} == set()
    assert said["put"] - said["ending"] - messages.keys() == set()
    assert [name for name, count in messages.items() if count > 1] == []


def test_kill_at_any_write(tmp_path: Path) -> None:
    """Whenever the process dies, what it promised is there, once, and the file works."""
    last = writes(tmp_path, "sell", str(tmp_path / "model.db"), "a", str(SALES))
    survivors = 0
    for number in spread(last):
        path = tmp_path / f"{number}.db"
        SqliteStore(path).close()
        promises = ended(
            begun("sell", str(path), "a", str(SALES), inject=f"pwrite64:signal=KILL:when={number}")
        )
        survivors += ("placed", f"a-{SALES - 1}") in promises
        check(path, promises)
    assert survivors < KILLS // 2  # otherwise nothing was killed


def test_kill_while_the_file_is_made(tmp_path: Path) -> None:
    """A process that dies while it makes the file leaves one that the next process can make or use."""
    last = writes(tmp_path, "open", str(tmp_path / "model.db"), "SELECT 1")
    for number in spread(last):
        path = tmp_path / f"{number}.db"
        ended(begun("open", str(path), "SELECT 1", inject=f"pwrite64:signal=KILL:when={number}"))
        database.prepare(Database(path=str(path)), (*schema.STEPS, "SELECT 1")).close()


def test_kill_while_the_file_is_brought_forward(tmp_path: Path) -> None:
    """A process that dies in the middle of a step leaves the version before or behind it, with every order."""
    steps = (*schema.STEPS, NEXT_STEP)
    _with_orders(tmp_path / "model.db", 50)
    model = (tmp_path / "model.db").read_bytes()
    last = writes(tmp_path, "open", str(tmp_path / "model.db"), NEXT_STEP)
    for number in spread(last):
        path = tmp_path / f"{number}.db"
        path.write_bytes(model)
        ended(begun("open", str(path), NEXT_STEP, inject=f"pwrite64:signal=KILL:when={number}"))
        connection = database.prepare(Database(path=str(path)), steps)
        found = connection.execute("SELECT count(*) FROM orders WHERE note = 'none'").get
        assert (found, connection.pragma("user_version"), connection.pragma("integrity_check")) == (
            50,
            len(steps),
            "ok",
        )
        connection.close()


@pytest.mark.parametrize(
    ("inject", "reason"),
    [
        ("pwrite64:error=ENOSPC:when=24..34", "disk is full"),
        ("pwrite64:error=EIO:when=24..34", "can not be read or written"),
        ("fdatasync:error=EIO:when=3..6", "can not be read or written"),
    ],
)
def test_the_disk_refuses_for_a_while(tmp_path: Path, inject: str, reason: str) -> None:
    """What the disk refused is never promised, the reason is said, and afterwards everything works by itself."""
    path = tmp_path / "shop.db"
    SqliteStore(path).close()
    promises = ended(begun("sell", str(path), "a", "20", inject=inject))
    assert [word for word, why in promises if word == "failed" and reason not in why] == []
    assert "failed" in dict(promises)
    assert ("placed", "a-19") in promises
    check(path, promises)


def test_the_disk_refuses_for_ever(tmp_path: Path) -> None:
    """On a disk that stays full nothing is promised, and the process ends in peace."""
    path = tmp_path / "shop.db"
    SqliteStore(path).close()
    promises = ended(begun("sell", str(path), "a", "8", inject="pwrite64:error=ENOSPC:when=24+"))
    assert promises[-1][0] == "failed"
    check(path, promises)


def test_files_may_not_grow(tmp_path: Path) -> None:
    """A quota is an I/O error: nothing is promised beyond it, and once it is lifted the store works again."""
    path = tmp_path / "shop.db"
    promises = ended(begun("fill", str(path), "300000"))
    assert [word for word, _ in promises[-3:]] == ["placed", "failed", "placed"]
    assert promises[-1] == ("placed", "afterwards")
    check(path, promises)


def test_processes_sell_at_once(tmp_path: Path) -> None:
    """Several processes write into one file while another reads it: nobody fails, and everything is there."""
    path, count = tmp_path / "shop.db", 40
    with SqliteStore(path) as store:
        children = [begun("sell", str(path), name, str(count)) for name in ("a", "b", "c")]
        seen = [0]
        try:
            while any(child.poll() is None for child in children):
                seen.append(len(store.orders.search(Query(limit=1000))))
        finally:
            promises = [promise for child in children for promise in ended(child)]
        assert seen == sorted(seen)
    assert Counter(word for word, _ in promises if word in ("placed", "failed")) == {"placed": 3 * count}
    check(path, promises)


def _with_orders(path: Path, count: int) -> None:
    with SqliteStore(path) as store:
        for stored in [store.orders.insert(placed(f"{number}")) for number in range(count)]:
            stored.result(PATIENCE)
