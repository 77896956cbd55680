"""Kit's refresh tokens work once: however many workers there are, whatever dies, none of them burns the connection.

Judged by Kit's side: each use of a refresh token stands in its ledger with how it ended.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier, Lock, local

import msgspec
import pytest

from kramik.errors import Conflict, NeedsOperator, OutcomeUnknown, Transient
from kramik.http import Client
from kramik.mailers.kit.grant import Grant, Record, name_of
from kramik.ports import Kept, Vault
from kramik.sandbox.mailers.kit.gate import LASTS, fresh
from kramik.stores.memory import MemoryVault
from kramik.stores.sqlite import SqliteStore
from tests.adapters.kit import Office, office, sold
from tests.contracts.race import race
from tests.sandbox.place import opened

CHILD = Path(__file__).parent / "kit_child.py"
REPOSITORY = Path(__file__).parents[2]
RACERS = 8
PATIENCE = 60.0


@pytest.fixture
def account() -> Iterator[Office]:
    """An office before a Kit whose grant nobody used yet."""
    with opened() as place, office(place) as found:
        yield found


class Clock:
    """The time of now, and some hours more."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Grants:
    """Grants of one account, as many as there are workers."""

    def __init__(self, account: Office, vault: Vault, clock: Callable[[], datetime] | None = None) -> None:
        self.account, self.vault, self.clock = account, vault, clock or Clock()

    def one(self, **changes: str) -> Grant:
        """Return the grant of another worker."""
        client = Client(f"{self.account.place.url}/kit", name="Kit", call_seconds=2.0)
        self.account._stack.callback(client.close)
        return Grant(client, self.account.settings(oauth=True, **changes), self.vault, clock=self.clock)

    def record(self) -> Record:
        """Return what is stored."""
        kept = self.vault.get(name_of(self.account.settings()))
        assert kept is not None
        return msgspec.json.decode(kept.value, type=Record)


def patiently(grant: Grant) -> str:
    """Get a token, waiting for whoever refreshes."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            return grant.token()
        except Transient:
            time.sleep(0.01)
    raise AssertionError("no token came")


def test_stored_before_it_is_used(account: Office) -> None:
    """When the purchase arrives at Kit, the refresh token that replaced the first one is stored."""
    vault = MemoryVault()
    grants, made = Grants(account, vault), account.mailer(vault=vault)
    account.place.fault(peer="kit", operation="purchase", fault="drop")
    with pytest.raises(OutcomeUnknown):
        made.purchase.do(sold())
    record = grants.record()
    assert (["refreshed"], False) == (account.tokens(), record.refresh == account.settings().refresh_token)
    assert made.purchase.do(sold())
    assert ["refreshed"] == account.tokens()


def test_threads_refresh_once(account: Office) -> None:
    """Of many workers who need a token at once, one refreshes, and all get the same."""
    account.place.fault(peer="kit", operation="token", fault="slow", seconds=0.3)
    grants = Grants(account, MemoryVault())
    workers = [grants.one() for _ in range(RACERS)]
    tokens = race([partial(patiently, worker) for worker in workers])
    assert (1, ["refreshed"]) == (len(set(tokens)), account.tokens())


def test_threads_of_one_worker_refresh_once(account: Office) -> None:
    """Threads that share one grant do not ask twice either, and none waits inside it."""
    account.place.fault(peer="kit", operation="token", fault="slow", seconds=0.3)
    worker = Grants(account, MemoryVault()).one()
    tokens = race([lambda: patiently(worker)] * RACERS)
    assert (1, ["refreshed"]) == (len(set(tokens)), account.tokens())


class Far(MemoryVault):
    """A vault that takes its time."""

    def get(self, name: str) -> Kept | None:
        """Return what is stored, after a while."""
        time.sleep(0.05)
        return super().get(name)


def test_good_token_keeps_nobody_waiting(account: Office) -> None:
    """Threads that find a good token stored all get it at once, however far the vault is."""
    grants = Grants(account, Far())
    token = grants.one().token()
    assert [token] * RACERS == race([grants.one().token] * RACERS)
    worker = grants.one()
    assert [token] * RACERS == race([worker.token] * RACERS)
    assert ["refreshed"] == account.tokens()


def test_without_compare_and_set_the_grant_burns(account: Office) -> None:
    """The negative control: a vault that lets everybody write makes several use one token, and all but one fail."""
    account.place.fault(peer="kit", operation="token", fault="slow", seconds=0.3, count=RACERS)
    grants = Grants(account, Careless())

    def attempt(worker: Grant) -> str:
        try:
            return worker.token()
        except (NeedsOperator, Transient):
            return ""

    race([partial(attempt, grants.one()) for _ in range(RACERS)])
    assert "invalid_grant" in account.tokens()


class Careless(MemoryVault):
    """A vault that stores whatever comes, and that all racers read before one of them writes."""

    def __init__(self) -> None:
        super().__init__()
        self._all = Barrier(RACERS)
        self._seen = local()

    def get(self, name: str) -> Kept | None:
        """Wait for the others at the first look."""
        found = super().get(name)
        if not getattr(self._seen, "waited", False):
            self._seen.waited = True
            self._all.wait(PATIENCE)
        return found

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store it over whatever is there."""
        with suppress(Conflict):
            return super().put(name, value, version=version)
        found = super().get(name)
        return Kept(value=value, version=found.version if found else 0)


