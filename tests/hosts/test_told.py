"""A real shop, a real mail server, a real webhook: who is told what, through kills and restarts."""

from __future__ import annotations

import hmac
import json
import signal
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from kramik.sandbox.faults import Fault
from tests.adapters import ear, smtp_server
from tests.adapters.ear import Ear
from tests.adapters.smtp_server import LOGIN, Behaviour, MailServer
from tests.hosts import served
from tests.hosts.asking import ask
from tests.hosts.served import Shop, eventually

KEY = bytes([7]) * 32
BUYER, SELLER = "jan.kowalski@example.org", "hanna@akademia.example"
WORKER = "[worker]\ncall = 1.0\nvisibility = 2\nsweep = 1"


class ToldShop(Shop):
    """A shop that can log in at the mail server, and signs calls."""

    def environ(self) -> dict[str, str]:
        """Return the environment of the process."""
        secret = f"whsec_{b64encode(KEY).decode()}"
        return {**super().environ(), "SMTP_PASSWORD": LOGIN[1], "WEBHOOK_SECRET": secret}


@pytest.fixture
def post(tmp_path: Path) -> Iterator[MailServer]:
    """A mail server that wants STARTTLS and a login."""
    certificate = smtp_server.made_certificate(tmp_path)
    with smtp_server.listening(certificate, Behaviour(tls="starttls")) as server:
        yield server


def account(post: MailServer, folder: Path) -> str:
    """Return the keys of our account there."""
    return f"""\
host = "127.0.0.1"
port = {post.port}
from = "Akademia <kurs@akademia.example>"
user = "{LOGIN[0]}"
password = "env:SMTP_PASSWORD"
ca_file = "{folder / "mail.pem"}"
"""


@contextmanager
def told(folder: Path, post: MailServer, hook: Ear) -> Iterator[Shop]:
    """Serve a shop whose seller is told by both channels."""
    notices = f'[notices]\nemail = "{SELLER}"\nwebhook = "{hook.url}"\nwebhook_secret = "env:WEBHOOK_SECRET"'
    more = f"[smtp]\n{account(post, folder)}\n{notices}\n{WORKER}"
    with (
        served.world() as running,
        served.shop(folder / "shop", running, kind=ToldShop, more=more) as open_shop,
    ):
        yield open_shop


def subjects(post: MailServer, to: str) -> list[str]:
    """Return the subjects of what arrived for somebody."""
    return sorted(str(mail.message["subject"]) for mail in post.mails if mail.to == [to])


def shown(shop: Shop, order: str) -> dict[str, object]:
    """Return what `kramik orders show` says."""
    found: dict[str, object] = json.loads(shop.command("orders", "show", order, "--json").stdout)
    return found


def test_a_parked_order_from_the_refusal_to_the_mended_end(tmp_path: Path, post: MailServer) -> None:
    """The buyer is mailed the contract, the seller is told once by each channel, and a kill changes nothing."""
    with ear.listening() as hook, told(tmp_path, post, hook) as shop:
        shop.world.world.faults.add(Fault(peer="academy", fault="refuse", status=403))
        order, _ = shop.bought()
        eventually(lambda: (len(post.mails), len(hook.heard)), lambda seen: seen >= (2, 1))
        assert ["Potwierdzenie zamówienia: Agregaty w praktyce"] == subjects(post, BUYER)
        assert ["Akademia Agregatów: an order waits for you"] == subjects(post, SELLER)
        [(_, headers, body)] = hook.heard
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = f"v1,{b64encode(hmac.digest(KEY, content, sha256)).decode()}"
        assert ("order.parked", expected) == (json.loads(body)["type"], headers["webhook-signature"])
        eventually(lambda: shown(shop, order)["due"], lambda due: due is None)
        shop.end(signal.SIGKILL)
        shop.world.world.faults.clear()
        shop.start()
        assert 0 == shop.command("orders", "retry", order).returncode
        eventually(lambda: shown(shop, order)["state"], lambda state: state == "completed")
        shop.command("sweep")
        eventually(lambda: shown(shop, order)["due"], lambda due: due is None)
        assert (2, 1) == (len(post.mails), len(hook.heard))
        assert LOGIN[1] not in shop.log.read_text("utf-8")


def test_kills_while_everything_is_told(tmp_path: Path, post: MailServer) -> None:
    """Whatever the process was doing when it died: no mail twice, and every fact was told or says why not."""
    with ear.listening() as hook, told(tmp_path, post, hook) as shop:
        shop.world.world.faults.add(Fault(peer="academy", fault="refuse", status=403))
        orders = []
        for _ in range(6):
            orders.append(shop.bought()[0])
            before = len(post.mails)
            eventually(lambda: len(post.mails) > before, seconds=1)  # noqa: B023 - asked before the next turn
            shop.end(signal.SIGKILL)
            shop.start()
        for order in orders:
            eventually(lambda order=order: shown(shop, order), _rests)  # type: ignore[misc]
        notices = [(order, each) for order in orders for each in shown(shop, order)["notices"]]  # type: ignore[attr-defined]
        sent = Counter(str(mail.message["message-id"]) for mail in post.mails)
        heard = {headers["webhook-id"] for _, headers, _ in hook.heard}
        assert {1} == set(sent.values())
        assert 12 <= len(notices)
        assert not [
            each for _, each in notices if each["state"] == "given up" and each["channel"] == "webhook"
        ]
        assert len(heard) == sum(each["channel"] == "webhook" for _, each in notices)


def _rests(order: dict[str, object]) -> bool:
    return order["state"] == "parked" and order["due"] is None


def test_a_seller_with_only_a_mailbox(tmp_path: Path, post: MailServer) -> None:
    """SMTP in the place of a mailing tool: the contract, then the link, which opens the course."""
    with served.world() as running:
        made = served.make(tmp_path / "shop", running, kind=ToldShop, more=WORKER)
        head, _, rest = (made.folder / "shop.toml").read_text("utf-8").partition("[mailer]")
        mailer = f'[mailer]\nkind = "smtp"\n{account(post, tmp_path)}\n'
        (made.folder / "shop.toml").write_text(
            f"{head}{mailer}\n[{rest.partition(chr(10) + '[')[2]}", "utf-8"
        )
        made.start()
        try:
            order, _ = made.bought()
            eventually(lambda: shown(made, order)["state"], lambda state: state == "completed")
            [contract, access] = post.mails
            text = access.message.get_body(("plain",))
            words = [] if text is None else str(text.get_content()).split()
            link = next(word for word in words if "/access/" in word)
            assert ([BUYER], [BUYER]) == (contract.to, access.to)
            assert "Potwierdzenie" in contract.message["subject"]
            opened = ask(link)
            assert (303, True) == (opened.status, opened.headers["location"].startswith(running.url))
        finally:
            made.end()
