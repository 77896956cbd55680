"""The matrices of mailing tools and academies: what each can do, a page for each family.

Written by `python -m kramik.hosts.cli.delivery_matrix mailers > docs/mailers/README.md`, and `academies` alike;
a test holds that they are current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from kramik import academies, adapters, mailers
from kramik.hosts.cli import matrix

_HEAD = """\
# {title}

{first}
Each vendor can be tried without an account: `kramik demo --{option} NAME`, or `kramik serve --sandbox --{option} NAME`.

This page is made of the `FEATURES` in `src/kramik/{folder}/` by `python -m kramik.hosts.cli.delivery_matrix {folder}`.
How to add another one: [{adding}](../adding-{page}.md).
"""
_SAFETY = """\
  `keyed`: the vendor keeps our key.
  `set`: a repeat is a no-op.
  `lookup`: kramik waits and asks before it repeats.
  `unsafe`: none of these, so kramik stops and asks you when an answer was lost.
  Where there are several, the settings decide; the usual one stands first.
- **check --live**: whether `kramik check --live` asks the vendor if keys and ids are right.
"""
_EXTRA = """\
- **extra**: what to install, such as `pip install "kramik[azure]"`.
"""
_MAILERS = (
    _HEAD.format(
        title="Mailing tools",
        first=(
            "A mailing tool registers who bought what, and starts the mails of the course.\n"
            "SMTP is any mail server: in the place of a mailing tool, or beside it as the shop's own post."
        ),
        option="mailer",
        adding="adding a mailing tool",
        page="a-mailer",
        folder="mailers",
    ),
    """\
- **name**: the `kind` in the table `[mailer]` of `shop.toml`.
- **purchase as**: what the tool keeps of a purchase.
- **first mail by**: what sends the mail with the access link.
- **single mails**: whether it can send one mail outside of any sequence, such as the access link again.
- **on a refund**: what kramik does there when the money went back.
- **repeat of …**: why a second call does no harm.
"""
    + _SAFETY
    + _EXTRA,
)
_ACADEMIES = (
    _HEAD.format(
        title="Academies",
        first="An academy is where the course is; kramik lets the buyer in.",
        option="academy",
        adding="adding an academy",
        page="an-academy",
        folder="academies",
    ),
    """\
- **name**: the `kind` in the table `[academy]` of `shop.toml`.
- **its link lasts**: how long the platform's own link is good; kramik's access link never dies, and gets a fresh one.
- **takes access back**: whether `revoke_on_refund` works here; otherwise you do it by hand.
- **repeat**: why a second call does no harm.
"""
    + _SAFETY
    + _EXTRA,
)
_ABOUT_MAILERS: Mapping[str, Callable[[mailers.Features], str]] = {
    "purchase as": lambda it: it.purchase,
    "repeat of the purchase": lambda it: ", ".join(it.purchase_repeat),
    "first mail by": lambda it: it.start,
    "repeat of the first mail": lambda it: ", ".join(it.sequence_repeat),
    "single mails": lambda it: _yes(it.posts),
    "on a refund": lambda it: it.refund,
    "check --live": lambda it: _yes(it.live),
    "extra": lambda it: f"`{it.extra}`" if it.extra else "",
}
_ABOUT_ACADEMIES: Mapping[str, Callable[[academies.Features], str]] = {
    "repeat": lambda it: ", ".join(it.repeat),
    "its link lasts": lambda it: it.link,
    "takes access back": lambda it: _yes(it.revokes),
    "check --live": lambda it: _yes(it.live),
    "extra": lambda it: f"`{it.extra}`" if it.extra else "",
}


def mailer_features() -> dict[str, mailers.Features]:
    """Return what each mailing tool declares, by its name."""
    found = {name: load().about for name, load in adapters.MAILERS.items()}
    return {name: each for name, each in found.items() if isinstance(each, mailers.Features)}


def academy_features() -> dict[str, academies.Features]:
    """Return what each academy declares, by its name."""
    found = {name: load().about for name, load in adapters.ACADEMIES.items()}
    return {name: each for name, each in found.items() if isinstance(each, academies.Features)}


def rendered_mailers() -> str:
    """Return the page of the mailing tools."""
    rows = [
        [*_named(name, it.title), *(cell(it) for cell in _ABOUT_MAILERS.values())]
        for name, it in mailer_features().items()
    ]
    return _page(_MAILERS, ["mailing tool", "name", *_ABOUT_MAILERS], rows)


def rendered_academies() -> str:
    """Return the page of the academies."""
    rows = [
        [*_named(name, it.title), *(cell(it) for cell in _ABOUT_ACADEMIES.values())]
        for name, it in academy_features().items()
    ]
    return _page(_ACADEMIES, ["academy", "name", *_ABOUT_ACADEMIES], rows)


def _page(around: tuple[str, str], columns: list[str], rows: list[list[str]]) -> str:
    head, foot = around
    return "\n".join([head, *matrix.table(columns, rows), "", foot])


def _named(name: str, title: str) -> tuple[str, str]:
    return title if name == "sandbox" else f"[{title}]({name}.md)", f"`{name}`"


def _yes(yes: bool) -> str:  # noqa: FBT001 - it is about nothing else
    return "yes" if yes else "no"


_PAGES = {"mailers": rendered_mailers, "academies": rendered_academies}


@click.command()
@click.argument("family", type=click.Choice(list(_PAGES)))
def _print(family: str) -> None:
    click.echo(_PAGES[family](), nl=False)


if __name__ == "__main__":
    _print()
