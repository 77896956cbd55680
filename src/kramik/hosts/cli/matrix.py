"""The matrix of gateways: what each can do, on one page, `docs/gateways/README.md`.

Written by `python -m kramik.hosts.cli.matrix > docs/gateways/README.md`; a test holds that it is current.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from kramik import adapters
from kramik.gateways import Features

_HEAD = """\
# Gateways

Most gateways are signed in memory: no call is made before the buyer is on the way to pay.
Those that start with a *call* are called once for an order that is already stored.
When they are down, the order waits and the buyer can go on with it.
Each can be tried without an account: `kramik demo --gateway NAME`, or `kramik serve --sandbox --gateway NAME`.

This page is made of the `FEATURES` in `src/kramik/gateways/` by `python -m kramik.hosts.cli.matrix`.
How to add another one: [adding a gateway](../adding-a-gateway.md).
"""
_FOOT = """\
- **start**: what sends the buyer there: a signed link or form, or the address that one call returns.
- **name**: the table of `shop.toml`, `[gateways.NAME]`.
- **notification to**: `request` when each payment carries the address, `panel` when you enter it at the gateway.
- **methods**: the ways to pay that a buyer may choose at the shop; without a choice the gateway asks.
- **refunds**, **chargebacks**: whether the gateway tells of them, so that they become facts of the order.
- **confirmed by a call**: a notification of a payment is followed by a call of the worker before it is believed.
- **can be asked**: `kramik sweep` asks what became of an order that stayed unpaid, which finds a lost notification;
  some only with a key that is optional, and not each finds everything: their pages say.
- **request proven by**, **notification proven by**: what holds that we sign and verify as the gateway does.
  `published`: an example with key and signature that the vendor or a public test suite published.
  `computed`: an example that we made from the written rule, so the first real payment is its proof.
  `documents`: nothing but the documents.
  `unsigned`: the gateway signs nothing there, and the worker compares all the more.
- **extra**: what to install, such as `pip install "kramik[crypto]"`.
"""
_COLUMNS: dict[str, Callable[[str, Features], str]] = {
    "gateway": lambda name, it: f"[{it.title}]({name}.md)" if name != "sandbox" else it.title,
    "name": lambda name, _: f"`{name}`",
    "start": lambda _, it: it.start,
    "signed with": lambda _, it: it.hash,
    "notification to": lambda _, it: it.address,
    "methods": lambda _, it: ", ".join(it.methods),
    "refunds": lambda _, it: "yes" if it.refunds else "no",
    "chargebacks": lambda _, it: "yes" if it.chargebacks else "no",
    "confirmed by a call": lambda _, it: "yes" if it.confirms else "",
    "can be asked": lambda _, it: "yes" if it.asks else "",
    "request proven by": lambda _, it: it.request,
    "notification proven by": lambda _, it: it.notification,
    "extra": lambda _, it: f"`{it.extra}`" if it.extra else "",
}


def features() -> dict[str, Features]:
    """Return what each gateway declares, by its name."""
    found = {name: load().features for name, load in adapters.GATEWAYS.items()}
    return {name: each for name, each in found.items() if isinstance(each, Features)}


def rendered() -> str:
    """Return the page."""
    rows = [[cell(name, it) for cell in _COLUMNS.values()] for name, it in features().items()]
    return "\n".join([_HEAD, *table(_COLUMNS, rows), "", _FOOT])


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    names = list(columns)
    return [_row(names), "|---" * len(names) + "|", *map(_row, rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    click.echo(rendered(), nl=False)
