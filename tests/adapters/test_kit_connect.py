"""A person connects the shop to Kit once; what the browser brings back is believed only as far as it is ours."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from kramik.errors import NeedsOperator, OutcomeUnknown, Rejected
from kramik.mailers.kit import KitMailer
from kramik.ports import Connectable, Connection
from kramik.sandbox.mailers.kit.gate import CLIENT_SECRET
from tests.adapters.kit import Office, office, sold
from tests.sandbox.place import opened

BACK = "https://kurs.example/"


@pytest.fixture
def account() -> Iterator[Office]:
    """An office before a Kit to which nobody connected the shop yet."""
    with opened() as place, office(place) as found:
        yield found


def unconnected(account: Office, client_secret: str = CLIENT_SECRET) -> KitMailer:
    """Open our account without a refresh token."""
    return account.mailer(refresh_token="", client_secret=client_secret)


def begun(made: KitMailer) -> Connection:
    """Begin a connection."""
    assert isinstance(made, Connectable)
    connection = made.connection(BACK)
    assert connection is not None
    return connection


def allowed(account: Office, connection: Connection) -> str:
    """Allow the connection in a browser; return where that arrives."""
    path = connection.url.removeprefix(account.place.url)
    return account.place.browser.get(path).headers["location"]


@pytest.mark.parametrize("secret", ["", CLIENT_SECRET])
def test_connected(account: Office, secret: str) -> None:
    """After a connection purchases are registered; with a client secret as well as by a proof key without one."""
    made = unconnected(account, secret)
    connection = begun(made)
    assert ("code_challenge" in connection.url) == (not secret)
    arrived = allowed(account, connection)
    assert arrived.startswith(f"{BACK}?code=")
    connection.finish(arrived)
    assert made.purchase.do(sold())
    assert ["connected"] == account.tokens()


def test_not_connected_yet(account: Office) -> None:
    """Until then purchases park with the command to run, and sequences start all the same."""
    made = unconnected(account)
    with pytest.raises(NeedsOperator, match="kramik connect"):
        made.purchase.do(sold())
    assert made.sequence.do(sold())
    assert [] == account.tokens()


def test_connected_again(account: Office) -> None:
    """A lost connection is replaced by a new one, under the same settings."""
    made = account.mailer()
    account.place.fault(peer="kit", operation="token", fault="drop")
    for _ in range(2):
        with pytest.raises(Exception, match="Kit"):
            made.purchase.do(sold())
    with pytest.raises(NeedsOperator, match="kramik connect"):
        made.purchase.do(sold())
    connection = begun(made)
    connection.finish(allowed(account, connection))
    assert made.purchase.do(sold())
    assert ["refreshed", "invalid_grant", "connected"] == account.tokens()


def test_two_connections_do_not_mix(account: Office) -> None:
    """An address that another connection brought back is refused before Kit hears of it."""
    made = unconnected(account)
    one, other = begun(made), begun(made)
    with pytest.raises(Rejected, match="not the one of this connection"):
        one.finish(allowed(account, other))
    one.finish(allowed(account, one))
    assert ["connected"] == account.tokens()


@pytest.mark.parametrize("arrived", ["", "nonsense", BACK, f"{BACK}?code=abc", f"{BACK}?code=abc&state=ż"])
def test_odd_addresses(account: Office, arrived: str) -> None:
    """What is no address of this connection says so."""
    with pytest.raises(Rejected, match="address"):
        begun(unconnected(account)).finish(arrived)


def test_refused_by_the_seller(account: Office) -> None:
    """Who does not allow it is told to begin again."""
    connection = begun(unconnected(account))
    state = parse_qs(urlsplit(connection.url).query)["state"][0]
    with pytest.raises(Rejected, match="access_denied"):
        connection.finish(f"{BACK}?error=access_denied&state={state}")


def test_code_that_was_used(account: Office) -> None:
    """A code works once, and Kit's refusal is shown without it."""
    made = unconnected(account)
    connection = begun(made)
    arrived = allowed(account, connection)
    connection.finish(arrived)
    with pytest.raises(Rejected, match="invalid_grant"):
        connection.finish(arrived)
    assert made.purchase.do(sold())


def test_lost_answer(account: Office) -> None:
    """When Kit's answer is lost, the person is told, and begins again."""
    connection = begun(unconnected(account))
    arrived = allowed(account, connection)
    account.place.fault(peer="kit", operation="token", fault="drop")
    with pytest.raises(OutcomeUnknown):
        connection.finish(arrived)


def test_tags_need_no_connection(account: Office) -> None:
    """Without a client there is nothing to connect."""
    assert account.mailer(oauth=False).connection(BACK) is None
