"""The settings of a shop as one frozen value, and the shapes of the tables of `shop.toml` that need no adapter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from kramik.catalogue import Catalogue
from kramik.coupons import Coupon
from kramik.intent import ConsentText
from kramik.pricelist import PriceList
from kramik.table import Secrets


class ShopTable(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[shop]`."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    url: str
    locale: str
    currency: str
    secret: Secrets
    api: str = ""
    languages: list[str] = []
    revoke_on_refund: bool = False
    timezone: str = ""
    countries: list[str] = []
    theme: Literal["zeszyt", "warsztat"] = "zeszyt"


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[seller]`: who sells, as the law wants it shown."""

    name: str = ""
    address: str = ""
    email: str = ""
    phone: str = ""
    tax_id: str = ""


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[notices]`: where the seller is told what needs them, and whether they want a mail a day."""

    email: str = ""
    webhook: str = ""
    webhook_secret: Secrets = ""
    digest: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets that sign the calls, the newest first."""
        found = self.webhook_secret if isinstance(self.webhook_secret, list) else [self.webhook_secret]
        return tuple(filter(None, found))

    def __repr__(self) -> str:
        return "Notices()"


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[worker]`: threads, and seconds."""

    threads: int = 8
    visibility: float = 120.0
    call: float = 15.0
    sweep: Annotated[float, msgspec.Meta(ge=1)] = 300.0


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter: its family, its kind, its own settings, and the ways to pay that the shop offers of a gateway."""

    family: str
    kind: str
    settings: msgspec.Struct
    methods: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Adapter({self.family}.{self.kind})"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a shop is set to."""

    folder: Path
    name: str
    site: str
    api: str
    languages: tuple[str, ...]
    currency: str
    secrets: tuple[str, ...]
    seller: Seller
    worker: Worker
    gateways: Mapping[str, Adapter]
    mailer: Adapter
    academy: Adapter
    smtp: Adapter | None = None
    notices: Notices = Notices()
    catalogue: Catalogue
    pages: Mapping[str, str]
    coupons: Mapping[str, Coupon] = {}
    prices: PriceList = PriceList()
    revoke_on_refund: bool = False
    countries: tuple[str, ...] = ()
    timezone: str = ""
    theme: str = "zeszyt"
    consents: Mapping[str, ConsentText]

    @property
    def templates(self) -> Path | None:
        """Return the folder of the shop's own templates, if it has one."""
        folder = self.folder / "templates"
        return folder if folder.is_dir() else None

    @property
    def local(self) -> bool:
        """Say whether the site lives on this machine alone, as while one tries it."""
        host = urlsplit(self.site).hostname or ""
        return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")

    @property
    def history(self) -> PriceList:
        """Return the prices that were asked; while a shop is tried, its regular ones count as asked before any sale."""
        sold = ((each.slug, each.price, each.sales, each.regular_from) for each in self.catalogue)
        return self.prices.supposed(sold) if self.local else self.prices

    def __repr__(self) -> str:
        return f"Settings({self.name!r} in {self.folder})"
