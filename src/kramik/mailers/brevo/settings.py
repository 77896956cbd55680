"""The table `[mailer]` of Brevo, and what the adapter declares about itself."""

from __future__ import annotations

import msgspec

from kramik.mailers import Features
from kramik.table import Secret

FEATURES = Features(
    title="Brevo",
    purchase="purchase",
    purchase_repeat=("set",),
    start="automation",
    sequence_repeat=("set",),
    posts=True,
    live=True,
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]`: our key (a secret), who writes single mails, the ids of lists, how the link travels."""

    api_key: Secret
    sender: str
    sender_name: str = ""
    lists: dict[str, int] = {}
    base_url: str = "https://api.brevo.com"
    link_field: str = "link_{product}"
    name_field: str = "FIRSTNAME"
    only_with_consent: bool = False
    confirmation: bool = False
