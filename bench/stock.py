"""What the benchmark sells: the example shop, buyers without end, and the requests that they and the gateway send."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from kramik import wiring
from kramik.event import PaymentEvent
from kramik.hosts.cli import new
from kramik.intent import Buyer, Draft
from kramik.money import Money
from kramik.order import Order
from kramik.settings import Settings
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue

ENVIRONMENT = {"KRAMIK_SECRET": "a secret of the benchmark and nobody else", **new.SANDBOX}
PRODUCT = "agregaty-w-praktyce"
SHOP_ID = "akademia"
PRICE = 29_900
WORLD = "http://127.0.0.1:8787"


def shop_folder(folder: Path, world: str = WORLD) -> Path:
    """Make the example shop, with its vendors at this address."""
    new.make(folder)
    (folder / ".env").unlink()
    text = (folder / "shop.toml").read_text("utf-8")
    (folder / "shop.toml").write_text(text.replace(WORLD, world), "utf-8")
    return folder


def settings(folder: Path) -> Settings:
    """Read the shop as `kramik serve` does."""
    return wiring.read(folder, ENVIRONMENT)


def order(folder: Path) -> Order:
    """Make an order as the door would."""
    shop: Shop = wiring.build(settings(folder), MemoryOrders(), MemoryQueue())
    return shop.place(_draft("first"), now=datetime.now(UTC)).order


def copied(order: Order, number: int) -> Order:
    """Return an order like this one with another id and buyer: many are made faster so."""
    buyer = msgspec.structs.replace(order.intent.buyer, email=f"buyer{number}@example.org")
    intent = msgspec.structs.replace(order.intent, buyer=buyer)
    return msgspec.structs.replace(order, id=name_of(number), intent=intent)


def name_of(number: int) -> str:
    """Return the id of a copied order."""
    return f"{number:026d}"


def paid(number: int) -> PaymentEvent:
    """Return the payment of a copied order."""
    money = Money(minor=PRICE, currency="PLN")
    order = name_of(number)
    return PaymentEvent(
        order=order, gateway="sandbox", reference=f"t-{order}", kind="paid", shop_id=SHOP_ID, money=money
    )


def order_requests(keys: Iterator[str]) -> Iterator[bytes]:
    """Write the order form as a browser sends it."""
    for key in keys:
        fields = {
            "product": PRODUCT,
            "lang": "pl",
            "idempotency_key": key,
            "price_shown": "299.00 PLN",
            "email": _email(key),
            "name": "Zofia Żak-Łęcka",
            "consent_terms": "yes",
            "consent_immediate": "yes",
            "bookmark": "",
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8000"}
        yield request("POST", "/api/orders", urlencode(fields).encode(), headers)


def notifications(order_ids: Iterator[str]) -> Iterator[bytes]:
    """Write what the gateway tells when these orders were paid."""
    key = ENVIRONMENT["SANDBOX_GATEWAY_KEY"].encode()
    for order in order_ids:
        told = {"id": f"t-{order}", "kind": "paid", "order": order, "shop_id": SHOP_ID}
        body = json.dumps({**told, "amount": PRICE, "currency": "PLN"}).encode()
        signature = hmac.digest(key, body, "sha256").hex()
        headers = {"content-type": "application/json", "x-sandbox-signature": signature}
        yield request("POST", "/api/payments/sandbox", body, headers)


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Write a request as it travels."""
    given = {
        "host": "127.0.0.1:8000",
        "user-agent": "kramik-bench",
        "accept": "text/html,*/*",
        **(headers or {}),
    }
    if method == "POST":
        given["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def _draft(key: str) -> Draft:
    return Draft(
        product=PRODUCT,
        buyer=Buyer(email=_email(key), name="Zofia Żak-Łęcka"),
        lang="pl",
        consents=("terms", "immediate"),
        price_shown="299.00 PLN",
        key=key,
    )


def _email(key: str) -> str:
    return f"zofia.{key}@example.org"
