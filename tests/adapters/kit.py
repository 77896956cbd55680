"""A world with Kit in it, our adapter before it, and what happened there, by the address of the buyer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import httpx2
import msgspec

from kramik.mailers.kit import KitMailer, Settings
from kramik.ports import Delivery, Vault
from kramik.sandbox.mailers import kit
from kramik.stores.memory import MemoryVault
from tests.sandbox.place import Place, fresh_delivery

CALL = 1.0
SEQUENCE = 1001
FIELD = "link_agregaty_w_praktyce"


class Office:
    """Everything a test needs to look at Kit from both sides."""

    def __init__(self, place: Place, vault: Vault, stack: ExitStack) -> None:
        self.place, self.vault, self._stack = place, vault, stack

    def settings(self, *, oauth: bool = True, **changes: object) -> Settings:
        """Return the settings of the demo account, without the grant for purchases if one wants tags."""
        grant = {} if oauth else {"client_id": "", "client_secret": "", "refresh_token": ""}
        about = {**kit.DEMO, "base_url": f"{self.place.url}/kit", "lag": 0.0, **grant, **changes}
        return msgspec.convert(about, Settings)

    def mailer(
        self,
        *,
        vault: Vault | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        oauth: bool = True,
        **changes: object,
    ) -> KitMailer:
        """Open our account; it is closed in the end."""
        made = KitMailer(
            self.settings(oauth=oauth, **changes), call_seconds=CALL, vault=vault or self.vault, clock=clock
        )
        self._stack.callback(made.close)
        return made

    def effects(self, email: str, effect: str) -> list[dict]:
        """Return the facts of what happened to a person."""
        return [
            entry["facts"]
            for entry in self.place.ledger(effect=effect)
            if email in (entry["facts"].get("email"), entry["facts"].get("to"))
        ]

    def tokens(self) -> list[str]:
        """Return how every use of a refresh token ended."""
        return [entry["facts"]["result"] for entry in self.place.ledger(effect="token")]

    def mails(self, to: str) -> list[tuple[str, str]]:
        """Return what arrived at an address."""
        found = self.place.browser.get("/mail/messages.json", params={"to": to}).json()
        return [(mail["subject"], mail["text"]) for mail in found]

    def ask(self, method: str, path: str, json: object = None, **headers: str) -> httpx2.Response:
        """Ask Kit as a shop with an API key."""
        key = {"X-Kit-Api-Key": str(kit.DEMO["api_key"])}
        return self.place.browser.request(method, f"/kit{path}", json=json, headers={**key, **headers})

    def known(self, email: str, state: str = "active", **fields: str) -> int:
        """Make somebody known before they buy; return their number."""
        about = {"email_address": email, "state": state, "fields": fields}
        answer = self.ask("POST", "/v4/subscribers", about)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["subscriber"]["id"])


@contextmanager
def office(place: Place, vault: Vault | None = None) -> Iterator[Office]:
    """Open an office in this world, which has one grant; its faults are off afterwards."""
    with ExitStack() as stack:
        yield Office(place, vault or MemoryVault(), stack)
    place.browser.delete("/faults")


def sold(**changes: object) -> Delivery:
    """Return what an effect is made of, for a fresh order of the course that the account knows."""
    about: dict[str, object] = {"product": "agregaty-w-praktyce", "sequence": "agregaty-start"}
    return fresh_delivery(**{**about, **changes})
