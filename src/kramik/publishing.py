"""What a shop publishes, of its settings: the static site, its pages at other moments and in other generators.

It writes down what the law wants kept of what was published: prices, and the versions of texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from kramik import adapters
from kramik.errors import ConfigurationError
from kramik.offer import Conditions

if TYPE_CHECKING:
    from kramik.settings import Settings
    from kramik.site.exports.placed import Placed
    from kramik.site.pages import Pages
    from kramik.site.source import PayWay, Source


def record(settings: Settings, *, now: datetime) -> Settings:
    """Write down what is about to be published: prices that are news, and each page with a version that is.

    Nothing is written while `url` is an address of this machine: what nobody else sees is not published.

    Raises:
        ConfigurationError: a page says something else than was published under its version, a sale has no price
            before it, or names collide; then nothing was written.
    """
    from kramik import conditions
    from kramik.site import versions

    made = source(settings, now)
    problems = (*made.problems(), *versions.problems(made))
    if problems:
        raise ConfigurationError(*problems)
    if settings.local:
        return settings
    versions.record(settings.folder, made)
    if not conditions.record_prices(settings.folder, settings.catalogue, settings.prices, now=now):
        return settings
    return msgspec.structs.replace(settings, prices=conditions.read_prices(settings.folder))


def unrecorded(settings: Settings, *, now: datetime) -> list[str]:
    """Return the lines that the history of prices lacks of what is published now."""
    from kramik import conditions

    return [] if settings.local else conditions.news(settings.catalogue, settings.prices, now=now)


def build(settings: Settings, out: Path, *, now: datetime | None = None, hands: int = 1) -> list[str]:
    """Build the static site into a folder, as it is at a moment.

    At this one if none is given; then its pages switch by themselves at the moments that follow.
    `hands` are the processes that make pages; a process with other threads has one.
    """
    from kramik.site import build as building

    made = msgspec.structs.replace(source(settings, now), switching=now is None)
    return building.build(made, out, templates=settings.templates, hands=hands)


def next_switch(settings: Settings, *, now: datetime) -> datetime | None:
    """Return the next moment at which the pages change: a sale or a window begins or ends."""
    from kramik.site import switches

    return min((each for each in switches.moments(settings.catalogue) if each > now), default=None)


def export(
    settings: Settings, generator: str, out: Path, *, layout: str = "", now: datetime | None = None
) -> Placed:
    """Write the shop for another generator, as it is at a moment: at this one if none is given."""
    from kramik.site.exports import files, placed
    from kramik.site.exports.data import Export

    made = files.GENERATORS[generator](Export(source(settings, now), settings.templates), layout)
    return placed.place(made, out)


def pages(settings: Settings) -> Pages:
    """Return the pages that the functions answer with."""
    from kramik.site.pages import Pages

    return Pages(source(settings), settings.templates)


def headers(settings: Settings, place: Literal["site", "api"]) -> Mapping[str, str]:
    """Return the headers of the static site's pages, or of those that the functions answer with."""
    from kramik.site.headers import security

    return security(source(settings), place)


def left_behind(settings: Settings) -> Iterator[str]:
    """Yield which templates of the shop were copied from files that the theme changed since.

    Raises:
        ConfigurationError: what was noted of them can not be read.
    """
    from kramik.site import copies

    if settings.templates:
        yield from copies.advice(settings.templates)


def source(settings: Settings, now: datetime | None = None) -> Source:
    """Return what the static site is made from, with the prices of a moment: of this one if none is given."""
    from kramik.conditions import zone
    from kramik.site import versions
    from kramik.site.source import Source

    return Source(
        name=settings.name,
        site=settings.site,
        api=settings.api,
        langs=settings.languages,
        currency=settings.currency,
        catalogue=settings.catalogue,
        pages=settings.pages,
        consents=settings.consents,
        pay_ways=tuple(_pay_ways(settings)),
        seller=msgspec.to_builtins(settings.seller),
        form_action_origins=tuple(sorted({*_origins(settings)})),
        now=now or datetime.now(UTC),
        conditions=Conditions(
            coupons=settings.coupons, prices=settings.history, countries=settings.countries
        ),
        pictures=settings.folder / "pictures",
        versions=versions.read(settings.folder),
        theme=settings.theme,
        zone=zone(settings.timezone),
    )


def _origins(settings: Settings) -> Iterator[str]:
    """Yield where a form may lead on the way to a payment: each gateway's own address, and the vendor's other hosts."""
    from kramik.gateways import Features

    for each in settings.gateways.values():
        known = [str(getattr(each.settings, key, "")) for key in ("base_url", "pay_url")]
        yield from map(_origin, filter(None, known))
        features = adapters.GATEWAYS[each.kind]().features
        hosts = [urlsplit(url).hostname or "" for url in known]
        for domain in features.hops if isinstance(features, Features) else ():
            if any(f".{host}".endswith(f".{domain}") for host in hosts):
                yield f"https://*.{domain}"


def _pay_ways(settings: Settings) -> Iterator[PayWay]:
    """Yield what a buyer may choose: each gateway, and behind it the methods that the shop offers of it."""
    from kramik.site.source import PayWay

    for name, each in settings.gateways.items():
        title = adapters.GATEWAYS[each.kind]().features.title
        for method in ("", *each.methods):
            yield PayWay(gateway=name, title=title, method=method)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])
