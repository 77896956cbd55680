"""A client that is told to stay on the internet never knocks at a door inside of somebody's network."""

from __future__ import annotations

import pytest

from kramik.errors import NeedsOperator
from kramik.http import Client
from kramik.wire import is_public
from tests.unit.raw_server import answering, reply, serving

INSIDE = (
    "127.0.0.1",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
)


@pytest.mark.parametrize("address", INSIDE)
def test_inside(address: str) -> None:
    """Loopback, private, link-local and wrapped addresses are not public."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_outside(address: str) -> None:
    """Addresses of the internet are public, wrapped or not."""
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1"])
def test_no_request_arrives(host: str) -> None:
    """However loopback is spelled, a public client sends nothing to it; another client does."""
    with serving(answering(reply(200, b"{}"))) as server:
        port = server.url.rpartition(":")[2]
        client = Client(f"http://{host}:{port}", name="peer", call_seconds=5, public=True)
        with pytest.raises(NeedsOperator, match="private network"):
            client.send("GET", "/", doing="asking")
        assert (0, []) == (server.connections, server.asked)
        client.close()
        open_client = Client(f"http://127.0.0.1:{port}", name="peer", call_seconds=5)
        assert b"{}" == open_client.send("GET", "/", doing="asking").body
        open_client.close()
