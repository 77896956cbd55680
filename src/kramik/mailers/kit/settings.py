"""What stands in `[mailer]` for Kit, and what follows from it for a product."""

from __future__ import annotations

import re

import msgspec

from kramik.errors import ConfigurationError, NeedsOperator, NotMailable, Problem
from kramik.mailers import Features, wants_news
from kramik.order import Order
from kramik.table import Secret

FEATURES = Features(
    title="Kit",
    purchase="purchase or tag",
    purchase_repeat=("lookup", "set"),
    start="sequence",
    sequence_repeat=("lookup",),
    live=True,
)

V3_FEATURES = Features(
    title="Kit, API v3",
    purchase="purchase",
    purchase_repeat=("lookup",),
    start="sequence",
    sequence_repeat=("lookup",),
    live=True,
)

LAG = 300.0
"""Seconds by which Kit's lists are late: about 30 as a rule, up to five minutes.

Source: developers.kit.com/api-reference/eventual-consistency.
"""


class Names(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names that a product has at Kit, whichever version of the API is spoken.

    `{product}` in `field` and `tag` is the product; `sequences` names sequences by their number, for products that
    say a name. `lag` is how many seconds late lists are. With `only_with_consent` a sequence starts only for buyers who
    agreed to marketing.
    """

    field: str = "link_{product}"
    tag: str = "purchased:{product}"
    sequences: dict[str, int] = {}
    lag: float = LAG
    only_with_consent: bool = False

    def field_of(self, product: str) -> str:
        """Return the key of the custom field that carries the access link of this product.

        Source: a key is ASCII, in small letters, with underscores (create a custom field).
        """
        return self.field.replace("{product}", re.sub(r"[^a-z0-9]+", "_", product.lower()))

    def tag_of(self, product: str) -> str:
        """Return the name of the tag that stands for a purchase."""
        return self.tag.replace("{product}", product)

    def starts(self, order: Order) -> int:
        """Return the number of the sequence that this order starts.

        Raises:
            NotMailable: it starts none, so that the shop has to mail the access itself.
            NeedsOperator: the product's sequence has no number.
        """
        if not order.intent.sequence:
            raise NotMailable("the product names no sequence of Kit")
        if self.only_with_consent and not wants_news(order):
            raise NotMailable(
                "the buyer did not agree to more than the access, and `only_with_consent` is set"
            )
        return self.sequence_of(order.intent.sequence)

    def sequence_of(self, name: str) -> int:
        """Return the number of a product's sequence.

        Raises:
            NeedsOperator: the name is neither a number nor among `sequences`.
        """
        if name in self.sequences:
            return self.sequences[name]
        if name.isascii() and name.isdigit():
            return int(name)
        raise NeedsOperator(
            f"Kit: {name!r} is no sequence; write its number into the product, or the name into sequences of [mailer]"
        )


class Settings(Names, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]` of `kit`: the API key, the OAuth grant for purchases, and the names.

    Without `client_id` a purchase becomes the tag.
    """

    api_key: Secret
    client_id: str = ""
    client_secret: Secret = ""
    refresh_token: Secret = ""
    base_url: str = "https://api.kit.com"
    token_path: str = "/v4/oauth/token"  # noqa: S105 - an address
    authorize_path: str = "/v4/oauth/authorize"

    def __repr__(self) -> str:
        return f"Settings(base_url={self.base_url!r})"

    @property
    def oauth(self) -> bool:
        """Say whether purchases are registered as such."""
        return bool(self.client_id)


class V3Settings(Names, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mailer]` of `kit-v3`: the API secret of an old account, and the names."""

    api_secret: Secret
    base_url: str = "https://api.convertkit.com"

    def __repr__(self) -> str:
        return f"V3Settings(base_url={self.base_url!r})"


SHARED = "needs {product}: two courses must not share one link"


def checked(settings: Settings) -> Settings:
    """Return settings that can be used.

    Raises:
        ConfigurationError: a part of them makes no sense without another.
    """
    problems = [
        Problem(field=key, code="wrong", message=message)
        for key, wrong, message in (
            ("api_key", not settings.api_key, "is empty; make a key at Kit under Settings, Developer"),
            (
                "refresh_token",
                bool(settings.refresh_token) and not settings.client_id,
                "needs client_id; give both for purchases, or neither for tags",
            ),
            (
                "field",
                "{product}" not in settings.field,
                "needs {product}: two courses must not share one link",
            ),
            ("token_path", not settings.token_path.startswith("/"), "must begin with a slash"),
        )
        if wrong
    ]
    if problems:
        raise ConfigurationError(*problems)
    return settings
