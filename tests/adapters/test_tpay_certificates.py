"""The certificate of Tpay: fetched from a real server beside the way of a call, once a day, with a time-out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest

from kramik.errors import KramikError, Transient
from kramik.gateways.tpay.certificates import DailyCertificates, fetch
from kramik.sandbox.vendors.tpay_keys import ROOT, SIGNER

PEM, OTHER = SIGNER.encode(), ROOT.encode()
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ADDRESS = "https://secure.tpay.com/x509/notifications-jws.pem"


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


class Source:
    """Where certificates come from: what it answers, how often it was asked, and a gate that it may wait at."""

    def __init__(self) -> None:
        self.answer: bytes | KramikError = PEM
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, address: str) -> bytes:
        assert address == ADDRESS
        self.asked += 1
        self.gate.wait(10)
        if isinstance(self.answer, KramikError):
            raise self.answer
        return self.answer


@pytest.fixture
def watch() -> Watch:
    """Noon."""
    return Watch()


@pytest.fixture
def source() -> Source:
    """A source that works."""
    return Source()


@pytest.fixture
def certificates(watch: Watch, source: Source) -> Iterator[DailyCertificates]:
    """Certificates of nothing but that source."""
    made = DailyCertificates(source, clock=watch)
    yield made
    source.gate.set()
    made.wait(ADDRESS, 10)


def fetched(certificates: DailyCertificates) -> bytes | None:
    """Ask, and wait for whatever that began."""
    try:
        return certificates(ADDRESS)
    except Transient:
        return None
    finally:
        certificates.wait(ADDRESS, 10)


def test_first_call(certificates: DailyCertificates, source: Source) -> None:
    """The first call finds nothing and does not wait: the notification comes again, and then it is there."""
    source.gate.clear()
    begun = monotonic()
    with pytest.raises(Transient):
        certificates(ADDRESS)
    assert monotonic() - begun < 5
    source.gate.set()
    certificates.wait(ADDRESS, 10)
    assert PEM == certificates(ADDRESS)


def test_once_a_day(certificates: DailyCertificates, source: Source, watch: Watch) -> None:
    """However many notifications come in a day, the certificate is fetched once."""
    for _ in range(24):
        fetched(certificates)
        watch.later(minutes=59)
    assert (1, PEM) == (source.asked, certificates(ADDRESS))


def test_a_day_later(certificates: DailyCertificates, source: Source, watch: Watch) -> None:
    """After a day the old one still answers at once while the new one is fetched."""
    fetched(certificates)
    watch.later(days=1)
    source.answer = OTHER
    source.gate.clear()
    assert PEM == certificates(ADDRESS)
    source.gate.set()
    certificates.wait(ADDRESS, 10)
    assert (2, OTHER) == (source.asked, certificates(ADDRESS))


def test_many_at_once(certificates: DailyCertificates, source: Source) -> None:
    """Calls from many threads begin one fetch."""
    source.gate.clear()
    callers = [threading.Thread(target=fetched, args=(certificates,)) for _ in range(20)]
    for caller in callers:
        caller.start()
    source.gate.set()
    for caller in callers:
        caller.join(10)
    assert (1, PEM) == (source.asked, certificates(ADDRESS))


@pytest.mark.parametrize(
    "answer", [Transient("down"), KramikError("odd"), b"", b"<html>sorry</html>"], ids=str
)
def test_failure(
    certificates: DailyCertificates, source: Source, watch: Watch, answer: bytes | KramikError
) -> None:
    """After a failure nobody tries for a minute, and then once more."""
    source.answer = answer
    assert [None] * 5 == [fetched(certificates) for _ in range(5)]
    assert source.asked == 1
    source.answer = PEM
    watch.later(minutes=1)
    fetched(certificates)
    assert (2, PEM) == (source.asked, fetched(certificates))


def test_old_one_is_not_believed_for_ever(
    certificates: DailyCertificates, source: Source, watch: Watch
) -> None:
    """When no new one can be fetched, the old one answers for a week and no longer."""
    fetched(certificates)
    source.answer = Transient("down")
    watch.later(days=6, hours=23)
    assert PEM == fetched(certificates)
    watch.later(hours=1)
    assert fetched(certificates) is None


def test_ended_one_is_not_believed(certificates: DailyCertificates, watch: Watch) -> None:
    """A certificate answers until its end, also when that is within the day."""
    watch.now = datetime(2119, 12, 31, 23, 59, tzinfo=UTC)
    fetched(certificates)
    assert PEM == fetched(certificates)
    watch.later(minutes=1)
    assert fetched(certificates) is None


def test_patience(watch: Watch, source: Source) -> None:
    """Where a call may wait, the first one gets the certificate."""
    assert PEM == DailyCertificates(source, clock=watch, patience=10)(ADDRESS)


def test_over_http() -> None:
    """A certificate comes over HTTP as it is."""
    with server(lambda handler: answered(handler, 200, PEM)) as (url, paths):
        assert PEM == fetch(f"{url}/x509/notifications-jws.pem")
    assert ["/x509/notifications-jws.pem"] == paths


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_other_answer(status: int) -> None:
    """Any other answer is none, and a redirect is not followed."""
    with (
        server(lambda handler: answered(handler, status, PEM)) as (url, paths),
        pytest.raises(KramikError),
    ):
        fetch(f"{url}/a.pem")
    assert ["/a.pem"] == paths


def test_silent_server() -> None:
    """A server that says nothing is left after the time-out."""
    over = threading.Event()
    with server(lambda _: over.wait(10)) as (url, _):
        begun = monotonic()
        with pytest.raises(KramikError):
            fetch(f"{url}/a.pem", call_seconds=0.2)
        over.set()
    assert monotonic() - begun < 5


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], object]) -> Iterator[tuple[str, list[str]]]:
    """Run a web server for a while; return its address and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of its base
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", paths
        finally:
            running.shutdown()
            thread.join(10)


def answered(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    """Answer with a body, and with another address when it is a redirect."""
    handler.send_response(status)
    handler.send_header("content-length", str(len(body)))
    handler.send_header("location", "/elsewhere.pem")
    handler.end_headers()
    handler.wfile.write(body)
