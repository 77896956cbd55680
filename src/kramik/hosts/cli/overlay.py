"""The sandbox world in place of every vendor, and this machine in place of the shop's addresses.

A vendor is played by the world in its own protocol, with made-up keys that stand in the environment like real ones.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from kramik.sandbox import Running

OWN = "sandbox"
"""The vendor of the sandbox itself, in each family; the others are played."""

ARTICLES = {"gateway": "no gateway", "mailer": "no mailing tool", "academy": "no academy"}


ADDRESSES = ("base_url", "pay_url", "api_url")
"""Settings that say where a vendor is."""


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Who the sandbox world plays."""

    gateways: tuple[str, ...] = (OWN,)
    mailer: str = OWN
    academy: str = OWN

    def known(self) -> None:
        """Look whether the world plays them all.

        Raises:
            UsageError: it plays no such vendor.
        """
        for family, names in (
            ("gateway", self.gateways),
            ("mailer", (self.mailer,)),
            ("academy", (self.academy,)),
        ):
            for name in names:
                if name not in played(family):
                    message = (
                        f"{name!r} is {ARTICLES[family]} of the sandbox; choose {', '.join(played(family))}"
                    )
                    raise click.UsageError(message)


def played(family: str) -> tuple[str, ...]:
    """Return the vendors of a family that the sandbox world can be, its own first."""
    from kramik import adapters
    from kramik.sandbox import academies, mailers, vendors

    names, known = {
        "gateway": (vendors.NAMES, adapters.GATEWAYS),
        "mailer": (mailers.NAMES, adapters.MAILERS),
        "academy": (academies.NAMES, adapters.ACADEMIES),
    }[family]
    return (OWN, *(name for name in names if name in known))


def tables(world: Running, address: str, cast: Cast, environ: MutableMapping[str, str]) -> dict[str, object]:
    """Return the tables of `shop.toml` that put the world there; made-up secrets go into `environ`."""
    return {
        "gateways": {name: _gateway(name, world, address, environ) for name in cast.gateways},
        "academy": _academy(cast.academy, world, environ),
        "mailer": _mailer(cast.mailer, world, environ),
        "smtp": None,  # whoever plays mails nobody …
        "notices": None,  # … and calls nobody
        "shop": {"url": address, "api": address, "secret": "env:KRAMIK_SECRET"},
    }


def _gateway(name: str, world: Running, address: str, environ: MutableMapping[str, str]) -> dict[str, object]:
    if name == OWN:
        return {"base_url": world.url, "shop_id": "sandbox-shop", "key": "env:SANDBOX_GATEWAY_KEY"}
    from kramik.sandbox import vendors

    panel = world.world.panels[name]
    panel.shop, panel.notify = address, f"{address}/api/payments/{name}"
    return _table(("gateways", name), vendors.vendor(name).DEMO, world, environ)


def _academy(name: str, world: Running, environ: MutableMapping[str, str]) -> dict[str, object]:
    if name == OWN:
        return {"kind": OWN, "base_url": world.url, "token": "env:SANDBOX_ACADEMY_TOKEN"}
    from kramik.sandbox import academies

    demo = academies.platform(name).DEMO
    return {"kind": name, **_table(("academy", name), demo, world, environ)}


def _mailer(name: str, world: Running, environ: MutableMapping[str, str]) -> dict[str, object]:
    if name == OWN:
        return {"kind": OWN, "base_url": world.url, "token": "env:SANDBOX_MAIL_TOKEN"}
    from kramik.sandbox import mailers

    return {"kind": name, **_table(("mailer", name), mailers.tool(name).DEMO, world, environ)}


def _table(
    which: tuple[str, str], demo: Mapping[str, object], world: Running, environ: MutableMapping[str, str]
) -> dict[str, object]:
    """Return the settings of the vendor's one account; its secrets stand in the environment."""
    from kramik import adapters, table

    name = which[1]
    shape, mount = adapters.shape(*which), f"{world.url}/{name}"
    made_up = {key: _placed(value, mount) for key, value in demo.items()}
    for key in table.secret_keys(shape) & made_up.keys():
        variable = f"SANDBOX_{name}_{key}".upper().replace("-", "_")
        environ[variable] = str(made_up[key])
        made_up[key] = f"env:{variable}"
    known = {field.encode_name for field in msgspec.structs.fields(shape)}
    return {**{key: mount for key in ADDRESSES if key in known}, **made_up}


def _placed(value: object, mount: str) -> object:
    """Put the address of the mount where a text says `{url}`."""
    if isinstance(value, str):
        return value.replace("{url}", mount)
    if isinstance(value, Mapping):
        return {key: _placed(each, mount) for key, each in value.items()}
    return [_placed(each, mount) for each in value] if isinstance(value, list) else value
