"""The mailing tool of the sandbox world. It offers all four kinds of repeat-safety, so that each can be tried.

`keyed` sends the order as `Idempotency-Key`, `set` puts what is to be, `lookup` posts and can ask by order,
`unsafe` posts and can not ask. A single mail is always keyed.
Source: the protocol in `kramik/sandbox/mail.py`.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import msgspec

from kramik.http import Client
from kramik.mailers import Features
from kramik.ports import Delivery, Effect, Mail, Repeat
from kramik.table import Secret

FEATURES = Features(
    title="sandbox (for tests)",
    purchase="purchase",
    purchase_repeat=("keyed", "set", "lookup", "unsafe"),
    start="sequence",
    sequence_repeat=("keyed", "set", "lookup", "unsafe"),
    posts=True,
)

WELCOME = "welcome"
"""The sequence of a product that names none."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]`: where it is, our token (a secret), the repeat-safety, the lag of lists (s)."""

    base_url: str
    token: Secret
    repeat: Repeat = "keyed"
    lag: float = 0.0


class Made(msgspec.Struct, frozen=True):
    """What the tool answers."""

    id: str


class Found(msgspec.Struct, frozen=True):
    """What the tool made for an order, oldest first."""

    found: list[Made]


class SandboxMailer:
    """Our account at the mailing tool of a sandbox world; one call lasts at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings = settings
        headers = {"Authorization": f"Bearer {settings.token}"}
        base = f"{settings.base_url.rstrip('/')}/mail"
        self._client = Client(base, name="sandbox mail", call_seconds=call_seconds, headers=headers)

    @property
    def purchase(self) -> Effect:
        """Register the purchase; the receipt is its id."""
        kind, find = self._settings.repeat, self._find_purchase if self._settings.repeat == "lookup" else None
        return Effect(repeat=kind, do=self._buy, find=find, lag=self._settings.lag)

    @property
    def sequence(self) -> Effect:
        """Start the sequence whose first mail carries the access link; the receipt is the id of the start."""
        kind, find = self._settings.repeat, self._find_start if self._settings.repeat == "lookup" else None
        return Effect(repeat=kind, do=self._begin, find=find, lag=self._settings.lag)

    @property
    def repeat(self) -> Literal["keyed"]:
        """Return why a single mail may be sent again."""
        return "keyed"

    def send(self, mail: Mail) -> str:
        """Send one mail; repeat-safety: keyed by `mail.key`."""
        words = {"to": mail.to, "subject": mail.subject, "text": mail.text}
        key = {"Idempotency-Key": mail.key}
        doing = "sending a mail"
        return self._client.send("POST", "/messages", doing=doing, json=words, headers=key).json(Made).id

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _buy(self, delivery: Delivery) -> str:
        path = f"/purchases/{quote(delivery.order.id, safe='')}"
        return self._make("purchase", "/purchases", path, delivery=delivery, facts=_purchase(delivery))

    def _begin(self, delivery: Delivery) -> str:
        intent = delivery.order.intent
        sequence, email = quote(intent.sequence or WELCOME, safe=""), quote(intent.buyer.email, safe="")
        path = f"/sequences/{sequence}/members/{email}"
        return self._make("sequence", "/starts", path, delivery=delivery, facts=_start(delivery))

    def _make(
        self, step: str, list_path: str, set_path: str, *, delivery: Delivery, facts: dict[str, str]
    ) -> str:
        doing, kind = f"making a {step}", self._settings.repeat
        if kind == "set":
            return self._client.send("PUT", set_path, doing=doing, json=facts).json(Made).id
        key = delivery.order.id if step == "purchase" else delivery.order.key
        headers = {"Idempotency-Key": f"{key}:{step}"} if kind == "keyed" else None
        return self._client.send("POST", list_path, doing=doing, json=facts, headers=headers).json(Made).id

    def _find_purchase(self, delivery: Delivery) -> str | None:
        return self._find("/purchases", delivery.order.id)

    def _find_start(self, delivery: Delivery) -> str | None:
        return self._find("/starts", delivery.order.key)

    def _find(self, path: str, key: str) -> str | None:
        query = {"order": key}
        found = self._client.send("GET", path, doing="asking what was made", query=query).json(Found).found
        return found[0].id if found else None


def _purchase(delivery: Delivery) -> dict[str, str]:
    intent = delivery.order.intent
    price = {"amount": str(intent.price.minor), "currency": intent.price.currency}
    about = {
        "email": intent.buyer.email,
        "product": intent.product,
        "title": intent.title,
        "name": intent.buyer.name,
    }
    return {"order": delivery.order.id, **about, **price}


def _start(delivery: Delivery) -> dict[str, str]:
    intent = delivery.order.intent
    about = {
        "title": intent.title,
        "lang": intent.lang,
        "name": intent.buyer.name,
        "link": delivery.access_link,
    }
    sequence = intent.sequence or WELCOME
    return {"order": delivery.order.key, "email": intent.buyer.email, "sequence": sequence, **about}
