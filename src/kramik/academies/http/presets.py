"""The presets: recipes of vendors, one file each, in the words of `shop.toml`.

A shop with other needs copies the steps of one into its own `[academy]` of `kind = "http"` and changes them.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from kramik.academies import Features, Lasts
from kramik.academies.http.academy import HttpAcademy
from kramik.academies.http.reading import Reading
from kramik.academies.http.recipe import Links, RecipeText
from kramik.academies.http.settings import Courses, common, opened
from kramik.errors import Rejected
from kramik.table import Secret

NAMES = ("discourse", "thinkific", "teachable", "circle", "kajabi", "heartbeat", "moodle", "learnworlds")


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key that a preset asks its owner for; without a default it is required."""

    secret: bool = False
    default: str | None = None


class Preset(RecipeText, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of a vendor; without `base_url` every account has its own."""

    title: str
    lasts: Lasts
    settings: dict[str, Setting]
    base_url: str = ""

    @property
    def features(self) -> Features:
        """Return what the academy declares about itself."""
        return Features(
            title=self.title,
            repeat=(self.repeat,),
            link=self.lasts,
            revokes=bool(self.revoke),
            live=bool(self.check),
        )

    def named(self, *, secret: bool) -> tuple[str, ...]:
        """Return the names of the settings that are secrets, or of those that are not."""
        return tuple(name for name, each in self.settings.items() if each.secret == secret)


@cache
def preset(name: str) -> Preset:
    """Load the file of a vendor."""
    raw = (files(__package__) / "presets" / f"{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw), Preset)


@cache
def shape(name: str) -> type[msgspec.Struct]:
    """Return the shape of the table `[academy]` of a vendor."""
    vendor = preset(name)
    more: list[tuple[str, object, object]] = [
        ("base_url", str, vendor.base_url or msgspec.NODEFAULT),
        (
            "link",
            Links,
            vendor.link if isinstance(vendor.link, str) else msgspec.field(default_factory=vendor.link.copy),
        ),
        ("link_hosts", list[str], msgspec.field(default_factory=list)),
        ("courses", Courses, msgspec.field(default_factory=dict)),
        ("private_network", bool, False),
    ]

    def look(self: msgspec.Struct) -> None:
        reading = Reading(vendor.named(secret=False), vendor.named(secret=True))
        reading.recipe(_told(vendor, self))
        if found := [*common(self).problems(), *reading.problems]:
            raise Rejected(*found)

    return msgspec.defstruct(
        f"{name.title()}Settings",
        [*(_field(key, each) for key, each in vendor.settings.items()), *more],
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        namespace={"__post_init__": look, "__doc__": f"The table `[academy]` of {vendor.title}."},
    )


def academy(name: str, settings: msgspec.Struct, *, call_seconds: float) -> HttpAcademy:
    """Make the academy of a vendor's table."""
    vendor = preset(name)
    values, secrets = (
        {key: str(getattr(settings, key)) for key in vendor.named(secret=secret)} for secret in (False, True)
    )
    about = (vendor.title, values, secrets)
    return opened(common(settings), _told(vendor, settings), about, call_seconds=call_seconds)


def _told(vendor: Preset, settings: msgspec.Struct) -> Preset:
    """Return the recipe with what its owner chose."""
    link: Links = msgspec.structs.asdict(settings)["link"]
    return msgspec.structs.replace(vendor, link=link)


def _field(name: str, setting: Setting) -> tuple[str, object, object]:
    kind = Secret if setting.secret else str
    return name, kind, msgspec.NODEFAULT if setting.default is None else setting.default
