"""The academy of the sandbox world. It offers all four kinds of repeat-safety, so that each can be tried.

`keyed` sends the order as `Idempotency-Key`, `set` makes the buyer a member of the course, `lookup` grants and can
ask for the grants of an order, `unsafe` grants and can not ask.
Source: the protocol in `kramik/sandbox/academy.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import msgspec

from kramik.academies import Features
from kramik.errors import NeedsOperator
from kramik.http import Answer, Client
from kramik.order import Order
from kramik.ports import Delivery, Effect, Repeat
from kramik.table import Secret

FEATURES = Features(
    title="sandbox (for tests)",
    repeat=("keyed", "set", "lookup", "unsafe"),
    link="for good",
    revokes=False,
)

DOING = "granting access"
NOT_FOUND = 404


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[academy]`: where it is, our token (a secret), the repeat-safety, the lag of lists (s)."""

    base_url: str
    token: Secret
    repeat: Repeat = "keyed"
    lag: float = 0.0


class Grant(msgspec.Struct, frozen=True):
    """What the academy answers."""

    id: str
    link: str


class Grants(msgspec.Struct, frozen=True):
    """The grants of an order, oldest first."""

    grants: list[Grant]


class SandboxAcademy:
    """Our account at the academy of a sandbox world; one call lasts at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings = settings
        self._host = urlsplit(settings.base_url).netloc
        headers = {"Authorization": f"Bearer {settings.token}"}
        base = f"{settings.base_url.rstrip('/')}/academy"
        self._client = Client(base, name="sandbox academy", call_seconds=call_seconds, headers=headers)

    @property
    def invitation(self) -> Effect:
        """Give the buyer access; the receipt is the link that opens the course."""
        calls: dict[Repeat, Callable[[Delivery], str]] = {
            "keyed": self._grant_keyed,
            "set": self._join,
            "lookup": self._grant,
            "unsafe": self._grant,
        }
        kind = self._settings.repeat
        find = self._find if kind == "lookup" else None
        return Effect(repeat=kind, do=calls[kind], find=find, lag=self._settings.lag)

    @property
    def revocation(self) -> Effect:
        """Take back every grant of the order at this address; repeat-safety: set, a grant that is gone stays gone."""
        return Effect(repeat="set", do=self._revoke)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _revoke(self, delivery: Delivery) -> str:
        receipt = delivery.order.step("invitation").receipt
        known = [receipt] if receipt else [each.link for each in self._grants(delivery)]
        for link in known:
            grant = quote(link.rpartition("/")[2], safe="")
            self._client.send("DELETE", f"/grants/{grant}", doing="taking access back", answers=(NOT_FOUND,))
        return "taken back" if known else "nothing was given"

    def _grant_keyed(self, delivery: Delivery) -> str:
        order = delivery.order
        key = {"Idempotency-Key": f"{order.key}:invitation"}
        return self._link(self._client.send("POST", "/grants", doing=DOING, json=_grant(order), headers=key))

    def _grant(self, delivery: Delivery) -> str:
        return self._link(self._client.send("POST", "/grants", doing=DOING, json=_grant(delivery.order)))

    def _join(self, delivery: Delivery) -> str:
        order = delivery.order
        course, email = quote(order.intent.course, safe=""), quote(order.intent.buyer.email, safe="")
        path = f"/courses/{course}/members/{email}"
        return self._link(self._client.send("PUT", path, doing=DOING, json=_grant(order)))

    def _find(self, delivery: Delivery) -> str | None:
        found = self._grants(delivery)
        return self._checked(found[0].link) if found else None

    def _grants(self, delivery: Delivery) -> list[Grant]:
        query = {"order": delivery.order.key}
        return self._client.send("GET", "/grants", doing="asking for grants", query=query).json(Grants).grants

    def _link(self, answer: Answer) -> str:
        return self._checked(answer.json(Grant).link)

    def _checked(self, link: str) -> str:
        """Refuse a link that leads elsewhere: it would be mailed to the buyer."""
        if urlsplit(link).netloc != self._host:
            raise NeedsOperator(
                "sandbox academy: its link leads to another host than base_url; look who answers there"
            )
        return link


def _grant(order: Order) -> dict[str, str]:
    intent = order.intent
    about = {"title": intent.title, "lang": intent.lang, "name": intent.buyer.name}
    return {"order": order.key, "course": intent.course, "email": intent.buyer.email, **about}
