"""A mailing tool from both sides: our adapter, the world that plays the tool, and what happened there to a buyer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

import msgspec

from kramik import adapters, table
from kramik.errors import KramikError
from kramik.ports import Delivery, Effect, Mailer
from kramik.sandbox import mailers
from tests.contracts.effect import Peer
from tests.contracts.mailer import Office
from tests.sandbox.place import Place, fresh_delivery, opened
from tests.unit.raw_server import RawServer, reply, serving

CALL = 1.0
EFFECTS: dict[str, Callable[[Mailer], Effect]] = {
    "purchase": lambda mailer: mailer.purchase,
    "sequence": lambda mailer: mailer.sequence,
}


class Tool:
    """One mailing tool of a running world, by its name."""

    def __init__(self, place: Place, name: str, stack: ExitStack) -> None:
        self.place, self.name, self._stack = place, name, stack

    def mailer(self, *, base_url: str = "", **changes: object) -> Any:  # noqa: ANN401 - each vendor's own class
        """Open our account; it is closed in the end."""
        made = made_from(self.name, base_url=base_url or f"{self.place.url}/{self.name}", **changes)
        self._stack.callback(made.close)
        return made

    def secrets(self) -> tuple[str, ...]:
        """Return what no error may show."""
        keys = table.secret_keys(adapters.shape("mailer", self.name))
        return tuple(str(value) for key, value in mailers.tool(self.name).DEMO.items() if key in keys)

    def effects(self, delivery: Delivery, effect: str) -> list[dict]:
        """Return the facts of what happened to a buyer."""
        email = delivery.order.intent.buyer.email
        found = (entry["facts"] for entry in self.place.ledger(effect=effect))
        return [facts for facts in found if email in (facts.get("email"), facts.get("to"))]

    def mails(self, to: str) -> list[tuple[str, str]]:
        """Return what arrived at an address."""
        found = self.place.browser.get("/mail/messages.json", params={"to": to}).json()
        return [(mail["subject"], mail["text"]) for mail in found]

    def peer(self, operation: str) -> Peer:
        """Return the other side of one effect, for its promises."""
        delivery, effect = bought(), EFFECTS[operation]
        return Peer(
            effect=effect(self.mailer()),
            nobody=effect(self.mailer(base_url="http://127.0.0.1:1")),
            delivery=delivery,
            call_seconds=CALL,
            secrets=self.secrets(),
            happened=lambda: len(self.effects(delivery, operation)),
            fault=lambda **switch: self.place.fault(peer=self.name, operation=operation, **switch),
        )

    def office(self) -> Office:
        """Return the tool and its mailbox, for its promises."""
        return Office(mailer=self.mailer(), delivery=bought(), mails=self.mails)


def bought() -> Delivery:
    """Return a fresh order of the course for whose mails every account of the demo has something."""
    return fresh_delivery(product="agregaty-w-praktyce", sequence="agregaty-start")


def made_from(name: str, **changes: object) -> Any:  # noqa: ANN401 - each vendor's own class
    """Make an adapter from the settings of the demo."""
    settings = msgspec.convert({**mailers.tool(name).DEMO, **changes}, adapters.shape("mailer", name))
    return adapters.MAILERS[name]().make(settings, CALL)


@contextmanager
def playing(name: str, *, lag: float = 0.0) -> Iterator[Tool]:
    """Run a world with this tool in it, which shows changes so many seconds late."""
    with opened(lag=lag) as place, ExitStack() as stack:
        yield Tool(place, name, stack)


@contextmanager
def scripted(*answers: tuple[int, object]) -> Iterator[RawServer]:
    """Answer one request after the other with a status and JSON, or with bytes as they are."""
    left = list(answers)

    def script(connection: socket.socket, _over: Event) -> None:
        status, content = left.pop(0)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        connection.sendall(reply(status, body, "content-type: application/json"))

    with serving(script) as server:
        yield server


def heard(server: RawServer) -> list[tuple[str, object]]:
    """Return the first line and the content of every request."""
    found = []
    for raw in server.asked:
        head, _, body = raw.partition(b"\r\n\r\n")
        line = head.split(b"\r\n")[0].decode().removesuffix(" HTTP/1.1")
        found.append((line, json.loads(body) if body else None))
    return found


def conversation(
    name: str, effect: str, delivery: Delivery, *answers: tuple[int, object], **changes: object
) -> tuple[object, list[tuple[str, object]]]:
    """Make an effect against these answers; return the receipt or the decision, and what was sent."""
    with scripted(*answers) as server:
        mailer = made_from(name, base_url=server.url, **changes)
        try:
            ended: object = EFFECTS[effect](mailer).do(delivery)
        except KramikError as error:
            ended = error
        finally:
            mailer.close()
        return ended, heard(server)
