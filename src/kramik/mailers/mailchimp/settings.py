"""The table `[mailer]` of Mailchimp, and what the adapter declares about itself."""

from __future__ import annotations

import msgspec

from kramik.errors import Problem, Rejected
from kramik.mailers import Features, field
from kramik.table import Secret

FEATURES = Features(
    title="Mailchimp",
    purchase="purchase",
    purchase_repeat=("set",),
    start="automation",
    sequence_repeat=("set",),
    live=True,
)

LONGEST = 10
"""Characters of a merge tag. Source: Mailchimp's help, "Manage audience fields"."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]`: our key (a secret), the ids of audience and store, and how the link travels."""

    api_key: Secret
    audience: str
    store: str
    base_url: str = ""
    link_field: str = "L_{product}"
    link_fields: dict[str, str] = {}
    only_with_consent: bool = False

    def __post_init__(self) -> None:
        if not self.base_url and "-" not in self.api_key:
            message = (
                "ends with a dash and the data centre, such as …-us21; copy the whole key or set base_url"
            )
            raise Rejected(Problem(field="api_key", code="no_data_centre", message=message))

    def field_of(self, product: str) -> str:
        """Return the merge tag that keeps a product's link."""
        return self.link_fields.get(product) or field(self.link_field, product).upper()[:LONGEST]


def address(api_key: str) -> str:
    """Return where the account of this key lives."""
    return f"https://{api_key.rpartition('-')[2]}.api.mailchimp.com"
