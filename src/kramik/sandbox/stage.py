"""Where a simulated mailing tool or academy plays: what its file gets of the world, and when it is loaded.

A gateway has pages, buttons and notifications and stands apart (`gateway.py`); these are called by the shop and answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.routing import BaseRoute, Router
from starlette.types import Receive, Scope, Send

from kramik.sandbox.door import Door, Handler
from kramik.sandbox.ledger import Ledger, What
from kramik.sandbox.mailbox import Mailbox

_ACCESS = re.compile(r"/access/([^/.\s]+)\.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """The surroundings of one simulated vendor: its name is its mount, and the peer of its ledger and its faults.

    `lag` is how many seconds late new things show in lists; `pace` scales what lasts, such as the window of a limit.
    """

    name: str
    ledger: Ledger
    lag: float
    pace: float
    mailbox: Mailbox
    door: Door

    def guarded(self, operation: str, handler: Handler) -> Handler:
        """Return the handler behind the switches for this operation."""
        return self.door(self.name, operation, handler)

    def write(self, effect: What, order: str, **facts: str | int) -> None:
        """Write down an effect that happened just now."""
        self.ledger.write(self.name, effect, order, **facts)

    def deliver(self, *, order: str, to: str, subject: str, text: str) -> None:
        """Deliver a mail into the world's one mailbox."""
        mail = self.mailbox.put(order=order, to=to, subject=subject, text=text)
        self.write("mail", order, mail=mail.id, to=to, subject=subject)


class Vendor(Protocol):
    """What the file of a vendor offers."""

    @property
    def DEMO(self) -> Mapping[str, object]:  # noqa: N802 - a constant of a module
        """Return the settings of its one account, as our adapter names them.

        Where its adapter has a `base_url`, that is added; `{url}` inside a text becomes the address of the mount.
        """
        ...

    def routes(self, stage: Stage) -> Sequence[BaseRoute]:
        """Return the routes below `/<name>`."""
        ...


class Curtain:
    """The application of a vendor, which is made when somebody first asks for it."""

    def __init__(self, make: Callable[[], Sequence[BaseRoute]]) -> None:
        self._make = make
        self._app: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if self._app is None:
            self._app = Router(routes=self._make())
        await self._app(scope, receive, send)


def order_in(text: str) -> str:
    """Return the order that an access link in this text belongs to; nothing when there is none.

    A vendor that is not told of orders still mails the link, and whoever reads the mail sees the order in it.
    """
    found = _ACCESS.search(text)
    return found[1] if found else ""
