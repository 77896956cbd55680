"""A vendor's academy before its simulator: how the demo sets it up, and what the simulator's ledger says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import msgspec

from kramik import adapters, table
from kramik.academies.http import presets
from kramik.hosts.cli.overlay import _placed
from kramik.ports import Academy, Delivery
from kramik.sandbox import academies
from tests.contracts.academy import Classroom
from tests.contracts.effect import Peer
from tests.sandbox.place import Place, fresh_delivery

CALL = 1.0


class Class:
    """One vendor in one world; everything that was opened is closed with it."""

    def __init__(self, place: Place, name: str, stack: ExitStack) -> None:
        self.place, self.name, self._stack = place, name, stack

    def academy(self, *, url: str = "", changes: Mapping[str, object] | None = None) -> Academy:
        """Open an academy as the demo sets it up, at its simulator or elsewhere."""
        mount = url or f"{self.place.url}/{self.name}"
        kind = adapters.ACADEMIES[self.name]()
        demo = {key: _placed(each, mount) for key, each in academies.platform(self.name).DEMO.items()}
        known = {field.encode_name for field in msgspec.structs.fields(kind.shape)}
        where = {"base_url": mount} if "base_url" in known else {}
        made = kind.make(msgspec.convert({**where, **demo, **(changes or {})}, kind.shape), CALL)
        self._stack.callback(getattr(made, "close", lambda: None))
        return made

    def granted(self, delivery: Delivery, effect: str = "grant") -> list[dict]:
        """Return what the ledger says of a buyer."""
        email = delivery.order.intent.buyer.email
        entries = self.place.ledger(effect=effect)
        return [each["facts"] for each in entries if each["facts"].get("email") == email]

    def fault(self, operation: str, **switch: object) -> None:
        """Turn a switch on for one call."""
        self.place.fault(peer=self.name, operation=operation, **switch)

    def peer(self) -> Peer:
        """Return the invitation and its other side."""
        delivery = fresh_delivery()
        demo = academies.platform(self.name).DEMO
        shape = adapters.ACADEMIES[self.name]().shape
        secret = [str(demo[key]) for key in table.secret_keys(shape) & demo.keys()]
        return Peer(
            effect=self.academy().invitation,
            nobody=self.academy(url="http://127.0.0.1:1").invitation,
            delivery=delivery,
            call_seconds=CALL,
            secrets=tuple(secret),
            happened=lambda: len(self.granted(delivery)),
            fault=self._spoil,
        )

    def _spoil(self, **switch: object) -> None:
        """Spoil the grant; a refused token is asked for anew, so it has to be refused twice."""
        renewed = self.name in presets.NAMES and presets.preset(self.name).auth.get("kind") == "oauth2"
        self.fault("grant", **({"count": 2} if renewed and switch.get("status") == 401 else {}), **switch)

    def room(self, visit: Callable[[str], tuple[int, str]] | None = None) -> Classroom:
        """Return the academy, two buyers and a browser."""
        return Classroom(
            academy=self.academy(),
            delivery=fresh_delivery(),
            another=fresh_delivery(),
            visit=visit or self.visit,
        )

    def visit(self, link: str) -> tuple[int, str]:
        """Open a link."""
        page = self.place.browser.get(link, follow_redirects=True)
        self.place.browser.cookies.clear()
        return page.status_code, page.text


@contextmanager
def taught(place: Place, name: str) -> Iterator[Class]:
    """Set up a vendor's academy in a world; its switches are off in the end."""
    with ExitStack() as stack:
        yield Class(place, name, stack)
    place.browser.delete("/faults")
