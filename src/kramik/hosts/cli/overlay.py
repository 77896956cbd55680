"""The sandbox world in place of every vendor, and this machine in place of the shop's addresses.

A gateway is played by the world in the vendor's own protocol, with made-up keys that stand in the environment
like real ones.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kramik.sandbox import Running

OWN = "sandbox"
"""The gateway of the sandbox itself; the others are played."""


def played() -> tuple[str, ...]:
    """Return the gateways that the sandbox world can be, its own first."""
    from kramik import wiring
    from kramik.sandbox import vendors

    return (OWN, *(name for name in vendors.NAMES if name in wiring.GATEWAYS))


def known(name: str) -> str:
    """Return the name of a gateway that the world plays.

    Raises:
        UsageError: it plays no such gateway.
    """
    if name not in played():
        message = f"{name!r} is no gateway of the sandbox; choose {', '.join(played())}"
        raise click.UsageError(message)
    return name


def tables(
    world: Running, address: str, gateways: Iterable[str], environ: MutableMapping[str, str]
) -> dict[str, object]:
    """Return the tables of `shop.toml` that put the world there; made-up secrets go into `environ`."""
    return {
        "gateways": {name: _gateway(name, world, address, environ) for name in gateways},
        "academy": {"kind": "sandbox", "base_url": world.url, "token": "env:SANDBOX_ACADEMY_TOKEN"},
        "mailer": {"kind": "sandbox", "base_url": world.url, "token": "env:SANDBOX_MAIL_TOKEN"},
        "shop": {"url": address, "api": address, "secret": "env:KRAMIK_SECRET"},
    }


def _gateway(name: str, world: Running, address: str, environ: MutableMapping[str, str]) -> dict[str, object]:
    if name == OWN:
        return {"base_url": world.url, "shop_id": "sandbox-shop", "key": "env:SANDBOX_GATEWAY_KEY"}
    from kramik import table, wiring
    from kramik.sandbox import vendors

    panel = world.world.panels[name]
    panel.shop, panel.notify = address, f"{address}/api/payments/{name}"
    made_up: dict[str, object] = dict(vendors.vendor(name).DEMO)
    shape = wiring.shape("gateways", name)
    if "pay_url" in shape.__struct_fields__:
        made_up["pay_url"] = f"{world.url}/{name}"
    for key in table.secret_keys(shape) & made_up.keys():
        variable = f"SANDBOX_{name}_{key}".upper()
        environ[variable] = str(made_up[key])
        made_up[key] = f"env:{variable}"
    return {"base_url": f"{world.url}/{name}", **made_up}
