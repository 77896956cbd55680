"""A shop with Kit and Ghost is killed again and again under load, while both refuse, lose answers and stall.

As in `test_killed`, judged by the ledgers of the vendors alone: each paid order has one grant at Ghost, one purchase,
one start of the sequence and one mail at Kit, and Kit's grant was refreshed once.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from kramik.sandbox import Running
from kramik.sandbox.academies import ghost
from kramik.sandbox.faults import Fault
from kramik.sandbox.mailers import kit
from tests.hosts import served
from tests.hosts.served import Shop, eventually
from tests.hosts.test_killed import WORKER, rush, sold, verdict

SHOPPERS = 3
KILLS = 4
SOLD = 30
FIRED = 20
DRAIN = 75.0
"""Seconds: a step that failed five times waits for most of a minute."""
FAULTS = [
    Fault(
        peer=peer,
        operation=operation,
        fault=kind,
        probability=probability,
        seed=seed,
        seconds=1.5,
        retry_after=1,
    )
    for seed, ((peer, operation), (kind, probability)) in enumerate(
        itertools.product(
            (
                ("mail", "purchase"),
                ("mail", "sequence"),
                ("mail", "person"),
                ("mail", "find"),
                ("academy", "grant"),
                ("academy", "find"),
            ),
            (
                ("refuse", 0.02),
                ("too_many_requests", 0.01),
                ("time_out_after_effect", 0.01),
                ("drop", 0.02),
                ("garbage", 0.02),
            ),
        )
    )
]
"""A token that Kit gave and nobody got is lost for good, so the token endpoint alone behaves."""


class Vendors(Shop):
    """A shop whose mailing tool is Kit and whose academy is Ghost."""

    def environ(self) -> dict[str, str]:
        """Return the environment with the vendors' secrets."""
        secrets = {
            f"KIT_{key}".upper(): str(kit.DEMO[key]) for key in ("api_key", "client_secret", "refresh_token")
        }
        return {**super().environ(), **secrets, "GHOST_ADMIN_KEY": str(ghost.DEMO["admin_key"])}


def test_every_paid_order_is_granted_once_through_kit_and_ghost(tmp_path: Path) -> None:
    """Real adapters, real processes, kills and faults: nothing is lost, doubled or stuck, and the grant holds."""
    with served.world(pace=0.02) as running:
        shop = served.make(tmp_path / "shop", running, kind=Vendors, more=WORKER)
        set_up(shop, running)
        shop.start()
        try:
            warmed_up(shop)
            for fault in FAULTS:
                running.world.faults.add(fault)
            bought = rush(
                [shop],
                lambda bought: SOLD <= sold(bought) and FIRED <= fired(running),
                shoppers=SHOPPERS,
                kills=KILLS,
            )
            faults = fired(running)
            running.world.faults.clear()
            late = eventually(lambda: verdict(running, bought), lambda wrong: not wrong, seconds=DRAIN)
        finally:
            if shop.process is not None:
                shop.end()
        tokens = [each.facts["result"] for each in running.world.ledger.entries(effect="token")]
        print(f"{len(bought)} orders, {faults} faults, tokens {tokens}")  # noqa: T201 - shown when it fails
    assert [] == late
    assert ["refreshed"] == tokens
    assert FIRED <= faults
    assert SOLD <= sold(bought)


def set_up(shop: Shop, running: Running) -> None:
    """Write the tables of both vendors."""
    file = shop.folder / "shop.toml"
    text = file.read_text("utf-8")
    begin = text.index("[mailer]")
    end = text.index(WORKER.strip())
    tables = f"""\
[mailer]
kind = "kit"
base_url = "{running.url}/kit"
api_key = "env:KIT_API_KEY"
client_id = "{kit.DEMO["client_id"]}"
client_secret = "env:KIT_CLIENT_SECRET"
refresh_token = "env:KIT_REFRESH_TOKEN"
sequences = {{ agregaty-start = 1001, kolejki-start = 1002 }}
lag = 0

[academy]
kind = "ghost"
url = "{running.url}/ghost"
admin_key = "env:GHOST_ADMIN_KEY"
pages = {{ agregaty-w-praktyce = "agregaty-w-praktyce/" }}
tiers = {{ agregaty-w-praktyce = "{ghost.TIER}" }}

"""
    file.write_text(text[:begin] + tables + text[end:], "utf-8")


def fired(running: Running) -> int:
    """Return how many faults happened."""
    return sum(each.fired for each in running.world.faults.list())


def warmed_up(shop: Shop) -> None:
    """Sell once, so that the first token is stored before anything is killed."""
    order, _ = shop.bought(email="first@example.org")
    assert {"grant": 1, "purchase": 1, "sequence": 1, "mail": 1} == eventually(
        lambda: shop.effects(order), lambda seen: all(seen.values())
    )
