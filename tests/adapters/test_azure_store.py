"""A storage account keeps what every store promises, also when it goes away in the middle; Azurite plays it."""

from __future__ import annotations

import itertools
import signal
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient
from msgspec.structs import replace

from kramik.errors import ConfigurationError, Conflict, NeedsOperator, Transient
from kramik.order import Order
from kramik.ports import Orders, Query, Queue, Vault
from kramik.queue import Message, Poisoned, Received, encode
from kramik.stores.azure import Account, AzureStore
from kramik.stores.azure.queue import AzureQueue
from kramik.stores.azure.row import PARTITIONS, partition
from tests.azurite.proxy import Counting
from tests.azurite.storage import KEY, Azurite
from tests.contracts import orders, queue, vault
from tests.contracts.race import PATIENCE
from tests.contracts.sales import NOON, after, message, paid, placed

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One Azurite for all tests; each has tables and a queue of its own."""
    running = Azurite(tmp_path_factory.mktemp("azurite"))
    running.start()
    yield running
    running.end()


@pytest.fixture
def store(azurite: Azurite) -> Iterator[AzureStore]:
    """Return an empty store."""
    azurite.set_clock(None)
    number = next(_NUMBERS)
    with AzureStore(Account(azurite.connection, prefix=f"shop{number}"), queue=f"work-{number}") as opened:
        yield opened
    azurite.set_clock(None)


class Timed:
    """A queue whose storage has the clock of the test: the time that each call names."""

    def __init__(self, inner: AzureQueue, azurite: Azurite) -> None:
        self._inner, self._azurite = inner, azurite

    def put(self, message: Message, *, now: datetime, after: float = 0) -> Future[None]:
        self._azurite.set_clock(now)
        return self._inner.put(message, now=now, after=after)

    def take(self, *, now: datetime, visibility: float) -> Received | None:
        self._azurite.set_clock(now)
        return self._inner.take(now=now, visibility=visibility)

    def done(self, received: Received) -> None:
        self._inner.done(received)

    def again(self, received: Received, message: Message, *, now: datetime, after: float) -> None:
        self._azurite.set_clock(now)
        self._inner.again(received, message, now=now, after=after)

    def poison(self, received: Received, why: str, *, now: datetime) -> None:
        self._azurite.set_clock(now)
        self._inner.poison(received, why, now=now)

    def poisoned(self, order: str = "") -> Sequence[Poisoned]:
        return self._inner.poisoned(order)

    def replay(self, poison_id: str, *, now: datetime) -> bool:
        self._azurite.set_clock(now)
        return self._inner.replay(poison_id, now=now)

    def discard(self, poison_id: str) -> bool:
        return self._inner.discard(poison_id)

    def depth(self) -> int:
        return self._inner.depth()


@pytest.mark.parametrize("promise", orders.PROMISES)
def test_orders(store: AzureStore, promise: Callable[[Orders], None]) -> None:
    """Orders in a table keep each promise of an order store."""
    promise(store.orders)


@pytest.mark.parametrize("promise", queue.PROMISES)
def test_queue(store: AzureStore, azurite: Azurite, promise: Callable[[Queue], None]) -> None:
    """A storage queue keeps each promise of a queue."""
    promise(Timed(store.queue, azurite))


@pytest.mark.parametrize("promise", vault.PROMISES)
def test_vault(store: AzureStore, promise: Callable[[Vault], None]) -> None:
    """A vault in a table keeps each promise of a vault."""
    promise(store.vault)


# What only a storage account has to promise


def large(order: Order, size: int) -> Order:
    """Return an order whose body has about so many bytes."""
    intent = replace(order.intent, title="ż" * (size // 2))
    return replace(order, intent=intent)


def test_a_large_order_is_kept_whole(store: AzureStore) -> None:
    """An order over the 64 KiB of one property lies in several of them."""
    order = large(placed("a"), 500_000)
    store.orders.insert(order).result(PATIENCE)
    saved = store.orders.save(paid(replace(order, version=1)))
    assert saved == store.orders.get("a")
    small = store.orders.save(replace(saved, intent=placed("a").intent))
    assert small == store.orders.get("a")


def test_an_order_over_the_limit_of_a_row_says_so(store: AzureStore) -> None:
    """Nothing is written, and the sentence names the order."""
    found = store.orders.insert(large(placed("a"), 1_000_000)).exception(PATIENCE)
    assert isinstance(found, NeedsOperator)
    assert "order a" in str(found)
    assert store.orders.get("a") is None


def test_a_message_over_the_limit_of_a_queue_says_so(store: AzureStore) -> None:
    """Nothing is put that the storage would refuse."""
    found = store.queue.put(Message(order="a", note="x" * 50_000), now=NOON).exception(PATIENCE)
    assert isinstance(found, NeedsOperator)
    assert store.queue.depth() == 0


def test_a_message_lasts_longer_than_a_week(store: AzureStore, azurite: Azurite) -> None:
    """The storage would forget it after seven days if it were not told otherwise."""
    azurite.set_clock(NOON)
    store.queue.put(message("a"), now=NOON).result(PATIENCE)
    azurite.set_clock(NOON + timedelta(days=400))
    received = store.queue.take(now=NOON, visibility=30)
    assert (received and received.message) == message("a")


def test_what_is_written_is_what_the_functions_host_reads(azurite: Azurite, store: AzureStore) -> None:
    """A message lies in the queue as base64."""
    store.queue.put(message("a"), now=NOON).result(PATIENCE)
    with QueueClient.from_connection_string(azurite.connection, store.queue.name) as plain:
        (found,) = plain.peek_messages()
    assert encode(message("a")) == b64decode(found.content, validate=True)


@pytest.mark.parametrize("content", ["not base64", "bm90IEpTT04=", "/w=="])
def test_a_message_of_somebody_else_blocks_nobody(azurite: Azurite, store: AzureStore, content: str) -> None:
    """Put by hand, in whatever form: it is moved aside for a person, and the next one is taken."""
    store.queue.put(message("a"), now=NOON).result(PATIENCE)
    store.queue.done(_taken(store))
    with QueueClient.from_connection_string(azurite.connection, store.queue.name) as plain:
        plain.send_message(content)
    store.queue.put(message("b"), now=NOON).result(PATIENCE)
    assert message("b") == _taken(store).message
    (poisoned,) = store.queue.poisoned()
    assert ("unreadable", True) == (poisoned.message.task, "no message of version 1" in poisoned.why)


def _taken(store: AzureStore) -> Received:
    received = store.queue.take(now=NOON, visibility=30)
    assert received is not None
    return received


def test_names_of_any_letters_are_kept_apart(store: AzureStore) -> None:
    """Signs that a key may not hold, and names that look like a hash, hide no order behind another."""
    names = ["a/b", "a\\b", "a#b", "a?b", "a%2Fb", "ż'", "sha256-ab", "x" * 400]
    for name in names:
        store.orders.insert(placed(name, email=f"{len(name)}@example.pl")).result(PATIENCE)
    assert names == [order.id for name in names if (order := store.orders.get(name))]
    assert sorted(names) == sorted(order.id for order in store.orders.search(Query(limit=99)))


def test_a_search_is_not_led_astray_by_quotes(store: AzureStore) -> None:
    """What a buyer typed is a value of the question, never a part of it."""
    store.orders.insert(placed("a", email="o'hara@example.pl")).result(PATIENCE)
    assert ["a"] == [order.id for order in store.orders.search(Query(email="o'hara@example.pl"))]
    assert [] == store.orders.search(Query(email="' or Kind eq 'order"))


def test_load_is_spread_over_the_partitions() -> None:
    """Of a thousand orders no partition has more than twice its share."""
    shares = Counter(partition(f"{number:026d}") for number in range(1000))
    assert (PARTITIONS, True) == (len(shares), max(shares.values()) < 2 * 1000 / PARTITIONS)


def test_a_search_takes_as_many_transactions_as_it_says(azurite: Azurite) -> None:
    """One for each thousand that fit, and one for each order that is returned; the sweep of a quiet day takes three."""
    counting = Counting(azurite)
    with AzureStore(Account(counting.connection, prefix="many"), queue="many") as store:
        with ThreadPoolExecutor(8) as threads:
            orders = [placed(f"{number:05}", at=number) for number in range(1_200)]
            list(threads.map(lambda each: store.orders.insert(each).result(PATIENCE), orders))
        costs = {}
        for what, query in {
            "newest": Query(limit=5),
            "due": Query(state="paid", due_before=NOON),
            "one": Query(email="nobody@example.pl"),
            "a minute": Query(since=NOON, until=after(3), limit=50),
        }.items():
            counting.reset()
            store.orders.search(query)
            costs[what] = counting.passed["table"]
    counting.close()
    assert {"newest": 2 + 5, "due": 1, "one": 1, "a minute": 1 + 3} == costs


def test_a_save_without_a_read_before_it_is_as_safe(azurite: Azurite, store: AzureStore) -> None:
    """A process that never saw the row reads its version first, and loses against whoever was faster."""
    store.orders.insert(placed("a")).result(PATIENCE)
    loaded = store.orders.get("a")
    assert loaded is not None
    with AzureStore(Account(azurite.connection, prefix=store._account.prefix)) as other:
        saved = other.orders.save(paid(loaded))
        with pytest.raises(Conflict):
            other.orders.save(replace(loaded, resent_at=after(9)))
        assert saved == store.orders.get("a")


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[Azurite]:
    """Return an Azurite that a test may end; whatever became of it is ended after the test."""
    running = Azurite(tmp_path)
    running.start()
    yield running
    running.end(signal.SIGKILL)


def test_the_storage_goes_away_and_comes_back(frail: Azurite) -> None:
    """Meanwhile everything says Transient, quickly and without a secret; afterwards the same store goes on."""
    azurite = frail
    with AzureStore(Account(azurite.connection)) as store:
        store.orders.insert(placed("a")).result(PATIENCE)
        store.queue.put(message("a"), now=NOON).result(PATIENCE)
        azurite.end()
        with pytest.raises(Transient) as told:
            store.orders.get("a")
        assert KEY not in str(told.value) + repr(told.value.__cause__) + repr(store)
        assert isinstance(store.orders.insert(placed("b")).exception(PATIENCE), Transient)
        assert isinstance(store.queue.put(message("b"), now=NOON).exception(PATIENCE), Transient)
        with pytest.raises(Transient):
            store.orders.ping()
        azurite.start()
        assert store.orders.get("a") is not None
        received = store.queue.take(now=NOON, visibility=30)
        assert (received and received.message) == message("a")
        store.orders.ping()


def test_a_replay_that_died_half_way_loses_nothing(store: AzureStore) -> None:
    """Its claim lapses after a minute; then the message can be replayed again."""
    store.queue.put(message("a"), now=NOON).result(PATIENCE)
    received = store.queue.take(now=NOON, visibility=30)
    assert received is not None
    store.queue.poison(received, "why", now=NOON)

    def dies(_: Message) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.queue._aside.replay(received.id, dies, now=after(1))
    assert not store.queue.replay(received.id, now=after(30))
    assert store.queue.replay(received.id, now=after(62))
    again = store.queue.take(now=after(62), visibility=30)
    assert (again and again.message, list(store.queue.poisoned())) == (message("a"), [])


@pytest.mark.parametrize("connection", ["", "nonsense", "AccountName=a"])
def test_a_wrong_connection_is_named_without_being_shown(connection: str) -> None:
    """The message says which setting, and never what is in it."""
    with pytest.raises(ConfigurationError) as told, AzureStore(Account(connection)) as store:
        store.orders.get("a")
    assert "AzureWebJobsStorage" in str(told.value)
    assert "nonsense" not in str(told.value)


def test_an_identity_stands_in_for_a_key() -> None:
    """With the name of the account alone, both services are spoken to over TLS, as whoever this process is."""
    account = Account(name="myshop")
    assert ("https://myshop.table.core.windows.net", "https://myshop.queue.core.windows.net/work") == (
        account.table("orders").url,
        account.queue("work").url,
    )
    account.close()