def test_processes_refresh_once(account: Office, tmp_path: Path) -> None:
    """Processes that share a file refresh once among all of them."""
    file = tmp_path / "shop.db"
    SqliteStore(file).close()
    account.place.fault(peer="kit", operation="token", fault="slow", seconds=0.5)
    children = [child(account, file, "token") for _ in range(4)]
    said = [ended(each, 0) for each in children]
    assert (1, True, ["refreshed"]) == (len(set(said)), bool(said[0]), account.tokens())


def test_killed_after_kits_answer(account: Office, tmp_path: Path) -> None:
    """A token that died with its process is not asked for again and again: once, then a person connects anew."""
    file = tmp_path / "shop.db"
    assert not ended(child(account, file, "die", "2"), -9)
    assert ["refreshed"] == account.tokens()
    with SqliteStore(file) as store:
        clock = Clock()
        grants = Grants(account, store.vault, clock)
        with pytest.raises(Transient):  # the lease of the dead process
            grants.one().token()
        assert ["refreshed"] == account.tokens()
        clock.ahead = timedelta(minutes=5)
        for _ in range(3):
            with pytest.raises(NeedsOperator, match="run `kramik connect`"):
                grants.one().token()
        assert ["refreshed", "invalid_grant"] == account.tokens()
        assert grants.one(refresh_token=fresh()).token()
        assert ["refreshed", "invalid_grant", "refreshed"] == account.tokens()


def test_killed_before_the_call(account: Office, tmp_path: Path) -> None:
    """A process that dies before it holds the lease, or before Kit hears of it, costs nothing."""
    file = tmp_path / "shop.db"
    assert not ended(child(account, file, "die", "1"), -9)
    with SqliteStore(file) as store:
        assert Grants(account, store.vault).one().token()
    assert ["refreshed"] == account.tokens()


def test_new_token_when_the_old_one_ends(account: Office) -> None:
    """An access token is used until shortly before its end; then the newest refresh token gets the next one."""
    clock = Clock()
    grants = Grants(account, MemoryVault(), clock)
    first = grants.one().token()
    clock.ahead = timedelta(seconds=LASTS - 120)
    assert first == grants.one().token()
    clock.ahead = timedelta(seconds=LASTS - 30)
    second = grants.one().token()
    assert (False, ["refreshed", "refreshed"]) == (first == second, account.tokens())
    assert second == grants.one().token(refused=first)


@pytest.mark.parametrize("fault", ["drop", "garbage", "time_out_after_effect"])
def test_lost_answer(account: Office, fault: str) -> None:
    """When Kit's answer is lost, its new token is too: it is tried once more, then a person is asked, and no more."""
    grants = Grants(account, MemoryVault())
    account.place.fault(peer="kit", operation="token", fault=fault)
    with pytest.raises(Transient, match="not sent"):
        grants.one().token()
    for _ in range(2):
        with pytest.raises(NeedsOperator, match="refresh token"):
            grants.one().token()
    assert ["refreshed", "invalid_grant"] == account.tokens()


@pytest.mark.parametrize("status", [503, 500, 429])
def test_kit_is_down(account: Office, status: int) -> None:
    """A token endpoint that fails is asked again, and the lease does not stand in the way."""
    grants = Grants(account, MemoryVault())
    account.place.fault(peer="kit", operation="token", fault="refuse", status=status)
    with pytest.raises(Transient):
        grants.one().token()
    assert grants.one().token()
    assert ["refreshed"] == account.tokens()


