"""A process that works on a store until it is killed, and prints each thing once it is promised.

`sell FILE NAME COUNT` sells, works and answers; `open FILE STEP` brings a file forward by this step;
`fill FILE BYTES` sells until no file may grow beyond so many bytes, then lifts the limit and sells once more.
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from kramik.errors import Conflict, Transient
from kramik.stores.sqlite import SqliteStore, database, schema
from kramik.stores.sqlite.database import Database
from tests.contracts.sales import NOON, after, message, paid, placed

PATIENCE = 60


def say(word: str, name: str) -> None:
    """Print a promise at once."""
    print(word, name, flush=True)  # noqa: T201 - the parent reads it


def sell(store: SqliteStore, name: str) -> None:
    """Place, put, take, save and answer one order; say what is promised as soon as it is."""
    stored = [store.orders.insert(placed(name)), store.queue.put(message(name), now=NOON)]
    stored[0].result(PATIENCE)
    say("placed", name)
    stored[1].result(PATIENCE)
    say("put", name)
    received = store.queue.take(now=after(1), visibility=0.5)
    order = None if received is None else store.orders.get(received.message.order)
    if received is None or order is None:
        return
    if order.status == "placed":
        with suppress(Conflict):  # another process took the same message, because its time was over
            store.orders.save(paid(order))
            say("paid", order.id)
    answer(store, received.message.order)


def answer(store: SqliteStore, name: str) -> None:
    """End one message in one of the ways in which messages end."""
    received = store.queue.take(now=after(2), visibility=0.5)
    if received is None:
        return
    number = int(name.rpartition("-")[2])
    if number % 3 == 0:
        say("ending", received.message.order)
        store.queue.done(received)
    elif number % 3 == 1:
        store.queue.again(received, received.message, now=after(0), after=0)
    else:
        store.queue.poison(received, "why", now=after(2))
        store.queue.replay(received.id, now=after(0))


def sell_many(path: Path, name: str, count: int) -> None:
    """Sell so many; what fails is said and left."""
    with SqliteStore(path) as store:
        say("open", name)
        for number in range(count):
            try:
                sell(store, f"{name}-{number}")
            except Transient as error:
                say("failed", str(error))


def fill(path: Path, limit: int) -> None:
    """Sell until files may not grow any more, then without that limit."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    with SqliteStore(path) as store:
        for number in range(1000):
            error = store.orders.insert(placed(f"{number}")).exception(PATIENCE)
            say("placed" if error is None else "failed", f"{number}" if error is None else str(error))
            if error is not None:
                break
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        store.orders.insert(placed("afterwards")).result(PATIENCE)
        say("placed", "afterwards")


def bring_forward(path: Path, step: str) -> None:
    """Open the file with one step more than this release has."""
    database.prepare(Database(path=str(path)), (*schema.STEPS, step)).close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sell", file, name, count]:
            sell_many(Path(file), name, int(count))
        case ["fill", file, limit]:
            fill(Path(file), int(limit))
        case ["open", file, step]:
            bring_forward(Path(file), step)
