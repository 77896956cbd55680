"""`kramik serve` is told to stop while it works: it ends in order, soon, with exit code 0, and nothing is lost."""

from __future__ import annotations

import signal
import time
from functools import partial
from pathlib import Path

import pytest

from kramik.sandbox.faults import Fault
from tests.hosts import served
from tests.hosts.asking import ask, connected
from tests.hosts.served import eventually

WORKER = "[worker]\nthreads = 2\ncall = 3\nvisibility = 30"
ONCE = {"grant": 1, "purchase": 1, "sequence": 1, "mail": 1}


def status(url: str) -> str:
    """Return what a buyer is shown."""
    return str(ask(url).json()["status"])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_message_in_hand_is_finished_or_given_back(tmp_path: Path, how: signal.Signals) -> None:
    """Orders are stopped in the middle of a call; after the restart each completes, well before any visibility ends."""
    with served.world() as running, served.shop(tmp_path / "shop", running, more=WORKER) as shop:
        for peer in ("academy", "mail"):
            running.world.faults.add(Fault(peer=peer, fault="slow", seconds=0.4))
        orders = [shop.bought(email=f"stop-{number}@example.org") for number in range(6)]
        assert eventually(lambda: "grant" in running.world.ledger.counts())
        begun = time.monotonic()
        assert 0 == shop.end(how)
        ended = time.monotonic() - begun
        assert "stopped workers=ended" in shop.log.read_text("utf-8")
        unfinished = [order for order, _ in orders if shop.effects(order) != ONCE]
        running.world.faults.clear()
        shop.start()
        states = [eventually(partial(status, url), "completed".__eq__, seconds=15) for _, url in orders]
    assert ["completed"] * 6 == states
    assert [ONCE] * 6 == [shop.effects(order) for order, _ in orders]
    assert (True, True) == (bool(unfinished), ended < 8)


def test_an_idle_line_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """A browser that keeps its line open, and one that never asks, are hung up on."""
    with (
        served.world() as running,
        served.shop(tmp_path / "shop", running) as shop,
        connected(shop.url) as silent,
        connected(shop.url) as kept,
    ):
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(100)
        begun = time.monotonic()
        assert 0 == shop.end()
        assert time.monotonic() - begun < 8
        assert b"" == silent.recv(1)


def test_an_address_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    """A second server on the port ends with exit code 1 and says what to do."""
    with served.world() as running, served.shop(tmp_path / "shop", running) as shop:
        second = shop.command("serve", "--port", str(shop.port))
    assert (1, True) == (second.returncode, "choose another with --port" in second.stderr)
    assert "Traceback" not in second.stderr