def test_wrong_secret(account: Office) -> None:
    """A wrong client secret says so, and burns nothing."""
    grants = Grants(account, MemoryVault())
    with pytest.raises(NeedsOperator, match="client_secret") as caught:
        grants.one(client_secret="wrong-secret-of-a-client").token()
    assert "wrong-secret" not in str(caught.value)
    assert ([], True) == (account.tokens(), bool(grants.one().token()))


class Failing(MemoryVault):
    """A vault whose n-th write fails, before or after it is stored."""

    def __init__(self, write: int, *, stored: bool) -> None:
        super().__init__()
        self._left, self._stored = write, stored

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store it, unless it is the write that fails."""
        self._left -= 1
        if self._left != 0:
            return super().put(name, value, version=version)
        if self._stored:
            super().put(name, value, version=version)
        raise Transient("the disk is full")


@pytest.mark.parametrize("stored", [True, False])
def test_store_is_down_after_kits_answer(account: Office, *, stored: bool) -> None:
    """A new token that could not be stored is not used, but kept and stored before anything else."""
    grants = Grants(account, Failing(2, stored=stored))
    worker = grants.one()
    with pytest.raises(Transient, match="disk"):
        worker.token()
    assert worker.token() == grants.record().access
    assert ["refreshed"] == account.tokens()


class Overtaken(MemoryVault):
    """A vault before whose second write, the one of the new token, something else happens."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None
        self._writes, self._counting = 0, Lock()

    def put(self, name: str, value: str, *, version: int) -> Kept:
        """Store it, after what happens meanwhile."""
        with self._counting:
            self._writes += 1
            meanwhile = self.meanwhile if self._writes == 2 else None
        if meanwhile is not None:
            meanwhile()
        return super().put(name, value, version=version)


def test_frozen_worker_brings_the_new_token(account: Office) -> None:
    """Who was frozen between Kit's answer and the store still stores it, although others took the grant for dead."""
    vault, clock = Overtaken(), Clock()
    grants = Grants(account, vault, clock)

    def others() -> None:
        clock.ahead = timedelta(minutes=5)
        with pytest.raises(NeedsOperator):
            grants.one().token()
        assert grants.record().dead

    vault.meanwhile = others
    token = grants.one().token()
    assert (token, False) == (grants.record().access, grants.record().dead)
    assert token == grants.one().token()
    assert ["refreshed", "invalid_grant"] == account.tokens()


def test_older_connection_burns_nothing_of_the_newer(account: Office) -> None:
    """A process that runs on with the old token, dead or alive, leaves the connection that replaced it alone."""
    grants, anew = Grants(account, MemoryVault()), fresh()
    old = grants.one()
    first = [grants.one(refresh_token=anew).token(), old.token()]
    second = [grants.one(refresh_token=anew).token(), old.token()]
    assert (first, True) == (second, first[0] != first[1])
    assert ["refreshed", "refreshed"] == account.tokens()


def test_secrets_do_not_show(account: Office) -> None:
    """Neither a record nor a refusal shows a token."""
    grants = Grants(account, MemoryVault())
    token = grants.one().token()
    record = grants.record()
    assert not any(secret in repr(record) for secret in (record.refresh, token))


def test_damaged_record_begins_anew(account: Office) -> None:
    """What nobody can read in the vault is as good as nothing."""
    vault = MemoryVault()
    vault.put(name_of(account.settings()), "{", version=0)
    assert Grants(account, vault).one().token()


def test_stale_version_is_a_conflict() -> None:
    """The vault of these tests does compare: what it refuses is not stored."""
    vault = MemoryVault()
    vault.put("kit", "a", version=0)
    with pytest.raises(Conflict):
        vault.put("kit", "b", version=0)


def ended(process: subprocess.Popen[str], code: int) -> str:
    """Wait until a process ended like this; return what it said."""
    said = process.communicate(timeout=PATIENCE)[0].strip()
    assert code == process.returncode
    return said


def child(account: Office, file: Path, doing: str, *more: str) -> subprocess.Popen[str]:
    """Start a process that gets a token through this file."""
    settings = msgspec.json.encode(account.settings()).decode()
    command = [sys.executable, str(CHILD), doing, str(file), f"{account.place.url}/kit", settings, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
