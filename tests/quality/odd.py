"""A shop of extremes: a course with every block, one with none, one that is free, one that is not sold yet.

It has a sale, coupons, every way to pay, an old version of its terms, and words in one language only.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from kramik import catalogue, conditions, countries
from kramik.catalogue import Catalogue
from kramik.offer import Conditions
from kramik.site import versions
from kramik.site.source import PayWay, Source
from kramik.site.texts import Texts
from tests.site.world import SELLER, example

FULL, BARE, FREE, LATER = "wszystko", "nic", "za-darmo", "zapisy"
EXTREMES = Path(__file__).parent / "extremes"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def shop(url: str, folder: Path, **changes: object) -> Source:
    """Return the shop as it stands in this folder, which is a copy of `EXTREMES`, for the site at this URL."""
    sold = read(folder)
    methods = [name.removeprefix("method.") for name in Texts("pl").all if name.startswith("method.")]
    ways = [PayWay(gateway="tpay", title="Tpay", method=each) for each in methods if each != "any"]
    source = example(
        name="Pracownia",
        site=url,
        api=url,
        form_action_origins=(),
        catalogue=sold,
        pages=_texts(folder / "pages"),
        pay_ways=(PayWay(gateway="tpay", title="Tpay"), *ways, PayWay(gateway="payu", title="PayU")),
        seller={name: SELLER[name] for name in ("name", "address", "email")},
        now=NOW,
        conditions=Conditions(
            coupons=conditions.read_coupons(folder, products=sold.products, currency="PLN", clock=UTC),
            prices=conditions.read_prices(folder),
            countries=tuple(sorted(countries.KNOWN)),
        ),
        pictures=folder / "pictures",
        versions=versions.read(folder),
        **changes,
    )
    assert [] == list(source.problems())
    return source


def copy(folder: Path) -> Path:
    """Copy the shop to where its pictures may be resized."""
    return Path(shutil.copytree(EXTREMES, folder))


def read(folder: Path) -> Catalogue:
    """Return what it sells."""
    return catalogue.read(_texts(folder / "products"), lang="pl", currency="PLN", zone=UTC)


def _texts(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in sorted(folder.glob("*.md"))}
